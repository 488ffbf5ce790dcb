from __future__ import annotations

import copy
import io
import json
import zipfile

import pytest
import torch
from torch import nn

from camaudit.classifier import load
from camaudit.classifier.export import load_export
from camaudit.errors import ModelError
from camaudit.integrity import sha256
from camaudit.spec.types import ModelSpec
from tests.classifier.test_weights import Trap

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning:torch.*")


class Small(nn.Module):
    """Convolution, batch normalisation, dropout, linear head; two classes."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.drop(self.features(x).mean((2, 3))))


def export(path, module, *examples, dynamic=True):
    batch = torch.export.Dim("batch")
    shapes = tuple({0: batch} for _ in examples) if dynamic else None
    torch.export.save(torch.export.export(module, examples, dynamic_shapes=shapes), path)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return export(tmp_path_factory.mktemp("export") / "small.pt2", Small().eval(), torch.rand(2, 3, 8, 8))


def spec(file, **keys):
    return ModelSpec.model_validate({"factory": f"export:{file.name}", **keys})


def test_answers_are_those_of_the_network_for_any_batch(file):
    made = load(spec(file), file.parent)
    for count in (1, 2, 5):
        images = torch.rand(count, 3, 8, 8)
        torch.testing.assert_close(made.logits(images), Small().eval()(images), rtol=0, atol=1e-6)


def test_submodules_keep_their_names_and_hooks_work(file):
    made = load(spec(file), file.parent)
    seen = []
    made.find("features").register_forward_hook(lambda _m, _a, output: seen.append(tuple(output.shape)))
    made.logits(torch.rand(3, 3, 8, 8))
    assert seen == [(3, 4, 8, 8)]


def test_the_file_is_the_weights(file):
    made = load(spec(file), file.parent)
    assert (made.weights, made.weights_sha256) == (file.name, sha256(file))


def test_the_file_can_be_pinned(file):
    pinned = {"path": file.name, "sha256": sha256(file)}
    assert load(spec(file, weights=pinned), file.parent).weights_sha256 == sha256(file)
    with pytest.raises(ModelError, match="the weights are not those of the spec"):
        load(spec(file, weights={**pinned, "sha256": "0" * 64}), file.parent)


def test_other_weights_can_be_filled_in(file):
    other = Small()
    nn.init.constant_(other.head.weight, 0.25)
    torch.save(other.state_dict(), file.parent / "other.pt")
    made = load(spec(file, weights={"path": "other.pt"}), file.parent)
    images = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(made.logits(images), other.eval()(images), rtol=0, atol=1e-6)
    assert made.weights == "other.pt"


def test_it_can_be_copied(file):
    made = load_export(file, "cpu")
    images = torch.rand(2, 3, 8, 8)
    assert torch.equal(copy.deepcopy(made)(images), made(images))


def test_random_weights_and_arguments_are_refused(file):
    with pytest.raises(ModelError, match="brings its weights"):
        load(spec(file, weights="random"), file.parent)
    with pytest.raises(ModelError, match="takes no arguments"):
        load(spec(file, arguments={"a": 1}), file.parent)


def test_a_fixed_batch_size_is_refused(tmp_path):
    path = export(tmp_path / "fixed.pt2", Small().eval(), torch.rand(2, 3, 8, 8), dynamic=False)
    with pytest.raises(ModelError, match=r"exported for batches of 2 only(.|\n)*dynamic_shapes"):
        load_export(path, "cpu")


def test_two_inputs_are_refused(tmp_path):
    class Two(nn.Module):
        def forward(self, x, y):
            return x + y

    path = export(tmp_path / "two.pt2", Two(), torch.rand(2, 3), torch.rand(2, 3))
    with pytest.raises(ModelError, match="takes 2 inputs, needed is one"):
        load_export(path, "cpu")


@pytest.mark.parametrize("part", ["features", "drop"])
def test_training_mode_is_refused(tmp_path, part):
    module = Small().eval()
    getattr(module, part).train()
    path = export(tmp_path / "train.pt2", module, torch.rand(2, 3, 8, 8))
    with pytest.raises(ModelError, match=r"batch's statistics or drops values(.|\n)*\.eval\(\)"):
        load_export(path, "cpu")


def test_files_that_are_no_programs(tmp_path):
    (tmp_path / "text.pt2").write_text("hello")
    with pytest.raises(ModelError, match="this is no exported program"):
        load_export(tmp_path / "text.pt2", "cpu")
    torch.save({"w": torch.ones(1)}, tmp_path / "weights.pt2")
    with pytest.raises(ModelError, match="this is no exported program"):
        load_export(tmp_path / "weights.pt2", "cpu")


def rewritten(file, target, change):
    """The archive with every member handed through `change(name, content)`."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


def test_sample_inputs_that_run_code_are_refused_and_do_not_run(tmp_path, file):
    def change(name, content):
        if "sample_inputs" not in name:
            return content
        evil = io.BytesIO()
        torch.save(Trap(tmp_path / "sprung"), evil)
        return evil.getvalue()

    path = rewritten(file, tmp_path / "evil.pt2", change)
    with pytest.raises(ModelError, match=r"holds pickled Python objects \(.*sample_inputs"):
        load_export(path, "cpu")
    assert not (tmp_path / "sprung").exists()


def test_pickled_weights_are_refused(tmp_path, file):
    def change(name, content):
        if not name.endswith("weights_config.json"):
            return content
        config = json.loads(content)
        config["config"]["head.bias"]["use_pickle"] = True
        return json.dumps(config)

    path = rewritten(file, tmp_path / "evil.pt2", change)
    with pytest.raises(ModelError, match=r"holds pickled Python objects \(.*weights_config\.json\)"):
        load_export(path, "cpu")


def test_pickled_constants_are_refused(tmp_path, file):
    path = rewritten(file, tmp_path / "evil.pt2", lambda _name, content: content)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("small/data/constants/opaque_obj_0", b"anything")
    with pytest.raises(ModelError, match=r"opaque_obj_0"):
        load_export(path, "cpu")
