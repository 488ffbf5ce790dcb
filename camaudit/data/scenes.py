"""Which of the network's classes an image shows, put together from all that a source knows of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from camaudit.data.masks import MaskUnion
from camaudit.data.pairing import OBJECT
from camaudit.data.sample import Sample, Scene
from camaudit.data.sample_error import SampleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from camaudit.data.labels import Labels
    from camaudit.data.sample import MaskSource, Unusable


def known_classes(names: Iterable[str], labels: Labels) -> frozenset[int]:
    """The network's classes that a source's vocabulary reaches, by index."""
    return frozenset(index for index, _ in map(labels.key, names) if index is not None)


def scene_of(
    classes: Mapping[tuple[int | None, str | None], Callable[[], MaskSource]], known: frozenset[int]
) -> Scene:
    """The scene of one image from the masks of its classes, by `Labels.key`.

    A class whose mask cannot be had (a crowd, say) is neither shown nor absent. What the network has no
    class for is left out.
    """
    shown: dict[int, MaskSource] = {}
    unknown = set()
    for (index, _), draw in classes.items():
        if index is None:
            continue
        try:
            shown[index] = draw()
        except SampleError:
            unknown.add(index)
    return Scene(shown=shown, known=known - unknown)


def in_scenes(
    entries: Sequence[Sample | Unusable], classes: Mapping[Path, Mapping[int | None, int]] | None
) -> list[Sample | Unusable]:
    """The entries, each sample with the scene that all samples of its image make together.

    `classes` counts the objects of each image by class, of samples that cannot be used as well: a class of
    which any has no mask is neither shown nor absent. None where not even that is known: no scene then.
    """
    if classes is None:
        return list(entries)
    known = frozenset(index for found in classes.values() for index in found if index is not None)
    masks: dict[object, dict[int, list[MaskSource]]] = defaultdict(lambda: defaultdict(list))
    for item in entries:
        if isinstance(item, Sample) and item.label is not None and OBJECT in item.masks:
            masks[item.image][item.label].append(item.masks[OBJECT])
    scenes = {}
    for image, found in classes.items():
        unknown = {
            index for index, count in found.items() if index is None or count > len(masks[image][index])
        }
        shown = {
            index: MaskUnion(masks=tuple(own)) for index, own in masks[image].items() if index not in unknown
        }
        scenes[image] = Scene(shown=shown, known=known - unknown)
    return [
        replace(item, scene=scenes.get(item.image))
        if isinstance(item, Sample) and isinstance(item.image, Path)
        else item
        for item in entries
    ]
