"""A region filled, carried to another image, or kept while all else is swapped: exact at the mask's edge.

Images are float [n, 3, h, w] in [0, 1], masks bool [n, h, w]; what comes back is new, of the same shape and
range. Nothing here is drawn by chance: which image gives to which is the caller's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

Infill = Literal["blur", "mean", "tile"]
"""What stands in for pixels that are taken away: see `fill`."""
INFILLS: tuple[Infill, ...] = get_args(Infill)
GREY = 0.5
"""Where a mask leaves no surround to take colours from."""


def fill(images: Tensor, masks: Tensor, how: Infill) -> Tensor:
    """The images with the masked pixels filled from those around them, in one of three ways.

    ``blur``: colours of the surround, running into the mask and the smoother the farther in (push-pull:
    Gortler et al., "The lumigraph", SIGGRAPH 1996, §3.4). ``mean``: the mean colour outside the mask.
    ``tile``: the largest strip beside the mask's bounding box, repeated (Xiao et al., "Noise or signal",
    ICLR 2021, Only-BG-T); the mean where the box leaves no strip. A mask that covers all gives grey, 0.5. An
    empty mask changes nothing. Filling the object's mask takes the object away; its outline may remain.
    Raises `ValueError` for shapes that do not fit and for other ways.
    """
    _refuse_misfit(images, masks)
    if how not in INFILLS:
        raise ValueError(f"there is no infill {how!r}; allowed: {', '.join(INFILLS)}")
    inside = masks[:, None]
    if how == "blur":
        made = _push_pull(images, (~inside).to(images.dtype))
    elif how == "mean":
        made = _mean_outside(images, inside).expand_as(images)
    else:
        made = torch.stack([_tiled(image, mask) for image, mask in zip(images, masks, strict=True)])
    return torch.where(inside, made.clamp(0, 1), images)


def transplant(
    recipients: Tensor, masks: Tensor, donors: Tensor, donor_masks: Tensor, *, how: Infill
) -> Tensor:
    """The recipients with what the donors have in their regions, fitted to the recipients' own regions.

    The donor's region is cut out by its bounding box, the box's pixels beside the region are covered by the
    region's own colours, and it is resized (bilinear) to the bounding box of the recipient's region. So the
    shape stays the recipient's, and the content becomes the donor's. Where the donor's mask is empty, its
    version is the recipient's region filled from its surround. `how` names that infill; ``blur`` blends as
    well: within a pixel of the edge, the content is mixed with the filled region, never with what was there.
    A recipient with an empty mask stays as it is. Raises `ValueError` for shapes that do not fit.
    """
    _refuse_misfit(donors, donor_masks)
    filled = fill(recipients, masks, how)
    content = _push_pull(donors, donor_masks[:, None].to(donors.dtype))
    given = filled.clone()
    for row, (mask, donor_mask) in enumerate(zip(masks, donor_masks, strict=True)):
        if mask.any() and donor_mask.any():
            (top, bottom, left, right), cut = _box(mask), _box(donor_mask)
            patch = content[row : row + 1, :, cut[0] : cut[1], cut[2] : cut[3]]
            given[row, :, top:bottom, left:right] = _resized(patch, bottom - top, right - left)[0]
    share = _softened(masks) if how == "blur" else masks[:, None].to(recipients.dtype)
    mixed = filled + share * (given.clamp(0, 1) - filled)
    return torch.where(masks[:, None], mixed.clamp(0, 1), recipients)


def swap_background(
    recipients: Tensor, objects: Tensor, donors: Tensor, donor_objects: Tensor, *, how: Infill
) -> Tensor:
    """The recipients' objects, to the pixel, on the donors' backgrounds, without the donors' objects.

    The mixed images of Xiao et al., "Noise or signal: the role of image backgrounds in object recognition",
    ICLR 2021; `how` fills the hole that the donor's object leaves. Raises `ValueError` for shapes that do
    not fit.
    """
    _refuse_misfit(recipients, objects)
    if donors.shape != recipients.shape:
        raise ValueError(f"donors {tuple(donors.shape)} must have the recipients' {tuple(recipients.shape)}")
    return torch.where(objects[:, None], recipients, fill(donors, donor_objects, how))


def _refuse_misfit(images: Tensor, masks: Tensor) -> None:
    if images.ndim != 4 or masks.dtype != torch.bool or masks.shape != (len(images), *images.shape[2:]):  # noqa: PLR2004
        raise ValueError(
            f"masks must be bool [n, h, w] of images [n, c, h, w], got {masks.dtype} {tuple(masks.shape)} "
            f"for {tuple(images.shape)}"
        )


def _mean_outside(images: Tensor, inside: Tensor) -> Tensor:
    outside = (~inside).to(images.dtype)
    count = outside.sum(dim=(2, 3), keepdim=True)
    mean = (images * outside).sum(dim=(2, 3), keepdim=True) / count.clamp(min=1)
    return torch.where(count > 0, mean, torch.full_like(mean, GREY))


def _push_pull(images: Tensor, weights: Tensor) -> Tensor:
    """Colours where the weights [n, 1, h, w] are 1, and elsewhere what ever coarser means of them say."""
    if images.shape[-2:] == (1, 1):
        return torch.where(weights > 0, images, torch.full_like(images, GREY))
    share = functional.avg_pool2d(weights, 2, ceil_mode=True, count_include_pad=False)
    mean = functional.avg_pool2d(images * weights, 2, ceil_mode=True, count_include_pad=False)
    coarse = torch.where(share > 0, mean / share.clamp(min=1e-12), torch.zeros_like(mean))
    below = _push_pull(coarse, (4 * share).clamp(max=1))
    # Bilinear between cells; nothing but means of colours, so the range is kept.
    smooth = functional.interpolate(below, size=images.shape[-2:], mode="bilinear", align_corners=False)
    return weights * images + (1 - weights) * smooth


def _tiled(image: Tensor, mask: Tensor) -> Tensor:
    """The largest strip beside the mask's box, repeated over the whole image [3, h, w]."""
    height, width = mask.shape
    if not mask.any():
        return image
    top, bottom, left, right = _box(mask)
    strips = (image[:, :top], image[:, bottom:], image[:, :, :left], image[:, :, right:])
    strip = max(strips, key=lambda part: part.shape[1] * part.shape[2])
    if not strip.numel():
        return _mean_outside(image[None], mask[None, None])[0].expand_as(image)
    rows, columns = -(-height // strip.shape[1]), -(-width // strip.shape[2])
    return strip.repeat(1, rows, columns)[:, :height, :width]


def _box(mask: Tensor) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of a mask that is not empty; bottom and right exclusive."""
    rows, columns = mask.any(dim=1).nonzero().flatten(), mask.any(dim=0).nonzero().flatten()
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _resized(patch: Tensor, height: int, width: int) -> Tensor:
    if patch.shape[-2:] == (height, width):
        return patch
    return functional.interpolate(
        patch, size=(height, width), mode="bilinear", align_corners=False, antialias=True
    )


def _softened(masks: Tensor) -> Tensor:
    """1 inside, less at the edge: the mean of 1 and the share of the 3 × 3 neighbours that lie inside.

    Beyond the image counts as inside. An edge softened more would take too much of a small region away.
    """
    inside = functional.pad(masks[:, None].float(), (1, 1, 1, 1), value=1.0)
    return (1 + functional.avg_pool2d(inside, 3, stride=1)) / 2
