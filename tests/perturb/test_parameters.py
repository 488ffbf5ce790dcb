from __future__ import annotations

import copy
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from camaudit.classifier import Classifier, Preprocess
from camaudit.errors import ModelError
from camaudit.perturb.parameters import randomised

STAGES = ("head", "half", "all")


def network():
    """Six modules with parameters; the statistics of the second are not those of a fresh one."""
    torch.manual_seed(0)
    made = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 4, 3),
            norm1=nn.BatchNorm2d(4),
            relu=nn.ReLU(),
            conv2=nn.Conv2d(4, 5, 3, bias=False),
            norm2=nn.BatchNorm2d(5),
            pool=nn.AdaptiveAvgPool2d(1),
            flat=nn.Flatten(),
            hidden=nn.Linear(5, 6),
            head=nn.Linear(6, 2),
        )
    )
    with torch.no_grad():
        for values in made.parameters():
            values.mul_(1.5).add_(0.1)
        made.norm1.running_mean.fill_(3.0)
        made.norm2.running_var.fill_(7.0)
    return made.eval()


def changed(before, after):
    """Names of the modules whose state differs."""
    other = after.state_dict()
    return {
        name.rpartition(".")[0]
        for name, value in before.state_dict().items()
        if not torch.equal(value, other[name])
    }


@pytest.fixture
def classifier():
    return Classifier(module=network(), name="net", weights="w.pt", weights_sha256="00", classes=("a", "b"))


@pytest.mark.parametrize(
    ("stage", "names"),
    [
        ("head", {"head"}),
        ("half", {"norm2", "hidden", "head"}),
        ("all", {"conv1", "norm1", "conv2", "norm2", "hidden", "head"}),
    ],
)
def test_stages_change_their_share_and_nothing_else(classifier, stage, names):
    made = randomised(classifier, stage=stage, seed=0)
    assert changed(classifier.module, made.module) == names


@pytest.mark.parametrize("stage", STAGES)
def test_the_original_is_untouched(classifier, stage):
    before = copy.deepcopy(classifier.module.state_dict())
    flags = [(values.requires_grad, values.grad) for values in classifier.module.parameters()]
    made = randomised(classifier, stage=stage, seed=1)
    assert all(torch.equal(value, before[name]) for name, value in classifier.module.state_dict().items())
    assert [(values.requires_grad, values.grad) for values in classifier.module.parameters()] == flags
    shared = {values.data_ptr() for values in classifier.module.parameters()}
    assert not shared & {values.data_ptr() for values in made.module.parameters()}


@pytest.mark.parametrize("stage", STAGES)
@settings(max_examples=15)
@given(seed=st.integers(0, 2**31), other=st.integers(0, 2**31))
def test_a_seed_gives_one_network_and_another_seed_another(stage, seed, other):
    made = Classifier(module=network())
    prints = [
        randomised(made, stage=stage, seed=number).identity.fingerprint for number in (seed, seed, other)
    ]
    assert prints[0] == prints[1]
    assert (prints[0] == prints[2]) == (seed == other)
    assert prints[0] != made.identity.fingerprint


@pytest.mark.parametrize("stage", STAGES)
def test_random_states_are_left_alone(classifier, stage):
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002 - the global state is what is looked at
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    randomised(classifier, stage=stage, seed=0)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002


def test_the_global_seed_does_not_matter(classifier):
    torch.manual_seed(5)
    first = randomised(classifier, stage="all", seed=0).identity.fingerprint
    torch.manual_seed(6)
    assert randomised(classifier, stage="all", seed=0).identity.fingerprint == first


def test_batch_normalisation_forgets_its_statistics(classifier):
    made = randomised(classifier, stage="all", seed=0).module
    assert torch.equal(made.norm1.running_mean, torch.zeros(4))
    assert torch.equal(made.norm2.running_var, torch.ones(5))
    assert torch.equal(made.norm1.weight, torch.ones(4))


def test_everything_else_is_handed_on_but_the_weights_file(classifier):
    made = randomised(classifier, stage="half", seed=7)
    assert made.name == "net (half randomised, seed 7)"
    assert (made.weights, made.weights_sha256) == (None, None)
    assert (made.classes, made.preprocess) == (classifier.classes, classifier.preprocess)
    assert not any(module.training for module in made.module.modules())
    assert made.logits(torch.rand(2, 3, 8, 8)).shape == (2, 2)


