"""Images of one class whose maps are alike in another way than the rest's: SpRAy's clusters.

Source: S. Lapuschkin et al., "Unmasking Clever Hans predictors and assessing what machines really learn",
Nature Communications 10, 2019 (spectral clustering of relevance maps, eigengap); rows of the
eigenvectors as in A. Ng et al., "On spectral clustering", NeurIPS 2001.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

FEWEST = 20
"""Maps of a class below which it is not clustered."""
SIDE = 8
"""Maps are averaged to at most so many cells per side: neighbours then count as alike."""
MOST = 6
"""Clusters per class."""
GAP = 0.1
"""How much larger an eigenvalue of the Laplacian must be than the one before to say that clusters end."""


def clusterable() -> bool:
    """Whether scikit-learn is installed (extra `explain`)."""
    return find_spec("sklearn") is not None


def clusters(evidence: NDArray[np.float64], labels: Sequence[int]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Label and members (rows of the maps [n, u, v]) of each cluster, the largest of a class left out.

    Maps are scaled to a sum of 1. The number of clusters of a class is where the eigenvalues of the
    normalised Laplacian of its neighbour graph leap most; without a leap there is one, and none is given.
    """
    for label in sorted(set(labels)):
        rows = np.flatnonzero(np.asarray(labels) == label)
        if len(rows) < FEWEST:
            continue
        assigned = _assigned(_features(evidence[rows]))
        sizes = np.bincount(assigned)
        for cluster in np.argsort(-sizes, kind="stable")[1:]:
            yield label, rows[assigned == cluster]


def _features(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Maps as rows, averaged to a coarse grid, each with a sum of 1."""
    bands = [np.array_split(np.arange(size), min(size, SIDE)) for size in maps.shape[1:]]
    coarse = np.stack(
        [maps[:, rows][:, :, columns].mean(axis=(1, 2)) for rows in bands[0] for columns in bands[1]], axis=1
    )
    total = coarse.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(coarse, total, out=np.zeros_like(coarse), where=total > 0))


def _assigned(features: NDArray[np.float64]) -> NDArray[np.intp]:
    from scipy.sparse.csgraph import laplacian
    from sklearn.cluster import KMeans
    from sklearn.neighbors import kneighbors_graph

    neighbours = max(3, round(np.log(len(features)) * 2))
    graph = kneighbors_graph(features, neighbours, include_self=True).toarray()
    values, vectors = np.linalg.eigh(np.asarray(laplacian(np.maximum(graph, graph.T), normed=True)))
    gaps = np.diff(values[: MOST + 1])
    number = int(gaps.argmax()) + 1
    if number == 1 or gaps[number - 1] < GAP:
        return np.zeros(len(features), dtype=np.intp)
    rows = vectors[:, :number]
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return np.asarray(KMeans(number, n_init=10, random_state=0).fit_predict(rows), dtype=np.intp)
