"""From an image file to what a network sees: geometry on files, normalisation on pixels in [0, 1]."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import torch

from camaudit.data.geometry import Geometry
from camaudit.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.spec.types import PreprocessSpec

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
"""Per channel, of pixels in [0, 1]; the figures that torchvision's networks were trained with."""


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """Resize and crop (images and masks alike), then grey where `channels` is 1, then (x − mean) / std.

    `mean` and `std` hold one number per channel, of pixels in [0, 1]; None leaves that step out.
    Raises `ModelError` where their count does not fit, a std is not positive, or a number is not finite.
    """

    geometry: Geometry = field(default_factory=Geometry)
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    channels: Literal[1, 3] = 3
    _constants: dict[tuple[torch.device, torch.dtype], tuple[Tensor | None, Tensor | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for name, numbers in (("mean", self.mean), ("std", self.std)):
            if numbers is None:
                continue
            if len(numbers) != self.channels:
                raise ModelError(
                    f"preprocess: {name} has {len(numbers)} numbers for {self.channels} channels",
                    hint=f"write one number per channel, or set channels to {len(numbers)}"
                    if len(numbers) in {1, 3}
                    else f"write {self.channels} numbers",
                )
            if not all(math.isfinite(number) for number in numbers):
                raise ModelError(f"preprocess: {name} {list(numbers)} is not finite")
        if self.std is not None and min(self.std) <= 0:
            raise ModelError(f"preprocess: std {list(self.std)} must be positive")

    @property
    def input_size(self) -> tuple[int, int] | None:
        """Height and width of what the network sees; None where they depend on the files."""
        if self.geometry.crop is not None:
            return _pair(self.geometry.crop)
        return None if isinstance(self.geometry.resize, int | None) else _pair(self.geometry.resize)

    def normalise(self, images: Tensor) -> Tensor:
        """Images [n, 3, h, w] in [0, 1] → [n, channels, h, w]; differentiable, same device and dtype."""
        if self.channels == 1:
            images = images.mean(1, keepdim=True)
        mean, std = self._on(images.device, images.dtype)
        if mean is not None:
            images = images - mean
        return images if std is None else images / std

    def text(self) -> str:
        """In words, for the record."""
        steps = [self.geometry.text()]
        if self.channels == 1:
            steps.append("mean of red, green and blue")
        if self.mean is not None:
            steps.append(f"minus {_numbers(self.mean)}")
        if self.std is not None:
            steps.append(f"divided by {_numbers(self.std)}")
        return ", ".join([*steps, "on pixels in [0, 1]"])

    def _on(self, device: torch.device, dtype: torch.dtype) -> tuple[Tensor | None, Tensor | None]:
        """Mean and std as tensors; made once per device, so that no batch waits for a copy."""
        key = (device, dtype)
        if key not in self._constants:
            with torch.inference_mode(mode=False):  # else a later backward through them would fail
                self._constants[key] = (
                    _channels(self.mean, device, dtype),
                    _channels(self.std, device, dtype),
                )
        return self._constants[key]


def from_spec(spec: PreprocessSpec) -> Preprocess:
    """What the keys of a spec mean."""
    return Preprocess(
        geometry=Geometry(resize=spec.resize, crop=spec.crop, interpolation=spec.interpolation),
        mean=_statistics("mean", spec.mean, spec.channels),
        std=_statistics("std", spec.std, spec.channels),
        channels=spec.channels,
    )


def _statistics(
    name: str, written: Literal["imagenet"] | tuple[float, ...] | None, channels: int
) -> tuple[float, ...] | None:
    if written != "imagenet":
        return written
    if channels == 1:
        raise ModelError(
            f"preprocess: {name}: imagenet has three numbers, the network takes one channel",
            hint="write the number that the network was trained with",
        )
    return IMAGENET[name]


def _channels(numbers: tuple[float, ...] | None, device: torch.device, dtype: torch.dtype) -> Tensor | None:
    return None if numbers is None else torch.tensor(numbers, device=device, dtype=dtype)[None, :, None, None]


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def _numbers(numbers: tuple[float, ...]) -> str:
    return f"({', '.join(f'{number:.6g}' for number in numbers)})"
