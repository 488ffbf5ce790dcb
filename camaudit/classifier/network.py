"""A network together with its preprocessing, its class names and its identity."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from camaudit.classifier.fingerprint import fingerprint
from camaudit.classifier.inputs import arguments, required
from camaudit.classifier.preprocess import Preprocess
from camaudit.errors import ModelError
from camaudit.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

RGB = 3
IMAGE_DIMENSIONS = 4
LOGIT_DIMENSIONS = 2


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What tells one network from another, for the record.

    `classes` is how many outputs it was seen to have (0 if it never ran and has no class names).
    `weights` is the file as the spec names it. `fingerprint` covers every tensor of the state dict, the
    preprocessing and the output selector; not the code of the network.
    """

    factory: str
    classes: int
    parameters: int
    weights: str | None
    weights_sha256: str | None
    fingerprint: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Classifier:
    """A network in pixel space.

    `module` has to be in eval mode. `output` says which entry of a tuple or dict output holds the logits
    (an index or a key). `scores` makes scores [n, k] of an output that is no logits; they are called logits
    from then on. `factory`, `weights` and `weights_sha256` say where it came from. `inputs` are what the
    network takes beside the image, one row per image that it will see (`given` binds them).
    """

    module: nn.Module
    preprocess: Preprocess = field(default_factory=Preprocess)
    classes: tuple[str, ...] | None = None
    output: str | int | None = None
    scores: Callable[[Any], Tensor] | None = None
    name: str = "model"
    factory: str = ""
    weights: str | None = None
    weights_sha256: str | None = None
    inputs: Mapping[str, Tensor] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict, init=False, repr=False)

    @property
    def device(self) -> torch.device:
        """Where it runs: the device of its first parameter or buffer, the CPU if it has none."""
        tensor = _first(self.module)
        return torch.device("cpu") if tensor is None else tensor.device

    @property
    def dtype(self) -> torch.dtype:
        """What it calculates in: the type of its first floating-point parameter or buffer."""
        tensor = _first(self.module, floating=True)
        return torch.float32 if tensor is None else tensor.dtype

    @property
    def identity(self) -> Identity:
        """What it is, as of now: reads all weights."""
        return Identity(
            factory=self.factory or type(self.module).__qualname__,
            classes=self.outputs,
            parameters=sum(parameter.numel() for parameter in self.module.parameters()),
            weights=self.weights,
            weights_sha256=self.weights_sha256,
            fingerprint=fingerprint(self.module, f"{self.preprocess!r} output={self.output!r}{self._scored}"),
        )

    @property
    def _scored(self) -> str:
        function = getattr(self.scores, "func", self.scores)
        return "" if function is None else f" scores={function.__module__}:{function.__qualname__}"

    @property
    def outputs(self) -> int:
        """How many outputs it was seen to have; 0 if it never ran and has no class names."""
        return self._seen.get("classes", len(self.classes or ()))

    def given(self, inputs: Mapping[str, Tensor]) -> Self:
        """The same network, asked with these inputs beside the images: [n, …] by `forward`'s parameter."""
        return self.like(inputs=dict(inputs)) if inputs or self.inputs else self

    def like(self, **changes: Any) -> Self:
        """The same network with other fields."""
        return replace(self, **changes).seen_as(self)

    def seen_as(self, other: Classifier) -> Self:
        """Itself, as another view of the same network: what was seen of one counts for both."""
        object.__setattr__(self, "_seen", other._seen)
        return self

    def rows(self, index: Tensor) -> Self:
        """Itself, to be asked about some of the images, by their numbers int64 [m]; a number may repeat."""
        return self.given({name: values[index] for name, values in self.inputs.items()})

    def logits(self, images: Tensor) -> Tensor:
        """Logits [n, k] of images [n, 3, h, w] in [0, 1], in the network's own dtype; differentiable.

        Looks at shapes only, so that no batch waits for the device; `check_images` looks at values.
        Raises `ModelError` for images that are not [n, 3, h, w] or lie on another device, a network in
        training mode, an output that holds no logits [n, k ≥ 2], k other than the number of class names,
        and inputs that are missing, unknown or not one row per image. What the network itself raises goes
        through.
        """
        self._check_shape(images)
        if self.module.training:
            raise ModelError(
                "the network is in training mode: its answers would depend on chance or on the batch",
                where=self.name,
                hint="call .eval() on it first",
            )
        exact = images.to(torch.promote_types(images.dtype, self.dtype))
        others = arguments(self.module, self.inputs, len(images), dtype=self.dtype, where=self.name)
        answer = self.module(self.preprocess.normalise(exact).to(self.dtype), **others)
        if self.scores is not None:
            chosen = answer if self.output is None else self._selected(answer)
            return self._checked(self.scores(chosen), images)
        return self._checked(self._selected(answer), images)

    def check_images(self, images: Tensor) -> None:
        """Raise `ModelError` unless images are [n, 3, h, w], finite and in [0, 1]. Reads all values."""
        self._check_shape(images)
        low, high = (float(value) for value in images.detach().aminmax()) if images.numel() else (0.0, 1.0)
        if not (low >= 0 and high <= 1):  # also true of NaN
            raise ModelError(
                f"pixel values run from {low:.4g} to {high:.4g}, allowed are 0 to 1",
                where=self.name,
                hint="divide 8-bit values by 255; normalisation belongs into the preprocessing",
            )

    def check(self) -> None:
        """Run the network once, on two grey images of its input size, and look at what comes out.

        Nothing is run where preprocessing leaves the size to the files, and where the network takes inputs
        that are not given yet; `logits` then finds a wrong shape or class count with the first batch. Of
        inputs, the first row is taken. Warns where the outputs look like probabilities.
        Raises `ModelError` as `logits` does, where the network raises, and where a logit is not finite.
        """
        size = self.preprocess.input_size
        if size is None or (required(self.module) and not self.inputs):
            return
        images = torch.full((2, RGB, *size), 0.5, device=self.device)
        try:
            # Not `inference_mode`: what a network keeps for later calls must stay fit for gradients.
            with torch.no_grad():
                logits = (
                    self.rows(torch.zeros(2, dtype=torch.int64, device=self.device)).logits(images).float()
                )
        except ModelError:
            raise
        except Exception as failure:
            raise ModelError(
                f"a dry run on two grey images of {size[0]} x {size[1]} fails: "
                f"{type(failure).__name__}: {failure}",
                where=self.name,
                hint="do `preprocess` and `channels` give the size that the network was made for?",
            ) from failure
        if not bool(logits.isfinite().all()):
            raise ModelError(
                "logits of a grey image are not finite",
                where=self.name,
                hint="are the weights complete, and made for this architecture and dtype?",
            )
        if self.scores is None and _probabilities(logits):
            warnings.warn(
                f"{self.name}: the outputs are probabilities, not logits: gradients vanish where the network "
                "is sure; leave the last softmax out",
                stacklevel=2,
            )

    def find(self, name: str) -> nn.Module:
        """The submodule of that dotted name. Raises `ModelError` with a suggestion where there is none."""
        modules = dict(self.module.named_modules())
        if not name or name not in modules:
            names = [known for known in modules if known]
            raise ModelError(
                f"there is no module {name!r}{did_you_mean(name, names)}",
                where=self.name,
                hint=f"the last ones are: {', '.join(names[-5:])}"
                if names
                else "the network has no submodules",
            )
        found: nn.Module = modules[name]
        return found

    def _check_shape(self, images: Tensor) -> None:
        if images.dim() != IMAGE_DIMENSIONS or images.shape[1] != RGB or not images.is_floating_point():
            raise ModelError(
                f"images are {list(images.shape)} of {images.dtype}, needed are floats [n, 3, h, w]",
                where=self.name,
                hint="grey images are repeated over three channels; preprocess.channels: 1 takes their mean",
            )
        if images.device != self.device:
            raise ModelError(
                f"images are on {images.device}, the network is on {self.device}", where=self.name
            )

    def _selected(self, answer: Any) -> Any:
        if self.output is None:
            if isinstance(answer, Tensor):
                return answer
            raise ModelError(
                f"the network's output is {_kind(answer)}, not a tensor",
                where=self.name,
                hint=f"say which entry holds the logits: output: {_choices(answer)}; or, of a network that "
                "segments or detects, how image scores are made: model.scores",
            )
        try:
            return _entry(answer, self.output)
        except (LookupError, AttributeError, TypeError):
            raise ModelError(
                f"the output has no entry {self.output!r}: it is {_kind(answer)}",
                where=self.name,
                hint="leave `output` out" if isinstance(answer, Tensor) else f"allowed: {_choices(answer)}",
            ) from None

    def _checked(self, logits: Any, images: Tensor) -> Tensor:
        if not isinstance(logits, Tensor):
            raise ModelError(
                f"entry {self.output!r} of the output is {_kind(logits)}, not a tensor", where=self.name
            )
        fits = logits.dim() == LOGIT_DIMENSIONS and len(logits) == len(images)
        if not fits or not logits.is_floating_point():
            raise ModelError(
                f"the logits are {list(logits.shape)} of {logits.dtype} for {len(images)} images, "
                "needed are floats [n, k]",
                where=self.name,
                hint="one row of class scores per image is needed; for a network that segments or detects, "
                "model.scores says how they are made",
            )
        count = logits.shape[1]
        if count == 1:
            raise ModelError(
                "the network has a single output, so every prediction would be class 0",
                where=self.name,
                hint="hand out two logits, for instance [-z, z]",
            )
        if self.classes is not None and count != len(self.classes):
            raise ModelError(
                f"{len(self.classes)} class names for a network with {count} outputs",
                where=self.name,
                hint="names stand in the order of the outputs, one each",
            )
        self._seen["classes"] = count
        return logits


