"""The least work that turns one heap of mass on a grid into another: exact, by a linear programme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOTHING = 1e-15
"""Mass below it is what rounding leaves of two equal shares."""

UNITS = 1e6
"""Parts that all mass is counted in: HiGHS forgives 1e-7 of a part, and so loses nothing that matters."""


def least_work(
    first: NDArray[np.float64], second: NDArray[np.float64], size: tuple[int, int], pitch: tuple[float, float]
) -> float:
    """W₁ of two shares of 1 [N] on a grid of `size` with cells of `pitch`; ≥ 0.

    What both have in a cell stays: in a metric, carrying it away and other mass back is never shorter. The
    rest is a transport problem, solved by HiGHS; SciPy loads when it is used.
    """
    change = first - second
    places = np.argwhere(np.ones(size, dtype=bool)) * np.array(pitch)
    spare, lacking = change > NOTHING, change < -NOTHING
    if not spare.any() or not lacking.any():
        return 0.0
    way = np.hypot(*(places[spare][:, None] - places[lacking][None]).transpose(2, 0, 1))
    have, want = change[spare], -change[lacking]
    # Both sum to the same but for rounding, which would leave the programme without a solution.
    return _transport(way, have, want * (have.sum() / want.sum()))


def _transport(way: NDArray[np.float64], have: NDArray[np.float64], want: NDArray[np.float64]) -> float:
    """Least Σ flow · way, flow ≥ 0, with row sums `have` and column sums `want`."""
    if len(have) == 1 or len(want) == 1:
        return float((way * np.outer(have, want)).sum() / max(have.sum(), want.sum()))
    from scipy.optimize import linprog
    from scipy.sparse import eye_array, kron, vstack

    rows = kron(eye_array(len(have)), np.ones((1, len(want))))
    columns = kron(np.ones((1, len(have))), eye_array(len(want)))
    # The last column's sum follows from the others: without it the constraints are independent.
    sums = vstack([rows, columns.tocsr()[:-1]], format="csr")
    amounts = np.concatenate([have, want[:-1]]) * UNITS
    solved = linprog(way.ravel(), A_eq=sums, b_eq=amounts, method="highs-ds")
    if solved.fun is None or not solved.success:
        raise ArithmeticError(f"the transport problem was not solved: {solved.message}")
    return float(max(solved.fun, 0.0)) / UNITS
