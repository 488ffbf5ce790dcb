"""What a spec may name as the target of a map, and what that means."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from camaudit import evidence
from camaudit.registry import did_you_mean
from camaudit.spec.base import StrictModel

WORDS = ("label", "predicted")
FUNCTION = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"


class KthTarget(StrictModel):
    """The class with the k-th largest logit."""

    kth: Annotated[int, Field(ge=1)]
    """1 is the prediction, 2 the runner-up."""

    def aim(self) -> evidence.Kth:
        """What it means."""
        return evidence.Kth(k=self.kth)


class ClassTarget(StrictModel):
    """A class by its name."""

    name: Annotated[str, Field(alias="class", min_length=1)]
    """A name of the model's `classes`, exactly as it stands there."""

    def aim(self) -> evidence.Named:
        """What it means."""
        return evidence.Named(name=self.name)


Index = Annotated[int, Field(ge=0)]
ClassName = Annotated[str, Field(min_length=1)]
OneClass = Literal["label", "predicted"] | Index | KthTarget | ClassTarget | ClassName
"""One class per image; a text that is neither word is a class's name."""


class ContrastTarget(StrictModel):
    """One class's logit minus another's: why this one rather than that."""

    contrast: tuple[OneClass, OneClass]
    """``[A, B]`` is A minus B; each is "label", "predicted", an index, a class's name or ``{kth: 2}``."""

    def aim(self) -> evidence.Contrast:
        """What it means."""
        first, second = self.contrast
        return evidence.Contrast(of=_one(first), against=_one(second))


class CounterfactualTarget(StrictModel):
    """A class's logit with its sign turned: what speaks against it."""

    counterfactual: OneClass
    """"label", "predicted", an index, a class's name or ``{kth: 2}``."""

    def aim(self) -> evidence.Counterfactual:
        """What it means."""
        return evidence.Counterfactual(of=_one(self.counterfactual))


class LogLikelihoodTarget(StrictModel):
    """The logarithm of a class's probability: its logit held against all others."""

    log_likelihood: OneClass
    """"label", "predicted", an index, a class's name or ``{kth: 2}``."""

    def aim(self) -> evidence.LogLikelihood:
        """What it means."""
        return evidence.LogLikelihood(of=_one(self.log_likelihood))


class FunctionTarget(StrictModel):
    """Any function that makes one number per image of the network's answer."""

    function: Annotated[str, StringConstraints(pattern=FUNCTION)]
    """``module:callable``; floats [n] out. It may take `labels` and `inputs`."""
    of: Literal["logits", "output"] = "logits"
    """What it is handed: the logits [n, k], or whatever the network puts out."""

    def aim(self) -> evidence.Function:
        """What it means."""
        return evidence.Function(reference=self.function, of=self.of)


def _function(text: str) -> str:
    if re.match(FUNCTION, text) is None:
        raise ValueError(
            f'must be "label", "predicted", a whole number, module:callable, or a mapping with one of class, '
            f"kth, contrast, counterfactual, log_likelihood and function, got {text[:60]!r}"
            f"{did_you_mean(text, WORDS) or f'; a class by its name is {{class: {text[:60]}}}'}"
        )
    return text


Reference = Annotated[str, AfterValidator(_function), WithJsonSchema({"type": "string", "pattern": FUNCTION})]
Target = (
    Literal["label", "predicted"]
    | Index
    | KthTarget
    | ClassTarget
    | ContrastTarget
    | CounterfactualTarget
    | LogLikelihoodTarget
    | FunctionTarget
    | Reference
)
"""What is explained; a text that is neither word is a function of the logits."""


LinearTarget = OneClass | ContrastTarget | CounterfactualTarget
"""What is made of the logits of one or two classes; a text that is neither word is a class's name."""


def linear_aim(target: LinearTarget) -> evidence.Aim:
    """What a target of one class, a contrast or a counterfactual means."""
    return target.aim() if isinstance(target, ContrastTarget | CounterfactualTarget) else _one(target)


def aim(target: Target) -> evidence.Aim:
    """What a target in a spec means."""
    if isinstance(target, str) and target not in WORDS:
        return evidence.Function(reference=target)
    return target if isinstance(target, str | int) else target.aim()  # type: ignore[return-value] # a word by now


def _one(target: OneClass) -> evidence.ClassAim:
    if isinstance(target, str) and target not in WORDS:
        return evidence.Named(name=target)
    return target if isinstance(target, str | int) else target.aim()  # type: ignore[return-value] # a word by now