def _first(module: nn.Module, *, floating: bool = False) -> Tensor | None:
    tensors = (tensor for group in (module.parameters(), module.buffers()) for tensor in group)
    return next((tensor for tensor in tensors if not floating or tensor.is_floating_point()), None)


def _probabilities(logits: Tensor) -> bool:
    sums = logits.sum(1)
    return bool((logits >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=1e-3)


def _entry(answer: Any, selector: str | int) -> Any:
    if isinstance(answer, Tensor):
        raise TypeError
    if isinstance(answer, Mapping) or isinstance(selector, int):
        return answer[selector]
    return getattr(answer, selector)


def _kind(answer: Any) -> str:
    if isinstance(answer, Tensor):
        return f"a tensor {list(answer.shape)}"
    if isinstance(answer, Mapping):
        return f"a {type(answer).__name__} with the keys {', '.join(map(repr, answer))}"
    if isinstance(answer, tuple | list):
        return f"a {type(answer).__name__} of {len(answer)}: {', '.join(_short(item) for item in answer)}"
    return f"a {type(answer).__name__}"


def _short(item: Any) -> str:
    return f"tensor {list(item.shape)}" if isinstance(item, Tensor) else type(item).__name__


def _choices(answer: Any) -> str:
    if isinstance(answer, Mapping):
        return " or ".join(map(repr, answer))
    fields: Sequence[str] = getattr(answer, "_fields", ())
    if fields:
        return " or ".join(map(repr, fields))
    if isinstance(answer, tuple | list):
        return f"0 to {len(answer) - 1}"
    return "the name of an attribute"
