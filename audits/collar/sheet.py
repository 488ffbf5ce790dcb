"""Draws ``docs/pictures/collar.png``: animals with and without their collars, and where each network looks.

Rows: do(collar = on), do(collar = off), the two masks, Grad-CAM of the honest network and of the one that
learned the collar (scale of its row, 0 is transparent) on the animals as the audit shows them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from audits.collar.data import picture, wears
from audits.collar.measure import LAYER, load, tensors
from audits.collar.painting import SIZE, Picture
from camaudit import Classifier, attention_map
from camaudit.maps.finish import finish

SHOWN = (0, 2, 4, 12, 1, 3, 5, 13)
"""Test animals by number: even ones are cats."""
HEAT = np.array([255, 60, 0])


def heat(network: str, shown: list[Picture]) -> np.ndarray:
    """The pictures [n, 64, 64, 3] with the network's maps laid over them."""
    images = np.stack([item.image for item in shown])
    batch, _ = tensors(images, np.zeros(len(shown)))
    raw = attention_map(Classifier(module=load(network)), batch, layer=LAYER)
    maps = finish(raw, size=(SIZE, SIZE)).numpy()
    share = (maps / maps.max() * 0.85)[..., None]
    grey = images.mean(3, keepdims=True)
    laid: np.ndarray = grey * (1 - share) + HEAT * share
    return laid


def masks(item: Picture) -> np.ndarray:
    """White the animal, red the collar."""
    drawn = np.repeat(item.object[:, :, None] * np.uint8(230), 3, axis=2)
    drawn[item.collar] = HEAT
    return drawn


def main() -> None:
    """Write the sheet."""
    torch.set_num_threads(1)
    on = [picture(number, collar=True) for number in SHOWN]
    off = [picture(number, collar=False) for number in SHOWN]
    audited = [picture(number, collar=wears(number, "consistent")) for number in SHOWN]
    rows = [
        np.stack([item.image for item in on]),
        np.stack([item.image for item in off]),
        np.stack([masks(item) for item in on]),
        heat("honest", audited),
        heat("collar", audited),
    ]
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in rows]).round().astype(np.uint8)
    root = Path(__file__).resolve().parents[2]
    file = root / "docs/pictures/collar.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet).quantize(160, kmeans=1, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"wrote {file.relative_to(root)}, {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
