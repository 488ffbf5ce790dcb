"""Targets as a spec writes them."""

from __future__ import annotations

from typing import Any

import pytest

from camaudit.evidence import Contrast, Counterfactual, Function, Kth, LogLikelihood, Named
from camaudit.spec import read_text
from camaudit.spec.targets import aim

SPEC = """version: 1
name: dogs
model: {{factory: "a:b"}}
data: {{dogs: {{manifest: a.csv}}}}
maps: {{target: {target}}}
checks: [{{id: a, kind: overlap, gate: {{at_least: 0.5}}}}]
"""
WRITTEN = {
    "label": "label",
    "predicted": "predicted",
    "3": 3,
    "{class: tabby cat}": Named(name="tabby cat"),
    "{class: label}": Named(name="label"),
    "{kth: 2}": Kth(k=2),
    "{contrast: [cat, dog]}": Contrast(of=Named(name="cat"), against=Named(name="dog")),
    "{contrast: [label, predicted]}": Contrast(of="label", against="predicted"),
    "{contrast: [predicted, {kth: 2}]}": Contrast(of="predicted", against=Kth(k=2)),
    "{contrast: [0, {class: predicted}]}": Contrast(of=0, against=Named(name="predicted")),
    "{counterfactual: label}": Counterfactual(of="label"),
    "{counterfactual: 3}": Counterfactual(of=3),
    "{log_likelihood: label}": LogLikelihood(of="label"),
    "{log_likelihood: {kth: 2}}": LogLikelihood(of=Kth(k=2)),
    "scores:margin": Function(reference="scores:margin"),
    "{function: scores:margin, of: output}": Function(reference="scores:margin", of="output"),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_what_is_written_is_what_is_meant(text: str) -> None:
    found = aim(read_text(SPEC.format(target=text), "a.yaml").maps.target)
    assert found == WRITTEN[text]
    assert hash(found) == hash(WRITTEN[text])
    assert str(found)


MISTAKES = {
    "lable": '5 «lable» maps.target: must be "label", .*, did you mean "label"?',
    "tabby": "5 «tabby» maps.target: must be .*, got 'tabby'; a class by its name is {class: tabby}",
    "-1": "5 «-1» maps.target: must be at least 0, got -1",
    "1.5": "5 «1.5» maps.target: must be .*, got 1.5",
    "{kth: 0}": "5 «0» maps.target.kth: must be at least 1, got 0",
    "{kht: 2}": '5 «kht» maps.target.kht: unknown key, did you mean "kth"?',
    "{contrast: [cat]}": "5 «.*» maps.target.contrast: needs an entry number 2",
    "{contrast: [a, b, c]}": "5 «.*» maps.target.contrast: must hold at most 2 entries, got 3",
    "{function: margin}": "5 «margin» maps.target.function: must be written module:callable, got 'margin'",
    "{function: 'm:f', of: all}": '5 «all» maps.target.of: must be "logits" or "output", got \'all\'',
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes(told: Any, text: str) -> None:
    (found,) = told(SPEC.format(target=text))
    start, _, end = MISTAKES[text].partition(".*")
    assert found.startswith(start)
    assert found.endswith(end)
