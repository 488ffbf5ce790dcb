"""A map in a line of text: signed 8-bit levels of its largest value, so that a 7 × 7 map takes 80 letters."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camaudit.errors import BaselineError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = 127
_TEXT = re.compile(r"(?P<rows>\d+)x(?P<columns>\d+)\*(?P<scale>[^:]+):(?P<levels>[A-Za-z0-9+/=]*)")


@dataclass(frozen=True, kw_only=True)
class PackedMap:
    """A map [u, v] as ``levels`` int8 in [−127, 127] times ``scale``; the error is at most scale / 2.

    An all-zero map has scale 0. Both sides of a comparison are packed, so that equal maps are equal.
    """

    levels: NDArray[np.int8]
    scale: float

    @classmethod
    def of(cls, raw: NDArray[np.floating]) -> PackedMap | None:
        """Pack a map [u, v]; None where it holds numbers that are not finite."""
        values = np.asarray(raw, dtype=np.float64)
        if values.ndim != 2 or not np.isfinite(values).all():  # noqa: PLR2004 - rows and columns
            return None
        # Six digits, as in the text: what is read back is what was packed.
        scale = float(f"{np.abs(values).max(initial=0.0) / LEVELS:.6g}")
        if scale == 0:
            return cls(levels=np.zeros(values.shape, dtype=np.int8), scale=0.0)
        levels = np.clip(np.rint(values / scale), -LEVELS, LEVELS).astype(np.int8)
        return cls(levels=levels, scale=scale)

    @property
    def values(self) -> NDArray[np.float64]:
        """The map again, float64 [u, v]."""
        return self.levels.astype(np.float64) * self.scale

    @property
    def text(self) -> str:
        """``7x7*0.00123:AAEC…``: rows, columns, scale, base64 of the levels row by row."""
        rows, columns = self.levels.shape
        return f"{rows}x{columns}*{self.scale:.6g}:{b64encode(self.levels.tobytes()).decode()}"

    @classmethod
    def read(cls, text: str) -> PackedMap:
        """The reverse of `text`. Raises `BaselineError` for anything else."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise BaselineError(f"{text[:40]!r} is not a packed map")
        shape = int(found["rows"]), int(found["columns"])
        try:
            levels = np.frombuffer(b64decode(found["levels"], validate=True), dtype=np.int8)
            return cls(levels=levels.reshape(shape), scale=float(found["scale"]))
        except ValueError as error:
            raise BaselineError(f"{text[:40]!r} is not a packed map: {error}") from None
