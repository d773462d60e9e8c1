"""What goes to stdout and what to stderr; colours for people only."""

from __future__ import annotations

import io
import json
import re
import time

import pytest

from nephoscope.cli.table import Cell, Column
from nephoscope.cli.terminal import Terminal, allows_color


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)


def test_a_screen_has_colours() -> None:
    out = Screen()
    Terminal(out=out, err=Screen()).line("well", "green")
    assert out.getvalue() == "\x1b[32mwell\x1b[0m\n"


def test_no_color_means_no_escape_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out, err = Screen(), Screen()
    terminal = Terminal(out=out, err=err)
    terminal.line("well", "bold green")
    terminal.problem("not well", "do something")
    assert "\x1b" not in out.getvalue() + err.getvalue()


def test_the_option_does_what_the_variable_does() -> None:
    out = Screen()
    Terminal(color=False, out=out, err=Screen()).line("well", "green")
    assert out.getvalue() == "well\n"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "0"}, False), ({"TERM": "dumb"}, False)],
)
def test_when_colours_are_allowed(environment: dict[str, str], expected: bool) -> None:
    assert allows_color(environment) is expected


def test_a_pipe_has_neither_colours_nor_a_width() -> None:
    out = io.StringIO()
    Terminal(out=out, err=io.StringIO()).table(
        (Column("ID"), Column("WHAT", rank=1, flows=True)), [[Cell("i-1", "red"), "text " * 30]]
    )
    assert out.getvalue().splitlines() == ["ID   WHAT", "i-1  " + " ".join(["text"] * 30)]


def test_on_a_screen_what_found_no_room_is_named_on_stderr() -> None:
    out, err = Screen(), Screen()
    columns = (Column("ID"), Column("PLACE", rank=1))
    Terminal(color=False, out=out, err=err).table(columns, [["i-1", "p" * 60]])
    assert out.getvalue() == "ID\ni-1\n"
    assert err.getvalue() == "(no room for: place)\n"


def test_a_problem_and_what_to_do_next_go_to_stderr() -> None:
    out, err = io.StringIO(), io.StringIO()
    Terminal(out=out, err=err).problem("2 problems", "Look here.")
    assert (out.getvalue(), err.getvalue()) == ("", "nephoscope: 2 problems\nLook here.\n")


def test_progress_says_how_much_is_done_and_how_long_it_will_take_within_forty_cells() -> None:
    screen = Screen()
    with Terminal(out=io.StringIO(), err=screen).progress("reading the inventory") as steps:
        steps.expect(3)
        steps.step()
        time.sleep(0.15)
        steps.step()
    lines = [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line) for line in re.split(r"[\r\n]", screen.getvalue())]
    assert any("2 of 3" in line for line in lines)
    assert any(re.search(r"\d s left", line) for line in lines)
    assert max(map(len, lines)) <= 40


def test_progress_is_shown_on_a_screen_and_nowhere_else() -> None:
    screen, pipe = Screen(), io.StringIO()
    for err in (screen, pipe):
        with Terminal(out=io.StringIO(), err=err).progress("reading", 2) as steps:
            steps.step()
            steps.step()
    assert "reading" in screen.getvalue()
    assert pipe.getvalue() == ""


def test_markup_in_foreign_text_is_text() -> None:
    out = io.StringIO()
    Terminal(out=out, err=io.StringIO()).line("[bold]web[/bold] :smile:")
    assert out.getvalue() == "[bold]web[/bold] :smile:\n"


def test_json_is_one_line_that_any_encoding_can_carry() -> None:
    raw = io.BytesIO()
    ascii_only = io.TextIOWrapper(raw, encoding="ascii")
    Terminal(out=ascii_only, err=io.StringIO()).json({"name": "東京", "n": 1})
    ascii_only.flush()
    assert raw.getvalue() == b'{"name":"\\u6771\\u4eac","n":1}\n'
    assert json.loads(raw.getvalue()) == {"name": "東京", "n": 1}


@pytest.mark.parametrize("values", [[], [{"n": 1}], [{"n": 1}, {"n": 2, "deep": [None]}]])
def test_values_that_come_one_by_one_make_one_document(values: list[object]) -> None:
    out = io.StringIO()
    Terminal(out=out, err=io.StringIO()).json_with({"metric": 'a "quoted" one', "step": 300}, "groups", iter(values))
    assert out.getvalue().count("\n") == 1
    assert json.loads(out.getvalue()) == {"metric": 'a "quoted" one', "step": 300, "groups": values}
