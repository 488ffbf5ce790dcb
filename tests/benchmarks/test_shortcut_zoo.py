"""The zoo's pictures, its list of networks and its files."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from benchmarks.shortcuts.cues import CUES, paint
from benchmarks.shortcuts.grid import HELD_OUT, World, entries
from benchmarks.shortcuts.networks import ARCHITECTURES
from benchmarks.shortcuts.scenes import draw_scenes
from benchmarks.shortcuts.store import read_network, read_truth, weights_file, write
from benchmarks.shortcuts.training import Truth, on_object, train, truth
from camaudit import Classifier, attention_map


@pytest.mark.parametrize("cue", CUES)
@pytest.mark.parametrize("small", [False, True])
def test_do_cue_changes_the_region_and_nothing_else(cue, small):
    scenes = draw_scenes("truth", 24, seed=3, small=small, decoy=small)
    off, on = (paint(scenes, cue, np.full(24, state)) for state in (0, 1))
    assert (off.cue == on.cue).all()
    assert (off.images == on.images)[~on.cue].all()
    changed = (off.images != on.images).any(-1)
    assert changed.any((1, 2)).all()


@pytest.mark.parametrize("cue", CUES)
def test_a_cue_lies_where_its_table_says(cue):
    pictures = paint(draw_scenes("audit", 60, seed=1), cue, np.ones(60, int))
    on = (pictures.cue & pictures.object).any((1, 2))
    off = (pictures.cue & ~pictures.object).any((1, 2))
    expected = {"off": (False, True), "on": (True, False), "diffuse": (True, True)}[CUES[cue].place]
    assert (bool(on.any()), bool(off.any())) == expected
    assert pictures.cue.any((1, 2)).all()


def test_a_picture_does_not_depend_on_how_many_are_drawn():
    few, many = draw_scenes("audit", 5, seed=2, decoy=True), draw_scenes("audit", 40, seed=2, decoy=True)
    assert (few.canvas == many.canvas[:5]).all()
    assert (few.states(0.8) == many.states(0.8)[:5]).all()


def test_splits_and_seeds_share_no_picture():
    one = draw_scenes("train", 4, seed=0).canvas
    for split, seed in (("audit", 0), ("truth", 0), ("train", 1)):
        assert not (one == draw_scenes(split, 4, seed=seed).canvas).all((1, 2, 3)).any()


def test_unknown_split():
    with pytest.raises(ValueError, match="no split 'test'; allowed: train, truth, audit"):
        draw_scenes("test", 2, seed=0)


def test_size_tells_nothing_of_the_class():
    scenes = draw_scenes("train", 800, seed=0)
    areas = scenes.object.sum((1, 2))
    triangles, squares = (areas[scenes.labels == label].mean() for label in (0, 1))
    assert abs(triangles / squares - 1) < 0.05


@pytest.mark.parametrize("rho", [0.5, 0.8, 1.0])
def test_the_cue_goes_with_the_label_as_often_as_rho_says(rho):
    scenes = draw_scenes("train", 2000, seed=0)
    assert abs((scenes.states(rho) == scenes.labels).mean() - rho) < 0.03


def test_the_reduced_zoo_is_balanced():
    zoo = entries()
    assert len(zoo) == len({entry.name for entry in zoo}) == 64
    assert set(Counter(entry.world.cue for entry in zoo).values()) == {8}
    assert set(Counter(entry.architecture for entry in zoo)) == set(ARCHITECTURES)
    for kind in {entry.kind for entry in zoo}:
        assert len({entry.architecture for entry in zoo if entry.kind == kind}) == 3


def test_another_seed_is_another_zoo():
    first, second = [entry for entry in entries() if entry.world.cue in HELD_OUT], entries(seed=1)
    assert len(second) == 32
    assert not {entry.name for entry in first} & {entry.name for entry in second}
    for one, other in zip(first, second, strict=True):
        assert (one.kind, one.world) == (other.kind, other.world)
        assert one.architecture != other.architecture
        assert (one.seed, other.seed) == (0, 1)


def test_the_full_zoo_holds_each_network_of_its_grid_once():
    zoo = entries(full=True)
    assert len(zoo) == len({entry.name for entry in zoo}) == 8 * 11 * 3 * 3


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_closed_form_is_grad_cam(architecture):
    torch.manual_seed(0)
    network = ARCHITECTURES[architecture]().eval()
    images, contrast = torch.rand(4, 3, 40, 40), torch.tensor([[1.0, -1.0]] * 4)
    features = network.features(images)
    assert features.shape[2:] == (10, 10)
    weights = network.head.weight[0] - network.head.weight[1]
    closed = (weights[None, :, None, None] * features).sum(1).detach() / 100
    taken = attention_map(Classifier(module=network), images, layer="features", target=contrast)
    torch.testing.assert_close(taken.raw.float(), closed)


def test_on_object_is_the_share_of_the_map():
    network = ARCHITECTURES["plain"]()
    with torch.no_grad():
        network.head.weight.copy_(torch.stack([torch.ones(32), torch.zeros(32)]))
    features = torch.zeros(1, 32, 10, 10)
    features[0, 0, 2, 3], features[0, 0, 8, 8] = 3.0, 1.0
    mask = torch.zeros(1, 40, 40, dtype=torch.bool)
    mask[0, 8:12, 12:16] = True
    assert on_object(network, features, torch.tensor([0]), mask).item() == pytest.approx(0.75, abs=1e-5)


def test_a_network_and_its_truth_come_back_as_written(tmp_path):
    entry = entries()[0]
    network = train(entry, n=100, epochs=1)
    known = truth(network, entry.world, seed=0, n=100)
    write(entry, network, known, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [weights_file(entry, tmp_path).name]
    assert read_truth(entry, tmp_path) == known
    again = train(entry, n=100, epochs=1).state_dict()
    assert all(
        (again[key] == value).all() for key, value in read_network(entry, tmp_path).state_dict().items()
    )


class _ReadsTheTag(torch.nn.Module):
    """Answers 1 where the corner is brighter than even grey would allow: knows the tag and nothing else."""

    def forward(self, images):
        corner = images[:, :, 2:6, 2:6].amax((1, 2, 3)) > 0.99
        dark = images[:, :, 2:6, 2:6].amin((1, 2, 3)) < 0.01
        tag = (corner & dark).float()
        return torch.stack([1 - tag, tag], 1)


def test_truth_of_a_network_that_reads_the_tag_alone(monkeypatch):
    monkeypatch.setattr("benchmarks.shortcuts.training._mean_on_object", lambda *_: 0.0)
    known = truth(_ReadsTheTag(), World(cue="tag", rho=1.0), seed=0, n=200)
    assert (known.agrees, known.contradicts, known.reliance, known.flips) == (1.0, 0.0, 1.0, 1.0)
    assert known.kind == "positive"


@pytest.mark.parametrize(
    ("reliance", "kind"),
    [(0.1, "positive"), (0.099, "between"), (0.02, "negative"), (-0.02, "negative"), (-0.2, "between")],
)
def test_what_a_reliance_makes_of_a_network(reliance, kind):
    known = Truth(agrees=1, contradicts=1, reliance=reliance, lower=0, upper=0, flips=0, on_object=0)
    assert known.kind == kind
