"""One pass: bounded memory, batches that tell nothing of each other, the network handed back as it was."""

from __future__ import annotations

import csv
import weakref

import pytest
import torch

from camaudit import plan
from camaudit.engine import Options, run, streaming
from camaudit.spec import read
from tests.small_audit import overlap, picture, write


def audit(path, **options):
    return run(plan.make(read(path)), path.parent / "reports", Options(**options))


def numbers(result):
    return [
        (item.name, item.value, item.lower, item.upper) for check in result.checks for item in check.findings
    ]


@pytest.mark.parametrize("n", [40, 120])
def test_pixels_alive_do_not_grow_with_the_number_of_images(tmp_path, monkeypatch, n):
    alive = weakref.WeakSet()
    most = 0
    original = streaming.stream

    def watched(*arguments, **options):
        nonlocal most
        for item in original(*arguments, **options):
            alive.add(item)
            most = max(most, len(alive))
            yield item

    monkeypatch.setattr(streaming, "stream", watched)
    result = audit(write(tmp_path, n=n), batch_size=8)
    assert result.checks[0].population.used == n
    # Two batches may be alive at once: the one that is measured and the one that fills up.
    assert most <= 2 * 8 + 2


def test_batch_size_and_workers_change_no_number(tmp_path):
    path = write(tmp_path, overlap(also=["pointing", "iou@0.15", "pixel_auc"]), n=20)
    first = numbers(audit(path, batch_size=16, workers=2))
    second = numbers(audit(path, batch_size=3, workers=0))
    for (name, *left), (other, *right) in zip(first, second, strict=True):
        assert name == other
        assert left == pytest.approx(right, abs=1e-6, nan_ok=True)


def test_the_same_run_twice_is_the_same(tmp_path):
    path = write(tmp_path, overlap(), {"id": "sane", "kind": "sanity", "seeds": 1}, n=20)
    assert repr(numbers(audit(path))) == repr(numbers(audit(path)))


def test_global_random_state_is_left_alone(tmp_path):
    path = write(tmp_path, overlap(), {"id": "sane", "kind": "sanity", "seeds": 1})
    torch.manual_seed(5)
    before = torch.get_rng_state()
    audit(path)
    assert torch.equal(before, torch.get_rng_state())


def test_pictures_of_several_sizes_are_batched_by_size(tmp_path):
    path = write(tmp_path, n=10)
    from PIL import Image

    for number in range(0, 10, 3):
        image, mask = picture(number, size=24)
        Image.fromarray(image).save(tmp_path / f"images/{number}.png")
        Image.fromarray(mask).save(tmp_path / f"images/{number}-mask.png")
    result = audit(path)
    check = result.checks[0]
    assert check.population.used == 10
    assert check.findings[0].value == pytest.approx(1.0, abs=1e-6)


def test_progress_is_told(tmp_path):
    told = []
    audit(write(tmp_path, n=20), batch_size=8, progress=lambda *now: told.append(now))
    assert [done for _, done, _ in told] == [8, 16, 20]
    assert {(label, total) for label, _, total in told} == {("model on squares", 20)}


def test_every_file_is_hashed_and_an_old_run_leaves_nothing(tmp_path):
    path = write(tmp_path, n=12)
    first = audit(path)
    (tmp_path / "reports/evidence/stray.png").write_bytes(b"old")
    second = audit(path)
    assert "evidence/stray.png" not in second.files
    assert first.files.keys() == second.files.keys()
    assert {"samples.csv", "evidence/maps.npz", "evidence/all_maps.npz"} <= second.files.keys()


def test_the_table_says_which_image_every_number_is_of(tmp_path):
    result = audit(write(tmp_path, n=12))
    with (tmp_path / "reports/samples.csv").open(encoding="utf-8") as file:
        written = {row["id"]: row["sha256"] for row in csv.DictReader(file)}
    assert {row.id: row.sha256 for row in result.checks[0].rows}.items() <= written.items()
    assert len(set(written.values())) == 12


def test_third_party_warnings_are_recorded_not_raised(tmp_path, monkeypatch):
    import warnings

    from camaudit.classifier import Classifier

    original = Classifier.logits

    def warning(self, images):
        warnings.warn("odd weights", UserWarning, stacklevel=1)
        return original(self, images)

    monkeypatch.setattr(Classifier, "logits", warning)
    result = audit(write(tmp_path))
    assert result.checks[0].status == "PASS"
    assert any("odd weights" in note for note in result.warnings)
