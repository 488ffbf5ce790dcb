"""The figures of the zoo against slow ones and scipy, and the page that they are written into."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, spearmanr

from benchmarks.shortcuts import audit, figures, score, table
from benchmarks.shortcuts.audit import DETECTORS, Answer
from benchmarks.shortcuts.data import samples
from benchmarks.shortcuts.grid import World, entries
from benchmarks.shortcuts.picture import draw
from benchmarks.shortcuts.store import weights_file, write
from benchmarks.shortcuts.training import Truth, train


@pytest.fixture(autouse=True)
def few_redraws(monkeypatch):
    monkeypatch.setattr(figures, "RESAMPLES", 200)


values = st.lists(st.integers(0, 5), min_size=1, max_size=8)


@given(values, values)
def test_auroc_is_mann_whitney(high, low):
    scores = np.array([*high, *low], dtype=float)
    guilty = np.arange(len(scores)) < len(high)
    expected = mannwhitneyu(high, low).statistic / (len(high) * len(low))
    assert figures.auroc(scores, guilty) == pytest.approx(expected)
    assert figures.auroc(-scores, guilty) == pytest.approx(1 - expected)


@given(values, values)
def test_area_under_the_curve_is_the_auroc(high, low):
    scores = np.array([*high, *low], dtype=float)
    guilty = np.arange(len(scores)) < len(high)
    false, true = figures.roc(scores, guilty)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(figures.auroc(scores, guilty))


def test_what_has_no_number_suspects_nothing():
    scores, guilty = np.array([-math.inf, 0.2, -math.inf, 0.1]), np.array([True, True, False, False])
    assert figures.auroc(scores, guilty) == pytest.approx((0.5 + 0 + 1 + 1) / 4)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.sampled_from([0.0, 0.05, 0.3]))
def test_a_threshold_allows_its_share_and_the_next_lower_score_would_not(innocent, share):
    scores = np.array(innocent, dtype=float)
    cut = figures.threshold(scores, share)
    assert (scores > cut).mean() <= share
    assert (scores >= cut).mean() > share


def test_rank_correlation_is_spearmans():
    rng = np.random.default_rng(0)
    one, two = rng.integers(0, 9, 50).astype(float), rng.integers(0, 9, 50).astype(float)
    assert figures.rank_correlation(one, two) == pytest.approx(spearmanr(one, two).statistic)
    assert math.isnan(figures.rank_correlation(one, np.ones(50)))


def test_the_interval_draws_whole_cues():
    """Two cues on which it always works and two on which it never does: anything is possible elsewhere."""
    guilty = np.tile([True, False], 20)
    clusters = np.repeat(["a", "b", "c", "d"], 10)
    scores = np.where(np.isin(clusters, ["a", "b"]), guilty, ~guilty).astype(float)
    found = figures.auroc_interval(scores, guilty, list(clusters))
    assert (found.value, found.method) == (0.5, "bootstrap over 4 cues")
    assert (found.lower, found.upper) == (0.0, 1.0)
    alone = figures.auroc_interval(scores[:10], guilty[:10], ["a"] * 10)
    assert (alone.value, alone.lower, alone.method) == (1.0, 1.0, "bootstrap over networks")


def _zoo(score_of):
    """The reduced zoo with invented truths: whoever is trained on ρ ≥ .8 relies."""
    networks = []
    for entry in entries():
        relies = entry.kind in {"rho0.80", "rho0.95", "rho1.00", "fooled"}
        reliance = 0.9 if relies else 0.0
        truth = Truth(
            agrees=1.0, contradicts=1 - reliance, reliance=reliance, lower=0, upper=1, flips=0, on_object=0.5
        )
        p, verdict = (0.0, "FAIL") if relies else (0.5, "PASS")
        said = Answer(score=score_of(entry, relies), p=p, verdict=verdict)
        networks.append(table.Scored(entry=entry, truth=truth, answers=dict.fromkeys(DETECTORS, said)))
    return table.Zoo(networks=tuple(networks))


def test_a_perfect_detector_on_the_invented_zoo():
    zoo = _zoo(lambda _, relies: 0.8 if relies else 0.01)
    for row in table.rows(zoo):
        assert (row.auroc.value, row.on_object.value, row.off_object.value) == (1, 1, 1)
        assert (row.caught.value, row.caught.n, row.false.value, row.false.n) == (1, 16, 0, 16)
    for own in table.calibration(zoo):
        assert (own.significant.value, own.accused.value, own.convicted.value, own.cleared.value) == (
            0,
            0,
            1,
            0,
        )
        assert own.significant.n == own.convicted.n == 32
    assert {own.significant.n for own in table.calibration(zoo, diffuse=False)} == {28}


def test_thresholds_come_from_the_other_cues():
    """Held-out cues give higher scores throughout: the threshold does not know, and all of them alarm."""
    zoo = _zoo(lambda entry, relies: relies + 10 * (entry.world.cue in table.HELD_OUT))
    row = table.rows(zoo, ["declared"])[0]
    assert (row.auroc.value, row.caught.value, row.false.value) == (1, 1, 1)


def test_a_region_that_holds_the_object_spoils_no_other_threshold():
    """The innocent of the diffuse cue score highest of all: they fix one threshold, and not the other."""
    zoo = _zoo(lambda entry, relies: 1.0 if entry.world.cue == "tint" else 0.8 * relies)
    row = table.rows(zoo, ["declared"])[0]
    assert (row.caught.value, row.false.value) == (0, 0)
    assert (row.caught_located.value, row.false_located.value) == (1, 0)


def test_a_refused_region_is_no_alarm_no_all_clear_and_counted_apart():
    """As the check refuses the tint's region, of innocent and guilty networks alike."""
    zoo = _zoo(lambda _, relies: 0.8 if relies else 0.01)
    refused = Answer(score=-math.inf, p=1.0, verdict=audit.REFUSED)
    networks = [
        replace(item, answers={**item.answers, "declared": refused})
        if item.entry.world.cue == "tint"
        else item
        for item in zoo.networks
    ]
    zoo = replace(zoo, networks=tuple(networks))
    own = next(row for row in table.calibration(zoo) if row.detector == "declared")
    assert own.refused == (4, 4)
    assert (own.accused.value, own.cleared.value) == (0, 0)
    assert own.convicted.value == 28 / 32
    assert own.significant.value == 0
    row = table.rows(zoo, ["declared"])[0]
    assert (row.auroc.value, row.caught.value, row.false.value) == (1, 1, 0)
    assert "| declared | 0 % [0, 11] | 0 % [0, 11] | 88 % [72, 95] | 0 % [0, 11] | 4, 4 |" in "\n".join(
        score.report(zoo, full=False)
    )
    assert "tint-rho1.00" not in draw(zoo)


