from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from torch import nn

from camaudit.classifier import Classifier, Preprocess
from camaudit.data.geometry import Geometry
from camaudit.errors import ModelError


class Pair(NamedTuple):
    logits: torch.Tensor
    aux: torch.Tensor


SIZED = Preprocess(geometry=Geometry(resize=(6, 5)))


class Pooled(nn.Module):
    """Three classes: the mean of each channel."""

    def __init__(self, wrap=lambda logits: logits):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(3))
        self.wrap = wrap

    def forward(self, x):
        return self.wrap(x.mean((2, 3)) * self.gain)


def classifier(wrap=lambda logits: logits, **keys):
    return Classifier(module=Pooled(wrap).eval(), **keys)


IMAGES = torch.rand(2, 3, 6, 5, generator=torch.Generator().manual_seed(0))
MEANS = IMAGES.mean((2, 3))


def test_logits_of_normalised_images():
    preprocess = Preprocess(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.125))
    logits = classifier(preprocess=preprocess).logits(IMAGES)
    expected = (MEANS - torch.tensor([0.1, 0.2, 0.3])) / torch.tensor([0.5, 0.25, 0.125])
    torch.testing.assert_close(logits, expected)


def test_one_channel_networks_get_the_mean_of_the_colours():
    module = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    nn.init.ones_(module[0].weight)
    logits = Classifier(module=module, preprocess=Preprocess(channels=1)).logits(IMAGES)
    torch.testing.assert_close(logits, MEANS.mean(1, keepdim=True).expand(2, 2))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_the_networks_dtype_is_kept(dtype):
    made = Classifier(module=Pooled().eval().to(dtype))
    logits = made.logits(IMAGES)
    assert logits.dtype == dtype == made.dtype
    torch.testing.assert_close(logits.float(), MEANS, rtol=0, atol=4e-3)


def test_logits_are_differentiable():
    images = IMAGES.clone().requires_grad_()
    classifier().logits(images)[:, 1].sum().backward()
    expected = torch.zeros_like(images)
    expected[:, 1] = 1 / 30
    torch.testing.assert_close(images.grad, expected)


@pytest.mark.parametrize(
    ("wrap", "output"),
    [
        (lambda z: (z, z + 1), 0),
        (lambda z: [z + 1, z], 1),
        (lambda z: (z + 1, z), -1),
        (lambda z: {"out": z, "aux": z + 1}, "out"),
        (lambda z: OrderedDict(logits=z), "logits"),
        (lambda z: {0: z}, 0),
        (lambda z: Pair(z, z + 1), "logits"),
        (lambda z: Pair(z, z + 1), 0),
    ],
)
def test_output_selector(wrap, output):
    torch.testing.assert_close(classifier(wrap, output=output).logits(IMAGES), MEANS)


@pytest.mark.parametrize(
    ("wrap", "output", "message"),
    [
        (lambda z: (z, z + 1), None, r"a tuple of 2: tensor \[2, 3\], tensor \[2, 3\].*\n.*output: 0 to 1"),
        (lambda z: {"out": z, "aux": z}, None, r"keys 'out', 'aux'.*\n.*output: 'out' or 'aux'"),
        (lambda z: Pair(z, z), None, r"output: 'logits' or 'aux'"),
        (lambda z: {"out": z, "aux": z}, "logits", r"no entry 'logits'.*\n.*allowed: 'out' or 'aux'"),
        (lambda z: (z, z), 2, r"no entry 2.*\n.*allowed: 0 to 1"),
        (lambda z: (z, z), "out", r"no entry 'out'"),
        (lambda z: z, 0, r"no entry 0: it is a tensor \[2, 3\]\n  hint: leave `output` out"),
        (lambda z: z, "shape", r"no entry 'shape': it is a tensor"),
        (lambda z: (z, 5), 1, r"entry 1 of the output is a int, not a tensor"),
        (lambda z: z[:, :, None], None, r"logits are \[2, 3, 1\]"),
        (lambda z: z.sum(1), None, r"logits are \[2\]"),
        (lambda z: z[:1], None, r"logits are \[1, 3\] .* for 2 images"),
        (lambda z: z.argmax(1, keepdim=True).expand(2, 3), None, r"of torch.int64"),
        (lambda z: z[:, :1], None, r"single output, so every prediction would be class 0"),
    ],
)
def test_outputs_without_logits_are_refused(wrap, output, message):
    with pytest.raises(ModelError, match=message):
        classifier(wrap, output=output).logits(IMAGES)


def test_wrong_class_count_is_found_by_the_first_batch():
    with pytest.raises(ModelError, match="2 class names for a network with 3 outputs"):
        classifier(classes=("a", "b")).logits(IMAGES)


@pytest.mark.parametrize(
    "images",
    [IMAGES[0], IMAGES[:, :1], torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.zeros(2, 4, 4, 3)],
    ids=["one image", "grey", "bytes", "channels last"],
)
def test_other_shapes_and_types_are_refused(images):
    with pytest.raises(ModelError, match="needed are floats"):
        classifier().logits(images)


