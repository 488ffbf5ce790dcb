"""`camaudit init`: what it finds in a folder, and that the reader takes what it writes."""

from __future__ import annotations

import pytest
from PIL import Image

from camaudit import cli
from camaudit.commands.init import quoted
from camaudit.commands.survey import survey
from camaudit.errors import DataError
from camaudit.spec import read, read_text


def draw(root, *names, size=(100, 80), mode="RGB"):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, size).save(path)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty project to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def init(capsys):
    def _init(*arguments):
        code = cli.main(["init", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _init


LAYOUTS = {
    "classes, masks inside, same tree": (
        ["cat/1.jpg", "dog/2.jpg"],
        ["masks/cat/1.png", "masks/dog/2.png"],
        "masks/{id}.png",
    ),
    "classes, masks inside, flat": (
        ["cat/1.jpg", "dog/2.jpg"],
        ["masks/1.png", "masks/2.png"],
        "masks/{stem}.png",
    ),
    "classes in images/": (
        ["images/cat/1.jpg", "images/dog/2.jpg"],
        ["masks/cat/1.png", "masks/dog/2.png"],
        "masks/{id}.png",
    ),
    "flat": (["1.jpg", "2.jpg"], ["mask/1.png", "mask/2.png"], "mask/{id}.png"),
    "flat in images/": (
        ["images/1.jpg", "images/2.jpg"],
        ["annotations/1_mask.png", "annotations/2_mask.png"],
        "annotations/{stem}_mask.png",
    ),
    "masks beside the folder": (
        ["1.jpg", "2.jpg"],
        ["../masks/1.png", "../masks/2.png"],
        "../masks/{id}.png",
    ),
    "masks beside their images": (["1.jpg", "2.jpg"], ["1_mask.png", "2_mask.png"], "{id}_mask.png"),
    "masks beside their images, classes": (
        ["cat/1.jpg", "dog/2.jpg"],
        ["cat/1_mask.png", "dog/2_mask.png"],
        "{id}_mask.png",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(home, init, layout):
    images, masks, pattern = LAYOUTS[layout]
    draw(home / "photos", *images)
    draw(home / "photos", *masks, mode="L")
    code, out, err = init("photos", "--model", "models.dogs:load")
    assert (code, err) == (0, "")
    spec = read("audits/photos.audit.yaml")
    (source,) = spec.data.values()
    assert source.mask == pattern
    assert (source.label, spec.model.classes) == (
        ("parent", ("cat", "dog")) if "classes" in layout else (None, None)
    )
    assert [check.kind for check in spec.checks] == ["overlap", "sanity"]
    listing = source.listing(spec.base, spec.model.classes)
    assert (len(listing.samples), listing.found) == (2, 2)
    assert "2 images, 2 usable" in out
    assert out.splitlines()[1:] == [
        "next:",
        "  camaudit check audits/photos.audit.yaml",
        "  camaudit run audits/photos.audit.yaml",
    ]


def test_without_masks_only_the_sanity_check_is_live(home, init):
    draw(home / "photos", "1.png", "2.png", size=(32, 32))
    code, out, _ = init("photos")
    assert code == 0
    spec = read("audits/photos.audit.yaml")
    assert [check.kind for check in spec.checks] == ["sanity"]
    assert "add masks" in out
    assert "name your network in audits/photos.audit.yaml (model.factory)" in out
    lines = spec.source.splitlines()
    live = [
        line.replace("# ", "", 1)
        if line.startswith("  # ") and lines.index(line) > lines.index("checks:")
        else line
        for line in lines
    ]
    live = [line for line in live if not line.startswith("  No masks")]
    assert [check.kind for check in read_text("\n".join(live), "a.audit.yaml").checks] == [
        "sanity",
        "overlap",
    ]


def test_sizes_are_told_and_small_images_are_not_resized(home, init):
    draw(home / "small", "1.png", "2.png", size=(28, 28))
    draw(home / "large", "1.png", size=(100, 80))
    draw(home / "large", "2.png", size=(640, 480))
    init("small")
    init("large")
    small, large = read("audits/small.audit.yaml"), read("audits/large.audit.yaml")
    assert "2 images of 28×28 pixels" in small.source
    assert small.model.preprocess is None
    assert "2 images from 100×80 to 640×480 pixels" in large.source
    assert large.model.preprocess.crop == 224


def test_torchvision_networks_bring_their_preprocessing_and_need_weights(home, init):
    draw(home / "photos", "1.png")
    init("photos", "--model", "torchvision:resnet50")
    spec = read("audits/photos.audit.yaml")
    assert spec.model.factory == "torchvision:resnet50"
    assert spec.model.preprocess is None
    assert spec.model.weights.path == "../weights/resnet50.safetensors"


def test_images_without_a_mask_are_counted_and_named(home, init):
    draw(home / "photos", "1.png", "2.png", "3.png")
    draw(home / "photos", "masks/1.png", "masks/2.png", mode="L")
    _, out, _ = init("photos")
    assert "3 images, 2 usable" in out
    source = read("audits/photos.audit.yaml").source
    assert "# 1 cannot be used (no mask: 1). Mend that, or allow it:" in source
    assert "# allow_unusable: 0.34" in source


def test_a_pattern_may_be_seen_from_the_working_folder(home, init):
    draw(home / "photos", "1.png")
    draw(home / "drawn", "1.png", mode="L")
    assert init("photos", "--masks", "drawn/{stem}.png")[0] == 0
    assert read("audits/photos.audit.yaml").data["photos"].mask == "../drawn/{stem}.png"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere: there is no such folder"),
        (["empty"], "empty: holds no images"),
        (
            ["photos", "--masks", "drawn/{stem}.png"],
            "the pattern 'drawn/{stem}.png' leads to a mask for none of 1 images",
        ),
        (["photos", "--model", "resnet50"], "--model resnet50: write module:callable or torchvision:NAME"),
        (["photos", "--output", "dogs.yaml"], "--output dogs.yaml: audits are called NAME.audit.yaml"),
    ],
)
def test_what_cannot_be_done_is_refused_and_writes_nothing(home, init, arguments, words):
    draw(home / "photos", "1.png")
    (home / "empty").mkdir()
    code, out, err = init(*arguments)
    assert (code, out) == (4, "")
    assert words in err
    assert list(home.rglob("*.yaml")) == []


def test_never_overwrites(home, init):
    draw(home / "photos", "1.png")
    (home / "audits").mkdir()
    (home / "audits/photos.audit.yaml").write_text("mine")
    code, _, err = init("photos")
    assert code == 4
    assert "audits/photos.audit.yaml exists already and is left as it is" in err
    assert (home / "audits/photos.audit.yaml").read_text() == "mine"


@pytest.mark.parametrize("name", ["my photos", "no", "Bücher", "true", "123", "a: b", "#1", "'x\"", "犬"])
def test_hostile_names(home, init, name):
    draw(home / name, "yes/1.png", "no/2.png", "a: b/3.png", "1.5/4.png", "null/5.png", "{x}/6.png")
    code, _, err = init(name, "--output", "audits/x.audit.yaml")
    assert (code, err) == (0, "")
    spec = read("audits/x.audit.yaml")
    assert sorted(spec.model.classes) == sorted(["yes", "no", "a: b", "1.5", "null", "{x}"])
    (source,) = spec.data.values()
    assert source.listing(spec.base, spec.model.classes).reasons == {}


def test_hidden_and_unreadable_files(home):
    draw(home / "photos", "1.png", ".hidden/2.png")
    (home / "photos/3.png").write_text("no image")
    found = survey(home / "photos")
    assert found.listing.found == 2
    assert found.sizes == ((100, 80),)


def test_survey_of_no_folder(home):
    with pytest.raises(DataError, match="there is no such folder"):
        survey(home / "photos")


@pytest.mark.parametrize(
    "text", ["plain", "a/b.png", "no", "true", "null", "1", "a: b", " x ", "é", "{x}", "*", "", "x:", "a\nb"]
)
def test_quoted_text_stays_that_text(text):
    import yaml

    from camaudit.spec.nodes import load

    assert load(f"a: {quoted(text)}\n").data == {"a": text}
    assert yaml.safe_load(f"a: {quoted(text)}") == {"a": text}
