"""Scores of whole images, and targets, from pixels and boxes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from camaudit.classifier import Classifier, load
from camaudit.classifier.dense import detection_scores, segmentation_scores
from camaudit.dense_targets import detection_class, detection_label, segmentation_class, segmentation_label
from camaudit.errors import MapError, ModelError
from camaudit.maps.compute import Request, compute
from camaudit.maps.layers import auto_layer
from camaudit.spec.types import ModelSpec
from camaudit.targets import Scalar

LABELS = torch.tensor([1, 2])


class Pixels(nn.Module):
    """Features are the colours, one to one; each class's logit of a pixel is its own colour minus 0.5."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 3, 1, bias=False)
        self.classify = nn.Conv2d(3, 3, 1)
        with torch.no_grad():
            for layer in (self.features, self.classify):
                layer.weight.copy_(torch.eye(3)[:, :, None, None])
            self.classify.bias.fill_(-0.5)

    def forward(self, x):
        return {"out": self.classify(self.features(x)), "aux": x}


def network(scores=segmentation_scores):
    return Classifier(module=Pixels().eval(), scores=scores)


def images():
    """The left half green, the right half red; and the upper half blue on red."""
    found = torch.zeros(2, 3, 4, 4)
    found[0, 1, :, :2] = found[0, 0, :, 2:] = 1
    found[1, 2, :2] = found[1, 0, 2:] = 1
    return found


def test_scores_of_a_segmentation_are_means():
    assert network().logits(images()).tolist() == [[0.0, 0.0, -0.5], [0.0, -0.5, 0.0]]


def test_the_map_of_a_known_segmentation():
    target = Scalar(function=segmentation_label, of="output", labels=LABELS)
    request = Request(method="hirescam", targets=target)
    (found,) = compute(network(), images(), layer="features", requests=[request]).maps
    # Gradient 1 on the class's own pixels, times its colour there: the half itself.
    assert torch.equal(found.raw[0], images()[0, 1])
    assert torch.equal(found.raw[1], images()[1, 2])
    assert found.score.tolist() == [4.0, 4.0]
    gradcam = Request(method="gradcam", targets=target)
    (found,) = compute(network(), images(), layer="features", requests=[gradcam]).maps
    # The class's own channel has a mean gradient of a half.
    assert torch.equal(found.raw, torch.stack([images()[0, 1], images()[1, 2]]) / 2)


def test_a_class_that_is_nowhere_gives_a_map_of_zeros():
    target = Scalar(function=segmentation_class(2), of="output")
    request = Request(method="gradcam", targets=target)
    (found,) = compute(network(), images(), layer="features", requests=[request]).maps
    assert found.status == ("all-zero", "ok")
    assert found.score.tolist() == [0.0, 4.0]


def test_segmentation_targets_refuse():
    with pytest.raises(MapError, match="class 7 is none of this network's: its pixels have 3 classes"):
        segmentation_class(7)(torch.zeros(1, 3, 2, 2))
    with pytest.raises(MapError, match="class -1 is none"):
        segmentation_label(torch.zeros(1, 3, 2, 2), torch.tensor([-1]))
    with pytest.raises(MapError, match=r"holds no logits \[n, k, h, w\]"):
        segmentation_class(0)(torch.zeros(1, 3))
    with pytest.raises(ModelError, match=r"needs logits \[n, k, h, w\] .* got a Tensor \[1, 3\]"):
        segmentation_scores(torch.zeros(1, 3))


def boxes():
    scores = torch.tensor([0.9, 0.3, 0.6], requires_grad=True)
    return scores, [
        {"scores": scores, "labels": torch.tensor([1, 2, 2]), "boxes": torch.zeros(3, 4)},
        {"scores": scores[:0], "labels": torch.tensor([], dtype=torch.int64), "boxes": torch.zeros(0, 4)},
    ]


def test_scores_of_a_detection_are_its_best_boxes():
    _, output = boxes()
    found = detection_scores(output, classes=4)
    assert torch.equal(found, torch.tensor([[0, 0.9, 0.6, 0], [0, 0, 0, 0]]))


