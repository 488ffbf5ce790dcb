"""Which samples are used, and whose mask is the control of whose map. Seeded, and the same on every machine.

Both rest on a hash of seed and id, not on a generator: the outcome does not depend on the listing's
order, on metadata or on a library's version, and a larger draw contains the smaller one per stratum.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from camaudit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from camaudit.data.sample import Sample


def draw(
    samples: Sequence[Sample], *, n: int | None, by: Literal["label", "group"] | None, seed: int
) -> tuple[Sample, ...]:
    """Draw `n` samples, stratified, sorted by id; all of them where `n` is None or there are no more.

    A stratum of size s among N gets ⌊n·s/N⌋ or one more (largest remainder; ties are broken by the seed).
    Within a stratum, samples with the smallest hash of seed and id are taken: a simple random sample.
    Raises `DataError` where there is nothing to draw from, or where two samples share an id.
    """
    _refuse_bad(samples)
    if n is None or n >= len(samples):
        return tuple(sorted(samples, key=lambda sample: sample.id))
    strata: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        strata[_stratum(sample, by)].append(sample)
    shares = _largest_remainder({key: len(members) for key, members in strata.items()}, n, seed)
    drawn = (
        sample
        for key, members in strata.items()
        for sample in sorted(members, key=lambda sample: _hash(seed, sample.id))[: shares[key]]
    )
    return tuple(sorted(drawn, key=lambda sample: sample.id))


def partners(samples: Iterable[Sample], seed: int) -> dict[str, tuple[str, bool]]:
    """For each sample the id of another one, whose mask is the control, and whether it is of the same class.

    Within a class it is a derangement: no sample is its own partner, each is a partner once; partners come
    from another group wherever no group holds more than half of the class. A sample alone in its class
    gets one of another class (False). A sole sample has no partner and is absent.
    Where samples have no labels the class is unknown, so the flag is False.
    """
    classes: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        classes[_stratum(sample, "label")].append(sample)
    everyone = sorted(
        (sample for members in classes.values() for sample in members), key=lambda s: _hash(seed, s.id)
    )
    pairs: dict[str, tuple[str, bool]] = {}
    for members in classes.values():
        if len(members) > 1:
            labelled = members[0].label is not None or members[0].label_name is not None
            pairs |= {own: (other, labelled) for own, other in _deranged(members, seed)}
        elif len(everyone) > 1:
            pairs[members[0].id] = (_next(members[0], everyone).id, False)
    return pairs


def _deranged(members: Sequence[Sample], seed: int) -> list[tuple[str, str]]:
    """Pairs by a cyclic shift over members that lie together by group, by the size of the largest group."""
    sizes = Counter(_group(sample) for sample in members)
    longest = max(sizes.values())
    shift = longest if longest < len(members) else 1
    ids = [s.id for s in sorted(members, key=lambda s: (_hash(seed, _group(s)), _hash(seed, s.id)))]
    return list(zip(ids, ids[shift:] + ids[:shift], strict=True))


def _group(sample: Sample) -> str:
    return f"group {sample.group}" if sample.group is not None else f"alone {sample.id}"


def _next(sample: Sample, everyone: Sequence[Sample]) -> Sample:
    place = everyone.index(sample)
    return everyone[(place + 1) % len(everyone)]


def _stratum(sample: Sample, by: Literal["label", "group"] | None) -> str:
    if by == "label":
        return repr((sample.label, sample.label_name))
    return repr(sample.group) if by == "group" else ""


def _largest_remainder(sizes: dict[str, int], n: int, seed: int) -> dict[str, int]:
    """Seats by Hamilton's method, in whole numbers."""
    total = sum(sizes.values())
    seats = {key: n * size // total for key, size in sizes.items()}
    ranked = sorted(sizes, key=lambda key: (-(n * sizes[key] % total), _hash(seed, key)))
    for key in ranked[: n - sum(seats.values())]:
        seats[key] += 1
    return seats


def _hash(seed: int, text: str) -> str:
    return sha256(f"{seed}\0{text}".encode()).hexdigest()


def _refuse_bad(samples: Sequence[Sample]) -> None:
    if not samples:
        raise DataError("there are no samples to draw from", hint="an audit of nothing is never green")
    twice = [key for key, count in Counter(sample.id for sample in samples).items() if count > 1]
    if twice:
        raise DataError(f"two samples share the id {twice[0]!r}")
