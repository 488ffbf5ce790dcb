"""One-pixel checks on a linear network, whose best pixel is known: what is found is what there is."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image

from camaudit import plan
from camaudit.checks.one_pixel import OnePixelAttack
from camaudit.checks.perturbed_estimates import UNTOLD
from camaudit.classifier import Classifier
from camaudit.engine.perturbed.places import to_object, to_peak
from camaudit.engine.perturbed.search import control, hunt
from camaudit.engine.perturbed.threat import ANY_TARGET
from camaudit.errors import SpecError
from camaudit.perturb.one_pixel import CORNERS, paint
from camaudit.spec import read
from tests.engine.perturbed_audit import audited, known, write
from tests.engine.test_perturbed import finding, table


def one_pixel(name="one-pixel", **changes):
    attack = {"population": 40, "generations": 10, **changes.pop("attack", {})}
    gate = {"success_rate": {"at_most": 0.9}}
    return {"id": name, "kind": "one_pixel", "attack": attack, "gate": gate, **changes}


def corner_flips(n=24):
    """Which pictures some pixel in a corner colour turns, by hand."""
    module = known()
    weights, found = module["weights"](), {}
    for number in range(n):
        picture = module["picture"](number).astype(np.float64)
        before = module["score"](picture)
        gains = [
            float((weights[:, row, column] * (colour - picture[row, column]) / 255).sum())
            for row in range(picture.shape[0])
            for column in range(picture.shape[1])
            for colour in CORNERS
        ]
        found[f"s{number:03d}"] = min(gains) < -before if before > 0 else max(gains) > -before
    return found


@pytest.mark.parametrize("search", ["sweep", "guided", "default"])
def test_it_turns_what_a_corner_can_turn(tmp_path, search):
    (check,) = audited(tmp_path, one_pixel(attack={"search": search})).checks
    truth, rows = corner_flips(), table(tmp_path)
    assert 0 < sum(truth.values()) < len(truth)
    assert rows["success"].eq(1).to_dict() == truth
    assert rows["robust"].eq(0).to_dict() == truth
    share = sum(truth.values()) / len(truth)
    assert finding(check, "success_rate").value == pytest.approx(share)
    assert finding(check, "robust_accuracy").value == pytest.approx(1 - share)


def test_an_exhausted_sweep_says_what_it_may_and_no_other_search_says_it(tmp_path):
    (swept,) = audited(tmp_path / "a", one_pixel(attack={"search": "sweep"})).checks
    left = 24 - sum(corner_flips().values())
    assert swept.attacked.words[0] == (
        f"In {left} of 24 images no corner-colour one-pixel flip exists (512 of 512 checked). "
        "Colours inside the cube were not tried."
    )
    (other,) = audited(tmp_path / "b", one_pixel()).checks
    assert not any("corner" in words for words in other.attacked.words)
    for check in (swept, other):
        text = " ".join([check.headline, check.answer, *check.limits, *check.attacked.words])
        assert "robust" not in text.replace("robust_accuracy", "")


def test_the_union_and_its_parts(tmp_path):
    check = one_pixel(attack={"guided_queries": 3})
    (found,) = audited(tmp_path, check).checks
    rows = table(tmp_path)
    guided, evolution = rows["turned by guided"], rows["turned by evolution"]
    assert 0 < guided.sum() < 24
    assert (evolution.isna() == (guided == 1)).all()  # each search is given what those before it left
    assert (rows["success"] == np.maximum(guided, evolution.fillna(0))).all()
    assert finding(found, "success_rate: guided").n == 24
    left = finding(found, "success_rate: evolution")
    assert (left.n, left.undefined) == (24 - guided.sum(), {})
    threat = dict(found.attacked.threat)
    assert threat["strategy"] == "guided, then evolution on the images left"
    assert "3 candidates" in threat["stop rule"]
    assert "40 members, to the first success or 10 generations (440 candidates)" in threat["stop rule"]
    assert threat["candidates, evolution"].endswith(f"in {left.n} images")
    assert finding(found, "queries").value == pytest.approx(rows["queries"].mean())


def test_the_pictures_differ_in_one_pixel_and_that_is_the_one_told(tmp_path):
    (check,) = audited(tmp_path, one_pixel(attack={"search": "guided"})).checks
    assert check.attacked.strikes
    for strike in check.attacked.strikes:
        clean, changed = (
            np.asarray(Image.open(tmp_path / "out" / name)) for name in (strike.image, strike.changed)
        )
        ((row, column),) = np.argwhere((clean != changed).any(2))
        colour = ", ".join(map(str, changed[row, column]))
        assert strike.change == f"row {row}, column {column}: ({colour})"
        assert strike.note.startswith("found by guided after ")


def test_several_pixels_are_searched_by_evolution(tmp_path):
    (check,) = audited(tmp_path, one_pixel(attack={"pixels": 3})).checks
    assert finding(check, "success_rate").value > finding(check, "success_rate: evolution").value - 1e-9
    assert dict(check.attacked.threat)["budget"] == "pixels changed ≤ 3"
    for strike in check.attacked.strikes:
        clean, changed = (
            np.asarray(Image.open(tmp_path / "out" / name)) for name in (strike.image, strike.changed)
        )
        assert 1 <= (clean != changed).any(2).sum() <= 3
    assert sum(corner_flips().values()) / 24 <= finding(check, "success_rate").value


def test_the_result_of_an_image_depends_on_no_other(tmp_path):
    check = one_pixel(attack={"search": "evolution"}, mask="object")
    audited(tmp_path / "a", check, batch_size=2)
    audited(tmp_path / "b", check, batch_size=24)
    audited(tmp_path / "c", {**check, "sample": {"n": 7}})
    first, second, few = (table(tmp_path / name).select_dtypes("number") for name in "abc")
    np.testing.assert_allclose(first.to_numpy(), second.to_numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(first.loc[few.index].to_numpy(), few.to_numpy(), rtol=1e-5, atol=1e-6)


def test_the_control_is_the_same_colour_elsewhere_and_holds_the_answer(tmp_path):
    check = one_pixel(attack={"search": "guided"}, mask="object", moved_below=0.9)
    (check,) = audited(tmp_path, check).checks
    rows = table(tmp_path)
    turned = rows[rows["success"] == 1]
    assert turned["map_spearman of the control"].notna().any()
    np.testing.assert_allclose(
        turned["map_spearman"] - turned["map_spearman of the control"],
        turned["map_spearman minus the control"],
        atol=1e-6,
    )
    flipped, held, rest = check.attacked.cells
    assert sum(flipped[1:]) == len(turned) == sum(held[1:])
    assert rest == ("not flipped (no changed image)", 0, 0, 24 - len(turned))
    assert rows.loc[rows["success"] == 0, "map_spearman"].isna().all()
    assert finding(check, "map_spearman").undefined == {}


def test_few_maps_under_noise_tell_no_threshold(tmp_path):
    (check,) = audited(tmp_path, one_pixel(attack={"search": "guided"})).checks
    assert check.attacked.words == (UNTOLD,)
    assert all(moved == still == 0 for _, moved, still, _ in check.attacked.cells)
    assert not [item for item in check.findings if item.by == "outcome and map"]


class Bright:
    """Answers 1 where the pixel at 0, 0 is white; everything else is 0."""

    def logits(self, images):
        hit = (images[:, :, 0, 0] == 1).all(1).double()
        return torch.stack([1 - hit, hit], 1)


def test_a_control_differs_from_the_image_and_avoids_what_turns_it():
    image = torch.full((1, 3, 3, 3), 0.2)
    image[0, :, 1, 1] = 1.0  # white already: no control there
    candidate = np.array([[2.0, 2.0, 255.0, 255.0, 255.0]])
    for seed in range(20):
        found = control(Bright(), image, candidate, 0, tries=16, seed=seed)
        ((row, column),) = (found[0] != image[0]).any(0).nonzero().tolist()
        assert (row, column) not in {(0, 0), (1, 1), (2, 2)}
    assert control(Bright(), torch.ones(1, 3, 3, 3), candidate, 1, tries=16, seed=0) is None


def test_places():
    raw = np.zeros((2, 2), dtype=np.float32)
    raw[1, 0] = 3
    # The cell's centre is (6, 2) in an image of 8 × 8; the pixel's own centre (0.5, 2.5).
    value, expected, why = to_peak(raw, np.array([[0.5, 2.5], [0.5, 7.5]]), (8, 8))
    assert (value, why) == (pytest.approx(math.hypot(5.5, 0.5)), None)
    everywhere = [math.hypot(row + 0.5 - 6, column + 0.5 - 2) for row in range(8) for column in range(8)]
    assert expected == pytest.approx(sum(everywhere) / 64)
    assert to_peak(np.ones((2, 2), dtype=np.float32), np.array([[0.5, 0.5]]), (8, 8))[2] == "no single peak"
    assert to_peak(-raw, np.array([[0.5, 0.5]]), (8, 8))[2] == "no single peak"
    assert to_peak(raw * np.nan, np.array([[0.5, 0.5]]), (8, 8))[2] == "non-finite map"
    mask = np.zeros((8, 8), dtype=bool)
    mask[4, 4] = True
    assert to_object(mask, np.array([[4.5, 4.5]]))[0] == 0
    assert to_object(mask, np.array([[1.5, 4.5], [1.5, 0.5]]))[0] == 3
    assert to_object(~mask & mask, np.array([[1.5, 4.5]]))[2] == "empty mask"


def test_distances_stand_beside_what_any_pixel_would_give(tmp_path):
    (check,) = audited(tmp_path, one_pixel(attack={"search": "guided"}, mask="object")).checks
    rows = table(tmp_path)
    for name in ("distance to the map's peak", "distance to the object"):
        assert finding(check, name).chance == pytest.approx(rows[f"{name}, any pixel"].mean(), rel=1e-6)
    assert rows["distance to the object"].min() == 0


def test_targeted_searches_count_the_target(tmp_path):
    (check,) = audited(tmp_path, one_pixel(attack={"search": "sweep", "target": "above"})).checks
    truth, module = corner_flips(), known()
    below = [f"s{number:03d}" for number in range(24) if module["score"](module["picture"](number)) <= 0]
    success = finding(check, "success_rate")
    assert success.n == len(below)
    assert success.value == pytest.approx(sum(truth[key] for key in below) / len(below))
    assert "flip to above exists" in check.attacked.words[0]


def test_any_target_reaches_with_two_classes_what_an_untargeted_sweep_does(tmp_path):
    (check,) = audited(tmp_path, one_pixel(attack={"search": "sweep", "any_target": True})).checks
    assert table(tmp_path)["success"].eq(1).to_dict() == corner_flips()
    assert dict(check.attacked.threat)["goal"] == ANY_TARGET
    assert finding(check, "success_rate").n == 24


def test_any_target_aims_at_every_class_but_its_own_until_one_is_reached():
    """Logits (0, a, b) - bias of the mean red and green: which class one pixel reaches is known."""

    class Network(torch.nn.Module):
        def forward(self, x):
            red, green, _ = x.sum((2, 3)).unbind(1)
            return torch.stack([torch.zeros_like(red), red - 0.5, green - 0.5], dim=1)

    network = Classifier(module=Network().eval())
    images = torch.zeros(2, 3, 4, 4)
    images[1, 0, 0, 0] = 1.0  # answered as 1
    labels = torch.tensor([0, 1])
    attack = OnePixelAttack(search="sweep", any_target=True)
    first, second = hunt(attack, network, images, labels, goals=(0, 1, 2), seeds=[0, 0])
    # Aimed at 1 (0 is its own label): the first corner colour with red; black changes nothing.
    assert first.candidate is not None
    assert network.logits(paint(images[:1], first.candidate[None])).argmax() == 1
    # Aimed at 0: black at the red pixel, which the sweep tries first.
    assert second.queries == {"sweep": 1}
    (untargeted, _) = hunt(attack, network, images, labels, goals=None, seeds=[0, 0])
    assert untargeted.queries["sweep"] <= first.queries["sweep"]
    (nothing, _) = hunt(
        attack, Classifier(module=Deaf().eval()), images, labels, goals=(0, 1, 2), seeds=[0, 0]
    )
    assert nothing.candidate is None
    assert nothing.queries == {"sweep": 2 * 16 * len(CORNERS)}


class Deaf(torch.nn.Module):
    """Answers 0, whatever it sees."""

    def forward(self, x):
        return torch.tensor([1.0, 0.0, 0.0]).expand(len(x), 3) + 0 * x.sum()


def test_wrong_images_are_not_searched(tmp_path):
    (check,) = audited(tmp_path, one_pixel(attack={"search": "guided"}), data={"wrong": 6}).checks
    assert finding(check, "success_rate").n == 18
    assert finding(check, "robust_accuracy").n == 24
    assert finding(check, "queries").n == 18


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        ({"pixels": 3, "search": "sweep"}, '"search: sweep" goes through single pixels'),
        ({"pixels": 0}, "must be at least 1"),
        ({"any_target": True, "target": 1}, '"any_target" aims at every class, and "target" at one'),
        ({"population": 3}, "must be at least 4"),
        ({"serch": "sweep"}, 'did you mean "search"'),
        ({"search": "swep"}, 'did you mean "sweep"'),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(tmp_path, attack, message):
    with pytest.raises(SpecError) as caught:
        read(write(tmp_path, one_pixel(attack=attack)))
    assert message in str(caught.value)


def test_the_plan_tells_the_most_it_can_take(tmp_path):
    text = plan.make(read(write(tmp_path, one_pixel()))).text()
    assert "at most 1072, a gradient (guided) and 440 (evolution) forwards for each image" in text
    spec = write(tmp_path, one_pixel(attack={"any_target": True}))
    assert "classified correctly, for each class but its own, and" in plan.make(read(spec)).text()
