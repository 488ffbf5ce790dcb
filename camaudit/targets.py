"""What is explained: one number per image, made of the network's answer.

A target is class indices, int64 [n]; weights on the logits, floats [n, k] (a contrast, a counterfactual);
or a `Scalar`, any function. The first two are linear in the logits, so many of them cost one forward.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from camaudit.errors import MapError
from camaudit.evidence import Contrast, Counterfactual, Function, Kth, LogLikelihood, Named
from camaudit.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from camaudit.evidence import Aim, ClassAim

Kind = Literal["label", "predicted"] | int


@dataclass(frozen=True, kw_only=True, eq=False)
class Scalar:
    """A function that makes one number per image of the network's answer.

    It is handed the logits [n, k] or, with `of` ``"output"``, whatever the network puts out; and, where it
    has a parameter called `labels`, the labels int64 [n] (-1 where there is none), and where it has one
    called `inputs`, what the network takes beside the images. It returns floats [n], each made of its own
    image's answer alone.
    """

    function: Callable[..., Any]
    name: str = "function"
    of: Literal["logits", "output"] = "logits"
    labels: Tensor | None = None
    inputs: Mapping[str, Tensor] = field(default_factory=dict)

    def evaluate(self, logits: Tensor, output: Any) -> Tensor:
        """The numbers [n]. Raises `MapError` where the function returns anything else."""
        given = logits if self.of == "logits" else output
        where = f"target {self.name}"
        if given is None:
            raise MapError(
                "the network's own output was not seen: its root module does not run as a module",
                where=where,
                hint='use the logits: "of: logits"',
            )
        asked = {
            name: known(where)
            for name, known in (("labels", self._known_labels), ("inputs", self._known_inputs))
            if _takes(self.function, name)
        }
        value = self.function(given, **asked)
        n = len(logits)
        if not isinstance(value, Tensor) or value.shape != (n,) or not value.is_floating_point():
            found = (
                f"a tensor {list(value.shape)} ({value.dtype})" if isinstance(value, Tensor) else repr(value)
            )
            raise MapError(f"returns {found[:80]} for {n} images; floats [{n}] are needed", where=where)
        return value

    def _known_labels(self, where: str) -> Tensor:
        if self.labels is None:
            raise MapError("asks for labels, and the data has none", where=where, hint="give the data labels")
        return self.labels

    def _known_inputs(self, where: str) -> Mapping[str, Tensor]:
        if not self.inputs:
            raise MapError(
                "asks for inputs, and the data has none", where=where, hint="give the samples `inputs`"
            )
        return self.inputs


Target = Tensor | Scalar
"""Class indices int64 [n], weights on the logits (floats [n, k]), or a function."""


def resolve(
    aim: Aim,
    logits: Tensor,
    labels: Tensor | None = None,
    *,
    classes: Sequence[str] | None = None,
    inputs: Mapping[str, Tensor] | None = None,
    load: Callable[[str], Callable[..., Any]] | None = None,
) -> Target:
    """The target that a spec's `aim` means for a batch with these logits [n, k] and labels [n].

    `classes` are the names of the outputs, `inputs` what the network takes beside the images, `load` finds
    the function of ``module:callable``. A contrast of a class with itself has no weight anywhere: its map is
    all zero. Raises `MapError` as `select` does.
    """
    if isinstance(aim, Function):
        assert load is not None
        function = load(aim.reference)
        return Scalar(
            function=function, name=aim.reference, of=aim.of, labels=labels, inputs=dict(inputs or {})
        )
    if isinstance(aim, LogLikelihood):
        chosen = select(aim.of, logits, labels, classes=classes)
        return Scalar(function=log_likelihood, name=str(aim), labels=chosen)
    if isinstance(aim, Contrast):
        first, second = (select(item, logits, labels, classes=classes) for item in (aim.of, aim.against))
        return weights(first, logits) - weights(second, logits)
    if isinstance(aim, Counterfactual):
        return -weights(select(aim.of, logits, labels, classes=classes), logits)
    return select(aim, logits, labels, classes=classes)


def select(
    kind: ClassAim, logits: Tensor, labels: Tensor | None = None, *, classes: Sequence[str] | None = None
) -> Tensor:
    """The class index to explain for every image, int64 [n], on the device of the logits.

    `kind` is ``"predicted"`` (the largest of `logits` [n, k], the first one on ties), ``"label"``
    (`labels` [n]; negative means that there is none), one class index for all images, a `Named` class (by
    `classes`, the names of the outputs), or the `Kth` largest logit (1 is the prediction).

    Raises `MapError` where a label is missing, where the numbers of labels and images differ, and
    where a class is not among the k outputs.
    """
    if kind == "predicted":
        return logits.argmax(1)
    if kind == "label":
        return checked(_labels(labels), logits)
    if isinstance(kind, Kth):
        return _kth(kind.k, logits)
    if isinstance(kind, Named):
        kind = _index(kind.name, classes)
    if isinstance(kind, bool) or not isinstance(kind, int):
        raise MapError(f'target {kind!r}: allowed are "label", "predicted" and a class index')
    return checked(torch.full((len(logits),), kind), logits)


def checked(target: Tensor, logits: Tensor) -> Tensor:
    """Class indices as int64 [n], or weights [n, k] as they are, on the device of `logits` [n, k].

    Raises `MapError` unless there is one whole number in 0 … k-1 per image, or a finite row of k weights.
    """
    n, classes = logits.shape
    if target.shape == (n, classes) and target.is_floating_point():
        if not bool(target.isfinite().all()):
            raise MapError("the target's weights on the logits are not finite")
        return target.to(device=logits.device)
    if target.shape != (n,):
        raise MapError(
            f"targets of shape {list(target.shape)} for {n} images; one target per image is needed",
            hint="hand over a tensor of n class indices, or a plain int to explain the same class everywhere",
        )
    if target.is_floating_point() or target.is_complex() or target.dtype == torch.bool:
        raise MapError(f"targets are {target.dtype}; class indices are whole numbers")
    outside = (target < 0) | (target >= classes)
    if bool(outside.any()):
        raise MapError(
            f"target {int(target[outside][0])} is not a class of this network: it has {classes} outputs, "
            f"so 0 to {classes - 1} are allowed"
        )
    return target.to(device=logits.device, dtype=torch.int64)


def weights(target: Tensor, logits: Tensor) -> Tensor:
    """A linear target as weights on the logits, [n, k]: 1 at the class index, or the weights themselves."""
    if target.is_floating_point():
        return target
    zeros = torch.zeros(logits.shape, dtype=_precise(logits), device=logits.device)
    return zeros.scatter_(1, target[:, None], 1)


def score(target: Target, logits: Tensor, output: Any = None) -> Tensor:
    """The number that is explained, [n]: the class's logit, the weighted sum of logits, or the function's."""
    if isinstance(target, Scalar):
        return target.evaluate(logits, output)
    if not target.is_floating_point():
        return logits.gather(1, target[:, None])[:, 0]
    # Not a product with everything: an infinite logit that has no weight has no say.
    return torch.where(target == 0, torch.zeros_like(logits), logits * target).sum(1, dtype=_precise(logits))


def take(target: Target, rows: Tensor) -> Target:
    """The target of some of the images, by their numbers int64 [m]; a number may repeat."""
    if isinstance(target, Scalar):
        return replace(
            target,
            labels=None if target.labels is None else target.labels[rows],
            inputs={name: values[rows] for name, values in target.inputs.items()},
        )
    return target[rows]


def log_likelihood(logits: Tensor, labels: Tensor) -> Tensor:
    """The log p of one class per image, [n]: y_c − log Σ_k exp(y_k), for logits [n, k] and classes [n].

    Of one image, all classes rank as by their logits; the gradient is that of the class's logit minus the
    mean of all logits' gradients, weighted by their probabilities. It fades as p nears 1.
    """
    return logits.to(_precise(logits)).log_softmax(1).gather(1, labels[:, None])[:, 0]


def class_of(target: Target, logits: Tensor) -> Tensor:
    """The class index of every image, int64 [n]; -1 where a target is no single class's logit."""
    if isinstance(target, Scalar) or target.is_floating_point():
        return torch.full((len(logits),), -1, device=logits.device)
    return target


