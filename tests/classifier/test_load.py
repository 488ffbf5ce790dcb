from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from camaudit.classifier import Classifier, load
from camaudit.classifier.preprocess import IMAGENET
from camaudit.errors import CamauditError, ModelError
from camaudit.integrity import sha256
from camaudit.spec.types import ModelSpec

NETWORKS = """
import torch
from torch import nn

from camaudit.classifier import Classifier, Preprocess
from camaudit.data.geometry import Geometry


class Small(nn.Module):
    def __init__(self, classes=2, channels=3):
        super().__init__()
        self.features = nn.Conv2d(channels, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, classes)

    def forward(self, x):
        return self.head(self.norm(self.features(x)).relu().mean((2, 3)))


def small(**keys):
    return Small(**keys)


def half():
    return Small().bfloat16()


def stubborn():
    class Stubborn(Small):
        def train(self, mode=True):
            super().train(mode)
            self.norm.training = True
            return self

    return Stubborn()


def two_heads():
    class Two(Small):
        def forward(self, x):
            answer = super().forward(x)
            return {"main": answer, "aux": answer * 0}

    return Two()


def ready():
    return Classifier(
        module=Small(), preprocess=Preprocess(geometry=Geometry(resize=(4, 4))), classes=("yes", "no")
    )


def preparation():
    return Preprocess(geometry=Geometry(resize=(6, 6)), mean=(0.5, 0.5, 0.5))


def nan():
    network = Small()
    nn.init.constant_(network.head.bias, float("nan"))
    return network


def a_class():
    return Small


def nothing():
    return None


def raising():
    raise ValueError("no luck")


def refusing():
    from camaudit.errors import DataError

    raise DataError("my own words")
"""


@pytest.fixture
def base(tmp_path):
    (tmp_path / "loading_nets.py").write_text(NETWORKS)
    return tmp_path


def spec(factory="small", **keys):
    factory = factory if ":" in factory else f"loading_nets:{factory}"
    return ModelSpec.model_validate({"factory": factory, **keys})


def test_a_network_comes_ready_to_run(base):
    made = load(spec(classes=["a", "b"], preprocess={"resize": [8, 8]}), base, name="dogs")
    assert made.logits(torch.rand(3, 3, 8, 8)).shape == (3, 2)
    assert not any(module.training for module in made.module.modules())
    assert (made.name, made.classes, made.device) == ("dogs", ("a", "b"), torch.device("cpu"))
    identity = made.identity
    assert (identity.factory, identity.classes, identity.weights) == ("loading_nets:small", 2, None)
    assert identity.parameters == 4 * 27 + 4 + 8 + 8 + 2


def test_arguments_reach_the_factory(base):
    keys = {"arguments": {"classes": 7, "channels": 1}, "preprocess": {"channels": 1, "resize": [8, 8]}}
    assert load(spec(**keys), base).identity.classes == 7
    with pytest.raises(ModelError, match=r"unexpected keyword argument 'clases'|got an unexpected"):
        load(spec(arguments={"clases": 7}), base)


def test_unknown_arguments_of_the_callable_itself(base):
    with pytest.raises(ModelError, match="cannot be called with these arguments: got an unexpected keyword"):
        load(spec("half", arguments={"classes": 7}), base)


def test_random_parameters_are_the_same_each_time_and_leave_the_generator_alone(base):
    torch.manual_seed(3)
    state = torch.get_rng_state()
    first = load(spec(), base).identity.fingerprint
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(4)
    assert load(spec(), base).identity.fingerprint == first


def test_weights_are_recorded(base):
    path = base / "w.safetensors"
    state = load(spec(), base).module.state_dict()
    state["head.bias"] = torch.tensor([5.0, -5.0])
    save_file(state, path)
    made = load(spec(weights={"path": path.name, "sha256": sha256(path)}), base)
    assert torch.equal(made.module.head.bias, torch.tensor([5.0, -5.0]))
    assert (made.weights, made.weights_sha256) == (path.name, sha256(path))
    assert (made.identity.weights, made.identity.weights_sha256) == (path.name, sha256(path))


def test_the_dtype_is_kept(base):
    assert load(spec("half"), base).dtype == torch.bfloat16


def test_modules_that_insist_on_training_mode_are_put_into_eval_mode(base):
    made = load(spec("stubborn"), base)
    images = torch.rand(4, 3, 8, 8)
    assert not made.module.norm.training
    torch.testing.assert_close(made.logits(images)[:1], made.logits(images[:1]))


def test_a_factory_may_return_a_classifier_and_the_spec_overrides_it(base):
    made = load(spec("ready"), base)
    assert isinstance(made, Classifier)
    assert (made.classes, made.preprocess.input_size) == (("yes", "no"), (4, 4))
    made = load(spec("ready", classes=["a", "b"], preprocess={"resize": [5, 5]}), base)
    assert (made.classes, made.preprocess.input_size) == (("a", "b"), (5, 5))


