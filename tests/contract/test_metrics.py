"""What every metric of the table must hold, whoever wrote it."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
import torch

from camaudit import registry
from camaudit.data.boxes import bounding_box
from camaudit.errors import MapError
from tests.metrics.cases import awkward

METRICS = {name: registry.find("metric", name) for name in registry.names("metric")}
"""Third parties' as well, where some are installed."""
NAMES = list(METRICS)
PARAMETER = 0.15


def arguments(name):
    parameter = METRICS[name].parameter
    return {} if parameter is None else {parameter: PARAMETER}


def inputs(name, n=5, dtype=torch.float64):
    generator = torch.Generator().manual_seed(7)
    maps = torch.rand(n, 12, 9, generator=generator, dtype=torch.float64).to(dtype)
    if METRICS[name].reference == "map":
        return maps, torch.rand(n, 12, 9, generator=generator, dtype=torch.float64).to(dtype)
    masks = torch.rand(n, 12, 9, generator=generator) > 0.6
    return maps, boxes_around(masks) if METRICS[name].reference == "boxes" else masks


def boxes_around(masks):
    """The box around each mask, [n, 1, 4]; NaN where it is empty."""
    boxes = [bounding_box(mask.numpy()) or ((torch.nan,) * 4,) for mask in masks]
    return torch.tensor(boxes, dtype=torch.float64).reshape(len(masks), 1, 4)


def degenerate(name):
    maps, masks, names = awkward()
    if METRICS[name].reference == "mask":
        return maps, masks, names
    if METRICS[name].reference == "boxes":
        return maps, boxes_around(masks), names
    return maps, maps.flip(0), names


def run(name, *given, part="function"):
    return METRICS[name].load(part)(*given, **arguments(name))


@pytest.mark.parametrize("name", NAMES)
def test_the_entry_is_filled_in(name):
    metric = METRICS[name]
    low, high = metric.range
    assert metric.name == name
    assert low < high
    assert metric.title
    assert metric.chance_text
    parts = ["function", "undefined"] + ["chance"] * (metric.chance is not None)
    assert all(callable(metric.load(part)) for part in parts)
    assert metric.load().__doc__


@pytest.mark.parametrize("name", NAMES)
def test_the_parameter_is_a_keyword_of_the_functions_that_take_it(name):
    metric = METRICS[name]
    for part in ("function", "undefined"):
        extra = list(inspect.signature(metric.load(part)).parameters)[2:]
        assert extra == ([] if metric.parameter is None else [metric.parameter])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_one_float64_per_row_within_the_range(name, dtype):
    values = run(name, *inputs(name, dtype=dtype))
    low, high = METRICS[name].range
    assert values.shape == (5,)
    assert values.dtype == torch.float64
    assert values.isfinite().all()
    assert ((low <= values) & (values <= high)).all()


@pytest.mark.parametrize("name", NAMES)
def test_undefined_rows_have_a_reason_and_others_have_none(name):
    maps, reference, names = degenerate(name)
    values, reasons = run(name, maps, reference), run(name, maps, reference, part="undefined")
    assert [reason is None for reason in reasons] == values.isfinite().tolist(), list(
        zip(names, reasons, strict=True)
    )
    assert not values.isinf().any()
    assert any(reasons)
    assert not all(reasons)


