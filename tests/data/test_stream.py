"""The stream: in order, one item for each sample, bounded memory, and no failure ends it."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from camaudit.data.geometry import Geometry
from camaudit.data.masks import MaskArray, MaskBox, MaskFile
from camaudit.data.sample import Sample
from camaudit.data.sampling import partners
from camaudit.data.stream import Loaded, Lost, stream
from camaudit.errors import DataError
from tests.data import files

AS_IS = Geometry()


def sample(number, *, size=(6, 8), label=0, mask=True):
    def picture():
        return np.full((*size, 3), number % 256, dtype=np.uint8)

    def drawn():
        array = np.zeros(size, dtype=bool)
        array.flat[number % (size[0] * size[1])] = True
        return array

    masks = {"object": MaskArray(array=drawn)} if mask else {}
    return Sample(id=f"s{number}", image=picture, masks=masks, label=label)


@pytest.mark.parametrize("workers", [0, 1, 4])
@pytest.mark.parametrize("ahead", [1, 3, 100])
def test_samples_come_in_order(workers, ahead):
    samples = [sample(number) for number in range(20)]
    loaded = list(stream(samples, AS_IS, regions=["object"], workers=workers, ahead=ahead))
    assert [item.sample for item in loaded] == samples
    assert [int(item.pixels[0, 0, 0]) for item in loaded] == list(range(20))
    assert [int(item.masks["object"].argmax()) for item in loaded] == list(range(20))


def test_a_slow_first_sample_does_not_change_the_order():
    def slow():
        time.sleep(0.05)
        return np.zeros((2, 2, 3), dtype=np.uint8)

    samples = [Sample(id="slow", image=slow), *(sample(number) for number in range(5))]
    assert [item.sample.id for item in stream(samples, AS_IS, regions=[], workers=3)][:2] == ["slow", "s0"]


def test_a_file_is_loaded_with_its_facts(tmp_path):
    path = files.image(tmp_path / "a.png", size=(30, 60), level=77)
    mask = MaskFile(path=files.mask(tmp_path / "m.png", size=(30, 60)))
    one = Sample(id="a", image=path, masks={"object": mask, "unused": MaskBox(box=(0, 0, 1, 1))})
    (loaded,) = stream([one], Geometry(resize=15, crop=10), regions=["object"])
    assert loaded.pixels.shape == (10, 10, 3)
    assert loaded.pixels.dtype == np.uint8
    assert set(loaded.masks) == {"object"}
    assert loaded.masks["object"].shape == (10, 10)
    assert loaded.masks["object"].dtype == bool
    assert np.array_equal(loaded.masks["object"].any(axis=0), [True] * 5 + [False] * 5)
    assert loaded.original_size == (30, 60)
    assert loaded.file == str(path)
    assert loaded.sha256 == sha256(path.read_bytes()).hexdigest()
    assert (loaded.partner, loaded.partner_masks, loaded.partner_lost) == (None, None, "")


def test_a_callable_has_no_file():
    (loaded,) = stream([sample(1)], AS_IS, regions=[])
    assert loaded.file is None
    assert loaded.masks == {}


def test_an_empty_mask_is_loaded():
    empty = Sample(
        id="e",
        image=lambda: np.zeros((4, 40, 3), dtype=np.uint8),
        masks={"object": MaskBox(box=(0, 0, 3, 4))},  # outside the crop
    )
    (loaded,) = stream([empty], Geometry(crop=4), regions=["object"])
    assert isinstance(loaded, Loaded)
    assert not loaded.masks["object"].any()


def raising():
    raise RuntimeError("out of luck")


class Rude:
    """A third party's mask that breaks the contract."""

    def __init__(self, result):
        self.result = result

    def read(self, height, width):
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.mark.parametrize("workers", [0, 2])
def test_no_failure_ends_the_stream(tmp_path, workers):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    fine = sample(1)
    broken = {
        "missing": replace(fine, image=tmp_path / "none.png"),
        "damaged": replace(fine, image=tmp_path / "bad.png"),
        "raising": replace(fine, image=raising),
        "no region": replace(fine, masks={"collar": MaskBox(box=(0, 0, 1, 1))}),
        "no mask file": replace(fine, masks={"object": MaskFile(path=tmp_path / "none.png")}),
        "size": replace(fine, masks={"object": MaskArray(array=lambda: np.ones((3, 3), dtype=bool))}),
        "rude": replace(fine, masks={"object": Rude(KeyError("x"))}),
        "float": replace(fine, masks={"object": Rude(np.zeros((6, 8)))}),
        "shape": replace(fine, masks={"object": Rude(np.zeros((1, 1), dtype=bool))}),
        "list": replace(fine, masks={"object": Rude([[True]])}),
    }
    samples = [item for name, bad in broken.items() for item in (fine, replace(bad, id=name))] + [fine]
    items = list(stream(samples, AS_IS, regions=["object"], workers=workers))
    assert [item.sample for item in items] == samples
    lost = {item.sample.id: (item.reason, item.detail) for item in items if isinstance(item, Lost)}
    assert {name: reason for name, (reason, _) in lost.items()} == {
        "missing": "missing image",
        "damaged": "unreadable image",
        "raising": "unreadable image",
        "no region": "no mask for region 'object'",
        "no mask file": "missing mask",
        "size": "mask size differs",
        "rude": "unreadable sample",
        "float": "unreadable mask",
        "shape": "unreadable mask",
        "list": "unreadable sample",
    }
    assert lost["no region"][1] == "it has masks for: collar"
    assert "RuntimeError: out of luck" in lost["raising"][1]
    assert lost["rude"][1] == "KeyError: 'x'"
    assert "3 × 3 pixels, the image 8 × 6" in lost["size"][1]


