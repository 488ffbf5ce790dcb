from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn

from camaudit.perturb.guard import guarded


class Stubborn(nn.Module):
    """Overrides `train`, counts its forwards in a buffer, and shares a parameter between two names."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.norm = nn.BatchNorm2d(3)
        self.drop = nn.Dropout(0.5)
        self.conv = nn.Conv2d(3, 4, 3)
        self.tied = self.conv
        self.head = nn.Linear(4, 2)
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("hole", torch.tensor([torch.nan]))

    def train(self, mode=True):
        super().train(mode)
        self.norm.eval()
        return self

    def forward(self, images):
        self.count += 1
        return self.head(self.drop(self.conv(self.norm(images))).mean((2, 3)))


def state(network):
    return (
        [(name, item.training) for name, item in network.named_modules()],
        [(name, id(item), item.requires_grad, id(item.grad)) for name, item in network.named_parameters()],
        [item.grad.clone() for item in network.parameters() if item.grad is not None],
        [(name, id(item)) for name, item in network.named_buffers()],
        [item.clone() for item in network.state_dict().values()],
        (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()),  # noqa: NPY002
        (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark, torch.backends.cudnn.enabled),
    )


def same(before, after):
    if isinstance(before, torch.Tensor):
        return torch.equal(before.nan_to_num(9), after.nan_to_num(9))
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(same, before, after))
    return before == after


@pytest.fixture
def network():
    """Mixed flags, gradients here and there, one parameter frozen."""
    made = Stubborn()
    made.train()
    made.norm.training = True
    made(torch.rand(2, 3, 8, 8)).sum().backward()
    made.drop.training = False
    made.head.bias.requires_grad_(False)  # noqa: FBT003
    made.head.weight.grad = None
    return made


def nothing(_network):
    pass


def training(network):
    network.train()
    network(torch.rand(4, 3, 8, 8))


def accumulating(network):
    for parameter in network.parameters():
        parameter.requires_grad_()
    network(torch.rand(4, 3, 8, 8)).sum().backward()


def stepping(network):
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    network.count = torch.ones(())
    network.conv.weight = nn.Parameter(torch.zeros(1))


def dice(_network):
    random.random()
    np.random.rand()  # noqa: NPY002 - the global one is what attacks draw from
    torch.rand(3)
    torch.manual_seed(9)


def flags(_network):
    torch.backends.cudnn.deterministic = not torch.backends.cudnn.deterministic
    torch.backends.cudnn.benchmark = True
    torch.set_grad_enabled(False)


def fail_after(deed, network):
    deed(network)
    raise RuntimeError("midway")


DEEDS = [nothing, training, accumulating, stepping, dice, flags]


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_all_is_as_it_was(network, deed):
    before = state(network)
    with guarded(network):
        deed(network)
    assert same(before, state(network))


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_all_is_as_it_was_after_an_exception(network, deed):
    before = state(network)
    with pytest.raises(RuntimeError, match="midway"), guarded(network, seed=3):
        fail_after(deed, network)
    assert same(before, state(network))


def test_inside_the_network_is_frozen_and_pixels_have_gradients(network):
    with torch.inference_mode(), guarded(network):
        assert not any(item.training for item in network.modules())
        images = torch.rand(1, 3, 8, 8, requires_grad=True)
        network(images).sum().backward()
        assert images.grad is not None
        assert not any(item.requires_grad for item in network.parameters())


def test_a_seed_decides_all_three_random_states(network):
    def draw(seed):
        with guarded(network, seed=seed):
            return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002

    first = draw(5)
    torch.rand(3)
    assert draw(5) == first
    assert all(a != b for a, b in zip(draw(6), first, strict=True))


def test_an_untouched_parameter_can_still_be_differentiated(network):
    loss = network.head(torch.rand(1, 4)).sum()
    with guarded(network):
        pass
    loss.backward()  # an in-place change of a parameter would make this raise


def test_the_sign_of_a_zero_comes_back():
    network = nn.Linear(2, 1)
    with torch.no_grad():
        network.weight.zero_()
    with guarded(network), torch.no_grad():
        network.weight.mul_(-1)
        assert network.weight.signbit().all()
    assert not network.weight.signbit().any(), "0 and -0 are equal, and not one fingerprint"
