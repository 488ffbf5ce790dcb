"""Regions that maps propose: places where evidence off the object gathers. They prove nothing; tests do.

All of it is at the maps' own resolution. Cells that the object reaches, or that touch one that it reaches,
are left out: a coarse map spills over its object, and a carried piece of an object would be no shortcut.
Among the cells beside the object the hottest of each image is a suspect of its own, for things that touch the
object. Places are a cell larger on every side than what is hot, since maps blur the edges of a cue.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from camaudit.checks.shortcut_columns import BACKGROUND, MOST, proposed
from camaudit.engine.shortcut.cells import HOT, free, grown, overlap, parts, where
from camaudit.engine.shortcut.change import Suspect
from camaudit.engine.shortcut.clusters import clusterable, clusters
from camaudit.engine.shortcut.metadata import association, off_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from camaudit.engine.collect import MapDetail
    from camaudit.engine.shortcut.cells import Cells, Floats
    from camaudit.engine.shortcut.metadata import Association, Values

FEWEST = 20
"""Usable maps below which nothing is proposed."""
GRID = 3
"""Cells per side below which a map tells no places apart."""
BLANK = 0.5
"""Share of empty maps beyond which maps are no evidence."""
EACH = 2
"""Suspects that lie elsewhere in each image: the hottest place off the object, and the one beside it."""
SHUFFLES = 200
LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Look:
    """Maps [n, u, v] of the images that may propose: evidence for the answer, and which cells are `free`."""

    evidence: Floats
    free: Cells
    labels: tuple[int, ...]
    metadata: Mapping[str, Values] = field(default_factory=dict)

    @property
    def off(self) -> Floats:
        """Share of each map's evidence by cell, off the object; 0 where the object is."""
        total = self.evidence.sum(axis=(1, 2), keepdims=True)
        return np.where(self.free, self.evidence / np.where(total > 0, total, 1), 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Cluster:
    """Maps of a class (rows of a `Look`) that are alike, and how that goes together with metadata."""

    label: int
    members: NDArray[np.intp]
    goes_with: tuple[Association, ...]


def propose(
    maps: Mapping[str, MapDetail],
    objects: Mapping[str, np.ndarray],
    labels: Mapping[str, int],
    *,
    seed: int,
    classes: Sequence[str] | None = None,
    metadata: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[tuple[Suspect, ...], tuple[str, ...]]:
    """Suspects from the maps of the images whose `objects` (masks, by id) are given, and notes.

    `maps` are those of all images: a place may lie elsewhere in each. `metadata` (values by id, by column) is
    told beside what is proposed. Where the maps are no evidence
    (most of them empty, too few, too coarse), they propose nothing, and a note says why. The background is
    suspected all the same, last.
    """
    look, why_not = _look(maps, objects, labels, metadata or {})
    if look is None:
        return (background(""),), (f"maps propose nothing: {why_not}",)
    groups = _clusters(look)
    found: list[tuple[str, Cells]] = []
    left_out = 0
    for why, cells in _places(look, groups, seed, classes):
        if any(overlap(cells, other) > HOT for _, other in found):
            continue
        if len(found) < MOST - EACH:
            found.append((why, cells))
        else:
            left_out += 1
    suspects = [
        Suspect(name=proposed(number), origin="proposed", why=why, place=grown(cells))
        for number, (why, cells) in enumerate(found, start=1)
    ]
    suspects += _hottest(maps, len(suspects))
    notes = (*_notes(left_out), *_strongest(look, groups, classes))
    return (*suspects, background(_off_by_class(look, classes))), notes


def _hottest(maps: Mapping[str, MapDetail], before: int) -> Iterator[Suspect]:
    """Places that lie elsewhere in each image; `before` suspects have their numbers already."""
    evidence = {key: item.raw for key, item in maps.items() if item.raw.ndim == 2}  # noqa: PLR2004 - a grid
    for number, where_it_is in enumerate(("off", "beside"), start=before + 1):
        yield Suspect(
            name=proposed(number),
            origin="proposed",
            why=f"in each image the hottest place {where_it_is} its object",
            evidence=evidence,
            beside=where_it_is == "beside",
        )


def background(why: str) -> Suspect:
    """All but the object, suspected wherever maps are asked: what gathers nowhere is there as well."""
    return Suspect(
        name=BACKGROUND,
        origin="proposed",
        why=f"all but the object, suspected whatever the maps say{why}",
        complement=True,
    )


def _off_by_class(look: Look, classes: Sequence[str] | None) -> str:
    """How much evidence lies off the object, and in which class most of it does."""
    share, labels = 100 * look.off.sum(axis=(1, 2)), np.asarray(look.labels)
    means = {label: share[labels == label].mean() for label in sorted(set(look.labels))}
    most = max(means, key=means.__getitem__)
    return (
        f"; {share.mean():.0f} % of the evidence lies well off the object, most of it in class "
        f"{_class(most, classes)}, {means[most]:.0f} %"
        + "".join(f"; {off_by(name, values, share)}" for name, values in look.metadata.items())
    )


def _clusters(look: Look) -> tuple[Cluster, ...]:
    """Clusters of maps with how each goes together with metadata, against the others of its class."""
    found = clusters(look.evidence, look.labels) if clusterable() else ()
    rows = {label: np.flatnonzero(np.asarray(look.labels) == label) for label in set(look.labels)}
    return tuple(
        Cluster(
            label=label,
            members=members,
            goes_with=tuple(
                association(name, values, members.tolist(), np.setdiff1d(rows[label], members).tolist())
                for name, values in look.metadata.items()
            ),
        )
        for label, members in found
    )


def _strongest(look: Look, groups: Sequence[Cluster], classes: Sequence[str] | None) -> Iterator[str]:
    """Of each metadata column the cluster of maps that goes with it most, also where it proposes no place."""
    for place, name in enumerate(look.metadata):
        known = [item for item in groups if item.goes_with[place].v == item.goes_with[place].v]
        if known:
            item = max(known, key=lambda own: own.goes_with[place].v)
            yield (
                f"of {len(known)} clusters of maps one of class {_class(item.label, classes)} goes with "
                f"{name} most: {item.goes_with[place].text}; it proves nothing"
            )


def _class(label: int, classes: Sequence[str] | None) -> str:
    return classes[label] if classes is not None and label < len(classes) else str(label)


def _notes(left_out: int) -> Iterator[str]:
    if left_out:
        yield f"{left_out} more places were proposed and not tested: {MOST} are the most"
    if not clusterable():
        yield "clusters of maps were not looked for: scikit-learn is not installed"


def _look(
    maps: Mapping[str, MapDetail],
    objects: Mapping[str, np.ndarray],
    labels: Mapping[str, int],
    metadata: Mapping[str, Mapping[str, str]],
) -> tuple[Look | None, str]:
    """What can be looked at, or why nothing can: the validity gate."""
    chosen = [key for key in objects if key in maps and maps[key].status in {"ok", "all-zero"}]
    if len(chosen) < FEWEST:
        return None, f"{len(chosen)} images with a map, {FEWEST} are the fewest"
    blank = sum(maps[key].status == "all-zero" for key in chosen)
    if blank > BLANK * len(chosen):
        return None, f"{blank} of {len(chosen)} maps are empty"
    shape = Counter(maps[key].raw.shape for key in chosen).most_common(1)[0][0]
    if min(shape) < GRID:
        return None, f"a map of {shape[0]} × {shape[1]} cells tells no places apart"
    chosen = [key for key in chosen if maps[key].raw.shape == shape]
    evidence = np.stack([np.maximum(maps[key].raw, 0).astype(np.float64) for key in chosen])
    outside = np.stack([free(objects[key], shape) for key in chosen])
    columns = {name: tuple(values.get(key) for key in chosen) for name, values in metadata.items()}
    own = tuple(labels[key] for key in chosen)
    return Look(evidence=evidence, free=outside, labels=own, metadata=columns), ""


def _places(
    look: Look, groups: Sequence[Cluster], seed: int, classes: Sequence[str] | None
) -> Iterator[tuple[str, Cells]]:
    """Fixed places, the likeliest first: all preferred ones together, each by itself, those of clusters."""
    hot = _preferred(look, seed)
    apart = sorted(parts(hot), key=lambda part: -look.off.mean(axis=0)[part].sum())
    if hot.any():
        share = look.off.mean(axis=0)[hot].sum()
        yield (
            f"{100 * share:.0f} % of the evidence lies off the object in {where(hot)}, more than its shuffle",
            hot,
        )
    for part in apart if len(apart) > 1 else []:
        yield f"one of {len(apart)} places off the object where evidence gathers: {where(part)}", part
    for item in groups:
        mean = look.off[item.members].mean(axis=0)
        cells = (mean >= HOT * mean.max()) & look.free[item.members].any(axis=0) & (mean > 0)
        if cells.any() and mean.sum() > look.off.mean(axis=0).sum():
            name, beside = _class(item.label, classes), "".join(f"; {own.text}" for own in item.goes_with)
            text = f"{len(item.members)} maps of class {name} are a cluster with evidence in {where(cells)}"
            yield text + beside, cells


def _preferred(look: Look, seed: int) -> Cells:
    """Cells whose mean evidence is above the largest of a shuffle of each map's free cells (95 %)."""
    off, rng = look.off, np.random.default_rng(seed)
    largest = []
    for _ in range(SHUFFLES):
        shuffled = np.zeros_like(off)
        for one, allowed, own in zip(shuffled, look.free, off, strict=True):
            one[allowed] = rng.permutation(own[allowed])
        largest.append(_mean(shuffled, look.free).max())
    return np.asarray(_mean(off, look.free) > np.quantile(largest, LEVEL))


def _mean(off: Floats, allowed: Cells) -> Floats:
    """Mean by cell over the images in which it is free; 0 where it is so in less than a tenth."""
    count = allowed.sum(axis=0)
    return np.where(count >= 0.1 * len(allowed), off.sum(axis=0) / np.maximum(count, 1), 0.0)