@pytest.mark.parametrize("name", NAMES)
def test_degenerate_rows_stay_within_the_range_and_harm_no_neighbour(name):
    maps, reference, _ = degenerate(name)
    values = run(name, maps, reference)
    low, high = METRICS[name].range
    finite = values[values.isfinite()]
    assert ((low <= finite) & (finite <= high)).all()
    alone = torch.cat([run(name, maps[i : i + 1], reference[i : i + 1]) for i in range(len(maps))])
    torch.testing.assert_close(alone, values, rtol=1e-12, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_batch_does_not_matter(name):
    maps, reference = inputs(name)
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(
        run(name, maps[order], reference[order]), run(name, maps, reference)[order], rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_has_no_values_and_no_reasons(name):
    maps, reference = inputs(name, n=0)
    assert run(name, maps, reference).shape == (0,)
    assert run(name, maps, reference, part="undefined") == []


@pytest.mark.parametrize("name", NAMES)
def test_twice_the_same_and_the_input_as_it_was(name):
    maps, reference = inputs(name)
    before = maps.clone(), reference.clone()
    assert torch.equal(run(name, maps, reference), run(name, maps, reference))
    assert run(name, maps, reference, part="undefined") == [None] * 5
    assert torch.equal(maps, before[0])
    assert torch.equal(reference, before[1])


@pytest.mark.parametrize("name", NAMES)
def test_views_and_maps_with_a_graph_are_fine(name):
    maps, reference = inputs(name)
    expanded = maps[:1].expand(5, 12, 9)
    torch.testing.assert_close(run(name, expanded, reference), run(name, expanded.contiguous(), reference))
    turned = maps.transpose(1, 2).contiguous().transpose(1, 2).requires_grad_()
    values = run(name, turned, reference)
    assert not values.requires_grad
    torch.testing.assert_close(values, run(name, maps, reference))


@pytest.mark.parametrize("name", NAMES)
def test_signed_maps_are_taken_or_refused_as_the_entry_says(name):
    maps, reference = inputs(name)
    maps = maps - 0.5
    if METRICS[name].signed:
        assert run(name, maps, reference).isfinite().all()
    else:
        with pytest.raises(MapError, match="negative values"):
            run(name, maps, reference)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", ["function", "undefined"])
def test_wrong_shapes_and_types_are_refused(name, part):
    maps, reference = inputs(name)
    boxes = METRICS[name].reference == "boxes"
    with pytest.raises(MapError, match=r"need boxes of the shape" if boxes else "must have the same shape"):
        run(name, maps[:3], reference, part=part)
    with pytest.raises(MapError, match=r"must have the shape \[n, h, w\]"):
        run(name, maps[0], reference[0], part=part)
    with pytest.raises(MapError, match=r"must have the shape \[n, h, w\]"):
        run(name, maps[:, :0], reference[:, :0], part=part)
    with pytest.raises(MapError, match="maps must be floating point"):
        run(name, maps.long(), reference.long() if METRICS[name].reference == "map" else reference, part=part)
    if METRICS[name].reference == "mask":
        with pytest.raises(MapError, match="masks must be bool"):
            run(name, maps, reference.float(), part=part)


@pytest.mark.parametrize("name", [name for name in NAMES if METRICS[name].chance is not None])
def test_chance_is_a_number_wherever_an_ordinary_map_has_one(name):
    maps, reference, _ = degenerate(name)
    ordinary = torch.rand(maps.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    chance = run(name, ordinary, reference, part="chance")
    low, high = METRICS[name].range
    assert chance.shape == (len(maps),)
    assert chance.dtype == torch.float64
    finite = chance[chance.isfinite()]
    assert ((low <= finite) & (finite <= high)).all()
    if METRICS[name].reference == "mask":
        assert torch.equal(chance.isfinite(), run(name, ordinary, reference).isfinite())


@pytest.mark.parametrize("name", NAMES)
def test_the_same_on_the_accelerator(name):
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU on this machine")
    maps, reference, _ = degenerate(name)
    there = run(name, maps.cuda(), reference.cuda())
    assert there.device.type == "cuda"
    torch.testing.assert_close(there.cpu(), run(name, maps, reference), rtol=1e-9, atol=1e-9, equal_nan=True)
    assert run(name, maps.cuda(), reference.cuda(), part="undefined") == run(
        name, maps, reference, part="undefined"
    )


def test_the_table_loads_without_torch_and_numpy():
    code = "import sys, camaudit.metrics as m; assert m.METRICS; print({'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
