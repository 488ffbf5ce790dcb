"""The pointing game with rejection, image by image and class by class, in plain Python."""

from __future__ import annotations

from math import inf, isnan, nan


def score(states, hits, heights, threshold):
    """One image: the mean over its known classes."""
    points = []
    for state, hit, height in zip(states, hits, heights, strict=True):
        rejected = height < threshold or height <= 0
        if state == 1:
            points.append(0.0 if rejected else hit)
        elif state == 0:
            points.append(1.0 if rejected else 0.0)
    return sum(points) / len(points) if points else nan


def mean(rows, threshold):
    """All images: the mean over those with a known class."""
    scores = [score(*row, threshold) for row in rows]
    known = [value for value in scores if not isnan(value)]
    return sum(known) / len(known)


def best(rows):
    """The highest mean that any threshold reaches, by trying one below, at and above every height."""
    heights = [height for row in rows for height in row[2]]
    return max(mean(rows, threshold) for threshold in [0.0, *heights, inf])
