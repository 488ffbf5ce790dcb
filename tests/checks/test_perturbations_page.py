"""What docs/perturbations.md shows is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from camaudit import plan, registry
from camaudit.checks.adversarial import AdversarialSpec
from camaudit.checks.one_pixel import OnePixelAttack
from camaudit.checks.perturbed import MEASURES, MapGates
from camaudit.engine import run
from camaudit.perturb.attacks import ATTACKS
from camaudit.perturb.corruptions import CORRUPTIONS
from camaudit.spec import read

PAGE = (Path(__file__).parents[2] / "docs/perturbations.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_example_fails_as_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks("python")[0], "docs/perturbations.md", "exec"), {})
    Path("faint.audit.yaml").write_text(blocks("yaml")[-1], encoding="utf-8")
    (check,) = run(plan.make(read(Path("faint.audit.yaml"))), tmp_path / "reports").checks
    assert check.status == "FAIL"
    assert check.headline.endswith("success_rate: 0.20 [0.12, 0.32] is not at most 0.05")
    assert check.headline.partition("FAIL: ")[2] in PAGE
    assert check.attacked.words[0] in " ".join(PAGE.split())


def test_the_snippets_are_checks(monkeypatch):
    monkeypatch.setitem(ATTACKS, "torchattacks.PGD", ATTACKS.get("torchattacks.PGD", "nothing:loaded"))
    for name in ("gaussian_noise", "contrast"):
        monkeypatch.setitem(CORRUPTIONS, name, CORRUPTIONS.get(name, "nothing:loaded"))
    checks = yaml.safe_load(blocks("yaml")[0])
    for check in checks:
        assert registry.find("check", check["kind"]).spec.model_validate(check)
    attack = AdversarialSpec.model_validate(checks[0]).attack
    assert (attack.eps, attack.parameters) == (8 / 255, {"steps": 10})


@pytest.mark.parametrize(
    "name", [*MapGates.model_fields, *OnePixelAttack.model_fields, *AdversarialSpec.model_fields]
)
def test_every_key_is_on_the_page(name):
    assert name in {
        "id",
        "description",
        "model",
        "data",
        "maps",
        "confidence",
        "severity",
        "expect",
    } or re.search(rf"\b{name}\b", PAGE)


def test_every_measure_is_defined_with_its_range():
    for item in MEASURES.values():
        (row,) = re.findall(rf"^\| `map_{item.name}` .*$", PAGE, flags=re.MULTILINE)
        low, high = item.range
        text = f"{low:g} to {high:g}".replace("-", "−") if high < 2 else f"from {low:g}"
        assert f"| {text} |" in row
        assert row.rstrip(" |").endswith(
            "| 1" if item.still == "high" and item.name != "energy_change" else "| 0"
        )