def test_spray_alone_suspects_a_cluster_that_looks_off_the_object():
    pictures = audit.painted(World(cue="tag", rho=1.0), 80, 0)
    rng = np.random.default_rng(0)
    maps = {number: 0.01 * rng.random((10, 10)) for number in range(80)}
    assert audit.spray(dict.fromkeys(range(80), np.zeros((10, 10))), pictures) == -math.inf
    for number in range(0, 80, 2):
        rows, columns = (slice(0, 3), slice(0, 3)) if number < 24 else (slice(4, 6), slice(4, 6))
        maps[number][rows, columns] += 1.0
    found = audit.spray(maps, pictures)
    assert found > 0.9
    moved = {number: np.roll(own, 4, (0, 1)) if number < 24 else own for number, own in maps.items()}
    assert audit.spray(moved, pictures) < found


def test_networks_between_are_shown_and_not_scored():
    zoo = _zoo(lambda _, relies: float(relies))
    first = zoo.networks[0]
    moved = replace(
        zoo, networks=(replace(first, truth=replace(first.truth, reliance=0.05)), *zoo.networks[1:])
    )
    assert len(moved.decided.networks) == 63
    assert "1 lie between" in next(score.report(moved, full=False))
    assert draw(moved).count(f"<title>{first.entry.name}") == 1


