"""The parts of the follow-up: seeds, proposals, and maps compared at their own resolution."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from camaudit.classifier import Classifier
from camaudit.engine.perturbed.ledger import Ledger
from camaudit.engine.perturbed.likeness import Likeness
from camaudit.engine.perturbed.proposal import propose
from camaudit.engine.perturbed.seeds import seeds
from camaudit.errors import ModelError
from camaudit.evidence import MapRequest
from camaudit.perturb.budget import Budget

REQUEST = MapRequest(method="gradcam", layer="x", target="predicted")


def test_seeds_tell_runs_attacks_and_images_apart_and_nothing_else():
    ids = [f"s{number}" for number in range(200)]
    drawn = {
        (run, name): seeds(run, name, ids) for run in (0, 1) for name in ("a", "b", "noise for a", "noise")
    }
    every = [seed for own in drawn.values() for seed in own]
    assert len(set(every)) == len(every)
    assert all(0 <= seed < 2**60 for seed in every)
    assert seeds(1, "a", reversed(ids)) == list(reversed(drawn[1, "a"]))
    assert seeds(0, "a", ids[7:8]) == drawn[0, "a"][7:8]


def points(side, row, column):
    maps = torch.zeros(1, side, side)
    maps[0, row, column] = 3.0
    return maps


@pytest.mark.parametrize(("side", "block"), [(7, 1), (14, 1), (20, 2), (30, 3)])
def test_mass_moves_by_pixels_of_the_image_whatever_the_grid(side, block):
    """A point that moves by whole blocks moves as far as on the image."""
    size = (4 * side, 2 * side)
    found = Likeness(size=size, request=REQUEST).of(
        points(side, 0, 0), points(side, 2 * block, block), positive=True
    )
    distance = ((4 * 2 * block) ** 2 + (2 * block) ** 2) ** 0.5
    assert found["wasserstein"][0] == pytest.approx([distance])
    assert found["centroid_shift"][0] == pytest.approx([distance])
    settings = Likeness(size=size, request=REQUEST).settings(points(side, 0, 0))
    assert settings["cells per side summed for Wasserstein and centroid"] == block
    assert settings["cells of a map"] == side**2


def test_energy_is_measured_at_the_size_of_the_image():
    mask = torch.zeros(1, 8, 8, dtype=torch.bool)
    mask[0, :4, :4] = True
    likeness = Likeness(size=(8, 8), request=MapRequest(**{**vars(REQUEST), "resize": "nearest"}), masks=mask)
    off = points(2, 1, 1)
    values, reasons = likeness.of(off, points(2, 0, 0), positive=True)["energy_change"]
    assert (values, reasons) == ([1.0], [None])
    values, reasons = likeness.of(off, points(2, 0, 0) * 0, positive=True)["energy_change"]
    assert reasons == ["all-zero map"]


def test_a_ledger_keeps_a_reason_for_every_number_that_is_none():
    ledger = Ledger(columns=["a"])
    ledger.note("a", "x", float("inf"))
    ledger.note("a", "y", 1.0, "because")
    ledger.note("a", "z", 2.0)
    assert ledger._reasons["a"] == {"x": "undefined", "y": "because"}
    assert ledger._numbers["a"]["z"] == 2.0
    with pytest.raises(AssertionError):
        ledger.note("b", "x", 1.0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.norm = nn.BatchNorm2d(3)

    def forward(self, images):
        score = self.norm(images).mean((1, 2, 3)) * self.weight
        return torch.stack([score, -score], 1)


def asked(attack, budget=None):
    network = Classifier(module=Net().eval())
    images = torch.full((2, 3, 4, 4), 0.5)
    made = propose(attack, network, images, torch.zeros(2).long(), seeds=[1, 2], budget=budget)
    return network, images, made


def test_the_clean_images_and_the_network_survive_an_attack_that_spoils_both():
    def spoil(classifier, images, labels, *, seeds, targets=None):
        images.zero_()
        labels.fill_(9)
        classifier.module.train()
        classifier.module(images)
        with torch.no_grad():
            classifier.module.weight.fill_(5)
        return images + 0.5

    network, images, made = asked(spoil, Budget(norm="linf", eps=0.1))
    assert torch.equal(images, torch.full((2, 3, 4, 4), 0.5))
    assert torch.equal(made.images, images)
    assert made.faults == (None, None)
    assert float(network.module.weight.detach()) == 1
    assert not network.module.training
    assert float(network.module.norm.num_batches_tracked) == 0


def test_broken_rules_are_counted_in_few_words_and_the_clean_image_stands_in():
    def break_rules(classifier, images, labels, *, seeds, targets=None):
        return torch.stack([images[0] + 0.2, images[1] * torch.nan])

    _, images, made = asked(break_rules, Budget(norm="linf", eps=0.1))
    assert made.reasons == ("invalid: beyond the budget", "invalid: pixels that are not finite")
    assert torch.equal(made.images, images)
    assert torch.equal(made.rounded, (images * 255).round() / 255)


def test_without_a_budget_pixels_still_have_to_be_pixels():
    _, _, made = asked(lambda _, images, *__, **___: torch.stack([images[0] * 3, images[1] * 0]))
    assert made.reasons == ("invalid: pixels beyond [0, 1]", None)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "the attack returned NoneType"),
        (torch.zeros(2, 3, 4, 4).long(), "a tensor [2, 3, 4, 4] of torch.int64"),
        (torch.zeros(1, 3, 4, 4), "a tensor [1, 3, 4, 4]"),
    ],
)
def test_anything_but_images_is_refused(returned, message):
    with pytest.raises(ModelError) as caught:
        asked(lambda *_, **__: returned)
    assert message in str(caught.value)


def test_images_with_a_graph_or_of_inference_mode_are_taken():
    def graph(classifier, images, labels, *, seeds, targets=None):
        with torch.inference_mode():
            return images + 0.01

    _, _, made = asked(graph)
    made.images.requires_grad_()
    (made.images * 2).sum().backward()
    assert made.images.grad is not None
