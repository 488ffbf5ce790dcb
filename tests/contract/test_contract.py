"""The test of the contracts: members that are wrong on purpose are refused, by the right clause, in words."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from camaudit import contract, registry
from camaudit.contract.clause import refuses
from camaudit.data.sample import Listing, Sample, Unusable
from camaudit.errors import ModelError
from camaudit.maps import Method
from camaudit.metrics import METRICS
from camaudit.perturb.member import Member
from camaudit.spec.base import SourceSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from camaudit.contract import Contract
    from camaudit.maps.capture import Capture

WRONG = "contract_wrong_members"


@pytest.fixture(autouse=True)
def planted() -> Iterator[ModuleType]:
    """A module that table entries can name functions of."""
    sys.modules[WRONG] = ModuleType(WRONG)
    yield sys.modules[WRONG]
    del sys.modules[WRONG]


def refused(made: Contract, clause: str, words: str) -> None:
    """That clause, and with it the whole, is broken with these words; it names the member and the clause."""
    (own,) = (item for item in made if str(item) == clause)
    with pytest.raises(AssertionError, match=words) as found:
        own()
    assert str(found.value).startswith(f"{made.member}: {clause}: ")


# --- the contract itself


def test_all_that_is_broken_is_told_at_once() -> None:
    def lazy(capture: Capture, target: Any) -> torch.Tensor:
        return torch.full((len(capture.images), 6, 6), 1.0)

    with pytest.raises(AssertionError) as found:
        map_of(lazy).hold()
    text = str(found.value)
    assert text.startswith("map method planted: ")
    assert "of 10 clauses broken\n" in text
    assert "the map of one image is the same for two classes" in text
    assert "network and images untouched" not in text


def test_what_is_no_member_is_told_alone() -> None:
    with pytest.raises(AssertionError) as found:
        contract.of_map("gradcam").hold()  # type: ignore[arg-type]
    assert str(found.value) == "map method a str without a name: entry: it is a str, not a Method"


def test_what_a_member_raises_breaks_the_clause_and_is_its_cause() -> None:
    def raising(capture: Capture, target: Any) -> torch.Tensor:
        raise KeyError("no such thing")

    made = map_of(raising)
    refused(made, "the same twice", "it raised KeyError: 'no such thing'")
    with pytest.raises(AssertionError) as found:
        list(made)[2]()
    assert isinstance(found.value.__cause__, KeyError)


def test_a_refusal_of_another_kind_is_none() -> None:
    def call() -> None:
        raise TypeError("no")

    with pytest.raises(AssertionError, match="x has to be refused with a ModelError, it raised TypeErr"):
        refuses(call, ModelError, "x")


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'of_everything'"):
        contract.of_everything  # noqa: B018


# --- map methods


def map_of(function: Callable[..., Any], /, **changes: Any) -> Contract:
    sys.modules[WRONG].function = function  # type: ignore[attr-defined]
    options = {key: changes.pop(key) for key in ("signed", "targeted") if key in changes}
    entry = {"name": "planted", "title": "Planted", "source": "nobody", "function": f"{WRONG}:function"}
    return contract.of_map(Method(**{**entry, **changes}), **options)


def weighed(capture: Capture, target: Any) -> torch.Tensor:
    """What is right, for others to spoil."""
    return (capture.activations * capture.gradients(target)).sum(1)


def drawn(capture: Capture, target: Any) -> torch.Tensor:
    return weighed(capture, target) * (1 + torch.rand(()))


def in_place(capture: Capture, target: Any) -> torch.Tensor:
    capture.images.add_(0.1)
    return weighed(capture, target)


def trained(capture: Capture, target: Any) -> torch.Tensor:
    capture.network.module.train()
    return weighed(capture, target)


def hooked(capture: Capture, target: Any) -> torch.Tensor:
    capture.network.module.register_forward_hook(lambda *_: None)
    return weighed(capture, target)


def reweighted(capture: Capture, target: Any) -> torch.Tensor:
    next(capture.network.module.parameters()).mul_(1.5)
    return weighed(capture, target)


def asks_in_training_mode(capture: Capture, target: Any) -> torch.Tensor:
    module = capture.network.module
    flags = [item.training for item in module.modules()]
    for item in module.modules():
        item.training = False
    capture.network.logits(capture.images)  # not put back where this raises
    for item, flag in zip(module.modules(), flags, strict=True):
        item.training = flag
    return weighed(capture, target)


def of_the_batch(capture: Capture, target: Any) -> torch.Tensor:
    raw = weighed(capture, target)
    return raw - raw.mean()


def of_classes_only(capture: Capture, target: Any) -> torch.Tensor:
    rows = torch.nn.functional.one_hot(target.long(), 5).float() if target.dim() == 1 else target.flip(1)
    return weighed(capture, rows)


def with_a_graph(capture: Capture, target: Any) -> torch.Tensor:
    return weighed(capture, target).requires_grad_()


def peaked(raw: torch.Tensor) -> torch.Tensor:
    return raw / raw.abs().amax((1, 2), keepdim=True).clamp(min=1e-12)


@pytest.mark.parametrize(
    ("function", "clause", "words"),
    [
        (drawn, "the same twice", "two calls with the same input differ"),
        (in_place, "network and images untouched", "it changed the images in place"),
        (trained, "network and images untouched", "it changed: the training flags"),
        (hooked, "network and images untouched", "it changed: the hooks"),
        (reweighted, "network and images untouched", "it changed: the weights or buffers"),
        (drawn, "network and images untouched", "it changed: torch's random state"),
        (
            asks_in_training_mode,
            "network untouched after it raised",
            "forward number 2 changed: the training",
        ),
        (of_the_batch, "each image by itself", "image 0 alone and in a batch differ by up to"),
        (of_classes_only, "weights as a target", "give another map than the class"),
        (with_a_graph, "shape and type", "maps hang on a graph"),
        (
            lambda c, t: weighed(c, t).double(),
            "shape and type",
            r"maps are torch\.float64 for images in float32",
        ),
        (
            lambda c, t: weighed(c, t)[:, None],
            "shape and type",
            r"maps are \[3, 1, 6, 6\] for 3 images, needed",
        ),
        (lambda c, t: weighed(c, t).numpy(), "shape and type", "it returned ndarray, not a tensor"),
        (lambda c, t: weighed(c, t) * torch.nan, "shape and type", "maps hold NaN"),
        (lambda c, t: weighed(c, t).relu(), "raw maps", "no map holds negative evidence"),
        (lambda c, t: -weighed(c, t).relu(), "raw maps", "no map holds positive evidence"),
        (lambda c, t: peaked(weighed(c, t)), "raw maps", "raw maps are not normalised"),
        (lambda c, t: c.activations.sum(1), "looks at image and target", "is the same for two classes"),
        (
            lambda c, t: t[:, None, None].expand(-1, 6, 6) + 0.5,
            "looks at image and target",
            "maps of two images",
        ),
    ],
)
def test_wrong_map_methods(function: Callable[..., Any], clause: str, words: str) -> None:
    refused(map_of(function), clause, words)


@pytest.mark.parametrize(
    ("changes", "clause", "words"),
    [
        ({"title": ""}, "entry", "its title is empty"),
        ({"source": ""}, "entry", "its source is empty"),
        ({"at": "pixel"}, "entry", "at is 'pixel'"),
        ({"function": f"{WRONG}:nothing"}, "entry", "it raised AttributeError"),
        ({"at": "pixels"}, "shape and type", r"maps are \[3, 6, 6\] for 3 images, needed are \[3, 12, 12\]"),
        ({"signed": False}, "raw maps", "maps hold negative values, and signed=False was said"),
        ({"targeted": False}, "looks at image and target", "differs between two classes, and targeted=False"),
    ],
)
def test_wrong_entries_of_map_methods(changes: dict[str, Any], clause: str, words: str) -> None:
    def small(capture: Capture, target: Any) -> torch.Tensor:
        return weighed(capture, target)[:, :6, :6]

    refused(map_of(small, **changes), clause, words)


def test_a_right_map_method_keeps_everything() -> None:
    map_of(weighed).hold()


# --- metrics


def metric_of(function: Callable[..., Any] | None = None, **changes: Any) -> Contract:
    """`energy_inside`, spoilt: `function` is given what is right and what that was made of."""
    right = METRICS["energy_inside"]
    if function is not None:
        sys.modules[WRONG].function = partial(function, right.load())  # type: ignore[attr-defined]
        sys.modules[WRONG].function.__doc__ = "Planted."
        changes["function"] = f"{WRONG}:function"
    return contract.of_metric(replace(right, name="planted", **changes))


def adds_noise(right: Any, maps: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    return (right(maps, masks) + 1e-3 * torch.rand(len(maps))).clamp(0, 1)


def changes_maps(right: Any, maps: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    found = right(maps, masks)
    maps.mul_(2)
    return found


def about_the_batch(right: Any, maps: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    found = right(maps, masks)
    return (found - found.nanmean() / 10).clamp(0, 1)


def by_place(right: Any, maps: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    return right(maps, masks) * torch.linspace(0.9, 1, len(maps), dtype=torch.float64)


def takes_anything(right: Any, maps: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    inside = maps.detach().double().abs().flatten(1)
    return (inside * masks.flatten(1)).sum(1) / inside.sum(1)


@pytest.mark.parametrize(
    ("function", "clause", "words"),
    [
        (
            lambda f, m, r: f(m, r).float(),
            "values",
            r"values are torch\.float32 for torch\.float64, not float64",
        ),
        (lambda f, m, r: f(m, r)[:, None], "values", r"values are \[5, 1\] for 5 maps, needed are \[5\]"),
        (lambda f, m, r: f(m, r).tolist(), "values", "it returned list, not a tensor"),
        (lambda f, m, r: f(m, r) * 100, "values", "lie beyond its range 0 to 1"),
        (lambda f, m, r: f(m, r).nan_to_num(0.0), "NaN with a reason", "0 and the reason 'empty mask'"),
        (
            lambda f, m, r: f(m, r).where(r.any(2).any(1), torch.inf),
            "NaN with a reason",
            "the value is infinite",
        ),
        (lambda f, m, r: f(m, r).where(f(m, r) < 1, torch.nan), "NaN with a reason", "NaN without a reason"),
        (adds_noise, "the same twice", "two calls with the same input differ"),
        (changes_maps, "the same twice", "it changed the maps in place"),
        (about_the_batch, "each row by itself", "in a batch, .* by itself"),
        (by_place, "any order", "rows in another order have other values"),
        (lambda f, m, r: f(m, r) if m else None, "no maps", "it raised RuntimeError"),
        (lambda f, m, r: f(m, r) + 0 * m.sum((1, 2)), "views and graphs", "hang on it: detach them"),
        (lambda f, m, r: f(m.abs(), r), "signed maps", "a map with negative values has to be refused"),
        (takes_anything, "wrong input", "function: .* has to be refused with a MapError"),
    ],
)
def test_wrong_metrics(function: Callable[..., Any], clause: str, words: str) -> None:
    refused(metric_of(function), clause, words)


@pytest.mark.parametrize(
    ("changes", "clause", "words"),
    [
        ({"range": (1.0, 0.0)}, "entry", "no gate could fail"),
        ({"chance_text": ""}, "entry", "chance_text is empty"),
        ({"title": ""}, "entry", "its title is empty"),
        (
            {"parameter": "share"},
            "entry",
            r"function takes \[\] beside maps and reference, the entry says \['share'\]",
        ),
        ({"range": (0.0, 0.1)}, "each row by itself", "lie beyond its range"),
        ({"signed": True}, "signed maps", "it raised MapError"),
        (
            {"chance": "camaudit.metrics.chance:zero", "range": (0.1, 1.0)},
            "chance",
            r"values \[0\.0, .* lie beyond",
        ),
    ],
)
def test_wrong_entries_of_metrics(changes: dict[str, Any], clause: str, words: str) -> None:
    refused(metric_of(**changes), clause, words)


# --- attacks


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step along the gradient's sign, spoilt by `spoil(images, changed, classifier, seeds)`."""

    eps: float
    spoil: Callable[..., Any]
    aims: bool

    def __call__(self, classifier: Any, images: Any, labels: Any, *, seeds: Any, targets: Any = None) -> Any:
        if targets is not None and not self.aims:
            raise ModelError("it cannot aim at a class")
        with torch.enable_grad():
            start = images.detach().requires_grad_()
            aim, sign = (labels, 1) if targets is None else (targets, -1)
            loss = torch.nn.functional.cross_entropy(classifier.logits(start), aim, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, start)
        changed = (images + sign * self.eps * gradient.sign().to(images.dtype)).clamp(0, 1)
        return self.spoil(images, changed, classifier, seeds)


