"""Who proposes, who is changed and who gives: roles that share no group and no image. Seeded.

Like `data.sampling`, all of it rests on hashes of seed and id, not on a generator or on the order of samples.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """What decides a sample's role: its class, and what it may not be parted from."""

    id: str
    label: int
    group: str | None
    content: str
    """Hash of the image: two samples of one image are one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Triple:
    """An image that is changed, the donor of its own class and the donor of another one, by id."""

    recipient: str
    same: str
    other: str


@dataclass(frozen=True, kw_only=True)
class Roles:
    """`proposing` are looked at, `triples` tested; no sample, group or image is in two places."""

    proposing: tuple[str, ...]
    triples: tuple[Triple, ...]


def cast(members: Sequence[Member], *, seed: int, proposing: float, most: int | None = None) -> Roles:
    """Split off the share `proposing`, the rest into recipients and two sorts of donors of equal number.

    Each role gets its share of every class as far as groups let it. Each donor serves once. A recipient for
    whom no donor is left is dropped; at most `most` triples are kept, a random part.
    """
    shares = {"propose": proposing, **dict.fromkeys(("recipient", "same", "other"), (1 - proposing) / 3)}
    roles = partition(members, shares, seed)
    same = _matched(roles["recipient"], roles["same"], seed, alike=True)
    other = _matched(roles["recipient"], roles["other"], seed, alike=False)
    both = sorted(same.keys() & other.keys(), key=lambda key: _hash(seed, key))[:most]
    triples = tuple(Triple(recipient=key, same=same[key], other=other[key]) for key in both)
    return Roles(proposing=tuple(sorted(item.id for item in roles["propose"])), triples=triples)


def partition(members: Sequence[Member], shares: Mapping[str, float], seed: int) -> dict[str, list[Member]]:
    """The members by part, each with its share of every class; members of one unit stay together."""
    parts: dict[str, list[Member]] = {name: [] for name in shares}
    total: Counter[int] = Counter()
    held: dict[str, Counter[int]] = {name: Counter() for name in shares}
    for unit in sorted(units(members), key=lambda items: _hash(seed, min(item.id for item in items))):
        labels = Counter(item.label for item in unit)
        total += labels

        lacking = {
            name: sum(labels[label] * (share * total[label] - held[name][label]) for label in labels)
            for name, share in shares.items()
            if share > 0
        }
        chosen = max(lacking, key=lacking.__getitem__)
        parts[chosen] += unit
        held[chosen] += labels
    return parts


def units(members: Iterable[Member]) -> list[list[Member]]:
    """Members that share a group or an image, and whatever these share one with, together."""
    root: dict[str, str] = {}

    def find(key: str) -> str:
        while root.setdefault(key, key) != key:
            root[key] = key = root[root[key]]
        return key

    everyone = list(members)
    for member in everyone:
        if member.group is not None:
            root[find(f"group {member.group}")] = find(f"image {member.content}")
    found: dict[str, list[Member]] = defaultdict(list)
    for member in everyone:
        found[find(f"image {member.content}")].append(member)
    return list(found.values())


def _matched(
    recipients: Sequence[Member], donors: Sequence[Member], seed: int, *, alike: bool
) -> dict[str, str]:
    """Recipient → donor, of its own class or of another, each donor once."""
    waiting: dict[int, list[Member]] = defaultdict(list)
    for donor in sorted(donors, key=lambda item: _hash(seed, f"donor {item.id}"), reverse=True):
        waiting[donor.label].append(donor)
    given: dict[str, Member] = {}
    served: list[Member] = []
    for turn, own in enumerate(sorted(recipients, key=lambda item: _hash(seed, item.id))):
        labels = [label for label, left in waiting.items() if left and (label == own.label) is alike]
        if labels:
            given[own.id] = waiting[_drawn(labels, waiting, seed, turn)].pop()
        elif alike or not _traded(own, served, given, waiting[own.label]):
            continue
        served.append(own)
    return {recipient: donor.id for recipient, donor in given.items()}


def _traded(own: Member, served: Sequence[Member], given: dict[str, Member], left: list[Member]) -> bool:
    """Only donors of its own class are left: hand one to somebody of another class, and take theirs."""
    for earlier in served:
        if left and own.label not in {earlier.label, given[earlier.id].label}:
            given[own.id], given[earlier.id] = given[earlier.id], left.pop()
            return True
    return False


def _drawn(labels: Sequence[int], waiting: Mapping[int, Sequence[Member]], seed: int, turn: int) -> int:
    """One of the classes, as likely as it has donors waiting."""
    ordered = sorted(labels)
    place = int(_hash(seed, f"turn {turn}")[:12], 16) % sum(len(waiting[label]) for label in ordered)
    for label in ordered:
        place -= len(waiting[label])
        if place < 0:
            return label
    raise AssertionError("unreachable")


def _hash(seed: int, text: str) -> str:
    return sha256(f"shortcut\0{seed}\0{text}".encode()).hexdigest()
