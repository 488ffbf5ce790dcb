"""Named finishing steps between a raw map and what a metric sees. Nothing is ever min-max normalised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from torch.nn import functional

from camaudit.errors import MapError

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.maps.record import MapBatch

Mode = Literal["bilinear", "nearest"]


def relu(raw: Tensor) -> Tensor:
    """Positive evidence alone: max(raw, 0). NaN stays NaN."""
    return raw.clamp(min=0)


def resize(maps: Tensor, size: tuple[int, int], mode: Mode = "bilinear") -> Tensor:
    """Maps [n, u, v] at `size` (h, w), as [n, h, w].

    Cells are areas and their centres are kept in place (align_corners is False): a map and the image
    cover the same square. ``bilinear`` keeps the range of values, ``nearest`` repeats them.
    """
    if mode not in {"bilinear", "nearest"}:
        raise MapError(f"there is no resize {mode!r}; allowed: bilinear, nearest")
    aligned = {"align_corners": False} if mode == "bilinear" else {}
    return functional.interpolate(maps[:, None], size=size, mode=mode, **aligned)[:, 0]


def finish(
    batch: MapBatch,
    *,
    relu: bool | None = None,
    size: tuple[int, int] | None = None,
    resize: Mode = "bilinear",
) -> Tensor:
    """The maps [n, h, w] that are judged: `relu` first (default: as on record), then `resize` to `size`.

    Without a `size` they stay at the layer's resolution.
    """
    maps = _relu(batch.raw) if (batch.relu if relu is None else relu) else batch.raw
    return maps if size is None else _resize(maps, size, resize)


_relu, _resize = relu, resize
