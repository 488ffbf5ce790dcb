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