def test_training_mode_is_refused():
    with pytest.raises(ModelError, match="training mode"):
        Classifier(module=Pooled()).logits(IMAGES)


def test_another_device_is_refused():
    with pytest.raises(ModelError, match="images are on meta, the network is on cpu"):
        classifier().logits(IMAGES.to("meta"))


@pytest.mark.parametrize("value", [-1e-6, 1.00001, 255.0, float("nan"), float("inf")])
def test_values_outside_the_unit_interval_are_refused(value):
    images = IMAGES.clone()
    images[1, 2, 3, 4] = value
    with pytest.raises(ModelError, match="allowed are 0 to 1"):
        classifier().check_images(images)


def test_values_in_the_unit_interval_are_accepted():
    images = torch.tensor([0.0, 1.0, 0.5]).view(1, 3, 1, 1)
    assert classifier().check_images(images) is None
    assert classifier().check_images(images[:0]) is None


def test_check_runs_the_network_once_on_its_input_size():
    seen = []
    made = classifier(lambda z: seen.append(z.shape) or z, preprocess=SIZED)
    made.check()
    assert seen == [(2, 3)]
    assert made.identity.classes == 3


def test_check_runs_nothing_where_the_size_depends_on_files():
    made = classifier(lambda z: 1 / 0)
    assert made.check() is None
    assert made.identity.classes == 0


def test_check_finds_a_wrong_class_count():
    with pytest.raises(ModelError, match="4 class names for a network with 3 outputs"):
        classifier(preprocess=SIZED, classes=tuple("abcd")).check()


def test_check_explains_what_the_network_raises():
    module = nn.Sequential(nn.Flatten(), nn.Linear(10, 2)).eval()
    with pytest.raises(ModelError, match=r"dry run on two grey images of 6 x 5 fails: RuntimeError"):
        Classifier(module=module, preprocess=SIZED).check()


def test_check_refuses_logits_that_are_not_finite():
    with pytest.raises(ModelError, match="logits of a grey image are not finite"):
        classifier(lambda z: z / 0, preprocess=SIZED).check()


def test_check_warns_of_probabilities():
    with pytest.warns(UserWarning, match="probabilities, not logits"):
        classifier(lambda z: z.softmax(1), preprocess=SIZED).check()


def test_find_names_modules_and_suggests():
    module = nn.Sequential(OrderedDict(features=nn.Conv2d(3, 3, 1), head=nn.Flatten()))
    made = Classifier(module=module)
    assert made.find("features") is module.features
    with pytest.raises(ModelError, match=r"no module 'feature', did you mean \"features\""):
        made.find("feature")


def test_the_fingerprint_changes_with_what_it_covers():
    base = classifier(preprocess=SIZED, output=None)
    prints = [base.identity.fingerprint]
    assert replace(base, name="other", classes=tuple("abc")).identity.fingerprint == prints[0]
    assert Classifier(module=Pooled().eval(), preprocess=SIZED).identity.fingerprint == prints[0]

    prints.append(replace(base, output=0).identity.fingerprint)
    prints.append(replace(base, preprocess=Preprocess(geometry=Geometry(resize=(6, 6)))).identity.fingerprint)
    prints.append(replace(base, preprocess=replace(SIZED, mean=(0.0, 0.0, 1e-9))).identity.fingerprint)
    with torch.no_grad():
        base.module.gain[0] = torch.nextafter(torch.tensor(1.0), torch.tensor(2.0))
    prints.append(base.identity.fingerprint)
    base.module.bfloat16()
    prints.append(base.identity.fingerprint)
    base.module.register_buffer("empty", torch.zeros(0))
    prints.append(base.identity.fingerprint)
    assert len(set(prints)) == len(prints)


def test_the_fingerprint_reads_every_kind_of_state():
    class Odd(Pooled):
        def __init__(self):
            super().__init__()
            self.register_buffer("number", torch.tensor(3))
            self.register_buffer("flags", torch.tensor([True, False]))
            self.register_buffer("strided", torch.arange(6.0).view(2, 3).t())
            self.extra = "a"

        def get_extra_state(self):
            return self.extra

        def set_extra_state(self, state):
            self.extra = state

    first, second = Odd().eval(), Odd().eval()
    assert Classifier(module=first).identity == Classifier(module=second).identity
    second.extra = "b"
    assert Classifier(module=first).identity != Classifier(module=second).identity
    second.extra, second.strided = "a", second.strided.contiguous()
    assert Classifier(module=first).identity == Classifier(module=second).identity


def test_identity_counts_parameters():
    identity = classifier(classes=tuple("abc"), weights="w.pt", weights_sha256="00").identity
    assert (identity.parameters, identity.classes, identity.weights) == (3, 3, "w.pt")
    assert identity.factory == "Pooled"
