"""The CIFAR-10 audit: what must hold holds, what must fall falls, and the figures are those of its page."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from audits.cifar10 import data
from camaudit import plan
from camaudit.engine import run
from camaudit.errors import DataError
from camaudit.spec import read
from tests.audits.readme import cells

AUDITS = Path(__file__).resolve().parents[2] / "audits"
SPEC = AUDITS / "cifar10.audit.yaml"
README = (AUDITS / "cifar10/README.md").read_text(encoding="utf-8")
FIGURES = {
    "one-pixel": "success_rate",
    "lenet-one-pixel": "success_rate",
    "under-pgd": "robust_accuracy",
    "in-jpeg": "jpeg_compression 2: accuracy_drop",
    "in-noise": "gaussian_noise 1: accuracy_drop",
}


def test_every_check_is_on_the_page_and_marked():
    spec = read(SPEC)
    assert spec.marks == ("slow", "shared_data")
    assert all(f"`{check.id}`" in README for check in spec.checks)


def test_absent_data_is_an_error_that_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "IMAGES", tmp_path / "none.npz")
    data._test.cache_clear()
    with pytest.raises(DataError, match="not beside this checkout") as caught:
        next(iter(data.samples()))
    assert "-m 'not shared_data'" in str(caught.value)


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(not data.IMAGES.is_file(), reason="needs ../shared/data beside the checkout")
@pytest.mark.skipif(find_spec("torchattacks") is None, reason="needs the extra `attacks`")
def test_the_audit_has_the_figures_of_its_readme(tmp_path):
    result = run(plan.make(read(SPEC)), tmp_path)
    assert {check.id: check.status for check in result.checks} == dict.fromkeys(
        ("maps-follow-the-network", *FIGURES), "PASS"
    )
    by_id = {check.id: check for check in result.checks}
    for name, figure in FIGURES.items():
        found = {item.name: item.value for item in by_id[name].findings}
        # An attack follows signs of gradients: another thread count sends a few images another way.
        assert found[figure] == pytest.approx(cells(README, f"`{name}`", nth=1)[1], abs=0.05), name
