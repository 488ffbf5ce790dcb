"""Draws ``docs/pictures/captions.png``: scenes, and the map of each word that names an object.

Rows: the scene; laid over it, the maps of the first colour, the first shape, the second colour and the second
shape (each map's own maximum is opaque). The captions are printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from audits.captions.data import CONTENT, WORDS, scene
from audits.captions.looks import METHODS, word_maps
from audits.captions.measure import load, pictures

SHOWN = 10
ZOOM = 2
HEAT = np.array([255, 60, 0])


def laid(images: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Maps [n, h, w] over grey copies of the pictures, uint8 [n, h, w, 3]."""
    share = (maps / maps.max((1, 2), keepdims=True) * 0.85)[..., None]
    grey = images.mean(3, keepdims=True)
    found: np.ndarray = np.round(grey * (1 - share) + HEAT * share).astype(np.uint8)
    return found


def main() -> None:
    """Write the sheet, and say what the network says."""
    torch.set_num_threads(1)
    network = load()
    images = np.stack([scene(number).image for number in range(SHOWN)])
    maps = [word_maps(network, images, slot, METHODS[0]).numpy() for slot in CONTENT]
    lines = [images, *(laid(images, item) for item in maps)]
    sheet = np.concatenate([np.concatenate(list(line), axis=1) for line in lines])
    large = sheet.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    root = Path(__file__).resolve().parents[2]
    file = root / "docs/pictures/captions.png"
    Image.fromarray(large).quantize(128).save(file, optimize=True)
    print(f"wrote {file.relative_to(root)}, {file.stat().st_size / 1000:.0f} kB")
    with torch.no_grad():
        said = network(pictures(images))["caption"]
    for caption in said.tolist():
        print(" ".join(WORDS[word] for word in caption))


if __name__ == "__main__":
    main()
