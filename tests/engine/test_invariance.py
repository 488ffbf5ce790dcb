"""How a run is carried out changes nothing that it finds: batches, threads, workers, memory format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import torch

from camaudit import plan
from camaudit.baseline import accept
from camaudit.engine import Options, run
from camaudit.spec import read
from tests.small_audit import overlap, write

if TYPE_CHECKING:
    from camaudit.result import AuditResult

TOLERANCE = 1e-4
RANK_TOLERANCE = 1e-3
"""Of statistics of ranks, which move in steps: two cells that differ by rounding alone may change places."""
NETWORKS = '''
import torch
from torch import nn


def plain():
    """Three convolutions with random weights: sums long enough for their order to matter."""
    generator = torch.Generator().manual_seed(3)
    layers = [nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 48, 3, stride=2, padding=1), nn.ReLU()]
    layers += [nn.Conv2d(48, 64, 3, padding=1), nn.ReLU()]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 2)]
    network = nn.Sequential(*layers)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.15)
    return network


def channels_last():
    return plain().to(memory_format=torch.channels_last)
'''
CHECKS = (
    overlap(also=["pixel_auc"], gate={"at_least": 0.01}),
    overlap("never-met", gate={"at_least": 0.99}),
    {
        "id": "in-noise",
        "kind": "corruption",
        "corruptions": [{"name": "gaussian_noise", "severity": 2}],
        "gate": {"map_spearman": {"at_least": 0.1}},
    },
    {
        "id": "no-drift",
        "kind": "drift",
        "of": "on-the-square",
        "baseline": "baselines/squares.json",
        "gate": {"mean_drop": {"at_most": 0.001}, "map_distance": {"at_most": 0.01}},
    },
)
VARIANTS = {
    "batches of 1": Options(batch_size=1, threads=1),
    "batches of 3": Options(batch_size=3, threads=1),
    "one batch": Options(batch_size=64, threads=1),
    "two threads": Options(batch_size=16, threads=2),
    "no decoding threads": Options(batch_size=16, threads=1, workers=0),
}


@dataclass(frozen=True)
class Found:
    """A run: its result, and all numbers of all samples by check and id."""

    result: AuditResult
    numbers: pd.DataFrame

    @property
    def verdicts(self) -> list[tuple[str, ...]]:
        """Status, outcome and the status of every finding, by check."""
        return [
            (item.id, item.status, item.outcome, *(f"{one.name} {one.status}" for one in item.findings))
            for item in self.result.checks
        ]


@pytest.fixture(autouse=True, scope="module")
def _threads_as_they_were():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The audit with its baseline accepted, and what it finds in batches of 16."""
    home = tmp_path_factory.mktemp("invariance")
    spec = written(home, "plain")
    carried_out(home, spec, Options(threads=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CI", raising=False)
        accept(home / "out/baselines/no-drift.json", home / "baselines/squares.json", by="A", reason="first")
    found = carried_out(home, spec, Options(threads=1))
    assert [item.status for item in found.result.checks] == ["PASS", "FAIL", "PASS", "PASS"]
    return home, spec, found


def written(home, factory):
    model = {"factory": f"squares_convolutions:{factory}", "classes": ["red", "green"]}
    spec = write(home, *CHECKS, n=20, model=model, maps={"method": "gradcam", "layer": "4"})
    (home / "squares_convolutions.py").write_text(NETWORKS, encoding="utf-8")
    return spec


def carried_out(home, spec, options):
    result = run(plan.make(read(spec)), home / "out", options)
    table = pd.read_csv(home / "out/samples.csv").set_index(["check", "id"]).sort_index()
    return Found(result, table.select_dtypes("number"))


def compare(before, after):
    """The same verdicts, undefined where it was, and every number of every sample as near as it has to be."""
    assert before.verdicts == after.verdicts
    assert (before.numbers.index == after.numbers.index).all()
    assert list(before.numbers) == list(after.numbers)
    assert before.numbers.isna().equals(after.numbers.isna())
    largest = (before.numbers - after.numbers).abs().max()
    ranks = largest.index.str.startswith("pixel_auc")
    assert largest[~ranks].max() <= TOLERANCE, largest[~ranks].idxmax()
    assert largest[ranks].max() <= RANK_TOLERANCE, largest[ranks].idxmax()
    drift = next(item for item in after.result.checks if item.id == "no-drift")
    gated = [item.interval for item in drift.findings if item.status is not None]
    assert gated == ["same network"] * 2
    return largest[largest > 0].to_dict()


@pytest.mark.parametrize("name", VARIANTS)
def test_how_it_runs_changes_nothing(reference, name):
    home, spec, before = reference
    print("largest difference", compare(before, carried_out(home, spec, VARIANTS[name])))  # noqa: T201 - shown by -rP


def test_the_memory_format_changes_nothing(reference):
    home, _, before = reference
    after = carried_out(home, written(home, "channels_last"), Options(threads=1))
    assert before.result.models[0].fingerprint == after.result.models[0].fingerprint
    print("largest difference", compare(before, after))  # noqa: T201 - shown by -rP