def _precise(logits: Tensor) -> torch.dtype:
    return torch.promote_types(logits.dtype, torch.float32)


def _takes(function: Callable[..., Any], name: str) -> bool:
    try:
        parameter = signature(function).parameters.get(name)
    except (TypeError, ValueError):  # a builtin says nothing of its parameters
        return False
    return parameter is not None and parameter.kind is not Parameter.VAR_KEYWORD


def _kth(k: int, logits: Tensor) -> Tensor:
    classes = logits.shape[1]
    if not 1 <= k <= classes:
        raise MapError(f"target kth: {k}: the network has {classes} outputs, so 1 to {classes} are allowed")
    # Stable, so that the first of equal logits comes first, as it does in argmax.
    return logits.sort(dim=1, descending=True, stable=True).indices[:, k - 1]


def _index(name: str, classes: Sequence[str] | None) -> int:
    if classes is None:
        raise MapError(
            f"target {name!r}: the network's outputs have no names",
            hint='name them with "classes" of the model, or write the index of the class',
        )
    found = [index for index, known in enumerate(classes) if known == name]
    if not found:
        raise MapError(
            f"target {name!r} is not a class of this network{did_you_mean(name, classes)}",
            hint=f"the classes are: {', '.join(classes[:10])}{' …' if len(classes) > 10 else ''}",  # noqa: PLR2004 - a line
        )
    if len(found) > 1:
        raise MapError(
            f"target {name!r} is the name of several classes: {', '.join(map(str, found))}",
            hint="write the index of the one that is meant",
        )
    return found[0]


def _labels(labels: Tensor | None) -> Tensor:
    missing = labels is None or (labels < 0).nonzero().flatten().tolist()
    if labels is None or missing:
        which = "the data has no labels" if labels is None else f"images {missing} of the batch have no label"
        raise MapError(
            f'target "label": {which}',
            hint='give the data labels, or explain the prediction: "target: predicted"',
        )
    return labels
