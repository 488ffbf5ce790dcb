"""Some images before and after, kept for the report: those whose answer turned, and a few that held."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import torch

from camaudit.exhibits import NamedMap, Strike

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from torch import Tensor

    from camaudit.engine.files import Evidence
    from camaudit.maps.record import MapBatch

TURNED, OTHERS = 6, 3
"""Images kept of those whose answer turned, and of all others."""


class KeptMap(NamedTuple):
    """A raw map [u, v] with what it is called, the class that it explains, and its status."""

    name: str
    explains: str | None
    raw: np.ndarray
    status: str


@dataclass(frozen=True, kw_only=True)
class Shot:
    """An image before and after, uint8 [h, w, 3]; `strike` holds all that is known without files."""

    strike: Strike
    clean: np.ndarray
    changed: np.ndarray
    maps: tuple[KeptMap, ...]


@dataclass(kw_only=True)
class Shots:
    """Grows to a few images, however many are attacked. Which they are depends on their order alone."""

    most: int = TURNED
    few: int = OTHERS
    turned: list[Shot] = field(default_factory=list)
    others: list[Shot] = field(default_factory=list)

    def room(self, *, turned: bool) -> bool:
        """Whether one more is wanted."""
        return len(self.turned) < self.most if turned else len(self.others) < self.few

    def add(self, shot: Shot, *, turned: bool) -> None:
        """Keep it."""
        (self.turned if turned else self.others).append(shot)

    def written(self, evidence: Evidence) -> tuple[Strike, ...]:
        """Write pictures and maps to the evidence; those that turned come first."""
        names = _names(evidence)
        return tuple(_written(shot, evidence, names) for shot in (*self.turned, *self.others))


def _names(evidence: Evidence) -> Iterator[str]:
    """Names of pictures that are not taken: several checks write into one folder."""
    number = 0
    while True:
        name = f"strike-{number:05d}.png"
        number += 1
        if not (evidence.folder / name).exists():
            yield name


def _written(shot: Shot, evidence: Evidence, names: Iterator[str]) -> Strike:
    return replace(
        shot.strike,
        image=evidence.save(shot.clean, next(names)),
        changed=evidence.save(shot.changed, next(names)),
        maps=tuple(
            NamedMap(
                name=one.name,
                explains=one.explains,
                key=evidence.keep_map(one.raw),
                status=one.status,
                largest=float(abs(one.raw).max()),
            )
            for one in shot.maps
        ),
    )


def uint8(image: Tensor) -> np.ndarray:
    """An image [3, h, w] in [0, 1] as a picture [h, w, 3]."""
    picture: np.ndarray = (image.permute(1, 2, 0) * 255).round().to(torch.uint8).cpu().numpy()
    return picture


def kept_map(name: str, explains: str | None, batch: MapBatch, row: int) -> KeptMap:
    """One row of a batch of maps."""
    return KeptMap(name, explains, batch.raw[row].float().cpu().numpy(), batch.status[row])