@pytest.mark.parametrize("workers", [0, 2])
def test_what_ends_the_run_is_not_swallowed(workers):
    def exhausted():
        raise MemoryError("all is used")

    masks = [{"object": Rude(MemoryError("all is used"))}, {"object": MaskArray(array=exhausted)}]
    for hungry in (replace(sample(1), image=exhausted), *(replace(sample(1), masks=mask) for mask in masks)):
        with pytest.raises(MemoryError, match="all is used"):
            list(stream([hungry], AS_IS, regions=["object"], workers=workers))


def test_at_most_ahead_samples_are_begun_before_they_are_asked_for():
    begun = []

    def make(number):
        def picture():
            begun.append(number)
            return np.zeros((2, 2, 3), dtype=np.uint8)

        return Sample(id=str(number), image=picture)

    items = stream([make(number) for number in range(50)], AS_IS, regions=[], workers=2, ahead=5)
    for taken in range(1, 11):
        next(items)
        time.sleep(0.01)
        assert len(begun) <= taken - 1 + 5
    items.close()


def test_decoding_runs_ahead_of_the_consumer():
    third = threading.Event()

    def picture():
        third.set()
        return np.zeros((2, 2, 3), dtype=np.uint8)

    samples = [sample(0), sample(1), Sample(id="third", image=picture)]
    items = stream(samples, AS_IS, regions=[], workers=1, ahead=3)
    next(items)
    assert third.wait(5)
    items.close()


def test_memory_does_not_grow_with_the_number_of_images():
    alive = weakref.WeakSet()
    most = 0
    for item in stream(
        [sample(number) for number in range(300)], AS_IS, regions=["object"], workers=2, ahead=8
    ):
        alive.add(item)
        most = max(most, len(alive))
        del item
        gc.collect(0)
    assert most <= 3
    assert len(alive) == 0


@pytest.mark.slow
def test_memory_is_flat():
    import tracemalloc

    def peak(count):
        tracemalloc.start()
        for item in stream(
            [sample(number, size=(200, 200)) for number in range(count)],
            AS_IS,
            regions=["object"],
            workers=2,
            ahead=4,
        ):
            del item
        high = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return high

    peak(20)
    assert peak(800) < 1.5 * peak(100) + 800 * 2_000  # the samples themselves, without pixels


def test_closing_stops_the_threads():
    begun = []

    def make(number):
        def picture():
            begun.append(number)
            time.sleep(0.002)
            return np.zeros((2, 2, 3), dtype=np.uint8)

        return Sample(id=str(number), image=picture)

    items = stream([make(number) for number in range(1000)], AS_IS, regions=[], workers=2, ahead=100)
    next(items)
    items.close()
    count = len(begun)
    time.sleep(0.03)
    assert len(begun) == count < 100
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("camaudit-decode")]


def test_an_unused_stream_starts_no_threads():
    stream([sample(1)], AS_IS, regions=[])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("camaudit-decode")]


def test_partners_bring_their_masks():
    samples = [sample(number) for number in range(6)]
    pairs = partners(samples, 3)
    for item in stream(samples, AS_IS, regions=["object"], partners=pairs):
        assert item.partner == pairs[item.sample.id][0]
        assert int(item.partner_masks["object"].argmax()) == int(item.partner[1:])


@pytest.mark.parametrize("geometry", [AS_IS, Geometry(resize=12, crop=12)])
def test_a_partner_of_another_size_goes_through_its_own_geometry(geometry):
    small, large = sample(0), sample(5, size=(18, 40))
    pairs = {"s0": ("s5", True), "s5": ("s0", True)}
    first, second = stream([small, large], geometry, regions=["object"], partners=pairs)
    assert first.partner_masks["object"].shape == first.pixels.shape[:2]
    assert second.partner_masks["object"].shape == second.pixels.shape[:2]


def test_a_partner_whose_mask_is_lost_says_why_and_loses_only_the_control(tmp_path):
    good = sample(0)
    bad = replace(sample(1), masks={"object": MaskFile(path=tmp_path / "none.png")})
    rude = replace(sample(2), masks={"object": Rude(KeyError("x"))})
    pairs = {"s0": ("s1", True), "s1": ("s2", True), "s2": ("s0", True)}
    first, _, _ = stream([good, bad, rude], AS_IS, regions=["object"], partners=pairs)
    assert isinstance(first, Loaded)
    assert (first.partner, first.partner_masks) == ("s1", None)
    assert "missing mask" in first.partner_lost
    first = next(stream([good, bad, rude], AS_IS, regions=["object"], partners={"s0": ("s2", True)}))
    assert first.partner_lost == "KeyError: 'x'"


def test_a_partner_s_memory_error_ends_the_run():
    hungry = replace(sample(1), masks={"object": Rude(MemoryError("all is used"))})
    items = stream([sample(0), hungry], AS_IS, regions=["object"], partners={"s0": ("s1", True)})
    with pytest.raises(MemoryError, match="all is used"):
        next(items)


def test_a_sole_sample_has_no_partner():
    (item,) = stream([sample(0)], AS_IS, regions=["object"], partners=partners([sample(0)], 0))
    assert (item.partner, item.partner_masks, item.partner_lost) == (None, None, "")


@pytest.mark.parametrize("keys", [{"workers": -1}, {"ahead": 0}])
def test_impossible_numbers_are_refused(keys):
    with pytest.raises(DataError, match="workers must be at least 0 and ahead at least 1"):
        stream([], AS_IS, regions=[], **keys)
