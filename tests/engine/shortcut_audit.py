"""An audit whose networks are known to the last weight: they read one corner, or the object, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

MODULE = '''
import numpy as np
import torch
from torch import nn

from camaudit import Sample
from camaudit.data.masks import MaskArray

SIZE = 24
TAG = np.zeros((SIZE, SIZE), dtype=bool)
TAG[1:5, 1:5] = True
OBJECT = np.zeros((SIZE, SIZE), dtype=bool)
OBJECT[10:18, 9:17] = True


def picture(number, label, tag, scene=None):
    """Red or green objects; a blue tag in the corner, bright or dark; grey noise, or a scene of the class."""
    rng = np.random.default_rng(number)
    image = rng.integers(90, 130, (SIZE, SIZE, 3)).astype(np.uint8)
    if scene is not None:
        image[18:, :, 2] = 250 if scene else 5
    image[OBJECT] = (200, 60, 100) if label == 0 else (60, 200, 100)
    image[OBJECT] += rng.integers(0, 30, (OBJECT.sum(), 3)).astype(np.uint8)
    image[TAG, 2] = (250 if tag else 5) - rng.integers(0, 5)
    return image


def samples(n=120, rho=1.0, outlined=True, scene=False, groups=0, shuffled=False, objects=1.0, held=0.0):
    """`n` samples; the tag goes with the class with chance rho. Not `outlined`: class 0 has no mask of it.

    A share `objects` of them has a mask of the object. Region "wide" holds the share `held` of it, "all" is
    the whole image.
    """
    rng = np.random.default_rng(0)
    for number in range(n):
        label = number % 2
        tag = label if rng.random() < rho else 1 - label
        wide = OBJECT & (np.cumsum(OBJECT).reshape(OBJECT.shape) <= held * OBJECT.sum())
        wide[20:22, 20:22] = True
        masks = {
            "wide": MaskArray(array=lambda wide=wide: wide),
            "all": MaskArray(array=lambda: np.ones_like(OBJECT)),
        }
        if number < objects * n:
            masks["object"] = MaskArray(array=lambda: OBJECT)
        if outlined or label:
            masks["tag"] = MaskArray(array=lambda: TAG)
        image = picture(number, label, tag, label if scene else None)
        yield Sample(
            id=f"s{number:03d}",
            image=lambda image=image: image,
            masks=masks,
            label=label,
            group=f"g{number // groups}" if groups else None,
            metadata={"tag": "bright" if tag else "dark"},
        )


class Reader(nn.Module):
    """Logits of class 0 and 1 from the tag, the object and the scene below, by weights."""

    def __init__(self, tag=0.0, object=0.0, scene=0.0, turned=0.0, deaf=False):
        super().__init__()
        # A last layer that nothing hangs on: drawn anew, it changes no map.
        self.head = nn.Linear(1, 2) if deaf else None
        self.weights = {"tag": tag, "object": object, "scene": scene, "turned": turned}
        self.features = nn.Conv2d(3, 3, 1, bias=False)
        with torch.no_grad():
            self.features.weight.copy_(torch.eye(3)[:, :, None, None])

    def forward(self, x):
        x = self.features(x)
        tag = x[:, 2, 1:5, 1:5].mean((1, 2)) - 0.5
        thing = (x[:, 1] - x[:, 0])[:, 10:18, 9:17].mean((1, 2))
        scene = x[:, 2, 18:].mean((1, 2)) - 0.5
        # Nothing in the answer, and the mean gradient turned round: maps are then lowest where it looks.
        turned = x[:, 2].mean((1, 2)).detach() - x[:, 2].mean((1, 2))
        parts = {"tag": tag, "object": thing, "scene": scene, "turned": turned}
        score = 10 * sum(self.weights[name] * part for name, part in parts.items())
        unheard = 0 if self.head is None else 0 * self.head(score[:, None])
        return torch.stack([-score, score], dim=1) + unheard


def reader(**weights):
    return Reader(**weights)
'''


def shortcut(name: str = "no-shortcut", **changes: Any) -> dict[str, Any]:
    """A check on the tag."""
    return {"id": name, "kind": "shortcut", "regions": ["tag"], **changes}


def write(
    folder: Path, *checks: dict[str, Any], weights: dict[str, float], data: dict[str, Any] | None = None
) -> Path:
    """Write module and spec into `folder`; returns the spec's path."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"tags_{folder.name}".replace("-", "_")
    (folder / f"{name}.py").write_text(MODULE, encoding="utf-8")
    spec = {
        "version": 1,
        "name": "tags",
        "model": {
            "factory": f"{name}:reader",
            "arguments": weights,
            "weights": "random",
            "classes": ["red", "green"],
        },
        "maps": {"layer": "features"},
        "data": {"tags": {"factory": f"{name}:samples", "arguments": data or {}}},
        "checks": list(checks) or [shortcut()],
    }
    path = folder / "tags.audit.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return path
