"""Which networks the zoo has: cue × how it was trained × architecture × seed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from .cues import CUES
from .networks import ARCHITECTURES

HELD_OUT = ("patch", "frame", "band", "adjacent")
"""The cues that are scored; thresholds were fixed on the other four."""
REDUCED_RHOS = (0.5, 0.8, 0.95, 1.0)
FULL_RHOS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
FULL_SEEDS = (0, 1, 2)


@dataclass(frozen=True, kw_only=True)
class World:
    """What the pictures are like: the cue goes with the label with chance `rho`."""

    cue: str
    rho: float
    small: bool = False
    """Small objects."""
    decoy: bool = False
    """A loud block on every picture that tells nothing."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One network: the world of its data, how it was trained, its architecture and seed."""

    kind: str
    world: World
    architecture: str
    seed: int
    randomised: bool = False
    """Training saw every picture with either state of the cue, by chance: it could not learn it."""
    fooled: bool = False
    """Fine-tuned so that its maps lie on the object."""

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.world.cue}-{self.kind}-{self.architecture}-{self.seed}"


def entries(*, full: bool = False, seed: int = 0) -> list[Entry]:
    """The zoo, in the order in which it is built: 64 networks, or 792 with `full`.

    The reduced zoo has each of a cue's eight kinds once; its architectures take turns, so that neither a cue
    nor a kind has only one. Another `seed` draws other pictures, shifts the turns by as many places, and has
    the cues that are scored alone: 32 networks.
    """
    kinds = _kinds(FULL_RHOS if full else REDUCED_RHOS)
    names = list(ARCHITECTURES)
    if full:
        return [
            _entry(cue, kind, architecture, seed)
            for seed, architecture, kind, cue in product(FULL_SEEDS, names, kinds, CUES)
        ]
    return [
        _entry(cue, kind, names[(row + column + seed) % len(names)], seed)
        for (row, kind), (column, cue) in product(enumerate(kinds), enumerate(CUES))
        if seed == 0 or cue in HELD_OUT
    ]


def _kinds(rhos: tuple[float, ...]) -> dict[str, tuple[dict[str, float | bool], dict[str, bool]]]:
    """What each kind sets in its world, and in its training."""
    grid: dict[str, tuple[dict[str, float | bool], dict[str, bool]]] = {
        f"rho{rho:.2f}": ({"rho": rho}, {}) for rho in rhos
    }
    return grid | {
        "ignored": ({"rho": 0.95}, {"randomised": True}),
        "small": ({"rho": 0.95, "small": True}, {"randomised": True}),
        "decoy": ({"rho": 0.5, "decoy": True}, {}),
        "fooled": ({"rho": 1.0}, {"fooled": True}),
    }


def _entry(cue: str, kind: str, architecture: str, seed: int) -> Entry:
    world, training = _kinds(tuple({*REDUCED_RHOS, *FULL_RHOS}))[kind]
    return Entry(
        kind=kind,
        world=World(cue=cue, **world),  # type: ignore[arg-type] # the table above holds what World takes
        architecture=architecture,
        seed=seed,
        **training,
    )
