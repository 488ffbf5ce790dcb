"""What a data source lists: samples by reference (no pixels), and what had to be left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

ImageSource = Path | Callable[[], "Image.Image | np.ndarray"]
"""A file, or a callable returning a PIL image or a uint8 array [h, w, 3] or [h, w]."""

Box = tuple[float, float, float, float]


class MaskSource(Protocol):
    """Anything that can draw a mask at the raster size of its image."""

    def read(self, height: int, width: int) -> np.ndarray:
        """Return a bool array [height, width]. Raises `DataError` where it cannot or the sizes differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """All classes of the network that an image is known to show, and all that it is known not to show.

    `shown` maps a class index to the mask of all its objects. `known` are the classes that the data would
    have outlined wherever they occur: one of them that is not shown is absent. Of any other class, nothing
    is known.
    """

    shown: Mapping[int, MaskSource]
    known: frozenset[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One image with its masks and label, by reference: holds no pixels, so a listing stays small.

    `masks` maps a region's name to its mask; the region of the object itself is called ``object``.
    `label` is the class index, `label_name` its name; both None where the data has no labels.
    `group` clusters samples that are not independent (one patient, one video).
    `boxes` maps a region's name to its boxes: left, top, right, bottom in pixels of the image file from
    its top left corner, right and bottom exclusive. `scene` says what else the image shows, where the data
    knows. `inputs` are what the network takes beside the image, such as a question: arrays of numbers by the
    parameter's name, of the same names, shapes and types in all samples of a data set.
    """

    id: str
    image: ImageSource
    masks: Mapping[str, MaskSource] = field(default_factory=dict)
    label: int | None = None
    label_name: str | None = None
    group: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    boxes: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    scene: Scene | None = None
    inputs: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unusable:
    """A listed sample that cannot be used: `reason` is one of few short texts, `detail` names files."""

    id: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """All that a source found. `found` = usable + unusable, always."""

    samples: tuple[Sample, ...]
    unusable: tuple[Unusable, ...] = ()

    @property
    def found(self) -> int:
        """How many samples the source lists."""
        return len(self.samples) + len(self.unusable)

    @property
    def reasons(self) -> dict[str, int]:
        """Unusable samples by reason."""
        return dict(Counter(item.reason for item in self.unusable))
