"""What every map method keeps, whoever wrote it, and what `compute` makes of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from camaudit import registry
from camaudit.contract import of_map
from camaudit.contract.maps import LAYER, MODULE, TARGETS
from camaudit.contract.network import Attended, seeded
from camaudit.maps import METHODS
from camaudit.maps.compute import Request, compute
from tests.maps.networks import Plain, pictures

if TYPE_CHECKING:
    from camaudit.contract import Clause

UNSIGNED = {"input_gradient", "smoothgrad", "attention"}
SAME_FOR_ALL_TARGETS = {"attention"}
EXTRA = {"integrated_gradients": "captum", "occlusion": "captum", "lime": "captum"}
NAMES = registry.names("map")


def clauses(name: str) -> tuple[Clause, ...]:
    method = registry.find("map", name)
    return tuple(of_map(method, signed=name not in UNSIGNED, targeted=name not in SAME_FOR_ALL_TARGETS))


@pytest.mark.parametrize(
    ("name", "clause"),
    [pytest.param(name, clause, id=f"{name}-{clause}") for name in NAMES for clause in clauses(name)],
)
def test_contract(name: str, clause: Clause) -> None:
    if name in EXTRA:
        pytest.importorskip(EXTRA[name])
    clause()


@pytest.mark.parametrize("name", NAMES)
def test_entry(name: str) -> None:
    method = registry.find("map", name)
    assert method.name == name
    assert METHODS.get(name, method) == method
    assert "Source: " in (method.load().__doc__ or "")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_computed_is_on_record(name: str) -> None:
    if name in EXTRA:
        pytest.importorskip(EXTRA[name])
    at = registry.find("map", name).at
    layer = MODULE if at == "module" else LAYER
    request = Request(method=name, targets=TARGETS)
    (found,) = compute(Plain(seeded(Attended)), pictures(), layer=layer, requests=[request]).maps
    assert set(found.status) <= {"ok", "all-zero"}
    assert found.method == name
    assert found.layer == ("input" if at == "pixels" else layer)
    for item in (found.score, found.scale, found.positive_mass, found.negative_mass, found.target):
        assert item.shape == (4,)
    rows = torch.nn.functional.one_hot(TARGETS, 5).float()
    request = Request(method=name, targets=rows)
    (weighted,) = compute(Plain(seeded(Attended)), pictures(), layer=layer, requests=[request]).maps
    torch.testing.assert_close(weighted.score, found.score)
