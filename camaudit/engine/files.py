"""Writes the evidence beside a result: lossless inputs and masks of the samples shown, and all raw maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from camaudit.data.stream import Lost, stream
from camaudit.engine.collect import clean_map, shown_maps
from camaudit.exhibits import NamedMap
from camaudit.result import SampleRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from camaudit.data.geometry import Geometry
    from camaudit.data.sample import Sample
    from camaudit.engine.collect import Collector, Detail
    from camaudit.evidence import MapRequest
    from camaudit.plan import CheckPlan
    from camaudit.scores import Table


@dataclass(kw_only=True)
class Evidence:
    """The `evidence/` folder of one run. File names are counters: no sample id reaches the file system."""

    folder: Path
    base: Path
    """Files of the data are named relative to this folder where they lie below it."""
    _shown_maps: dict[str, np.ndarray] = field(default_factory=dict)
    _all_maps: dict[str, np.ndarray] = field(default_factory=dict)
    _pictures: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def rows(
        self,
        check: CheckPlan,
        table: Table,
        collector: Collector,
        shown: Sequence[tuple[str, bool]],
        pictures: dict[str, Picture],
    ) -> tuple[SampleRow, ...]:
        """The rows of the samples shown, with their pictures and maps written."""
        wanted, status = _wanted(check)
        rows = []
        for key, failing in shown:
            detail, picture = collector.details[key], pictures.get(key)
            maps = [self._named_map(name, request, key, collector) for name, request in wanted.items()]
            main = maps[0] if maps else NamedMap(name="", status=status)
            rows.append(
                SampleRow(
                    id=key,
                    label=detail.label,
                    predicted=detail.predicted,
                    label_score=detail.label_score,
                    predicted_score=detail.predicted_score,
                    group=detail.group,
                    file=self._named(detail.file),
                    sha256=detail.sha256,
                    values={column: float(table.frame[column][key]) for column in table.columns},
                    undefined={
                        column: table.reasons[column][key]
                        for column in table.columns
                        if key in table.reasons.get(column, {})
                    },
                    image=picture.image if picture else None,
                    masks=picture.masks if picture else {},
                    map=main.key,
                    map_status=main.status,
                    map_max=main.largest,
                    map_name=main.text if len(maps) > 1 else "",
                    maps=tuple(maps[1:]),
                    failing=failing,
                )
            )
        return tuple(rows)

    def _named_map(self, name: str, request: MapRequest, key: str, collector: Collector) -> NamedMap:
        """One sample's map, put aside to be written."""
        kept, explains = collector.maps.get(request, {}).get(key), _explained(request, collector.details[key])
        if kept is None:
            return NamedMap(name=name, explains=explains, status="missing")
        return NamedMap(
            name=name, explains=explains, key=self.keep_map(kept.raw), status=kept.status, largest=kept.scale
        )

    def keep_map(self, raw: np.ndarray) -> str:
        """Put a raw map that is shown aside, to be written; returns its key."""
        stored = f"m{len(self._shown_maps):06d}"
        self._shown_maps[stored] = raw
        return stored

    def _named(self, file: str | None) -> str | None:
        """No more of the machine's folders than it takes."""
        if file is None:
            return None
        path = Path(file)
        inside = path.is_relative_to(self.base)
        return path.relative_to(self.base).as_posix() if inside else "/".join(path.parts[-3:])

    def keep_maps(self, check: CheckPlan, collector: Collector) -> None:
        """Keep all native-resolution maps of a check: ids, shapes, and values one after the other."""
        request = clean_map(check)
        kept = collector.maps.get(request, {}) if request is not None else {}
        if not kept:
            return
        self._all_maps[f"{check.id}/ids"] = np.array(list(kept))
        self._all_maps[f"{check.id}/shapes"] = np.array(
            [item.raw.shape for item in kept.values()], dtype=np.int32
        )
        self._all_maps[f"{check.id}/values"] = np.concatenate([item.raw.ravel() for item in kept.values()])

    def draw(
        self, samples: Iterable[Sample], geometry: Geometry, regions: Sequence[str], prefix: str
    ) -> dict[str, Picture]:
        """Read the samples shown once more and write what the network saw, losslessly."""
        pictures = {}
        for number, item in enumerate(stream(tuple(samples), geometry, regions=regions)):
            if isinstance(item, Lost):
                continue
            stem = f"{prefix}-{number:04d}"
            image = self.save(item.pixels, f"{stem}.png")
            masks = {
                region: self.save(item.masks[region].astype(np.uint8) * 255, f"{stem}-mask{place}.png")
                for place, region in enumerate(regions)
            }
            pictures[item.sample.id] = Picture(image=image, masks=masks)
        return pictures

    def close(self) -> None:
        """Write the collected maps."""
        self.folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(self.folder / "maps.npz", **self._shown_maps)  # type: ignore[arg-type]
        np.savez_compressed(self.folder / "all_maps.npz", **self._all_maps)  # type: ignore[arg-type]

    def save(self, pixels: np.ndarray, name: str) -> str:
        """Write a picture losslessly; returns its path relative to the result's folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(self.folder / name, optimize=False)
        return f"{self.folder.name}/{name}"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Where one sample's input and masks were written, relative to the result's folder."""

    image: str
    masks: dict[str, str]


def _wanted(check: CheckPlan) -> tuple[Mapping[str, MapRequest], str]:
    """The maps shown of each sample, and what is said of a sample without: a check may ask for none."""
    asked = any(column.needs_map for column in check.columns.values())
    return (shown_maps(check), "missing") if asked else ({}, "no map was needed")


def _explained(request: MapRequest, detail: Detail) -> str | None:
    """The class that a map explains in one sample, where it is the label or the prediction."""
    return {"label": detail.label, "predicted": detail.predicted}.get(str(request.target))
