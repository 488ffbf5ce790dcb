"""The corruptions as members: a severity from 1 to 5, no budget, one seed per image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from camaudit import registry
from camaudit.errors import ModelError
from camaudit.perturb.member import Member

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from torch import Tensor

    from camaudit.classifier import Classifier
    from camaudit.perturb.budget import Budget
    from camaudit.perturb.member import Perturbation

    Effect = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
    """Image float64 [c, h, w] in [0, 1], severity from 1 to 5, chance → image of that shape."""

SEVERITIES = range(1, 6)


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """A corruption of one severity: a `Perturbation` that looks at no network, no label and no other image.

    What comes out is cut to [0, 1] and rounded to 8 bits, as a picture file would hold it. Raises
    `ModelError` for another number of seeds, and for targets, which make no sense here.
    """

    name: str
    effect: Effect
    severity: int

    def __call__(
        self,
        classifier: Classifier,  # noqa: ARG002 - the network is not looked at
        images: Tensor,
        labels: Tensor,  # noqa: ARG002 - nor are labels
        *,
        seeds: Sequence[int],
        targets: Tensor | None = None,
    ) -> Tensor:
        """Corrupted images [n, c, h, w] of the dtype and on the device of `images`."""
        import numpy as np
        import torch

        from camaudit.perturb.budget import rounded

        if targets is not None:
            raise ModelError("it cannot aim at a class", where=self.name, hint="leave the target out")
        if len(seeds) != len(images):
            raise ModelError(
                f"{len(seeds)} seeds for {len(images)} images; one each is needed", where=self.name
            )
        if not len(images):
            return images.detach().clone()
        rows = [
            self.effect(image, self.severity, np.random.default_rng(seed))
            for image, seed in zip(images.detach().double().cpu().numpy(), seeds, strict=True)
        ]
        return rounded(torch.from_numpy(np.stack(rows))).to(images)


def _make(name: str, effect: str, given: Mapping[str, object], budget: Budget | None) -> Perturbation:
    if budget is not None:
        raise ModelError(
            f"a corruption has no budget, {budget.text} was given",
            where=name,
            hint="say its severity, 1 to 5",
        )
    for key in given:
        if key != "severity":
            raise ModelError(
                f"there is no parameter {key!r}{registry.did_you_mean(key, ['severity'])}",
                where=name,
                hint="it takes severity, from 1 to 5",
            )
    severity = given.get("severity")
    if not isinstance(severity, int) or isinstance(severity, bool) or severity not in SEVERITIES:
        found = repr(severity) if "severity" in given else "missing"
        raise ModelError(f"severity is {found}, a whole number from 1 to 5 is needed", where=name)
    return Corruption(name=name, effect=registry.load(effect), severity=severity)


def _member(name: str, module: str) -> Member:
    effect = f"camaudit.perturb.corruptions.{module}:{name}"
    return Member(name=name, make=partial(_make, name, effect), norms=(), access="none")


gaussian_noise = _member("gaussian_noise", "sensor")
shot_noise = _member("shot_noise", "sensor")
impulse_noise = _member("impulse_noise", "sensor")
speckle_noise = _member("speckle_noise", "sensor")
gaussian_blur = _member("gaussian_blur", "lens")
defocus_blur = _member("defocus_blur", "lens")
motion_blur = _member("motion_blur", "lens")
zoom_blur = _member("zoom_blur", "lens")
fog = _member("fog", "light")
brightness = _member("brightness", "light")
contrast = _member("contrast", "light")
pixelate = _member("pixelate", "files")
jpeg_compression = _member("jpeg_compression", "files")
