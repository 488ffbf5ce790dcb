"""Differential evolution and the exhaustive sweep, one candidate at a time."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch


def set_pixel(image, candidate):
    """A copy of an image [3, h, w] with one pixel set; the colour is rounded to 8 bits."""
    row, column, *colour = candidate
    changed = image.clone()
    for channel in range(3):
        level = min(max(round(colour[channel]), 0), 255)
        changed[channel, int(row), int(column)] = level / 255
    return changed


def log_odds(network, image, label):
    """z − log Σ exp(others) and the answer."""
    logits = network.logits(image[None]).detach().double()[0]
    others = torch.cat([logits[:label], logits[label + 1 :]])
    return float(logits[label] - torch.logsumexp(others, 0)), int(logits.argmax())


def sweep(network, image, label):
    """The number of the first flipping candidate, counted from 1, or None."""
    height, width = image.shape[1:]
    candidates = product(range(height), range(width), product((0, 255), repeat=3))
    for asked, (row, column, colour) in enumerate(candidates, start=1):
        if log_odds(network, set_pixel(image, (row, column, *colour)), label)[1] != label:
            return asked
    return None


def evolution(network, image, label, *, population, generations, weight, rng, triples):
    """Queries up to the flip (None if none) and the best fitness; `triples` draws a, b, c per member."""
    height, width = image.shape[1:]
    top = np.array([np.nextafter(height, 0), np.nextafter(width, 0), 255.0, 255.0, 255.0])
    places = rng.uniform(0.0, top[:2], size=(population, 1, 2))
    colours = rng.normal(128.0, 127.0, size=(population, 1, 3))
    both = zip(places, colours, strict=True)
    members = [np.array([*place[0], *np.clip(colour[0], 0, 255)]) for place, colour in both]
    fitness, asked, best = [], 0, np.inf
    for member in members:
        value, answer = log_odds(network, set_pixel(image, member), label)
        asked, best = asked + 1, min(best, value)
        if answer != label:
            return asked, best
        fitness.append(value)
    for _ in range(generations):
        children = []
        for a, b, c in zip(*triples(population, rng), strict=True):
            children.append(np.clip(members[a] + weight * (members[b] - members[c]), 0.0, top))
        for number, child in enumerate(children):
            value, answer = log_odds(network, set_pixel(image, child), label)
            asked, best = asked + 1, min(best, value)
            if answer != label:
                return asked, best
            if value <= fitness[number]:
                members[number], fitness[number] = child, value
    return None, best
