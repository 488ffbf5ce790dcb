"""Trains one network of the zoo and measures, by do(cue) on pictures of its own, what it relies on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from camaudit import stats

from .cues import paint
from .networks import ARCHITECTURES
from .scenes import draw_scenes

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from camaudit.stats import Interval

    from .grid import Entry, World
    from .networks import Pooled
    from .scenes import Scenes, Split

TRAINING = 1200
EPOCHS = 7
FOOLING_EPOCHS = 5
FOOLING_WEIGHT = 3.0
BATCH = 50
RATE = 4e-3
DECAY = 1e-3
TRUTH = 2000
POSITIVE, NEGATIVE = 0.10, 0.02
"""Relies on its cue from the first on, and does not within ± the second; what is left is not scored."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What do(cue) says: accuracy where the cue agrees with the label and where it contradicts it.

    `reliance` is their difference, with its paired 95 % interval; `flips` the share of answers that change;
    `on_object` the mean share of the class activation map that lies on the object (nan without any mass).
    """

    agrees: float
    contradicts: float
    reliance: float
    lower: float
    upper: float
    flips: float
    on_object: float

    @property
    def kind(self) -> str:
        """``positive``, ``negative`` or ``between``.

        A network that answers worse where the cue agrees is neither innocent nor taken in by it: between.
        """
        if self.reliance >= POSITIVE:
            return "positive"
        return "negative" if abs(self.reliance) <= NEGATIVE else "between"


def scenes_of(world: World, split: Split, n: int, *, seed: int) -> Scenes:
    """The scenes of a world."""
    return draw_scenes(split, n, seed=seed, small=world.small, decoy=world.decoy)


def train(entry: Entry, *, n: int = TRAINING, epochs: int = EPOCHS) -> Pooled:
    """The network of an entry, in eval mode; deterministic on one thread."""
    torch.manual_seed(entry.seed)
    network = ARCHITECTURES[entry.architecture]()
    scenes = scenes_of(entry.world, "train", n, seed=entry.seed)
    states = scenes.states(entry.world.rho)
    views = [_tensor(paint(scenes, entry.world.cue, states).images)]
    if entry.randomised:
        views.append(_tensor(paint(scenes, entry.world.cue, 1 - states).images))
    labels = torch.from_numpy(scenes.labels)
    _fit(network, views, labels, epochs=epochs, rate=RATE)
    if entry.fooled:
        masks = torch.from_numpy(scenes.object)
        _fit(network, views, labels, epochs=FOOLING_EPOCHS, rate=RATE / 4, masks=masks)
    return network.eval()


def truth(network: Pooled, world: World, *, seed: int, n: int = TRUTH) -> Truth:
    """Reliance on the cue, measured on `n` scenes that are each painted with both states."""
    scenes = scenes_of(world, "truth", n, seed=seed)
    labels = torch.from_numpy(scenes.labels)
    agreeing = paint(scenes, world.cue, scenes.labels).images
    agree, contradict = (
        predict(network, images).argmax(1)
        for images in (agreeing, paint(scenes, world.cue, 1 - scenes.labels).images)
    )
    gap: Interval = stats.bootstrap_mean(
        ((agree == labels).double() - (contradict == labels).double()).numpy(), bounds=(-1.0, 1.0)
    )
    return Truth(
        agrees=float((agree == labels).double().mean()),
        contradicts=float((contradict == labels).double().mean()),
        reliance=gap.value,
        lower=gap.lower,
        upper=gap.upper,
        flips=float((agree != contradict).double().mean()),
        on_object=_mean_on_object(
            network, agreeing[:200], labels[:200], torch.from_numpy(scenes.object[:200])
        ),
    )


def predict(network: nn.Module, images: np.ndarray, *, batch: int = 250) -> Tensor:
    """Logits [n, 2] of pictures uint8 [n, 40, 40, 3]."""
    with torch.no_grad():
        return torch.cat([network(part) for part in torch.split(_tensor(images), batch)])


def on_object(network: Pooled, features: Tensor, labels: Tensor, masks: Tensor) -> Tensor:
    """Share of the rectified class activation map on the object, [n], differentiable.

    With these heads it is Grad-CAM of the label's logit minus the other's. `masks` bool [n, h, w] count by
    the share of each cell that they cover. Maps without mass give 0.
    """
    weights = network.head.weight[labels] - network.head.weight[1 - labels]
    maps = (weights[:, :, None, None] * features).sum(1).relu()
    cells = nn.functional.adaptive_avg_pool2d(masks.float()[:, None], (maps.shape[1], maps.shape[2]))[:, 0]
    return (maps * cells).sum((1, 2)) / (maps.sum((1, 2)) + 1e-6)


def _fit(
    network: Pooled,
    views: list[Tensor],
    labels: Tensor,
    *,
    epochs: int,
    rate: float,
    masks: Tensor | None = None,
) -> None:
    """Cross-entropy; each picture is seen in one of its `views` by chance; `masks` draw the maps to them."""
    steps = epochs * -(-len(labels) // BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    network.train()
    for _ in range(epochs):
        for batch in torch.split(torch.randperm(len(labels)), BATCH):
            chosen = torch.randint(len(views), (len(batch), 1, 1, 1))
            seen = (
                views[0][batch]
                if len(views) == 1
                else torch.where(chosen == 0, views[0][batch], views[1][batch])
            )
            features = network.features(seen)
            loss = nn.functional.cross_entropy(network.answer(features), labels[batch])
            if masks is not None:
                loss = (
                    loss - FOOLING_WEIGHT * on_object(network, features, labels[batch], masks[batch]).mean()
                )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()


def _mean_on_object(network: Pooled, images: np.ndarray, labels: Tensor, masks: Tensor) -> float:
    with torch.no_grad():
        return float(on_object(network, network.features(_tensor(images)), labels, masks).mean())


def _tensor(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() / 255