class Scaled(nn.Module):
    """Own parameters, no `reset_parameters`: a kernel, a scale, a constant vector, a frozen counter."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.kernel = nn.Parameter(torch.randn(200, 300, generator=generator) * 0.3 + 2)
        self.temperature = nn.Parameter(torch.tensor(4.0))
        self.layer_scale = nn.Parameter(torch.full((500,), 1e-6))
        self.steps = nn.Parameter(torch.tensor([1, 2]), requires_grad=False)

    def forward(self, x):
        return x


def test_without_reset_parameters_mean_and_spread_are_kept():
    module = Scaled().eval().requires_grad_(requires_grad=False)
    made = randomised(Classifier(module=module), stage="all", seed=0).module
    assert abs(float(made.kernel.mean()) - 2) < 0.01
    assert abs(float(made.kernel.std()) - 0.3) < 0.01
    correlation = torch.corrcoef(torch.stack([made.kernel.flatten(), module.kernel.flatten()]))[0, 1]
    assert abs(float(correlation)) < 0.02
    assert float(made.temperature) != 4.0
    assert 0.8e-6 < float(made.layer_scale.std()) < 1.2e-6
    assert torch.equal(made.steps, module.steps)


def test_a_reset_that_changes_no_kernel_is_not_enough():
    class Lazybones(nn.Linear):
        def reset_parameters(self):
            pass

    module = nn.Sequential(Lazybones(4, 3)).eval()
    nn.init.normal_(module[0].weight)
    made = randomised(Classifier(module=module), stage="head", seed=0).module
    assert not torch.equal(made[0].weight, module[0].weight)


def test_weight_normalisation_is_drawn_anew():
    module = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))).eval()
    made = randomised(Classifier(module=module), stage="head", seed=0).module
    assert not torch.allclose(made[0].weight, module[0].weight)


def test_the_head_is_the_last_module_that_mixes_features():
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 3), nn.LayerNorm(3)).eval()
    nn.init.constant_(module[2].weight, 2.0)
    made = randomised(Classifier(module=module), stage="head", seed=0).module
    assert changed(module, made) == {"1", "2"}


def test_the_order_of_execution_can_be_given():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 2)
            self.unused = nn.Linear(9, 9)
            self.body = nn.Linear(3, 4)

        def forward(self, x):
            return self.head(self.body(x.mean((2, 3))))

    made = Classifier(module=Backwards().eval())
    by_registration = randomised(made, stage="head", seed=0).module
    assert changed(made.module, by_registration) == {"body"}
    by_execution = randomised(made, stage="head", seed=0, order=["body", "head"]).module
    assert changed(made.module, by_execution) == {"head"}
    half = randomised(made, stage="half", seed=0, order=["body", "head"]).module
    assert changed(made.module, half) == {"body", "head"}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_the_dtype_is_kept(dtype):
    made = randomised(Classifier(module=network().to(dtype)), stage="all", seed=0)
    assert made.dtype == dtype
    assert made.logits(torch.rand(1, 3, 8, 8)).isfinite().all()


def test_inside_inference_mode_gradients_stay_possible(classifier):
    with torch.inference_mode():
        made = randomised(classifier, stage="all", seed=0)
    images = torch.rand(1, 3, 8, 8, requires_grad=True)
    made.logits(images)[0, 0].backward()
    assert images.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "module", [nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Sequential(nn.Flatten(), nn.PReLU())]
)
def test_a_network_that_learned_nothing_is_refused(module):
    for values in module.parameters():
        nn.init.constant_(values, 0.25)  # what a PReLU is reset to
    with pytest.raises(ModelError, match="no parameter of stage 'all' can be drawn anew"):
        randomised(Classifier(module=module.eval()), stage="all", seed=0)


def test_resets_that_break_are_named(classifier):
    class Broken(nn.Linear):
        armed = False

        def reset_parameters(self):
            if self.armed:
                raise RuntimeError("not now")
            super().reset_parameters()

    module = nn.Sequential(Broken(3, 2)).eval()
    module[0].armed = True
    with pytest.raises(ModelError, match=r"Broken\.reset_parameters raised RuntimeError: not now"):
        randomised(Classifier(module=module), stage="all", seed=0)


def test_resets_to_nan_are_refused():
    class Wild(nn.Linear):
        wild = False

        def reset_parameters(self):
            super().reset_parameters()
            if self.wild:
                nn.init.constant_(self.weight, float("nan"))

    module = nn.Sequential(Wild(3, 2)).eval()
    module[0].wild = True
    with pytest.raises(ModelError, match=r"0\.weight has 6 of 6 values NaN"):
        randomised(Classifier(module=module), stage="all", seed=0)


def test_a_network_that_cannot_be_copied_is_refused():
    module = nn.Linear(3, 2).eval()
    module.cache = module.weight * 2
    with pytest.raises(ModelError, match="the network cannot be copied"):
        randomised(Classifier(module=module), stage="all", seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "vgg11", "densenet121", "mobilenet_v3_small", "convnext_tiny"])
@pytest.mark.parametrize("stage", STAGES)
def test_answers_of_common_networks_stay_finite_and_depend_on_the_image(name, stage):
    from camaudit.classifier.build import seeded, torchvision_network

    with seeded():
        module = torchvision_network(name, {}).eval()
    made = randomised(Classifier(module=module, preprocess=Preprocess()), stage=stage, seed=0)
    images = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = made.logits(images)
    assert logits.isfinite().all()
    assert not torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[0][:1].expand(1000))
