"""The network comes back as it was, in every respect and whatever happens."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from camaudit.contract.network import Chain, seeded
from camaudit.errors import MapError
from camaudit.maps.capture import capture, trace
from camaudit.maps.untouched import untouched
from tests.maps.networks import Plain, pictures

if TYPE_CHECKING:
    from collections.abc import Iterator


class Restless(nn.Module):
    """Changes all that a forward can change."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(4, 5)
        self.register_buffer("counter", torch.zeros(()))
        self.register_buffer("average", torch.ones(4))
        self.register_buffer("nothing", None)
        self.fails = fails
        self.seen: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(any(item.training for item in self.modules()))
        self.counter += 1
        self.average = self.average * 0.9
        self.fc.training = True
        features = nn.functional.dropout(self.conv(x), 0.5, training=True).mean((2, 3))
        if self.fails:
            raise RuntimeError("midway")
        return self.fc(features)


@contextmanager
def unchanged(module: nn.Module) -> Iterator[None]:
    def state() -> dict[str, object]:
        return {
            "flags": [(name, item.training) for name, item in module.named_modules()],
            "hooks": [
                name
                for name, item in module.named_modules()
                if item._forward_hooks or item._forward_pre_hooks
            ],
            "requires": [item.requires_grad for item in module.parameters()],
            "grads": [item.grad for item in module.parameters()],
            "buffers": [id(item) for item in module.buffers()],
            "grad mode": torch.is_grad_enabled(),
            "inference": torch.is_inference_mode_enabled(),
            "cache": torch.is_autocast_cache_enabled(),
        }

    before, values, random = (
        state(),
        [item.clone() for item in module.state_dict().values()],
        torch.get_rng_state(),
    )
    yield
    assert state() == before
    assert all(torch.equal(*pair) for pair in zip(module.state_dict().values(), values, strict=True))
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad, torch.inference_mode])
def test_capture_leaves_everything_as_found(training: bool, mode: type) -> None:
    module = seeded(Restless).train(training)
    module.conv.train()
    with mode(), unchanged(module):
        capture(Plain(module), pictures(), layer="conv")
        trace(Plain(module), pictures())
    assert module.seen == [False, False], "audits run in eval mode"


@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad, torch.inference_mode])
def test_an_exception_leaves_everything_as_found(mode: type) -> None:
    module = seeded(lambda: Restless(fails=True)).train()
    module.conv.eval()
    with mode(), unchanged(module), pytest.raises(RuntimeError, match="midway"):
        capture(Plain(module), pictures(), layer="conv")
    with mode(), unchanged(module), pytest.raises(RuntimeError, match="midway"):
        trace(Plain(module), pictures())
    assert len(module.seen) == 2


def test_an_error_of_ours_leaves_everything_as_found() -> None:
    module = seeded(Chain).train()
    with unchanged(module), pytest.raises(MapError, match="a tensor"):
        capture(Plain(module), pictures(), layer="fc")


def test_a_network_that_draws_random_numbers_gives_the_same_map_again() -> None:
    network = Plain(seeded(Restless))
    first = capture(network, pictures(), layer="conv").logits
    assert torch.equal(first, capture(network, pictures(), layer="conv").logits)


def test_users_hooks_stay_and_their_changes_are_seen() -> None:
    module = seeded(Chain)
    handle = module.conv.register_forward_hook(lambda _module, _args, output: output * 2)
    doubled = capture(Plain(module), pictures(), layer="conv").activations
    assert list(module.conv._forward_hooks) == [handle.id]
    handle.remove()
    torch.testing.assert_close(doubled, 2 * capture(Plain(module), pictures(), layer="conv").activations)


def test_a_training_step_in_the_same_autocast_block_keeps_its_gradients() -> None:
    module, images = seeded(Chain), pictures()
    cached = []
    module.stem.register_forward_hook(lambda *_: cached.append(torch.is_autocast_cache_enabled()))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        capture(Plain(module), images, layer="conv")
        loss = module(images).float().sum()
    loss.backward()
    assert [name for name, parameter in module.named_parameters() if parameter.grad is None] == []
    assert cached == [False, True], "some versions of torch keep casts made without gradients"


def test_layers_that_run_again_in_the_backward_see_the_same_flags() -> None:
    class Checkpointed(Chain):
        def forward(self, x: Tensor) -> Tensor:
            return self.fc(checkpoint(self._tail, self.stem(x), use_reentrant=False))

        def _tail(self, x: Tensor) -> Tensor:
            return self.drop(self.relu2(self.conv(self.relu1(self.norm(x))))).mean((2, 3))

    targets = torch.tensor([0, 1, 2, 3])
    wanted = capture(Plain(seeded(Chain)), pictures(), layer="stem").gradients(targets)
    module = seeded(Checkpointed).train()
    with unchanged(module):
        found = capture(Plain(module), pictures(), layer="stem").gradients(targets)
    torch.testing.assert_close(found, wanted)


def test_eval_overrides_are_not_called() -> None:
    class Merging(Chain):
        def train(self, mode: bool = True) -> Merging:
            raise AssertionError("merging weights cannot be taken back")

    module = Merging()
    capture(Plain(module), pictures(), layer="conv")
    assert module.training


def test_threads_take_turns_per_network_and_not_across() -> None:
    one, other = seeded(Chain), seeded(Chain)
    entered, leave, log = threading.Event(), threading.Event(), []

    def hold() -> None:
        with untouched(one):
            entered.set()
            leave.wait(10)
            log.append("first")

    def queue() -> None:
        with untouched(one):
            log.append("second")

    first = threading.Thread(target=hold)
    first.start()
    assert entered.wait(10)
    second = threading.Thread(target=queue)
    second.start()
    with untouched(other):
        log.append("another network")
    second.join(0.05)
    leave.set()
    first.join(10)
    second.join(10)
    assert log == ["another network", "first", "second"]
