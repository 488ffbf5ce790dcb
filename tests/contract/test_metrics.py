"""What every metric of the table keeps, whoever wrote it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from camaudit import registry
from camaudit.contract import of_metric
from camaudit.contract.metrics import _Case
from camaudit.errors import MapError

METRICS = {name: registry.find("metric", name) for name in registry.names("metric")}
"""Third parties' as well, where some are installed."""
CLAUSES = [(name, clause) for name, metric in METRICS.items() for clause in of_metric(metric)]


@pytest.mark.parametrize(
    ("name", "clause"), [pytest.param(*pair, id=f"{pair[0]}-{pair[1]}") for pair in CLAUSES]
)
def test_contract(name, clause):
    assert METRICS[name].name == name
    clause()


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("part", ["function", "undefined"])
def test_wrong_shapes_and_types_are_told(name, part):
    case = _Case(metric=METRICS[name], argument=0.15)
    maps, reference = case.inputs()
    boxes = METRICS[name].reference == "boxes"
    with pytest.raises(MapError, match=r"need boxes of the shape" if boxes else "must have the same shape"):
        case.run(maps[:3], reference, part=part)
    with pytest.raises(MapError, match=r"must have the shape \[n, h, w\]"):
        case.run(maps[0], reference[0], part=part)
    with pytest.raises(MapError, match="maps must be floating point"):
        case.run(maps.long(), reference.long() if METRICS[name].reference == "map" else reference, part=part)
    if METRICS[name].reference == "mask":
        with pytest.raises(MapError, match="masks must be bool"):
            case.run(maps, reference.float(), part=part)


@pytest.mark.parametrize("name", METRICS)
def test_the_same_on_the_accelerator(name):
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU on this machine")
    case = _Case(metric=METRICS[name], argument=0.15)
    maps, reference, _ = case.degenerate()
    there = case.run(maps.cuda(), reference.cuda())
    assert there.device.type == "cuda"
    here = case.run(maps, reference)
    torch.testing.assert_close(there.cpu(), here, rtol=1e-9, atol=1e-9, equal_nan=True)
    reasons = case.run(maps.cuda(), reference.cuda(), part="undefined")
    assert reasons == case.run(maps, reference, part="undefined")


def test_the_table_loads_without_torch_and_numpy():
    code = "import sys, camaudit.metrics as m; assert m.METRICS; print({'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
