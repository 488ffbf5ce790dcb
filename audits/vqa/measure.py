"""The committed network: how often it is right, beside answers that do not look at the image."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_file

from camaudit import stats

from .data import FAMILIES, arrays
from .model import network

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from camaudit.stats import Interval

HERE = Path(__file__).resolve().parent
TESTED = 3000
TRAINED = 5000
LAYER = "fused"


def load(make: Callable[[], nn.Module] = network, file: Path = HERE / "vqa.safetensors") -> nn.Module:
    """The committed network."""
    made = make()
    made.load_state_dict(load_file(file))
    return made.eval()


def tensors(images: np.ndarray, tokens: np.ndarray, answers: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """What the network takes: float [n, 3, h, w] in [0, 1] and tokens [n, 7]; and its answers [n]."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() / 255
    return pixels, torch.from_numpy(tokens), torch.from_numpy(answers)


def right(made: nn.Module, n: int = TESTED) -> np.ndarray:
    """Whether each of `n` test questions is answered rightly, the families in turn; bool [n]."""
    images, tokens, answers = tensors(*arrays(n, "test"))
    with torch.no_grad():
        found = [
            made(*part).argmax(1)
            for part in zip(torch.split(images, 500), torch.split(tokens, 500), strict=True)
        ]
    return (torch.cat(found) == answers).numpy()


def question_only(n: int = TESTED) -> np.ndarray:
    """The same of the most frequent answer that training has to the very same question."""
    counts: dict[bytes, Counter[int]] = defaultdict(Counter)
    _, tokens, answers = arrays(TRAINED, "train")
    for question, answer in zip(tokens, answers, strict=True):
        counts[question.tobytes()][int(answer)] += 1
    _, tokens, answers = arrays(n, "test")
    guesses = [counts[question.tobytes()].most_common(1) for question in tokens]
    pairs = zip(guesses, answers, strict=True)
    return np.array([bool(guess) and guess[0][0] == answer for guess, answer in pairs])


def majority(n: int = TESTED) -> np.ndarray:
    """The same of the answer that is the most frequent of all in training."""
    best = Counter(arrays(TRAINED, "train")[2].tolist()).most_common(1)[0][0]
    return np.asarray(arrays(n, "test")[2] == best)


def table(made: nn.Module | None = None, name: str = "network") -> str:
    """Shares of right answers by family as a Markdown table."""
    rows = {name: right(made or load()), "question only": question_only(), "majority": majority()}
    lines = [f"| | all | {' | '.join(FAMILIES)} |", "| --- " * (len(FAMILIES) + 2) + "|"]
    for who, found in rows.items():
        parts = [found, *(found[place :: len(FAMILIES)] for place in range(len(FAMILIES)))]
        lines.append(
            f"| {who} | " + " | ".join(text(stats.share(part.astype(float))) for part in parts) + " |"
        )
    return "\n".join(lines)


def text(share: Interval) -> str:
    """``97.5 % [96.9 %, 98.0 %]``."""
    return f"{share.value:.1%} [{share.lower:.1%}, {share.upper:.1%}]".replace("%", " %")
