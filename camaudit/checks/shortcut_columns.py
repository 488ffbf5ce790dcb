"""Where the numbers of a shortcut check stand in its table, and what each of them is. Torch-free.

The table has one row per changed image. Of each suspected region and each infill it holds the `PARTS`;
``right as it is`` says whether the answer to the image as it was is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from camaudit.checks.shortcut import ShortcutSpec
    from camaudit.scores import Table

BACKGROUND = "background"
"""The built-in region: all that is not the object."""
UNTOUCHED, SHIFT, META = "untouched", "largest shift", "metadata "
REMOVED = "object removed"
PARTS = {
    "same": "right with the region of an image of the same class",
    "other": "right with the region of an image of another class",
    "margin": "margin of the label with the first, minus that with the second, in logits",
    "cost": "margin of the label untouched, minus that with the first, in logits",
    "beyond": "the margin's shift between the two without what the change by itself shifts, its part",
    "flip": "the two answers differ",
    "margin_same": "margin of the label with the region of an image of the same class, in logits",
    "margin_other": "margin of the label with the region of an image of another class, in logits",
}
IMAGES, DRAWS = 30, 3
"""Images whose maps are made again with the network's head drawn anew, and how often it is drawn."""
OCCLUDED, SIDE = 12, 7
"""Images whose maps are held against occlusion, and cells per side that are covered one by one, at most."""
MOST = 8
"""Regions that maps may propose; what is tested has its price in power."""
NO_REGION = "the image does not show the region"
PLACE = "place-"


def proposed(number: int) -> str:
    """The name of a region that maps proposed, counted from 1."""
    return f"{PLACE}{number}"


def column(name: str, infill: str, part: str) -> str:
    """Where the numbers of a suspected region stand."""
    return f"{name} {infill} {part}"


def gap_of(name: str) -> str:
    """What the accuracy gap of a metadata column is called."""
    return f"{name}: accuracy gap"


def group_of(name: str) -> str:
    """What the worst group of class and metadata column is called."""
    return f"{name}: worst group"


def suspects(table: Table) -> list[str]:
    """The suspected regions of a table, in order."""
    ends = [name.rpartition(" ") for name in table.columns]
    return list(dict.fromkeys(front.rpartition(" ")[0] for front, _, part in ends if part == "flip"))


def tested(spec: ShortcutSpec) -> list[str]:
    """Every region that may be tested: those named, then those that are suspected where maps propose."""
    found = [BACKGROUND, *(proposed(number + 1) for number in range(MOST))] if spec.discover else []
    return list(dict.fromkeys([*spec.regions, *found]))


def titles(spec: ShortcutSpec) -> dict[str, str]:
    """What each column is, of every region that may be tested."""
    found = {
        SHIFT: "largest shift of the label's margin by any region, in logits",
        UNTOUCHED: "right as it is",
        **{f"{REMOVED} {infill}": f"AUC without the object ({infill}), its part" for infill in spec.infills},
    }
    for name in tested(spec):
        for infill in spec.infills:
            found |= {
                column(name, infill, part): f"{name} ({infill}): {text}" for part, text in PARTS.items()
            }
    return found
