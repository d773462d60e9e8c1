"""Where things stand on a grid: in reading order, left to right, a new row where the line is full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Tile:
    """content: in the console's own words. width, height: grid units."""

    content: dict[str, Any]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Placed:
    tile: Tile
    x: int
    y: int


def place(tiles: Iterable[Tile], columns: int) -> Iterator[Placed]:
    """Tiles with their upper left corners; none overlaps another or leaves the columns. A row is as high as its
    highest. Raises ValueError for a tile that is wider than the grid."""
    x = y = row = 0
    for tile in tiles:
        if tile.width > columns:
            raise ValueError(f"a tile of {tile.width} columns on a grid of {columns}")
        if x + tile.width > columns:
            x, y, row = 0, y + row, 0
        yield Placed(tile, x, y)
        x, row = x + tile.width, max(row, tile.height)