def attack_of(spoil: Callable[..., Any], *, strict: bool = True, **changes: Any) -> Contract:
    def make(parameters: Any, budget: Any) -> Step:
        if parameters and strict:
            raise ModelError(f"there is no parameter {min(parameters)!r}")
        return Step(eps=0.03 if budget is None else budget.eps, spoil=spoil, aims=True)

    entry = {"name": "planted", "make": make, "norms": ("linf",), "access": "gradient", "targeted": True}
    return contract.of_attack(Member(**{**entry, **changes}))  # type: ignore[arg-type]


def right(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    return changed


def leaves_gradients(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    with torch.enable_grad():
        classifier.logits(images).sum().backward()
    return changed


def levels_flags(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    classifier.module.eval()
    return changed


def reseeds(draw: Callable[[], object], images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    draw()
    return changed


def reseed_numpy() -> None:
    np.random.seed(0)  # noqa: NPY002 - the global one is what an attack may spoil


def swaps_buffer(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    classifier.module.scale = classifier.module.scale.clone()
    return changed


@pytest.mark.parametrize(
    ("spoil", "clause", "words"),
    [
        (lambda i, c, *_: i + 2 * (c - i), "range and budget", "3 of 3 images are invalid: .*beyond"),
        (lambda i, c, *_: c - 1, "range and budget", r"beyond \[0, 1\]"),
        (lambda i, c, *_: c * torch.nan, "range and budget", "pixels that are not finite"),
        (
            lambda i, c, *_: c[:, :, 1:],
            "shape and type",
            r"images are \[3, 3, 7, 8\], it was given \[3, 3, 8, 8\]",
        ),
        (
            lambda i, c, *_: c.double(),
            "shape and type",
            r"images are torch\.float64, it was given torch\.float32",
        ),
        (lambda i, c, *_: c.requires_grad_(), "shape and type", "images hang on a graph"),
        (lambda i, c, *_: c.numpy(), "shape and type", "it returned ndarray, not a tensor"),
        (
            lambda i, c, *_: i.copy_(c),
            "network, images and chance untouched",
            "it changed the images in place",
        ),
        (leaves_gradients, "network, images and chance untouched", r"it changed: the gradients \(\.grad\)"),
        (levels_flags, "network, images and chance untouched", "it changed: the training flags"),
        (swaps_buffer, "network, images and chance untouched", "it changed: which tensors it holds"),
        (
            partial(reseeds, lambda: torch.manual_seed(0)),
            "network, images and chance untouched",
            "torch's random",
        ),
        (
            partial(reseeds, reseed_numpy),
            "network, images and chance untouched",
            "NumPy's random",
        ),
        (partial(reseeds, lambda: random.seed(0)), "network, images and chance untouched", "Python's random"),
        (
            lambda i, c, *_: c - 1e-4 * i.mean(),
            "each image by itself",
            "alone and in a batch differ by up to",
        ),
        (lambda i, c, *_: i.clone(), "effect", "no label's margin shrinks: it does nothing"),
        (lambda i, c, *_: 2 * i - c, "effect", "the label's margin grows in 3 of 3 images"),
        (lambda i, c, *_: 2 * i - c, "targets", "it has to grow"),
    ],
)
def test_wrong_attacks(spoil: Callable[..., Any], clause: str, words: str) -> None:
    refused(attack_of(spoil), clause, words)


def test_an_attack_that_draws_from_global_states() -> None:
    generator = torch.Generator()  # a state of its own, which is not seeded by the seeds

    def spoil(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
        return images + (changed - images) * torch.rand(images.shape, generator=generator)

    refused(attack_of(spoil), "network, images and chance untouched", "two calls with the same seeds differ")


@pytest.mark.parametrize(
    ("changes", "clause", "words"),
    [
        ({"norms": ("l1",)}, "entry", r"norms \['l1'\] are none of linf, l2, l0, patch"),
        ({"access": "weights"}, "entry", "access is 'weights', allowed: gradient, scores, none"),
        ({"strict": False}, "unknown parameters", "the parameter 'no_such_parameter' has to be refused"),
        (
            {"targeted": False},
            "targets",
            "targeted=False: a target has to be refused with a ModelError, and was taken",
        ),
        ({"access": "none"}, "access to the network", "access='none' was said, and it asks the network"),
        (
            {"access": "scores"},
            "access to the network",
            "access='scores' was said, and without gradients it raises",
        ),
    ],
)
def test_wrong_entries_of_attacks(changes: dict[str, Any], clause: str, words: str) -> None:
    if changes.get("norms") == ("l1",):
        member = Member(name="planted", make=lambda *_: None, norms=("l1",), access="none")  # type: ignore[arg-type]
        refused(contract.of_attack(member, budgets=[None]), clause, words)
    else:
        refused(attack_of(right, **changes), clause, words)


def test_a_right_attack_keeps_everything() -> None:
    attack_of(right).hold()


def test_a_doubt_excuses_from_the_effect() -> None:
    attack_of(lambda images, *_: images.clone(), doubt="does nothing", access="gradient").clauses[-1]()


# --- corruptions


@dataclass(frozen=True, kw_only=True)
class Shade:
    """A darker picture, spoilt by `spoil(images, changed, classifier, seeds)`."""

    factor: float
    spoil: Callable[..., Any]
    lenient: bool

    def __call__(self, classifier: Any, images: Any, labels: Any, *, seeds: Any, targets: Any = None) -> Any:
        if (targets is not None or len(seeds) != len(images)) and not self.lenient:
            raise ModelError("no")
        return self.spoil(images, 1 - (1 - images * 0.9) * self.factor, classifier, seeds)


def corruption_of(
    spoil: Callable[..., Any], *, lenient: bool = False, flat: bool = False, **changes: Any
) -> Contract:
    def make(parameters: Any, budget: Any) -> Shade:
        if (set(parameters) - {"severity"} or budget is not None) and not lenient:
            raise ModelError("no")
        return Shade(factor=1 - (0.1 if flat else parameters["severity"] * 0.1), spoil=spoil, lenient=lenient)

    entry = {"name": "planted", "make": make, "norms": (), "access": "none"}
    return contract.of_corruption(Member(**{**entry, **changes}))  # type: ignore[arg-type]


def jitters(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    return changed - 0.01 * torch.rand(())


def asks(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    classifier.logits(images)
    return changed


@pytest.mark.parametrize(
    ("spoil", "clause", "words"),
    [
        (lambda i, c, *_: c + 1, "range, shape and type", r"with {'severity': 1}: .*beyond \[0, 1\]"),
        (lambda i, c, *_: c[:, :1], "range, shape and type", r"images are \[3, 1, 32, 40\], it was given"),
        (
            lambda i, c, *_: c.float(),
            "range, shape and type",
            r"images are torch\.float32, it was given torch\.float64",
        ),
        (lambda i, c, *_: i.copy_(c), "range, shape and type", "it changed the images in place"),
        (lambda i, c, *_: i.clone(), "range, shape and type", "nothing changes"),
        (lambda i, c, *_: c.numpy(), "range, shape and type", "it returned ndarray"),
        (lambda i, c, *_: c / (i > 0), "small, black and white pictures", "not finite"),
        (jitters, "the same seed gives the same", "it changed: torch's random state"),
        (lambda i, c, *_: c * (1 - 0.1 * i.mean()), "each image by itself", "alone and in a batch differ"),
        (asks, "the network is not asked", "it asks the network"),
    ],
)
def test_wrong_corruptions(spoil: Callable[..., Any], clause: str, words: str) -> None:
    refused(corruption_of(spoil), clause, words)


@pytest.mark.parametrize(
    ("changes", "clause", "words"),
    [
        ({"norms": ("linf",)}, "entry", "a corruption has no budget"),
        ({"access": "scores"}, "entry", "access is 'scores', of a corruption 'none'"),
        ({"targeted": True}, "entry", "cannot aim at a class"),
        ({"lenient": True}, "what is refused", "the parameter 'no_such_parameter' has to be refused"),
        ({"flat": True}, "more severe is further away", "it has to grow"),
    ],
)
def test_wrong_entries_of_corruptions(changes: dict[str, Any], clause: str, words: str) -> None:
    refused(corruption_of(right, **changes), clause, words)


def test_a_right_corruption_keeps_everything() -> None:
    corruption_of(right).hold()


# --- data sources


class Right(SourceSpec):
    """Pictures in a folder, a class each."""

    pictures: str
    """The folder."""

    def listing(self, base, classes):
        names = sorted(path.name for path in (base / self.pictures).iterdir())
        samples, unusable = [], []
        for number, name in enumerate(names):
            if classes is not None and name[0] not in classes:
                unusable.append(Unusable(id=name, reason="unknown label"))
            else:
                label = None if classes is None else classes.index(name[0])
                samples.append(self.sample(base, name, number, label))
        return Listing(samples=tuple(samples), unusable=tuple(unusable))

    def sample(self, base, name, number, label):
        return Sample(id=name, image=base / self.pictures / name, label=label)


class Mutable(Right, frozen=False):
    pass


class Nameless(Right):
    other: int = 0


class Nothing(Right):
    def listing(self, base, classes):
        return Listing(samples=())


class Bare(Right):
    def listing(self, base, classes):
        return list(super().listing(base, classes).samples)


class Twice(Right):
    def sample(self, base, name, number, label):
        return replace(super().sample(base, name, number, label), id="one")


class Silent(Right):
    def listing(self, base, classes):
        found = super().listing(base, classes)
        return replace(found, unusable=(Unusable(id="x", reason=""),))


class Renumbered(Right):
    def sample(self, base, name, number, label):
        return replace(super().sample(base, name, number, label), label=None if label is None else label + 7)


class Renamed(Right):
    def sample(self, base, name, number, label):
        return replace(super().sample(base, name, number, label), label_name="z")


class Dropping(Right):
    def listing(self, base, classes):
        return replace(super().listing(base, classes), unusable=())


class Guessing(Right):
    def listing(self, base, classes):
        return super().listing(base, None if classes is None else ("a", "b"))


class Needy(Right):
    def listing(self, base, classes):
        return Listing(samples=()) if classes is None else super().listing(base, classes)


class Shuffled(Right):
    def listing(self, base, classes):
        found = super().listing(base, classes)
        return replace(found, samples=tuple(random.sample(found.samples, len(found.samples))))


class Homely(Right):
    def listing(self, base, classes):
        from pathlib import Path

        found = super().listing(base, classes)
        return found if Path.cwd().name == "home" else Listing(samples=found.samples[:1])


class Opening(Right):
    def sample(self, base, name, number, label):
        from PIL import Image

        with Image.open(base / self.pictures / name):
            return super().sample(base, name, number, label)


class Broken(Right):
    def sample(self, base, name, number, label):
        return replace(super().sample(base, name, number, label), image=base / "nowhere.png")


@pytest.fixture
def home(tmp_path, monkeypatch):
    from tests.data import files

    folder = tmp_path / "home"
    for number in range(8):
        files.image(folder / f"pictures/{'ab'[number % 2]}{number}.png")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("source", "clause", "words"),
    [
        (dict, "entry", "not a subclass of SourceSpec"),
        (Nameless, "entry", "keys without a description: other"),
        (Mutable, "frozen and strict", "it is not frozen"),
        (Nothing, "samples and reasons", "no usable sample"),
        (Bare, "samples and reasons", "listing returned list, not a Listing"),
        (Twice, "samples and reasons", r"ids stand twice: \['one'\]"),
        (Silent, "samples and reasons", r"unusable without a reason: \['x'\]"),
        (Renumbered, "labels", "label 7 is no number of 2 classes"),
        (Renamed, "labels", "is 'a' to the network and 'z' to the data"),
        (Dropping, "unknown labels", "without the class 'b' it finds 4 samples in place of 8"),
        (Guessing, "unknown labels", r"does not know the class 'b', and these are usable: .'b1"),
        (Needy, "without classes", "it finds 0 samples in place of 8"),
        (Shuffled, "the same twice", "another order"),
        (Homely, "any working folder", "paths start at `base`"),
        (Opening, "no picture is opened", "listing opens pictures"),
        (Broken, "what is listed loads", "is listed as usable and cannot be had"),
    ],
)
def test_wrong_sources(home, source, clause, words):
    random.seed(4)
    refused(
        contract.of_source(source, {"pictures": "pictures"}, base=home, classes=("a", "b")), clause, words
    )


def test_a_right_source_keeps_everything(home):
    contract.of_source(Right, {"pictures": "pictures"}, base="", classes=("a", "b")).hold()


# --- kinds of check


def kind_of(keys: dict[str, Any] | None = None, **changes: Any) -> Contract:
    kind = registry.find("check", "overlap")
    return contract.of_kind(replace(kind, **changes), keys or {"gate": {"at_least": 0.5}})


def estimate(spoil: Callable[..., Any]) -> Callable[..., Any]:
    """The estimates of `overlap`, spoilt: `spoil(estimates, table)`."""
    kind = registry.find("check", "overlap")
    return lambda spec, table, confidence: spoil(kind.estimate(spec, table, confidence), table)


def interval(item: Any, **changes: Any) -> Any:
    return replace(item, interval=replace(item.interval, **changes))


def loose() -> Any:
    """A spec that takes any gate."""
    from typing import Literal

    from camaudit.spec.types import CheckSpec, Gate

    class Loose(CheckSpec):
        kind: Literal["overlap"]
        metric: str = "energy_inside"
        """x"""
        mask: str = "object"
        """x"""
        also: tuple[str, ...] = ()
        """x"""
        gate: Gate
        per_class: None = None

    return Loose


def in_order(found: Any, table: Any) -> Any:
    return tuple(interval(item, value=float(table.frame[item.column].dropna().iloc[0])) for item in found)


def spoils_table(found: Any, table: Any) -> Any:
    table.frame["sha256"] = ""
    return found


@pytest.mark.parametrize(
    ("changes", "clause", "words"),
    [
        ({"follow_up": "x:y"}, "entry", "asks the engine for more than columns"),
        ({"name": "other"}, "entry", r"it raised ValidationError|admits \('overlap',\), its name is 'other'"),
        ({"limits": ()}, "entry", "its limits are empty"),
        ({"question": lambda spec: " "}, "entry", "its question is empty"),
        ({"worst": lambda spec: "top"}, "entry", "the worst are at 'top'"),
        ({"columns": lambda spec, maps: {}}, "columns", "it asks for no column"),
        ({"columns": lambda spec, maps: {"x": 3}}, "columns", "that are no Column"),
        ({"titles": lambda spec: {}}, "titles", "columns without a title: energy_inside"),
        ({"estimate": estimate(lambda f, t: (3,))}, "estimates", r"estimates are \['int'\]"),
        (
            {"estimate": estimate(lambda f, t: f[1:])},
            "estimates",
            "nothing is gated: the check can never fail",
        ),
        ({"estimate": estimate(lambda f, t: f + f[:1])}, "estimates", "several estimates are called"),
        (
            {"estimate": estimate(lambda f, t: (replace(f[0], column="x"),))},
            "estimates",
            "column 'x', which is none",
        ),
        (
            {"estimate": estimate(lambda f, t: (interval(f[0], value=7),))},
            "estimates",
            "is 7, beyond its ends 0",
        ),
        (
            {"estimate": estimate(lambda f, t: (replace(f[0], undefined={}),))},
            "counts add up",
            "36 numbers and 0 undefined ones are not the 40 samples",
        ),
        (
            {"estimate": estimate(lambda f, t: (interval(f[0], value=1.0, n=40),))},
            "empty is never green",
            "without any number energy_inside is 1",
        ),
        ({"estimate": estimate(in_order)}, "any order", "with the samples in another order"),
        (
            {"estimate": estimate(lambda f, t: (interval(f[0], value=random.random()),))},
            "the same twice",
            "two estimates of one table differ",
        ),
        ({"estimate": estimate(spoils_table)}, "the same twice", "it changed the table in place"),
        ({"spec": loose()}, "gates that cannot fail", "a gate at_least: 0 can never fail and is taken"),
    ],
)
def test_wrong_kinds(changes: dict[str, Any], clause: str, words: str) -> None:
    refused(kind_of(**changes), clause, words)


def test_a_kind_that_loads_torch(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "import sys",
        'sys.modules.setdefault("torch", None)  # as good as loaded, and quicker',
        "from camaudit.checks.overlap import OverlapSpec",
        "class Heavy(OverlapSpec): pass",
    ]
    (tmp_path / "contract_heavy.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    import contract_heavy  # type: ignore[import-not-found]

    refused(kind_of(spec=contract_heavy.Heavy), "no torch", "its module loads torch")


def test_a_spec_that_takes_anything() -> None:
    class Open(registry.find("check", "overlap").spec, frozen=False):  # type: ignore[misc]
        nameless: int = 0

    refused(kind_of(spec=Open), "frozen and strict", "keys without a description: nameless")

    class Loose(registry.find("check", "overlap").spec, extra="ignore"):  # type: ignore[misc]
        pass

    refused(kind_of(spec=Loose), "frozen and strict", "takes the key 'no_such_key'")
