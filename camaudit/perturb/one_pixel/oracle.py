"""What a network says to candidates, asked in full batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from camaudit.errors import ModelError
from camaudit.perturb.one_pixel.candidates import LEVELS, paint_over

if TYPE_CHECKING:
    from torch import Tensor

RGB = 3
IMAGE_DIMENSIONS = 4
MIN_CLASSES = 2
GRID_TOLERANCE = 1e-4
"""In steps of 1/255; float32 keeps an 8-bit level to about 1e-5 of one."""


class Network(Protocol):
    """A network in pixel space, as far as searches need it."""

    def logits(self, images: Tensor) -> Tensor:
        """Logits [n, k] of images [n, 3, h, w] in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the network said to candidates: `fitness` float64 [m], lower is nearer to the goal; `done` [m]."""

    fitness: np.ndarray
    done: np.ndarray
    predicted: np.ndarray


class Oracle:
    """Asks a network about images [n, 3, h, w] on the 8-bit grid, each with one goal.

    `classes` [n] is each image's true class (the goal is any other answer) or, with `targeted`, the class
    wanted. Fitness is the log-odds of the true class, z − log Σ exp(others), which orders candidates as
    its probability does and does not saturate; with `targeted` it is minus that of the class wanted. Done
    is decided by the answer alone: the first of the largest logits. `asked` counts candidates put to it.

    Raises `ModelError` where images are no batch in [0, 1] on the 8-bit grid: what flips off it need not
    flip in any picture. A logit that is not finite makes a candidate neither done nor fit.
    """

    def __init__(
        self, network: Network, images: Tensor, classes: Tensor, *, targeted: bool = False, batch: int = 512
    ) -> None:
        _check(images, classes, batch)
        self.network = network
        self.images = images.detach()
        self.classes = classes.to(images.device)
        self.targeted = targeted
        self.batch = batch
        self.asked = 0

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        height, width = self.images.shape[2:]
        return height, width

    def ask(self, rows: np.ndarray, candidates: np.ndarray) -> Answers:
        """Answers to candidates [m, k, 5], each for the image of its row [m]; at most `batch` at once."""
        parts = [
            self._ask(rows[start : start + self.batch], candidates[start : start + self.batch])
            for start in range(0, len(rows), self.batch)
        ]
        return Answers(
            fitness=np.concatenate([part.fitness for part in parts]),
            done=np.concatenate([part.done for part in parts]),
            predicted=np.concatenate([part.predicted for part in parts]),
        )

    def clean(self) -> Answers:
        """Answers to the images as they are."""
        everything = np.arange(len(self))
        return self.ask(everything, np.empty((len(self), 0, 5)))

    def gradient(self, row: int) -> np.ndarray:
        """∂ fitness / ∂ pixels of one image, float64 [3, h, w], pixels in [0, 1]."""
        with torch.inference_mode(mode=False), torch.enable_grad():
            image = self.images[row : row + 1].clone().requires_grad_()
            logits = self.network.logits(image).double()
            fitness = self._fitness(logits, self.classes[row : row + 1])
            (gradient,) = torch.autograd.grad(fitness.sum(), image)
        found: np.ndarray = gradient[0].detach().double().cpu().numpy()
        return found

    def _ask(self, rows: np.ndarray, candidates: np.ndarray) -> Answers:
        index = torch.from_numpy(rows).to(self.images.device)
        with torch.inference_mode():
            # Indexing has copied the images: they may be painted over.
            logits = self.network.logits(paint_over(self.images[index], candidates)).double()
            classes = self.classes[index]
            fitness, predicted = self._fitness(logits, classes), logits.argmax(1)
            done = (predicted == classes) if self.targeted else (predicted != classes)
            finite = logits.isfinite().all(1)
        self.asked += len(rows)
        return Answers(
            fitness=fitness.where(finite, torch.inf).cpu().numpy(),
            done=(done & finite).cpu().numpy(),
            predicted=predicted.cpu().numpy(),
        )

    def _fitness(self, logits: Tensor, classes: Tensor) -> Tensor:
        own = logits.gather(1, classes[:, None])[:, 0]
        others = logits.scatter(1, classes[:, None], -torch.inf).logsumexp(1)
        return others - own if self.targeted else own - others


def _check(images: Tensor, classes: Tensor, batch: int) -> None:
    if batch < 1:
        raise ModelError(f"a batch of {batch} candidates; at least 1 is needed")
    if images.dim() != IMAGE_DIMENSIONS or images.shape[1] != RGB or not images.is_floating_point():
        raise ModelError(f"images are {list(images.shape)} of {images.dtype}; floats [n, 3, h, w] are needed")
    if classes.shape != (len(images),):
        raise ModelError(f"classes are {list(classes.shape)} for {len(images)} images; one each is needed")
    steps = images.double() * LEVELS
    # Written so that NaN is refused too.
    if not bool(((steps - steps.round()).abs() <= GRID_TOLERANCE).all()):
        raise ModelError(
            "pixels are not on the 8-bit grid",
            hint="round them to multiples of 1/255 first: a picture can hold no others",
        )
    if not bool(((steps.round() >= 0) & (steps.round() <= LEVELS)).all()):
        raise ModelError("pixels reach beyond [0, 1]", hint="divide 8-bit values by 255")