def test_a_detection_target_is_the_best_box_of_the_class():
    scores, output = boxes()
    found = detection_class(2)(output)
    assert found.tolist() == pytest.approx([0.6, 0])
    found.sum().backward()
    assert scores.grad.tolist() == [0, 0, 1]
    assert detection_label(output, torch.tensor([1, 1])).tolist() == pytest.approx([0.9, 0])


def test_no_box_at_all_is_a_zero_with_a_gradient():
    _, output = boxes()
    assert detection_class(1)(output[1:]).requires_grad


def test_detections_are_refused():
    _, output = boxes()
    with pytest.raises(ModelError, match="finds class 2, and there are 2 class names"):
        detection_scores(output, classes=2)
    with pytest.raises(ModelError, match="needs a list of mappings"):
        detection_scores(torch.zeros(2, 3), classes=2)
    with pytest.raises(MapError, match="no list of boxes"):
        detection_class(1)(torch.zeros(2, 3))


def spec(name, **keys):
    return ModelSpec(factory=f"torchvision:{name}", weights="random", preprocess={"resize": [64, 64]}, **keys)


def test_a_detector_needs_names(tmp_path):
    with pytest.raises(ModelError, match=r"(?s)how many classes there are.*background \(0\) first"):
        load(spec("ssdlite320_mobilenet_v3_large", scores="detection"), tmp_path)


def test_a_network_that_segments_is_told_what_to_write(tmp_path):
    with pytest.raises(ModelError, match=r"(?s)not a tensor.*model\.scores"):
        load(spec("lraspp_mobilenet_v3_large"), tmp_path)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("lraspp_mobilenet_v3_large", "backbone.16"),
        pytest.param("fcn_resnet50", "backbone.layer4", marks=pytest.mark.slow),
        pytest.param("deeplabv3_resnet50", "backbone.layer4", marks=pytest.mark.slow),
    ],
)
def test_torchvisions_segmentation(tmp_path, name, layer):
    made = load(spec(name, scores="segmentation", arguments={"num_classes": 3}), tmp_path)
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with pytest.raises(MapError, match=f"(?s)its last grids are its answer.*such as layer: {layer}"):
        auto_layer(made, pictures)
    requests = [
        Request(method="gradcam", targets=target, relu=False)
        for target in (LABELS, Scalar(function=segmentation_class(1), of="output"))
    ]
    found = compute(made, pictures, layer=layer, requests=requests)
    assert found.logits.shape == (2, 3)
    assert found.maps[0].status == ("ok", "ok")
    assert set(found.maps[1].status) <= {"ok", "all-zero"}


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("ssdlite320_mobilenet_v3_large", "backbone.features.0"),
        pytest.param("fasterrcnn_mobilenet_v3_large_320_fpn", "backbone.body", marks=pytest.mark.slow),
    ],
)
def test_torchvisions_detection(tmp_path, name, layer):
    keys = {"scores": "detection", "classes": ["background", "cat", "dog"], "arguments": {"num_classes": 3}}
    made = load(spec(name, **keys), tmp_path)
    pictures = torch.rand(1, 3, 320, 320, generator=torch.Generator().manual_seed(0))
    with pytest.raises(MapError, match=r"(?s)its last grids are its answer.*such as layer: backbone\."):
        auto_layer(made, pictures)
    layer = next(name for name, _ in made.module.named_modules() if name.startswith(layer + "."))
    requests = [
        Request(method="gradcam", targets=target, relu=False)
        for target in (LABELS[:1], Scalar(function=detection_class(1), of="output"))
    ]
    found = compute(made, pictures, layer=layer, requests=requests)
    assert found.logits.shape == (1, 3)
    torch.testing.assert_close(found.maps[0].raw, found.maps[1].raw)
    assert found.maps[0].raw.isfinite().all()
    assert found.maps[0].score.item() == found.logits[0, 1]
