"""Draws ``docs/pictures/vqa.png``: audited scenes, the thing asked about, and where the evidence lies.

Rows: the picture; the masks (white the thing asked about, grey the others); Grad-CAM behind the question and
before it (each on its own scale, 0 is transparent). Prints the questions.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from audits.vqa.data import FAMILIES, Asked, ask
from audits.vqa.measure import load, tensors
from audits.vqa.scenes import SIZE
from camaudit import Classifier, attention_map
from camaudit.maps.finish import finish

HEAT = np.array([255, 60, 0])
ZOOM = 2
EACH = 2


def shown() -> list[Asked]:
    """The first test questions of each family whose thing is there."""
    found = ((ask(number, split="test", family=family) for number in range(20)) for family in FAMILIES)
    return [item for asked in found for item in [one for one in asked if one.present][:EACH]]


def heat(network: Classifier, layer: str, asked: list[Asked]) -> np.ndarray:
    """The pictures in grey, [n, 48, 48, 3], with the network's maps laid over them."""
    images = np.stack([item.image for item in asked])
    batch, tokens, _ = tensors(images, np.stack([item.tokens for item in asked]), np.zeros(len(asked)))
    maps = attention_map(network.given({"question": tokens}), batch, layer=layer)
    drawn = finish(maps, size=(SIZE, SIZE)).numpy()
    share = (drawn / drawn.max((1, 2), keepdims=True) * 0.85)[..., None]
    grey = images.mean(3, keepdims=True).repeat(3, axis=3)
    laid: np.ndarray = grey * (1 - share) + HEAT * share
    return laid


def masks(item: Asked) -> np.ndarray:
    """White the thing that is asked about, grey the others."""
    grey = item.object * np.uint8(255) + item.others * np.uint8(90)
    return np.repeat(grey[:, :, None], 3, axis=2)


def main() -> None:
    """Write the sheet."""
    torch.set_num_threads(1)
    asked = shown()
    network = Classifier(module=load())
    rows = [
        np.stack([item.image for item in asked]),
        np.stack([masks(item) for item in asked]),
        heat(network, "fused", asked),
        heat(network, "features", asked),
    ]
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in rows]).round().astype(np.uint8)
    large = sheet.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    root = Path(__file__).resolve().parents[2]
    file = root / "docs/pictures/vqa.png"
    Image.fromarray(large).quantize(128).save(file, optimize=True)
    print(f"wrote {file.relative_to(root)}, {file.stat().st_size / 1000:.0f} kB")
    print("; ".join(f"{item.question}? {item.answer}" for item in asked))


if __name__ == "__main__":
    main()
