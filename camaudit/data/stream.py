"""Samples to pixels, decoded in threads ahead of the consumer, in order, in bounded memory."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from camaudit.data.boxes import bounding_box, refuse_outside
from camaudit.data.decode import image_size, read_image
from camaudit.data.geometry import nearest
from camaudit.data.sample_error import SampleError
from camaudit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    import numpy as np

    from camaudit.data.geometry import Geometry
    from camaudit.data.sample import Box, MaskSource, Sample


@dataclass(frozen=True, kw_only=True, slots=True, eq=False, weakref_slot=True)
class Loaded:
    """A sample with its pixels, after the geometry.

    `pixels` is uint8 [h, w, 3], `masks` bool [h, w] by region, `boxes` those of the regions asked for, in
    pixels of [h, w] and cut at its edges: the data's own, or the bounding box of the mask where the data
    has none; empty where nothing of the region is left. `partner_masks` holds the regions of another
    sample for the shuffled-mask control, fitted to [h, w]; it is None where there is no partner (then
    `partner_lost` is empty) or where its masks cannot be had (then it says why). `original_size` is the
    upright image's height and width; `file` the image's path, None where it came from a callable. `scene`
    holds the masks of all classes that the image shows, where they were asked for.
    """

    sample: Sample
    pixels: np.ndarray
    masks: Mapping[str, np.ndarray]
    sha256: str
    original_size: tuple[int, int]
    file: str | None = None
    partner_masks: Mapping[str, np.ndarray] | None = None
    partner: str | None = None
    partner_lost: str = ""
    boxes: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    scene: Mapping[int, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """A sample whose pixels or masks cannot be had, and why; `reason` is one of few short texts."""

    sample: Sample
    reason: str
    detail: str = ""


def stream(
    samples: Sequence[Sample],
    geometry: Geometry,
    *,
    regions: Collection[str],
    boxes: Collection[str] = (),
    scenes: bool = False,
    partners: Mapping[str, tuple[str, bool]] | None = None,
    among: Sequence[Sample] | None = None,
    workers: int = 2,
    ahead: int = 32,
) -> Iterator[Loaded | Lost]:
    """Load samples in order: one `Loaded` or `Lost` for each, whatever happens to any of them.

    `regions` are the masks that are needed: a sample without one of them is lost, one whose mask is empty
    is not. `boxes` are the regions, among them, whose boxes are needed; a box outside its image loses the
    sample. `scenes` asks for the masks of all classes that an image shows. `partners` are looked up `among`
    these samples, the streamed ones if left out. `workers` threads decode at most `ahead` samples before the
    consumer asks for them (0 workers: in the consumer's thread).
    Closing the iterator cancels what has not begun.
    """
    if workers < 0 or ahead < 1:
        raise DataError(f"workers must be at least 0 and ahead at least 1, got {workers} and {ahead}")
    loader = _Loader(
        geometry=geometry,
        regions=tuple(regions),
        boxes=tuple(boxes),
        scenes=scenes,
        partners=partners or {},
        by_id={item.id: item for item in (samples if among is None else among)} if partners else {},
    )
    return _ahead(samples, loader, workers, ahead) if workers else map(loader.load, samples)


def _ahead(samples: Sequence[Sample], loader: _Loader, workers: int, ahead: int) -> Iterator[Loaded | Lost]:
    pool = ThreadPoolExecutor(workers, thread_name_prefix="camaudit-decode")
    window: deque[Future[Loaded | Lost]] = deque()
    try:
        for sample in samples:
            window.append(pool.submit(loader.load, sample))
            if len(window) >= ahead:
                yield window.popleft().result()  # bound to no name: nothing here keeps it alive
        while window:
            yield window.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, kw_only=True)
class _Loader:
    geometry: Geometry
    regions: tuple[str, ...]
    boxes: tuple[str, ...]
    scenes: bool
    partners: Mapping[str, tuple[str, bool]]
    by_id: Mapping[str, Sample] = field(repr=False)

    def load(self, sample: Sample) -> Loaded | Lost:
        """Never raises, but for what ends the whole run (memory, interrupt)."""
        try:
            return self._load(sample)
        except SampleError as refusal:
            return Lost(sample=sample, reason=refusal.reason, detail=refusal.detail)
        except MemoryError:
            raise
        except Exception as failure:  # noqa: BLE001 - a mask or image of a third party may raise anything
            return Lost(
                sample=sample, reason="unreadable sample", detail=f"{type(failure).__name__}: {failure}"
            )

    def _load(self, sample: Sample) -> Loaded:
        photo = read_image(sample.image)
        masks = self._masks(sample, photo.size)
        pixels = self.geometry.image(photo.image)
        partner, partner_masks, partner_lost = self._partner(sample, (pixels.shape[0], pixels.shape[1]))
        return Loaded(
            sample=sample,
            pixels=pixels,
            masks=masks,
            sha256=photo.sha256,
            original_size=photo.size,
            file=str(sample.image) if isinstance(sample.image, Path) else None,
            partner=partner,
            partner_masks=partner_masks,
            partner_lost=partner_lost,
            boxes={region: self._boxes(sample, region, photo.size, masks[region]) for region in self.boxes},
            scene=self._scene(sample, photo.size),
        )

    def _boxes(self, sample: Sample, region: str, size: tuple[int, int], mask: np.ndarray) -> tuple[Box, ...]:
        given = sample.boxes.get(region, ())
        if not given:
            return bounding_box(mask)
        for box in given:
            refuse_outside(box, size)
        moved = (self.geometry.box(box, size) for box in given)
        return tuple(box for box in moved if box is not None)

    def _scene(self, sample: Sample, size: tuple[int, int]) -> dict[int, np.ndarray]:
        if not self.scenes or sample.scene is None:
            return {}
        return {
            index: self._drawn(mask, f"class {index}", size) for index, mask in sample.scene.shown.items()
        }

    def _masks(self, sample: Sample, size: tuple[int, int]) -> dict[str, np.ndarray]:
        masks = {}
        for region in self.regions:
            if region not in sample.masks:
                known = ", ".join(sample.masks) or "none"
                raise SampleError(f"it has masks for: {known}", reason=f"no mask for region {region!r}")
            masks[region] = self._drawn(sample.masks[region], repr(region), size)
        return masks

    def _drawn(self, source: MaskSource, name: str, size: tuple[int, int]) -> np.ndarray:
        mask = source.read(*size)
        if mask.dtype != bool or mask.shape != size:
            raise SampleError(
                f"the mask of {name} is {mask.dtype} {mask.shape}; bool {size} is needed",
                reason="unreadable mask",
            )
        return self.geometry.mask(mask)

    def _partner(
        self, sample: Sample, size: tuple[int, int]
    ) -> tuple[str | None, dict[str, np.ndarray] | None, str]:
        """The partner's id, its masks at this sample's size, and why there are none."""
        if sample.id not in self.partners:
            return None, None, ""
        partner = self.partners[sample.id][0]
        try:
            other = self.by_id[partner]
            masks = self._masks(other, image_size(other.image))
        except SampleError as refusal:
            return partner, None, f"{refusal.reason}: {refusal.detail}"
        except MemoryError:
            raise
        except Exception as failure:  # noqa: BLE001 - see `load`
            return partner, None, f"{type(failure).__name__}: {failure}"
        return partner, {region: nearest(mask, size) for region, mask in masks.items()}, ""
