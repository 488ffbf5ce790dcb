"""What breaks is an ERROR that says where, and loses nothing else of the run."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from camaudit import plan
from camaudit.engine import run
from camaudit.spec import read
from tests.small_audit import overlap, write

HEALTHY = overlap("healthy")


def audit(path):
    """Run a spec; the checks by id."""
    found = run(plan.make(read(path)), path.parent / "reports")
    return {check.id: check for check in found.checks}


def with_network(tmp_path, function, **changes):
    """An audit whose second check uses a broken network."""
    model = {"factory": f"squares_nets:{function}", "classes": ["red", "green"], **changes}
    return audit(write(tmp_path, HEALTHY, overlap("broken", model="other"), models={"other": model}))


def only_broken(checks, *words):
    """The healthy check passed, the broken one is an ERROR that holds the words."""
    assert checks["healthy"].status == "PASS"
    broken = checks["broken"]
    assert broken.status == "ERROR"
    assert broken.blocks
    for word in words:
        assert word in broken.answer, broken.answer


def test_missing_weights_file(tmp_path):
    only_broken(
        with_network(tmp_path, "good", weights={"path": "nowhere.safetensors"}), "nowhere.safetensors"
    )


def test_wrong_sha256(tmp_path):
    from safetensors.torch import save_file

    path = write(tmp_path)
    import sys

    sys.path.insert(0, str(tmp_path))
    try:
        import squares_nets
    finally:
        sys.path.remove(str(tmp_path))
    save_file(squares_nets.good().state_dict(), path.parent / "good.safetensors")
    checks = with_network(tmp_path, "good", weights={"path": "good.safetensors", "sha256": "0" * 64})
    only_broken(checks, "good.safetensors", "0000000")


def test_nan_weights(tmp_path):
    only_broken(with_network(tmp_path, "nan"), "models.other", "features.0.weight")


def test_wrong_class_count(tmp_path):
    only_broken(with_network(tmp_path, "good", classes=["red", "green", "blue"]), "3", "2")


def test_missing_factory(tmp_path):
    only_broken(with_network(tmp_path, "goood"), "goood", "good")


def test_network_that_raises(tmp_path):
    only_broken(with_network(tmp_path, "raising"), "out of luck")


def test_answers_that_are_not_finite(tmp_path):
    only_broken(with_network(tmp_path, "nan_answers"), "not finite")


def test_all_zero_maps(tmp_path):
    checks = with_network(tmp_path, "blind")
    only_broken(checks, "12", "all-zero map")
    assert checks["broken"].findings[0].n == 0


def test_unknown_layer(tmp_path):
    path = write(tmp_path, HEALTHY, overlap("broken", maps={"layer": "featurs"}))
    only_broken(audit(path), "featurs", 'did you mean "features"?')


def test_unknown_region(tmp_path):
    path = write(tmp_path, HEALTHY, overlap("broken", mask="collar"))
    only_broken(audit(path), "collar")


@pytest.fixture
def second_data(tmp_path):
    """An audit with two data sets, the second one in a folder of its own, to be broken."""
    write(tmp_path / "second")
    return write(
        tmp_path,
        overlap("healthy", data="squares"),
        overlap("broken", data="second"),
        data={"squares": {"manifest": "squares.csv"}, "second": {"manifest": "second/squares.csv"}},
    )


def test_missing_manifest(second_data):
    (second_data.parent / "second/squares.csv").unlink()
    only_broken(audit(second_data), "squares.csv", "relative to the spec's folder")


def test_data_without_one_usable_sample_says_why(second_data):
    for number in range(12):
        (second_data.parent / f"second/images/{number}.png").unlink()
    only_broken(audit(second_data), "data.second: none of 12 samples can be used: 12 × ", "square-0")


def test_corrupt_image_is_named_and_the_rest_is_measured(second_data):
    (second_data.parent / "second/images/3.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    checks = audit(second_data)
    only_broken(checks, "1 of 12", "1 × ", "square-3", "3.png", "allow_unusable")
    population = checks["broken"].population
    assert (population.found, population.used, sum(population.lost.values())) == (12, 11, 1)
    assert "square-3" in population.lost_examples[0]


def test_missing_image_is_listed(second_data):
    (second_data.parent / "second/images/3.png").unlink()
    checks = audit(second_data)
    only_broken(checks, "1 of 12", "square-3", "3.png")
    population = checks["broken"].population
    assert (population.found, population.drawn, sum(population.unusable.values())) == (12, 11, 1)
    assert "square-3" in population.unusable_examples[0]


def test_empty_mask(second_data):
    Image.fromarray(np.zeros((16, 16), dtype=bool)).save(second_data.parent / "second/images/3-mask.png")
    checks = audit(second_data)
    only_broken(checks, "empty mask", "1 of 12")
    assert checks["broken"].findings[0].undefined == {"empty mask": 1}
    assert checks["broken"].findings[0].n == 11


def test_unknown_label(second_data):
    manifest = second_data.parent / "second/squares.csv"
    manifest.write_text(manifest.read_text().replace("3-mask.png,green", "3-mask.png,geen"))
    checks = audit(second_data)
    only_broken(checks, "1 of 12")
    assert 'did you mean "green"?' in checks["broken"].population.unusable_examples[0]


def test_allowed_losses_do_not_stop_the_check(second_data):
    (second_data.parent / "second/images/3.png").unlink()
    text = second_data.read_text().replace(
        "manifest: second/squares.csv", "manifest: second/squares.csv\n    allow_unusable: 0.1"
    )
    second_data.write_text(text)
    checks = audit(second_data)
    assert checks["broken"].status == "PASS"
    assert sum(checks["broken"].population.unusable.values()) == 1


def test_empty_data_is_never_green(second_data):
    manifest = second_data.parent / "second/squares.csv"
    manifest.write_text(manifest.read_text().splitlines()[0] + "\n")
    only_broken(audit(second_data), "squares.csv")
