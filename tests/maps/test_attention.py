"""The network's own maps: what is taken, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from camaudit.contract.network import Attended, seeded
from camaudit.errors import MapError
from camaudit.maps import attention_map
from camaudit.maps.compute import Request, compute
from tests.maps.networks import Plain, pictures


class Gate(nn.Module):
    """Puts out anything made of the features."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self.make = make

    def forward(self, x: Tensor) -> Any:
        return self.make(x)


class Net(nn.Module):
    def __init__(self, make: Any, times: int = 1) -> None:
        super().__init__()
        self.stem, self.look, self.fc = nn.Conv2d(3, 4, 3), Gate(make), nn.Linear(4, 5)
        self.times = times

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for _ in range(self.times):
            self.look(x)
        return self.fc(x.mean((2, 3)))


def raw(module: nn.Module, **options: Any) -> Tensor:
    request = Request(method="attention", targets=torch.tensor([0, 1, 4, 1]))
    return compute(Plain(module), pictures(), layer="look", requests=[request], **options).maps[0].raw


def test_it_is_what_the_module_puts_out() -> None:
    module = seeded(Attended)
    kept: list[Tensor] = []
    handle = module.look.register_forward_hook(lambda _module, _args, output: kept.append(output.detach()))
    module(pictures())
    handle.remove()
    assert torch.equal(raw(module), kept[0][:, 0])


@pytest.mark.parametrize("make", [lambda x: x.sum(1), lambda x: x.sum(1, keepdim=True)])
def test_maps_with_and_without_a_channel(make: Any) -> None:
    module = seeded(lambda: Net(make))
    assert torch.equal(raw(module), module.stem(pictures()).sum(1).detach())


def test_a_successor_that_works_in_place_does_not_reach_it() -> None:
    class After(Net):
        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            self.look(x).zero_()
            return self.fc(x.mean((2, 3)))

    assert raw(seeded(lambda: After(lambda x: x.sum(1)))).abs().max() > 0


def test_bf16() -> None:
    assert raw(seeded(lambda: Net(lambda x: x.sum(1))).bfloat16()).dtype == torch.float32


WRONG = {
    "heads": (lambda x: x, r"(?s)puts out \[4, 4, 10, 10\]; a map is.*hint: these are 4 maps per image"),
    "tokens": (lambda x: x.mean((1, 2)), r"(?s)puts out \[4, 10\].*hint: a row of tokens has no place"),
    "fewer": (lambda x: x[:2, 0], r"puts out \[2, 10, 10\] for 4 images; one map each"),
    "a number": (lambda x: x.mean(), r"puts out \[\] for 4 images"),
    "five": (lambda x: x[:, :, None], r"(?s)puts out \[4, 4, 1, 10, 10\].*hint: name the module"),
    "a tuple": (lambda x: (x, x), "puts out a tuple of 2; a float tensor is needed"),
    "whole numbers": (lambda x: x.argmax(1), r"puts out .*torch.int64.*; a float tensor is needed"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_map_is_refused(kind: str) -> None:
    make, message = WRONG[kind]
    with pytest.raises(MapError, match=f"layer 'look': {message}" if "(?s)" not in message else message):
        raw(seeded(lambda: Net(make)))


def test_calls() -> None:
    module = seeded(lambda: Net(lambda x: x.sum(1), times=2))
    with pytest.raises(MapError, match="runs 2 times in one forward"):
        raw(module)
    assert torch.equal(raw(module, call=1), module.stem(pictures()).sum(1).detach())


def test_a_layer_has_to_be_named() -> None:
    with pytest.raises(MapError, match=r"(?s)has to be named.*hint: set maps\.layer"):
        attention_map(Plain(seeded(Attended)), pictures(), method="attention")
    found = attention_map(Plain(seeded(Attended)), pictures(), method="attention", layer="look")
    assert found.status == ("ok",) * 4


def test_not_finite_is_not_called_disconnected() -> None:
    request = Request(method="attention", targets=torch.tensor([0, 1, 4, 1]))
    module = seeded(lambda: Net(lambda x: x.sum(1) * float("nan")))
    (found,) = compute(Plain(module), pictures(), layer="look", requests=[request]).maps
    assert found.status == ("non-finite",) * 4
