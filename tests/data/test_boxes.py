"""Boxes go where their objects go, and whatever is wrong with one has a reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camaudit.data.boxes import bounding_box, filled, is_filled, read_boxes, refuse_outside
from camaudit.data.coco import _all_boxes
from camaudit.data.geometry import Geometry
from camaudit.data.manifest import ManifestSource
from camaudit.data.masks import MaskArray, MaskBox, MaskUnion
from camaudit.data.sample import Sample
from camaudit.data.sample_error import SampleError
from camaudit.data.stream import Loaded, Lost, stream
from tests.data import files

SIDES = st.integers(1, 60)
SIZES = st.one_of(st.none(), SIDES, st.tuples(SIDES, SIDES))


def picture():
    return np.zeros((20, 40, 3), dtype=np.uint8)


def load(own=None, *, mask=MaskBox(box=(4, 4, 10, 8)), wanted=("object",), **geometry):  # noqa: B008 - frozen
    """A sample 40 wide and 20 high as it comes out of the stream."""
    boxes = {"object": own} if own is not None else {}
    sample = Sample(id="a", image=picture, masks={"object": mask}, boxes=boxes)
    (item,) = stream([sample], Geometry(**geometry), regions=("object",), boxes=wanted, workers=0)
    return item


@pytest.mark.parametrize(
    ("text", "kind", "boxes"),
    [
        ("1 2 3 4", "corners", ((1, 2, 3, 4),)),
        ("1, 2, 3.5, 4", "corners", ((1, 2, 3.5, 4),)),
        ("1 2 3 4; 5 6 7 8;", "corners", ((1, 2, 3, 4), (5, 6, 7, 8))),
        ("1 2 3 4", "size", ((1, 2, 4, 6),)),
        ("[1, 2, 3, 4]", "corners", ((1, 2, 3, 4),)),
        ("[[1, 2, 3, 4], [5, 6, 7, 8]]", "corners", ((1, 2, 3, 4), (5, 6, 7, 8))),
    ],
)
def test_boxes_are_read(text, kind, boxes):
    assert read_boxes(text, kind) == boxes


@pytest.mark.parametrize("text", ["1 2 3", "1 2 3 4 5", "a b c d", "[1, 2", "[1, [2], 3, 4]", "[[1]]", "[]"])
def test_what_is_no_box_is_refused(text):
    with pytest.raises(SampleError, match=r"four numbers|no JSON") as found:
        read_boxes(text)
    assert found.value.reason == "unreadable box"


@pytest.mark.parametrize("text", ["3 2 3 4", "1 4 3 4", "5 2 3 4", "1 2 nan 4", "1 2 inf 4"])
def test_a_box_without_area_is_refused(text):
    with pytest.raises(SampleError, match="has no area"):
        read_boxes(text)


@given(SIDES, SIDES, SIZES, SIZES, st.data())
def test_a_box_lies_where_the_mask_of_its_pixels_lies(height, width, resize, crop, data):
    """Every pixel of the transformed mask has its centre in the transformed box, and no pixel outside has."""
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    mask = np.zeros((height, width), dtype=bool)
    mask[top:bottom, left:right] = True
    geometry = Geometry(resize=resize, crop=crop)
    seen, box = geometry.mask(mask), geometry.box((left, top, right, bottom), (height, width))
    ys, xs = (np.arange(size) + 0.5 for size in seen.shape)
    if box is None:
        assert not seen.any()
        return
    assert 0 <= box[0] < box[2] <= seen.shape[1]
    assert 0 <= box[1] < box[3] <= seen.shape[0]
    tiny = 1e-9
    closed = ((box[1] - tiny <= ys) & (ys <= box[3] + tiny))[:, None] & (
        (box[0] - tiny <= xs) & (xs <= box[2] + tiny)
    )
    opened = ((box[1] + tiny < ys) & (ys < box[3] - tiny))[:, None] & (
        (box[0] + tiny < xs) & (xs < box[2] - tiny)
    )
    assert not (seen & ~closed).any()
    assert not (opened & ~seen).any()


def test_known_crops():
    geometry = Geometry(resize=10, crop=10)  # 20 × 40 → 10 × 20 → columns 5 to 15
    assert geometry.box((12, 4, 20, 8), (20, 40)) == (1, 2, 5, 4)
    assert geometry.box((0, 4, 20, 8), (20, 40)) == (0, 2, 5, 4)
    assert geometry.box((0, 4, 10, 8), (20, 40)) is None
    assert Geometry(crop=(24, 44)).box((0, 0, 40, 20), (20, 40)) == (2, 2, 42, 22)
    assert Geometry().box((1, 2, 3, 4), (20, 40)) == (1, 2, 3, 4)


def test_the_datas_own_boxes_come_first_and_the_mask_stands_in():
    both = ((1, 2, 3, 4), (20, 10, 30, 20))
    assert load(both).boxes == {"object": both}
    assert load(both, resize=(10, 20)).boxes == {"object": ((0.5, 1, 1.5, 2), (10, 5, 15, 10))}
    assert load().boxes == {"object": ((4, 4, 10, 8),)}
    assert load(()).boxes == {"object": ((4, 4, 10, 8),)}
    assert load(both, wanted=()).boxes == {}


def test_a_box_that_the_crop_leaves_out_is_gone_and_the_others_stay():
    assert load(((0, 0, 5, 5), (18, 8, 22, 12)), crop=10).boxes == {"object": ((3, 3, 7, 7),)}
    assert load(((0, 0, 5, 5),), crop=10).boxes == {"object": ()}
    assert load(mask=MaskArray(array=lambda: np.zeros((20, 40), dtype=bool))).boxes == {"object": ()}


@pytest.mark.parametrize("box", [(-2, 0, 5, 5), (0, -2, 5, 5), (0, 0, 42, 5), (0, 0, 5, 22)])
def test_a_box_past_its_image_loses_the_sample(box):
    item = load((box,))
    assert isinstance(item, Lost)
    assert item.reason == "box outside the image"
    assert isinstance(load((box,), wanted=()), Loaded)


def test_annotations_may_be_rounded():
    refuse_outside((-0.5, -1, 41, 20.7), (20, 40))
    assert load(((-0.5, -1, 41, 20.7),)).boxes == {"object": ((0, 0, 40, 20),)}


def test_filled_boxes_know_that_they_are():
    boxes = ((0, 0, 2, 2), (3, 3, 4, 4))
    mask = filled(boxes)
    assert mask.read(4, 4).sum() == 5
    assert is_filled(mask)
    assert is_filled(filled(boxes[:1]))
    drawn = MaskArray(array=lambda: np.ones((4, 4), dtype=bool))
    assert not is_filled(drawn)
    assert not is_filled(MaskUnion(masks=(*mask.masks, drawn)))


def test_bounding_box():
    mask = np.zeros((6, 8), dtype=bool)
    assert bounding_box(mask) == ()
    mask[2, 3] = mask[4, 6] = True
    assert bounding_box(mask) == ((3, 2, 7, 5),)


def manifest(folder, text, **keys):
    files.image(folder / "a.png")
    files.mask(folder / "m.png")
    (folder / "boxes.csv").write_text(text, encoding="utf-8")
    return ManifestSource(manifest="boxes.csv", **keys).listing(folder, None)


def test_a_manifest_has_boxes(tmp_path):
    text = "id,image,box,box.collar\na,a.png,1 1 4 3; 5 1 7 3,2 2 3 3\nb,a.png,0 0 8 6,\n"
    first, second = manifest(tmp_path, text).samples
    assert first.boxes == {"object": ((1, 1, 4, 3), (5, 1, 7, 3)), "collar": ((2, 2, 3, 3),)}
    assert first.masks["object"].read(6, 8).sum() == 10
    assert is_filled(first.masks["collar"])
    assert second.boxes == {"object": ((0, 0, 8, 6),)}
    assert list(second.masks) == ["object"]
    assert first.metadata == {}


def test_a_mask_beside_the_boxes_stays_the_mask(tmp_path):
    (sample,) = manifest(
        tmp_path, "id,image,mask,bbox\na,a.png,m.png,1 1 3 2\n", columns={"box": "bbox"}
    ).samples
    assert sample.boxes == {"object": ((1, 1, 3, 2),)}
    assert sample.masks["object"].read(6, 8).sum() == 24
    (sample,) = manifest(tmp_path, "image,box\na.png,1 1 3 2\n", box_format="size").samples
    assert sample.boxes == {"object": ((1, 1, 4, 3),)}


def test_rows_whose_box_cannot_be_used_are_listed(tmp_path):
    found = manifest(tmp_path, "id,image,box\na,a.png,1 1 3\nb,a.png,\nc,a.png,1 1 3 3\n")
    assert files.reasons(found) == {"a": "unreadable box", "b": "no box"}
    assert files.ids(found) == ["c"]


def test_coco_boxes_are_all_or_none():
    whole, without = {"id": 1, "bbox": [1, 2, 3, 4]}, {"id": 2}
    assert _all_boxes([whole, whole]) == {"object": ((1, 2, 4, 6), (1, 2, 4, 6))}
    assert _all_boxes([whole, without]) == {}