def test_the_report_names_every_detector_and_every_cue():
    text = "\n".join(score.report(_zoo(lambda _, relies: float(relies)), full=False))
    assert all(f"| {name} |" in text for name in DETECTORS)
    assert all(f"| {entry.world.cue}" in text for entry in entries())


def test_figures_replace_what_stood_between_the_marks():
    page = f"before\n{score.START}\nold\n{score.END}\nafter\n"
    once = score.between(page, "new")
    assert "old" not in once
    assert once == score.between(once, "new")
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    with pytest.raises(SystemExit, match="lost its marks"):
        score.between("nothing", "new")
    with pytest.raises(SystemExit, match="seed 1"):
        score.between(once, "new", (score.AGAIN, score.AGAIN_END))


def test_of_another_seed_the_page_has_a_part_of_its_own():
    """The first zoo's tables stay what they are, and the page has room for both."""
    page = score.PAGE.read_text(encoding="utf-8")
    found = score.between(page, "new", (score.AGAIN, score.AGAIN_END))
    assert found.partition(score.AGAIN)[0] == page.partition(score.AGAIN)[0]
    zoo = _zoo(lambda _, relies: float(relies)).where(lambda item: item.held_out)
    text = "\n".join(score.unseen(zoo))
    assert text.startswith("32 networks, 480 audited pictures each: 16 rely on their cue, 16 do not")
    assert "| declared | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] |" in text
    assert "without tint" not in text


def test_a_zoo_that_is_not_built_is_not_scored(tmp_path):
    with pytest.raises(SystemExit, match=r"64 of 64 networks are not built yet, .* build first"):
        score.read(full=False, folder=tmp_path)


def test_only_a_declared_cue_has_a_region():
    arguments = {"cue": "tag", "rho": 0.9, "n": 6, "seed": 0}
    bare, named = list(samples(**arguments)), list(samples(**arguments, declared=True))
    assert [set(item.masks) for item in bare] == [{"object"}] * 6
    assert [set(item.masks) for item in named] == [{"object", "cue"}] * 6
    assert (bare[3].image() == named[3].image()).all()
    assert not any(item.metadata for item in named)


def test_answers_are_asked_once(tmp_path, monkeypatch):
    entry = entries()[0]
    asked = []

    def ask(entry, folder):
        asked.append(entry.name)
        return {"declared": Answer(score=-math.inf, p=1.0, verdict="PASS")}

    monkeypatch.setattr(audit, "PARTS", {"part": ask})
    weights_file(entry, tmp_path).write_bytes(b"one")
    first = audit.answers(entry, tmp_path)
    assert audit.answers(entry, tmp_path)["declared"].score == first["declared"].score == -math.inf
    assert asked == [entry.name]
    weights_file(entry, tmp_path).write_bytes(b"trained anew")
    audit.answers(entry, tmp_path)
    assert asked == [entry.name] * 2


@pytest.mark.slow
def test_a_network_is_audited_from_its_file(tmp_path):
    """A network trained on ρ = 1: the region, declared, is found; the maps are asked as well."""
    entry = next(entry for entry in entries() if entry.name == "tag-rho1.00-plain-0")
    network = train(entry, n=800, epochs=6)
    truth = Truth(agrees=1, contradicts=0, reliance=1, lower=1, upper=1, flips=1, on_object=0)
    write(entry, network, truth, tmp_path)
    found = audit.answers(entry, tmp_path)
    assert found["oracle"].score > 0.5
    assert found["declared"].score > 0.3
    assert found["declared"].verdict == "FAIL"
    assert tuple(sorted(found)) == tuple(sorted(DETECTORS))
    assert -1 <= found["energy_inside"].score <= 0
