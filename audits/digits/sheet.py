"""Draws ``docs/pictures/digits.png``: audited digits, their masks, and where each network looks.

Rows: the picture, the two masks, Grad-CAM of the honest network and of the decoy (scale of its row, 0 is
transparent).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from audits.digits.data import CANVAS, Picture, picture, samples
from audits.digits.measure import LAYER, load
from camaudit import Classifier, attention_map
from camaudit.classifier.preprocess import Preprocess
from camaudit.maps.finish import finish

HEAT = np.array([255, 60, 0])
ZOOM = 2


def shown() -> list[Picture]:
    """The first test scan of each digit, 0 to 9."""
    first: dict[int, Picture] = {}
    for sample in samples():
        assert sample.label is not None
        if sample.label not in first:
            first[sample.label] = picture(int(sample.id.removeprefix("digit-")), patch="consistent")
    return [first[label] for label in sorted(first)]


def heat(network: str, pictures: list[Picture]) -> np.ndarray:
    """The pictures [n, 36, 36, 3] with the network's maps laid over them."""
    images = np.stack([item.image for item in pictures])
    classifier = Classifier(module=load(network), preprocess=Preprocess(channels=1))
    batch = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    maps = finish(attention_map(classifier, batch, layer=LAYER), size=(CANVAS, CANVAS)).numpy()
    share = (maps / maps.max() * 0.85)[..., None]
    laid: np.ndarray = images * (1 - share) + HEAT * share
    return laid


def masks(item: Picture) -> np.ndarray:
    """White the strokes, red the patch."""
    drawn = np.repeat(item.strokes[:, :, None] * np.uint8(230), 3, axis=2)
    drawn[item.decoy] = HEAT
    return drawn


def main() -> None:
    """Write the sheet."""
    torch.set_num_threads(1)
    pictures = shown()
    rows = [
        np.stack([item.image for item in pictures]),
        np.stack([masks(item) for item in pictures]),
        heat("honest", pictures),
        heat("decoy", pictures),
    ]
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in rows]).round().astype(np.uint8)
    large = sheet.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    root = Path(__file__).resolve().parents[2]
    file = root / "docs/pictures/digits.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(large).quantize(128).save(file, optimize=True)
    print(f"wrote {file.relative_to(root)}, {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
