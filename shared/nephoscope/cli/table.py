"""Tables that fit the terminal: the least important columns leave first, long texts are folded, nothing is cut off.

An id that ends in "…" is of no use to anyone. So a column either stands whole or not at all; those of flowing text (a
name, a reason) are folded over several lines. Without a width, as in a pipe, everything stands on one line each. Where
a terminal is too narrow even for what matters most, it stands below each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells
from rich.text import Text

GAP = 2
"""Blanks between columns."""

NARROWEST = 12
"""A column of flowing text is not folded into fewer cells than this."""

LONGEST_WORD = 24
"""Words up to this many cells are not broken: rather a column of less importance leaves."""


@dataclass(frozen=True, slots=True)
class Column:
    """rank: 0 stays always; of the others the highest leaves first. flows: its text may be folded, into no fewer cells
    than `least`."""

    title: str
    rank: int = 0
    right: bool = False
    flows: bool = False
    least: int = NARROWEST


@dataclass(frozen=True, slots=True)
class Cell:
    """style: rich's word for how it looks where there are colours."""

    text: str
    style: str = ""


Row = Sequence[Cell | str]
Cells = Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Fitted:
    """lines: ready to print, the titles first. dropped: titles of the columns that found no room."""

    lines: tuple[Text, ...]
    dropped: tuple[str, ...] = ()


def fit_table(columns: Sequence[Column], rows: Sequence[Row], width: int | None = None) -> Fitted:
    """The table in at most `width` cells; None: as wide as it is.

    Each row has a cell for each column. Where not even the columns of rank 0 have room beside each other, each row
    stands as a few lines below each other.
    """
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    natural = [
        max([cell_len(column.title), *(cell_len(row[number].text) for row in cells)])
        for number, column in enumerate(columns)
    ]
    least = [_least(column, cells, number, natural[number]) for number, column in enumerate(columns)]
    kept = list(range(len(columns))) if width is None else _keep(columns, least, width)
    if width is not None and cells and _total([least[number] for number in kept]) > width:
        return _stacked(columns, cells, width)
    widths = {number: natural[number] for number in kept}
    if width is not None:
        _narrow(widths, least, width)
    titles = [Cell(column.title, "bold") for column in columns]
    lines = [line for row in (titles, *cells) for line in _lines(columns, row, widths)]
    return Fitted(tuple(lines), tuple(column.title for n, column in enumerate(columns) if n not in widths))


STACKED = 1
"""Columns up to this rank stand in the lines of a row."""


def _stacked(columns: Sequence[Column], cells: Cells, width: int) -> Fitted:
    """Title and text, a line each, and a blank line between rows."""
    kept = [number for number, column in enumerate(columns) if column.rank <= STACKED]
    margin = max(cell_len(columns[number].title) for number in kept) + GAP
    lines: list[Text] = []
    for place, row in enumerate(cells):
        lines += [Text()] if place else []
        for number in kept:
            lines += _entry(columns[number], row[number], margin, width)
    return Fitted(tuple(lines), tuple(column.title for column in columns if column.rank > STACKED))


def _entry(column: Column, cell: Cell, margin: int, width: int) -> Iterator[Text]:
    """Nothing for what says nothing. A word that is longer than the room stays whole: it is an id, to be copied."""
    for level, part in enumerate(fold(cell.text, max(1, width - margin), broken=column.flows) if cell.text else ()):
        head = column.title if level == 0 else ""
        line = Text(no_wrap=True).append(head + " " * (margin - cell_len(head)), "bold").append(part, cell.style)
        line.rstrip()
        yield line


def _least(column: Column, cells: Cells, number: int, natural: int) -> int:
    """The fewest cells that the column is worth showing in."""
    if not column.flows:
        return natural
    words = [word for row in cells for word in row[number].text.split(" ")]
    longest = min(LONGEST_WORD, max(map(cell_len, words), default=0))
    return min(natural, max(column.least, longest, cell_len(column.title)))


def _keep(columns: Sequence[Column], least: Sequence[int], width: int) -> list[int]:
    """The columns that have room, each at its least width."""
    kept = list(range(len(columns)))
    while _total([least[number] for number in kept]) > width:
        droppable = [number for number in kept if columns[number].rank]
        if not droppable:
            break
        kept.remove(max(droppable, key=lambda number: (columns[number].rank, number)))
    return kept


def _total(widths: Collection[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _narrow(widths: dict[int, int], least: Sequence[int], width: int) -> None:
    """Take cells from the widest column that has some to give, one by one, until all fit."""
    while _total(widths.values()) > width:
        able = [number for number in widths if widths[number] > least[number]]
        if not able:
            return
        widths[max(able, key=lambda number: widths[number])] -= 1


def _lines(columns: Sequence[Column], row: Sequence[Cell], widths: dict[int, int]) -> Iterator[Text]:
    folded = {number: fold(row[number].text, widths[number]) for number in widths}
    for level in range(max(map(len, folded.values()), default=0)):
        line = Text(no_wrap=True)
        for number, parts in folded.items():
            part = parts[level] if level < len(parts) else ""
            blanks = " " * (widths[number] - cell_len(part))
            line.append(blanks + part if columns[number].right else part, row[number].style)
            line.append(" " * GAP if columns[number].right else blanks + " " * GAP)
        line.rstrip()
        yield line


def fold(text: str, width: int, *, broken: bool = True) -> list[str]:
    """The text in lines of at most `width` cells, broken between words where that is possible; never empty. broken:
    words that are longer are broken, too."""
    lines: list[str] = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(joined) <= width:
            lines[-1] = joined
            continue
        parts = chop_cells(word, width) if broken else [word]
        lines[-1:] = [*filter(None, (lines[-1],)), *parts]
    return lines
