"""The audited pictures of one network's world, as a ``module:callable`` data source."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

from camaudit import Sample
from camaudit.data.masks import MaskArray

from .cues import paint
from .grid import World
from .scenes import CLASSES
from .training import scenes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from .cues import Pictures


def samples(
    *,
    cue: str,
    rho: float,
    n: int,
    seed: int,
    small: bool = False,
    decoy: bool = False,
    declared: bool = False,
) -> Iterator[Sample]:
    """`n` pictures in which the cue goes with the label with chance `rho`.

    Region ``object`` is the shape; ``cue``, given only where it is `declared`, where the cue is or would be.
    Nothing else tells of the cue: no metadata, no name.
    """
    pictures = painted(World(cue=cue, rho=rho, small=small, decoy=decoy), n, seed)
    for number, label in enumerate(pictures.labels):
        regions = (
            {"object": pictures.object, "cue": pictures.cue} if declared else {"object": pictures.object}
        )
        yield Sample(
            id=f"{CLASSES[label]}-{number:04d}",
            image=partial(_row, pictures.images, number),
            masks={name: MaskArray(array=partial(_row, masks, number)) for name, masks in regions.items()},
            label=int(label),
            label_name=CLASSES[label],
        )


@lru_cache(maxsize=2)
def painted(world: World, n: int, seed: int) -> Pictures:
    """The pictures themselves."""
    scenes = scenes_of(world, "audit", n, seed=seed)
    return paint(scenes, world.cue, scenes.states(world.rho))


def _row(array: np.ndarray, number: int) -> np.ndarray:
    row: np.ndarray = array[number]
    return row
