"""The sources on real data sets."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from camaudit.data.folder import FolderSource
from camaudit.data.geometry import Geometry
from camaudit.data.manifest import ManifestSource
from camaudit.data.sampling import draw, partners
from camaudit.data.stream import Loaded, stream

pytestmark = pytest.mark.shared_data


def test_video_frames_with_masks(shared):
    source = FolderSource(folder="davis", images="images/**/*", mask="masks/{id}.png", label=r"^(.+)_\d+$")
    listing = source.listing(shared, None)
    assert listing.unusable == ()
    assert len({sample.label_name for sample in listing.samples}) == 8
    samples = draw(listing.samples, n=20, by="label", seed=7)
    loaded = list(
        stream(samples, Geometry(resize=256, crop=224), regions=["object"], partners=partners(samples, 7))
    )
    assert all(isinstance(item, Loaded) for item in loaded)
    assert {item.pixels.shape for item in loaded} == {(224, 224, 3)}
    assert all(item.masks["object"].any() for item in loaded)
    assert all(item.partner_masks["object"].shape == (224, 224) for item in loaded)


def test_a_value_of_a_label_map_lies_in_the_box_of_its_instances(shared, tmp_path):
    with (shared / "coco128/instances.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    pairs = {(row["file"], row["mask_value"]): row["category"] for row in rows}
    chosen = list(pairs.items())[:40]
    text = ["id,image,mask,label"]
    for (name, value), category in chosen:
        folder = shared / "coco128"
        mask = folder / "masks" / name.replace(".jpg", ".png")
        text.append(f"{name}:{category},{folder / 'images' / name},{mask}#{value},{category}")
    (tmp_path / "m.csv").write_text("\n".join(text))
    listing = ManifestSource(manifest="m.csv").listing(tmp_path, None)
    assert listing.unusable == ()
    drawn = 0
    for item, ((name, value), _) in zip(
        stream(listing.samples, Geometry(), regions=["object"]), chosen, strict=True
    ):
        assert isinstance(item, Loaded), item
        own = [row for row in rows if (row["file"], row["mask_value"]) == (name, value)]
        low = [min(float(row[key]) for row in own) for key in ("x0", "y0")]
        high = [max(float(row[key]) for row in own) for key in ("x1", "y1")]
        ys, xs = np.nonzero(item.masks["object"])
        if len(xs):
            drawn += 1
            assert low[0] - 2 <= xs.min()
            assert xs.max() <= high[0] + 2
            assert low[1] - 2 <= ys.min()
            assert ys.max() <= high[1] + 2
    assert drawn >= 35
