"""Which samples are drawn, and which are paired for the shuffled-mask control."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camaudit.data.sample import Sample
from camaudit.data.sampling import draw, partners
from camaudit.errors import DataError


def sample(name, label=None, group=None):
    label_name = None if label is None else f"class {label}"
    return Sample(id=str(name), image=Path("a.png"), label=label, label_name=label_name, group=group)


SAMPLES = st.lists(
    st.tuples(st.sampled_from([0, 1, 2, 7]), st.sampled_from([None, "p", "q"])), min_size=1, max_size=40
).map(lambda rows: [sample(f"s{number}", label, group) for number, (label, group) in enumerate(rows)])
SEEDS = st.integers(0, 5)


@given(SAMPLES, st.integers(1, 45), SEEDS, st.sampled_from(["label", "group", None]))
def test_a_draw_has_n_samples_and_every_stratum_its_share(samples, n, seed, by):
    drawn = draw(samples, n=n, by=by, seed=seed)
    assert len(drawn) == min(n, len(samples))
    assert len({item.id for item in drawn}) == len(drawn)
    assert [item.id for item in drawn] == sorted(item.id for item in drawn)
    if by is not None and n < len(samples):
        sizes = Counter(getattr(item, by) for item in samples)
        seats = Counter(getattr(item, by) for item in drawn)
        for key, size in sizes.items():
            assert abs(seats[key] - n * size / len(samples)) < 1


@given(SAMPLES, st.integers(1, 45), SEEDS, st.randoms(use_true_random=False))
def test_a_draw_does_not_depend_on_order_or_metadata(samples, n, seed, shuffler):
    shuffled = [replace(item, metadata={"note": "x"}, image=Path("b.png")) for item in samples]
    shuffler.shuffle(shuffled)
    first, second = (draw(items, n=n, by="label", seed=seed) for items in (samples, shuffled))
    assert [item.id for item in first] == [item.id for item in second]


def test_a_draw_depends_on_the_seed():
    samples = [sample(number, 0) for number in range(100)]
    ids = {tuple(item.id for item in draw(samples, n=10, by="label", seed=seed)) for seed in range(20)}
    assert len(ids) == 20


def test_a_draw_is_known_by_heart():
    samples = [sample(f"img_{number:02}", number % 2) for number in range(20)]
    drawn = [item.id for item in draw(samples, n=4, by="label", seed=7)]
    assert drawn == ["img_03", "img_06", "img_11", "img_16"]  # the same on every machine and version


def test_every_sample_is_drawn_equally_often():
    samples = [sample(number, number % 3) for number in range(12)]
    seen = Counter(item.id for seed in range(2000) for item in draw(samples, n=6, by="label", seed=seed))
    # 1,000 expected each, standard deviation √(2000 · ½ · ½) ≈ 22
    assert all(abs(count - 1000) < 110 for count in seen.values())


def test_ties_for_the_last_seat_are_broken_by_the_seed():
    samples = [sample(number, number % 4) for number in range(40)]
    extra = Counter(
        label
        for seed in range(400)
        for label, count in Counter(item.label for item in draw(samples, n=9, by="label", seed=seed)).items()
        if count == 3
    )
    assert set(extra) == {0, 1, 2, 3}
    assert max(extra.values()) < 150


def test_a_larger_draw_holds_the_smaller_one():
    samples = [sample(number, 0) for number in range(50)]
    small, large = ({item.id for item in draw(samples, n=n, by="label", seed=3)} for n in (10, 20))
    assert small < large


@pytest.mark.parametrize("n", [None, 3, 99])
def test_all_are_taken_where_there_are_no_more(n):
    samples = [sample(number) for number in (3, 1, 2)]
    assert [item.id for item in draw(samples, n=n, by="label", seed=0)] == ["1", "2", "3"]


def test_nothing_to_draw_from_is_an_error():
    with pytest.raises(DataError, match="an audit of nothing is never green"):
        draw([], n=None, by=None, seed=0)


def test_shared_ids_are_an_error():
    with pytest.raises(DataError, match="two samples share the id 'a'"):
        draw([sample("a"), sample("a")], n=None, by=None, seed=0)


@given(SAMPLES, SEEDS)
def test_partners_are_a_derangement_within_each_class(samples, seed):
    pairs = partners(samples, seed)
    by_id = {item.id: item for item in samples}
    sizes = Counter(item.label for item in samples)
    assert set(pairs) == (set(by_id) if len(samples) > 1 else set())
    for own, (other, same) in pairs.items():
        assert own != other
        assert same == (by_id[own].label == by_id[other].label)
        assert same == (sizes[by_id[own].label] > 1)
    taken = [other for other, same in pairs.values() if same]
    assert len(taken) == len(set(taken))


@given(SAMPLES, SEEDS)
def test_partners_come_from_another_group_where_no_group_holds_most_of_the_class(samples, seed):
    by_id = {item.id: item for item in samples}
    for own, (other, same) in partners(samples, seed).items():
        peers = [item for item in samples if item.label == by_id[own].label]
        largest = max(Counter(item.group for item in peers if item.group is not None).values(), default=1)
        if same and 2 * largest <= len(peers) and by_id[own].group is not None:
            assert by_id[own].group != by_id[other].group


@given(SAMPLES, SEEDS)
def test_partners_do_not_depend_on_order(samples, seed):
    shuffled = list(samples)
    random.Random(seed).shuffle(shuffled)
    assert partners(samples, seed) == partners(shuffled, seed)


def test_partners_depend_on_the_seed():
    samples = [sample(number, 0) for number in range(12)]
    assert partners(samples, 0) != partners(samples, 1)


def test_a_class_of_one_group_is_still_deranged():
    samples = [sample(number, 0, "video") for number in range(4)]
    pairs = partners(samples, 0)
    assert {own != other for own, (other, _) in pairs.items()} == {True}
    assert len(pairs) == 4


def test_without_labels_the_class_is_unknown():
    assert {same for _, same in partners([sample(number) for number in range(4)], 0).values()} == {False}


def test_a_sole_sample_has_no_partner():
    assert partners([sample("a", 0)], 0) == {}
