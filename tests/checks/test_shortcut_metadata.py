"""Accuracy by metadata: the gap and the worst group, of answers that are known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from camaudit import stats
from camaudit.checks.shortcut import ShortcutSpec, forwards
from camaudit.checks.shortcut_columns import META, UNTOUCHED
from camaudit.checks.shortcut_metadata import by_metadata
from camaudit.scores import Table


def table(rows):
    """Of rows (class, value, right, images)."""
    flat = [(label, value, float(number < right)) for label, value, right, n in rows for number in range(n)]
    frame = pd.DataFrame(
        {
            "label": [row[0] for row in flat],
            "predicted": "cat",
            "group": None,
            "sha256": None,
            "map_status": None,
            "object_share": np.nan,
            UNTOUCHED: [row[2] for row in flat],
        },
        index=pd.Index([f"{number:03d}" for number in range(len(flat))], name="id"),
    )
    levels = pd.DataFrame({"camera": [row[1] for row in flat]}, index=frame.index)
    return Table(frame=frame, profiles={f"{META}camera": levels})


def found(rows):
    return {item.name: item for item in by_metadata("camera", table(rows), 0.95)}


ROWS = [
    ("cat", "a", 19, 20),
    ("dog", "a", 18, 20),
    ("cat", "b", 18, 20),
    ("dog", "b", 4, 20),
    ("dog", "c", 0, 4),
]


def test_the_gap_is_between_best_and_worst_value_with_enough_images():
    gap = found(ROWS)["camera: accuracy gap"]
    assert gap.interval.value == pytest.approx(37 / 40 - 22 / 40)
    pair = stats.share_difference(stats.wilson(37, 40), stats.wilson(22, 40))  # two values are one pair
    assert (gap.interval.lower, gap.interval.upper) == pytest.approx((pair.lower, pair.upper))
    assert "a minus b, of 2 values with 5 images or more" in gap.title
    assert "no image was changed" in gap.title
    assert gap.gate is None


def test_the_gap_of_more_values_allows_for_having_been_picked():
    rows = [*ROWS[:4], ("cat", "c", 20, 30), ("cat", "d", 25, 30)]
    gap = found(rows)["camera: accuracy gap"]
    each = 1 - 0.05 / 6  # pairs of four values
    pair = stats.share_difference(stats.wilson(37, 40, each), stats.wilson(22, 40, each))
    assert (gap.interval.lower, gap.interval.upper) == pytest.approx((pair.lower, pair.upper))


def test_the_worst_group_is_a_class_at_a_value():
    worst = found(ROWS)["camera: worst group"]
    assert "class dog where camera is b, of 4 groups" in worst.title
    own = stats.wilson(4, 20, 1 - 0.05 / 4)
    assert (worst.interval.lower, worst.interval.value, worst.interval.upper) == pytest.approx(
        (own.lower, 0.2, own.upper)
    )


def test_equal_values_have_no_gap():
    gap = found([("cat", "a", 9, 10), ("cat", "b", 9, 10)])["camera: accuracy gap"]
    assert gap.interval.value == 0.0
    assert gap.interval.lower < 0 < gap.interval.upper


def test_too_few_images_of_each_value_are_said():
    items = found([("cat", "a", 9, 10), ("dog", "b", 0, 4)])
    for name in ("camera: accuracy gap", "camera: worst group"):
        assert math.isnan(items[name].interval.value)
        assert "fewer than two to compare that have 5 images" in items[name].title


def test_an_honest_network_is_rarely_given_a_gap():
    """Six values, all right 80 % of the time: the gap's interval is above 0 in at most 5 % of draws."""
    rng, above = np.random.default_rng(0), 0
    for _ in range(400):
        rows = [("cat", value, int(rng.binomial(40, 0.8)), 40) for value in "abcdef"]
        above += found(rows)["camera: accuracy gap"].interval.lower > 0
    assert above <= 29  # the upper end of what 5 % of 400 give, 99 %


def test_the_plan_names_what_validity_takes():
    spec = ShortcutSpec.model_validate({"id": "one", "kind": "shortcut", "discover": True})
    text = forwards(spec)
    assert "3 maps of up to 30 images with the head drawn anew" in text
    assert "up to 50 forwards for each of up to 12 images" in text
    named = ShortcutSpec.model_validate({"id": "one", "kind": "shortcut", "regions": ["tag"]})
    assert "occlusion" not in forwards(named)
