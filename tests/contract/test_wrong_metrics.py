"""Metrics that are wrong on purpose are refused, by the right clause, in words."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import torch

from camaudit import contract
from camaudit.metrics import METRICS
from tests.contract.wrong import plant, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from camaudit.contract import Contract


def metric_of(function: Callable[..., Any] | None = None, **changes: Any) -> Contract:
    """`energy_inside`, spoilt: `function` is given what is right and what that was made of."""
    right = METRICS["energy_inside"]
    if function is not None:
        changes["function"] = plant(partial(function, right.load()))
    return contract.of_metric(replace(right, name="planted", **changes))


def adds_noise(right: Any, maps: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    return (right(maps, masks) + 1e-3 * torch.rand(len(maps))).clamp(0, 1)


def changes_maps(right: Any, maps: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    found = right(maps, masks)
    maps.mul_(2)
    return found


def about_the_batch(right: Any, maps: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    found = right(maps, masks)
    return (found - found.nanmean() / 10).clamp(0, 1)


def by_place(right: Any, maps: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    return right(maps, masks) * torch.linspace(0.9, 1, len(maps), dtype=torch.float64)


def takes_anything(right: Any, maps: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    inside = maps.detach().double().abs().flatten(1)
    return (inside * masks.flatten(1)).sum(1) / inside.sum(1)


@pytest.mark.parametrize(
    ("function", "clause", "words"),
    [
        (
            lambda f, m, r: f(m, r).float(),
            "values",
            r"values are torch\.float32 for torch\.float64, not float64",
        ),
        (lambda f, m, r: f(m, r)[:, None], "values", r"values are \[5, 1\] for 5 maps, needed are \[5\]"),
        (lambda f, m, r: f(m, r).tolist(), "values", "it returned list, not a tensor"),
        (lambda f, m, r: f(m, r) * 100, "values", "lie beyond its range 0 to 1"),
        (lambda f, m, r: f(m, r).nan_to_num(0.0), "NaN with a reason", "0 and the reason 'empty mask'"),
        (
            lambda f, m, r: f(m, r).where(r.any(2).any(1), torch.inf),
            "NaN with a reason",
            "the value is infinite",
        ),
        (lambda f, m, r: f(m, r).where(f(m, r) < 1, torch.nan), "NaN with a reason", "NaN without a reason"),
        (adds_noise, "the same twice", "two calls with the same input differ"),
        (changes_maps, "the same twice", "it changed the maps in place"),
        (about_the_batch, "each row by itself", "in a batch, .* by itself"),
        (by_place, "any order", "rows in another order have other values"),
        (lambda f, m, r: f(m, r) if m else None, "no maps", "it raised RuntimeError"),
        (lambda f, m, r: f(m, r) + 0 * m.sum((1, 2)), "views and graphs", "hang on it: detach them"),
        (lambda f, m, r: f(m.abs(), r), "signed maps", "a map with negative values has to be refused"),
        (takes_anything, "wrong input", "function: .* has to be refused with a MapError"),
    ],
)
def test_wrong_metrics(function: Callable[..., Any], clause: str, words: str) -> None:
    refused(metric_of(function), clause, words)


@pytest.mark.parametrize(
    ("changes", "clause", "words"),
    [
        ({"range": (1.0, 0.0)}, "entry", "no gate could fail"),
        ({"chance_text": ""}, "entry", "chance_text is empty"),
        ({"title": ""}, "entry", "its title is empty"),
        (
            {"parameter": "share"},
            "entry",
            r"function takes \[\] beside maps and reference, the entry says \['share'\]",
        ),
        ({"range": (0.0, 0.1)}, "each row by itself", "lie beyond its range"),
        ({"signed": True}, "signed maps", "it raised MapError"),
        (
            {"chance": "camaudit.metrics.chance:zero", "range": (0.1, 1.0)},
            "chance",
            r"values \[0\.0, .* lie beyond",
        ),
    ],
)
def test_wrong_entries_of_metrics(changes: dict[str, Any], clause: str, words: str) -> None:
    refused(metric_of(**changes), clause, words)