def test_preprocessing_from_a_callable(base):
    made = load(spec(preprocess="loading_nets:preparation"), base)
    assert made.preprocess.mean == (0.5, 0.5, 0.5)
    with pytest.raises(ModelError, match=r"returned a Small, needed is a camaudit\.classifier\.Preprocess"):
        load(spec(preprocess="loading_nets:small"), base)


def test_output_selector(base):
    keys = {"preprocess": {"resize": [8, 8]}}
    with pytest.raises(ModelError, match="output: 'main' or 'aux'"):
        load(spec("two_heads", **keys), base)
    assert load(spec("two_heads", output="main", **keys), base).output == "main"


def test_class_names_that_do_not_fit(base):
    with pytest.raises(ModelError, match="3 class names for a network with 2 outputs"):
        load(spec(classes=["a", "b", "c"], preprocess={"resize": [8, 8]}), base)


def test_broken_weights_are_found_whoever_loads_them(base):
    with pytest.raises(ModelError, match=r"head\.bias has 2 of 2 values NaN"):
        load(spec("nan"), base)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("a_class", "returned a type, which would have to be called"),
        ("nothing", "returned a NoneType, needed is a torch.nn.Module"),
        ("raising", "raised ValueError: no luck"),
        ("refusing", "my own words"),
        ("smal", "no attribute 'smal', did you mean \"small\""),
        ("no_such_module:small", "there is no module 'no_such_module'"),
    ],
)
def test_factories_that_give_no_network(base, factory, message):
    with pytest.raises(CamauditError, match=message):
        load(spec(factory), base)


def test_unknown_devices(base):
    with pytest.raises(ModelError, match=r"cannot be moved to 'cuda:99'(.|\n)*devices here: cpu"):
        load(spec(), base, device="cuda:99")
    with pytest.raises(ModelError, match="cannot be moved to 'tpu9000'"):
        load(spec(), base, device="tpu9000")


def test_loading_inside_inference_mode_keeps_gradients_possible(base):
    with torch.inference_mode():
        made = load(spec(preprocess={"resize": [8, 8], "mean": "imagenet", "std": "imagenet"}), base)
        made.logits(torch.rand(1, 3, 8, 8))
    images = torch.rand(1, 3, 8, 8, requires_grad=True)
    made.logits(images)[0, 0].backward()
    assert images.grad.abs().sum() > 0


def test_torchvision_needs_weights_or_the_word_random(base):
    with pytest.raises(ModelError, match=r"no weights are given(.|\n)*weights: random"):
        load(spec("torchvision:resnet18"), base)


def test_torchvision_by_name(base):
    made = load(spec("torchvision:resnet18", weights="random", classes="torchvision:imagenet"), base)
    assert made.preprocess.input_size == (224, 224)
    assert made.preprocess.mean == IMAGENET["mean"]
    assert made.identity.classes == 1000
    assert made.classes is not None
    assert made.classes[0] == "tench"


def test_torchvision_with_own_head_and_weights(base):
    from torchvision.models import squeezenet1_1

    torch.manual_seed(9)
    state = squeezenet1_1(weights=None, num_classes=5).state_dict()
    save_file(state, base / "w.safetensors")
    keys = {
        "arguments": {"num_classes": 5},
        "weights": {"path": "w.safetensors"},
        "preprocess": {"resize": [64, 64]},
    }
    made = load(spec("torchvision:squeezenet1_1", **keys), base)
    assert torch.equal(made.module.classifier[1].weight, state["classifier.1.weight"])
    assert made.identity.classes == 5


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_networks_with_auxiliary_heads_load_without_a_warning(base, name):
    keys = {"weights": "random", "preprocess": {"resize": [96, 96]}, "arguments": {"num_classes": 3}}
    assert load(spec(f"torchvision:{name}", **keys), base).identity.classes == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet_18", "no image network 'resnet_18', did you mean \"resnet18\""),
        ("raft_small", "no image network 'raft_small'"),
    ],
)
def test_unknown_torchvision_names(base, name, message):
    with pytest.raises(ModelError, match=message):
        load(spec(f"torchvision:{name}", weights="random"), base)


@pytest.mark.parametrize("argument", ["weights", "weights_backbone"])
def test_nothing_is_ever_downloaded(base, argument):
    with pytest.raises(ModelError, match="they would be downloaded"):
        load(spec("torchvision:resnet18", weights="random", arguments={argument: "DEFAULT"}), base)


def test_the_package_and_its_names_come_without_torch_until_used():
    script = """
        import sys
        import camaudit.classifier, camaudit.spec
        assert "torch" not in sys.modules, "torch"
        from camaudit.classifier import load
        assert callable(load) and "torch" in sys.modules
        import camaudit.classifier.load
        from camaudit.classifier import load
        assert callable(load), load
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_plain_module_is_a_classifier_without_a_spec():
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    images = torch.rand(2, 3, 4, 4)
    torch.testing.assert_close(Classifier(module=module).logits(images), images.mean((2, 3)))
