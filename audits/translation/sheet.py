"""Draws ``docs/pictures/translation.png``: pictures, what either generator makes of them, where it attends.

Rows: the picture; the translation and the attention of the guided network; the same of its twin.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from audits.translation.data import picture
from audits.translation.measure import NETWORKS, load, tensors

SHOWN = 10
ZOOM = 2


def rows(name: str, images: np.ndarray) -> list[np.ndarray]:
    """The translations and the attention (white is 1), each uint8 [n, 32, 32, 3]."""
    with torch.no_grad():
        found = load(name)(tensors(images))
        attention = torch.nn.functional.interpolate(
            found["attention"], size=images.shape[1:3], mode="bilinear"
        ).expand(-1, 3, -1, -1)
    return [(item.permute(0, 2, 3, 1) * 255).round().byte().numpy() for item in (found["image"], attention)]


def main() -> None:
    """Write the sheet."""
    torch.set_num_threads(1)
    images = np.stack([picture(i, domain="before", scenery="told").image for i in range(SHOWN)])
    lines = [images, *(row for name in NETWORKS for row in rows(name, images))]
    sheet = np.concatenate([np.concatenate(list(line), axis=1) for line in lines])
    large = sheet.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    root = Path(__file__).resolve().parents[2]
    file = root / "docs/pictures/translation.png"
    Image.fromarray(large).quantize(128).save(file, optimize=True)
    print(f"wrote {file.relative_to(root)}, {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
