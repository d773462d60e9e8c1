"""Tables fit the terminal by leaving out columns, and never cut an id."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from nephoscope.cli.table import Cell, Column, fit_table, fold

COLUMNS = (
    Column("ID"),
    Column("NAME", rank=1, flows=True),
    Column("STATE"),
    Column("REGION", rank=2),
    Column("COUNT", rank=3, right=True),
)
ROWS = [
    ["i-0123456789abcdef0", "web-1", Cell("running", "green"), "eu-central-1", "7"],
    ["i-0fedcba9876543210", "a machine with a long name", "stopped", "eu-west-1", "12"],
]


def shown(width: int | None) -> list[str]:
    return [line.plain for line in fit_table(COLUMNS, ROWS, width).lines]


def test_a_pipe_gets_every_column_on_one_line_each() -> None:
    assert shown(None) == [
        "ID                   NAME                        STATE    REGION        COUNT",
        "i-0123456789abcdef0  web-1                       running  eu-central-1      7",
        "i-0fedcba9876543210  a machine with a long name  stopped  eu-west-1        12",
    ]


def test_at_eighty_columns_all_of_it_fits() -> None:
    assert shown(80) == shown(None)


def test_at_sixty_columns_flowing_text_is_folded_before_a_column_leaves() -> None:
    assert shown(66) == [
        "ID                   NAME             STATE    REGION        COUNT",
        "i-0123456789abcdef0  web-1            running  eu-central-1      7",
        "i-0fedcba9876543210  a machine with   stopped  eu-west-1        12",
        "                     a long name",
    ]


def test_the_least_important_columns_leave_first_and_are_named() -> None:
    fitted = fit_table(COLUMNS, ROWS, 44)
    assert fitted.dropped == ("REGION", "COUNT")
    assert [line.plain for line in fitted.lines] == [
        "ID                   NAME            STATE",
        "i-0123456789abcdef0  web-1           running",
        "i-0fedcba9876543210  a machine with  stopped",
        "                     a long name",
    ]


def test_where_nothing_has_room_beside_another_rows_stand_below_each_other() -> None:
    fitted = fit_table(COLUMNS, ROWS, 27)
    assert fitted.dropped == ("REGION", "COUNT")
    assert [line.plain for line in fitted.lines] == [
        "ID     i-0123456789abcdef0",
        "NAME   web-1",
        "STATE  running",
        "",
        "ID     i-0fedcba9876543210",
        "NAME   a machine with a",
        "       long name",
        "STATE  stopped",
    ]


def test_an_id_is_whole_even_where_it_is_wider_than_the_terminal() -> None:
    assert fit_table(COLUMNS, ROWS, 10).lines[0].plain == "ID     i-0123456789abcdef0"


def test_what_says_nothing_has_no_line_of_its_own() -> None:
    columns = (Column("ID"), Column("LAST FAILURE"))
    lines = fit_table(columns, [["i-0123456789abcdef0", ""]], 20).lines
    assert [line.plain for line in lines] == ["ID            i-0123456789abcdef0"]


@pytest.mark.parametrize("width", [28, 44, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal_and_every_id_stands_whole(width: int) -> None:
    lines = shown(width)
    assert max(map(cell_len, lines)) <= width
    assert all(any(line.startswith(row[0] + "  ") for line in lines) for row in ROWS if isinstance(row[0], str))
    assert "…" not in "".join(lines)


def test_without_rows_the_titles_still_stand() -> None:
    assert [line.plain for line in fit_table((Column("ID"), Column("STATE")), [], 80).lines] == ["ID  STATE"]


def test_wide_characters_count_as_two_cells() -> None:
    lines = fit_table((Column("NAME"), Column("N")), [["東京", "1"], ["ab", "2"]]).lines
    assert [line.plain for line in lines] == ["NAME  N", "東京  1", "ab    2"]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("", 5, [""]),
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 3, ["one", "two", "thr", "ee"]),
        ("arn:aws:iam::1", 6, ["arn:aw", "s:iam:", ":1"]),
        ("東京 都", 4, ["東京", "都"]),
    ],
)
def test_folding_breaks_between_words_and_within_long_ones(text: str, width: int, expected: list[str]) -> None:
    assert fold(text, width) == expected


def test_a_style_reaches_its_own_cell_only() -> None:
    line = fit_table(COLUMNS, ROWS).lines[1]
    styled = [(line.plain[span.start : span.end], span.style) for span in line.spans]
    assert [text.strip() for text, style in styled if style == "green"] == ["running"]
