"""Maps and masks for the tests of metrics: drawn by hypothesis, or awkward on purpose."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 7))
# Whole numbers make ties; the rest makes none. No subnormal numbers: scaling by 2^k is exact without them.
POSITIVE = st.integers(0, 3).map(float) | st.floats(2.0**-20, 2.0**20, width=32)
SIGNED = POSITIVE | POSITIVE.map(lambda value: -value)


@st.composite
def pairs(draw: st.DrawFn, *, signed: bool = False, shapes: st.SearchStrategy = SHAPES):
    """Maps float64 [n, h, w] and masks bool [n, h, w]."""
    shape = draw(shapes)
    maps = draw(hnp.arrays(np.float64, shape, elements=SIGNED if signed else POSITIVE))
    masks = draw(hnp.arrays(np.bool_, shape))
    return torch.from_numpy(maps), torch.from_numpy(masks)


@st.composite
def two_maps(draw: st.DrawFn):
    """Two signed stacks of maps of one shape."""
    shape = draw(SHAPES)
    drawn = [draw(hnp.arrays(np.float64, shape, elements=SIGNED)) for _ in range(2)]
    return torch.from_numpy(drawn[0]), torch.from_numpy(drawn[1])


def awkward() -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """Every degenerate map against every degenerate mask, with a name for each row."""
    generator = torch.Generator().manual_seed(0)
    ordinary = torch.rand(8, 8, generator=generator, dtype=torch.float64)
    centre = torch.zeros(8, 8, dtype=torch.bool)
    centre[2:5, 3:7] = True
    maps = {
        "ordinary": ordinary,
        "zero": torch.zeros(8, 8, dtype=torch.float64),
        "constant": torch.full((8, 8), 0.3, dtype=torch.float64),
        "NaN": ordinary.where(ordinary < 0.9, torch.nan),
        "infinite": ordinary.where(ordinary < 0.9, torch.inf),
        "inside only": ordinary * centre,
        "outside only": ordinary * ~centre,
        "huge": ordinary * 1e308,
        "tiny": ordinary * 5e-324 / 0.001,
        "two peaks": torch.eye(8, dtype=torch.float64),
    }
    one = torch.zeros(8, 8, dtype=torch.bool)
    one[0, 0] = True
    masks = {
        "centre": centre,
        "empty": ~torch.ones(8, 8, dtype=torch.bool),
        "full": torch.ones(8, 8, dtype=torch.bool),
        "one": one,
    }
    names = [f"{name} map, {mask} mask" for name in maps for mask in masks]
    return (
        torch.stack([item for item in maps.values() for _ in masks]),
        torch.stack([item for _ in maps for item in masks.values()]),
        names,
    )
