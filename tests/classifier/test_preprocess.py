from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from camaudit.classifier import Preprocess
from camaudit.classifier.build import torchvision_preprocess
from camaudit.classifier.preprocess import IMAGENET, from_spec
from camaudit.data.geometry import Geometry
from camaudit.errors import ModelError
from camaudit.spec.types import PreprocessSpec


@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans(), st.sampled_from([1, 3]))
def test_normalise_is_mean_and_std_per_channel(seed, with_mean, with_std, channels):
    rng = np.random.default_rng(seed)
    images = rng.random((2, 3, 4, 5))
    mean = tuple(rng.random(channels)) if with_mean else None
    std = tuple(rng.random(channels) + 0.1) if with_std else None

    made = Preprocess(mean=mean, std=std, channels=channels).normalise(torch.from_numpy(images))

    expected = images.mean(axis=1, keepdims=True) if channels == 1 else images.copy()
    for place in range(channels):
        if mean is not None:
            expected[:, place] -= mean[place]
        if std is not None:
            expected[:, place] /= std[place]
    np.testing.assert_allclose(made.numpy(), expected, rtol=1e-12)


def test_images_are_left_as_they_were():
    images = torch.rand(1, 3, 2, 2)
    before = images.clone()
    Preprocess(mean=(0.5, 0.5, 0.5), std=(0.1, 0.1, 0.1)).normalise(images)
    assert torch.equal(images, before)


def test_gradients_pass_after_a_first_use_in_inference_mode():
    preprocess = Preprocess(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    with torch.inference_mode():
        preprocess.normalise(torch.rand(1, 3, 2, 2))
    images = torch.rand(1, 3, 2, 2, requires_grad=True)
    preprocess.normalise(images).sum().backward()
    assert torch.equal(images.grad, torch.full_like(images, 4.0))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"mean": (0.5,)}, "mean has 1 numbers for 3 channels"),
        ({"std": (0.5, 0.5)}, "std has 2 numbers for 3 channels"),
        ({"mean": (0.1, 0.2, 0.3), "channels": 1}, "mean has 3 numbers for 1 channels"),
        ({"std": (0.5, 0.0, 0.5)}, "must be positive"),
        ({"std": (0.5, -1.0, 0.5)}, "must be positive"),
        ({"mean": (0.5, float("nan"), 0.5)}, "is not finite"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(keys, message):
    with pytest.raises(ModelError, match=message):
        Preprocess(**keys)


@pytest.mark.parametrize(
    ("geometry", "size"),
    [
        ({"resize": 256, "crop": 224}, (224, 224)),
        ({"resize": (32, 48)}, (32, 48)),
        ({"crop": (10, 20)}, (10, 20)),
        ({"resize": 256}, None),
        ({}, None),
    ],
)
def test_input_size_is_known_where_it_does_not_depend_on_files(geometry, size):
    assert Preprocess(geometry=Geometry(**geometry)).input_size == size


def test_spec_keys():
    spec = PreprocessSpec(
        resize=40, crop=(32, 24), interpolation="bicubic", mean="imagenet", std=("1/4", 0.5, 1)
    )
    made = from_spec(spec)
    assert made.geometry == Geometry(resize=40, crop=(32, 24), interpolation="bicubic")
    assert made.mean == IMAGENET["mean"]
    assert made.std == (0.25, 0.5, 1.0)
    assert made.channels == 3


def test_imagenet_statistics_do_not_fit_one_channel():
    with pytest.raises(ModelError, match="imagenet has three numbers"):
        from_spec(PreprocessSpec(mean="imagenet", channels=1))


def test_text_names_every_step():
    made = Preprocess(geometry=Geometry(resize=256, crop=224), mean=(127 / 255,), std=(0.5,), channels=1)
    assert made.text() == (
        "resize shorter side to 256 (bilinear), centre crop 224 × 224, mean of red, green and blue, "
        "minus (0.498039), divided by (0.5), on pixels in [0, 1]"
    )


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b1", "vit_b_16", "inception_v3"])
def test_torchvision_preprocessing_equals_torchvision(name):
    from torchvision.models import get_model_weights

    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 420, 3), dtype=np.uint8))
    made = torchvision_preprocess(name)
    assert made is not None
    pixels = torch.from_numpy(made.geometry.image(image).copy()).permute(2, 0, 1)[None].float() / 255
    expected = get_model_weights(name).DEFAULT.transforms()(image)[None]
    assert made.input_size == tuple(expected.shape[2:])
    torch.testing.assert_close(made.normalise(pixels), expected, rtol=0, atol=1e-6)
