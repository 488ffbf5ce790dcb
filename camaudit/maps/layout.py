"""How a layer's output is laid out, and the same as a grid [n, c, u, v].

Convolutions put out [n, c, u, v]. Swin transformers put channels last, [n, u, v, c]; vision transformers
put out tokens [n, l, c]: some that stand for no place (a class token, registers), then one per patch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from camaudit.errors import MapError
from camaudit.evidence import TokenGrid
from camaudit.maps.shapes import SPATIAL, channels_last, fits, is_spatial, is_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from camaudit.evidence import LayoutAim

Size = tuple[int, int]

MOST_PREFIX = 16
"""Tokens without a place, at most, where the grid of patches was seen."""
MOST_GUESSED = 8
"""The same where the length and the images' aspect ratio are all there is to go by."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How one layer's output is read.

    `prefix` tokens come first and have no place. `grid` holds rows and columns of the tokens behind them;
    it was found for images of `size`, or (None) written by the user and holds for all. Images of another
    size have their grid found anew, by their aspect ratio.
    """

    kind: Literal["grid", "channels_last", "tokens"] = "grid"
    prefix: int = 0
    grid: Size | None = None
    size: Size | None = None

    @property
    def text(self) -> str:
        """In words, for the record; empty for a plain grid."""
        if self.kind == "channels_last":
            return "read as [n, h, w, c]: channels come last"
        if self.kind == "grid" or self.grid is None:
            return ""
        rows, columns = self.grid
        return f"read as tokens: {self.prefix} without a place, then {rows}×{columns}"

    def reads(self, output: object) -> bool:
        """Whether an output has the dimensions of this layout."""
        return is_tokens(output) if self.kind == "tokens" else is_spatial(output)

    def shape(self, shape: tuple[int, ...], size: Size, where: str) -> tuple[int, int, int, int]:
        """An output's shape as [n, c, u, v]. Raises `MapError` where its tokens fit no grid."""
        if self.kind == "grid":
            n, channels, rows, columns = shape
        elif self.kind == "channels_last":
            n, rows, columns, channels = shape
        else:
            n, length, channels = shape
            rows, columns = self._cells(length, size, where)
        return n, channels, rows, columns

    def spatial(self, output: Tensor, size: Size, where: str) -> Tensor:
        """The output as a grid [n, c, u, v] for images of that size; tokens without a place are left out."""
        shape = self.shape(tuple(output.shape), size, where)
        if self.kind == "grid":
            return output
        if self.kind == "channels_last":
            return output.permute(0, 3, 1, 2)
        return output[:, self.prefix :].mT.reshape(shape)

    def _cells(self, length: int, size: Size, where: str) -> Size:
        known = self.grid if self.size in {None, size} else None
        if known is not None and known[0] * known[1] == length - self.prefix:
            return known
        found = _tokens(TokenGrid(prefix=self.prefix, grid=known), length, size, (), where)
        assert found.grid is not None
        return found.grid


GRID = Layout()


def find_layout(
    wanted: LayoutAim, shape: tuple[int, ...], size: Size, *, patches: Sequence[Size] = (), where: str
) -> Layout:
    """How an output of that shape is read for images of `size`, if `wanted` is what the user asks for.

    `patches` are the grids that the network went through before, the latest first: the first one that
    leaves up to 16 tokens over is taken. Else the one grid that has the images' aspect ratio is, with up to
    8 tokens before it. Raises `MapError` where none or several will do, and where `wanted` does not fit.
    """
    if len(shape) == SPATIAL:
        if wanted in {"auto", "grid"}:
            last = wanted == "auto" and channels_last(shape, (1, 3, *size))
            return Layout(kind="channels_last") if last else GRID
        if wanted == "channels_last":
            return Layout(kind="channels_last")
    elif wanted in {"auto", "tokens"} or isinstance(wanted, TokenGrid):
        asked = wanted if isinstance(wanted, TokenGrid) else TokenGrid()
        return _tokens(asked, shape[1], size, patches, where)
    raise MapError(
        f"puts out {list(shape)}, which cannot be read as {wanted if isinstance(wanted, str) else 'tokens'}",
        where=where,
        hint='"layout: auto" reads [n, c, h, w], [n, h, w, c] and tokens [n, l, c]',
    )


def _tokens(asked: TokenGrid, length: int, size: Size, patches: Sequence[Size], where: str) -> Layout:
    if asked.grid is not None:
        return _as_written(asked, asked.grid, length, where)
    for rows, columns in patches:
        prefix = length - rows * columns
        if prefix == asked.prefix or (asked.prefix is None and 0 <= prefix <= MOST_PREFIX):
            return Layout(kind="tokens", prefix=prefix, grid=(rows, columns), size=size)
    prefixes = range(MOST_GUESSED + 1) if asked.prefix is None else (asked.prefix,)
    found = _likely([(prefix, *grid) for prefix in prefixes for grid in _grids(length - prefix, size)], size)
    if len(found) != 1:
        raise _unclear(found, length, size, where)
    prefix, rows, columns = found[0]
    return Layout(kind="tokens", prefix=prefix, grid=(rows, columns), size=size)


def _as_written(asked: TokenGrid, grid: Size, length: int, where: str) -> Layout:
    rows, columns = grid
    prefix = length - rows * columns if asked.prefix is None else asked.prefix
    if prefix < 0 or prefix + rows * columns != length:
        raise MapError(
            f"puts out {length} tokens; {max(prefix, 0)} without a place and a grid of {rows}×{columns} "
            f"make {max(prefix, 0) + rows * columns}",
            where=where,
            hint="correct maps.layout, or leave prefix or grid out to have it found",
        )
    return Layout(kind="tokens", prefix=prefix, grid=grid)


def _grids(cells: int, size: Size) -> list[Size]:
    """Grids of that many cells with the images' aspect ratio, give or take one cell."""
    pairs = [(rows, cells // rows) for rows in range(1, cells + 1) if cells % rows == 0]
    return [grid for grid in pairs if cells > 1 and fits(*grid, size)]


def _likely(found: list[tuple[int, int, int]], size: Size) -> list[tuple[int, int, int]]:
    """Those nearest to the images' aspect ratio."""
    height, width = size
    off = [abs(rows * width - columns * height) for _, rows, columns in found]
    return [item for item, distance in zip(found, off, strict=True) if distance == min(off)]


def _unclear(found: list[tuple[int, int, int]], length: int, size: Size, where: str) -> MapError:
    images = f"images of {size[0]}×{size[1]}"
    if not found:
        return MapError(
            f"puts out {length} tokens, of which no grid with the aspect ratio of {images} can be made",
            where=where,
            hint="say how they lie: layout: {tokens: {prefix: HOW MANY FIRST, grid: [ROWS, COLUMNS]}}",
        )
    choices = ", ".join(f"{prefix} + {rows}×{columns}" for prefix, rows, columns in found[:4])
    prefix, rows, columns = found[0]
    return MapError(
        f"puts out {length} tokens, and for {images} they may be {choices}",
        where=where,
        hint=f"say which: layout: {{tokens: {{prefix: {prefix}, grid: [{rows}, {columns}]}}}}",
    )
