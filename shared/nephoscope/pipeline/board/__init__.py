"""What a dashboard shows and in which order, whoever draws it: `parts` are the shapes, `compose` decides, `bounds`
brings a rule's threshold into the unit that a graph has."""

from nephoscope.pipeline.board.compose import board_of
from nephoscope.pipeline.board.kept import history_board
from nephoscope.pipeline.board.parts import (
    Ask,
    Board,
    Figure,
    Kept,
    Limit,
    Listing,
    Look,
    Measure,
    Panel,
    Section,
    Split,
    Statistic,
    Take,
)

__all__ = [
    "Ask",
    "Board",
    "Figure",
    "Kept",
    "Limit",
    "Listing",
    "Look",
    "Measure",
    "Panel",
    "Section",
    "Split",
    "Statistic",
    "Take",
    "board_of",
    "history_board",
]
