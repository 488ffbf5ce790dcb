"""The table of scores: no number is missing without a reason, sizes make quartiles, CSV cells are text."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camaudit.errors import ResultError
from camaudit.scores import Table, read_csv, size_quartile, write_csv

NAN = float("nan")


def table(values, reasons=None, ids=None, groups=None):
    n = len(values)
    frame = pd.DataFrame(
        {
            "label": ["a"] * n,
            "predicted": ["a"] * n,
            "group": groups or [None] * n,
            "sha256": [None] * n,
            "map_status": ["ok"] * n,
            "object_share": [0.1] * n,
            "number": values,
        },
        index=ids or [f"s{i}" for i in range(n)],
    )
    return Table(frame=frame, reasons={"number": reasons or {}})


def test_a_missing_number_needs_a_reason():
    with pytest.raises(AssertionError, match="NaN without a reason"):
        table([1.0, NAN])


def test_reasons_are_counted_for_the_rows_present():
    whole = table([1.0, NAN, NAN], {"s1": "empty mask", "s2": "empty mask"})
    assert whole.undefined("number") == {"empty mask": 2}
    assert whole.where([True, True, False]).undefined("number") == {"empty mask": 1}
    assert whole.values("number").tolist() == [1.0]


def test_groups_cluster_and_loners_are_their_own():
    whole = table([1.0, 2.0, NAN, 4.0], {"s2": "x"}, groups=["p", None, "p", "p"])
    assert list(whole.clusters("number")) == ["p", "s1", "p"]
    assert table([1.0, 2.0]).clusters("number") is None


@given(st.lists(st.floats(0.001, 1.0), min_size=2, max_size=60))
def test_quartiles_keep_order_and_lose_nobody(shares):
    series = pd.Series(shares)
    names = size_quartile(series)
    if len(set(shares)) < 2:
        assert names.isna().all()
        return
    assert names.notna().all()
    ranks = names.str[1].astype(int)
    assert (np.diff(ranks[series.sort_values().index]) >= 0).all()
    assert len(set(names[series == series.min()])) == 1


def test_objects_of_no_size_have_no_quartile():
    names = size_quartile(pd.Series([0.0, NAN, 0.1, 0.2]))
    assert names.isna().tolist() == [True, True, False, False]


def test_csv_says_why_and_defuses_formulas(tmp_path):
    write_csv(
        {"check": table([1.0, NAN], {"=s1": "empty mask"}, ids=["s0", "=s1"])}, tmp_path / "samples.csv"
    )
    rows = list(csv.DictReader((tmp_path / "samples.csv").read_text().splitlines()))
    assert [row["id"] for row in rows] == ["s0", "'=s1"]
    assert rows[1]["number"] == ""
    assert rows[1]["undefined"] == "number: empty mask"
    assert rows[0]["number"] == "1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("check,id,x\na,1,2\na,2\n", "row 2 has 2 cells, and the first line 3"),
        ("check,id,x\na,1,2,3\n", "row 1 has 4 cells"),
        ("check,id,id\na,1,2\n", "has a column twice"),
        ("check,x\na,1\n", "has no column 'id'"),
        ("", "has no column 'check'"),
    ],
)
def test_a_table_that_is_damaged_is_not_read(tmp_path, text, said):
    (tmp_path / "samples.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ResultError, match=said):
        read_csv(tmp_path / "samples.csv")
