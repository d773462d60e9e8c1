"""The two ends of a terminal: results to stdout, everything said about the work to stderr.

Colours, progress and fitting to a width are for people: they are left out where the output goes into a pipe or a file,
and colours also where NO_COLOR is set (no-color.org), the terminal is dumb, or `--no-color` was said.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text

from nephoscope.cli.table import Column, Row, fit_table
from nephoscope.pipeline.wording import render_duration

WIDE = 70
"""Cells from which a terminal has room for a bar."""

STATE_STYLES = {
    "running": "green",
    "stopped": "yellow",
    "suspended": "yellow",
    "unknown": "magenta",
    "terminated": "dim",
    "terminating": "dim",
    "starting": "cyan",
    "stopping": "cyan",
    "repairing": "cyan",
}
SEVERITY_STYLES = {"critical": "red", "warning": "yellow", "info": "cyan"}


class Steps(Protocol):
    def step(self, what: str = "") -> None:
        """One part of the work is done. what: shown while the next one runs."""

    def expect(self, more: int) -> None:
        """So many parts more than was known."""


class Terminal:
    """What a command says, and where."""

    def __init__(self, *, color: bool = True, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.colored = color and allows_color(os.environ)
        self._out = _console(out or sys.stdout, color)
        self._err = _console(err or sys.stderr, color)

    @property
    def fitted(self) -> bool:
        """Results go to a terminal of some width, not into a pipe or a file."""
        return self._out.is_terminal

    @property
    def width(self) -> int:
        """Cells, where results go to a terminal."""
        return self._out.width

    @property
    def draws_blocks(self) -> bool:
        """Whether the encoding of the results has the signs that sparklines are made of."""
        return self._out.encoding.startswith("utf")

    def line(self, text: str = "", style: str = "") -> None:
        """A line of the result, folded between words where it is longer than the terminal is wide."""
        self._out.print(Text(text, style), soft_wrap=not self.fitted)

    def heading(self, text: str) -> None:
        self.line(text, "bold")

    def json(self, value: object, *, pretty: bool = False) -> None:
        """One JSON document: on one line, or indented for reading. Never coloured: programs read it."""
        if not pretty:
            self._out.file.write(self._compact(value) + "\n")
            return
        escaped = not self._out.encoding.startswith("utf")
        self._out.file.write(json.dumps(value, ensure_ascii=escaped, allow_nan=False, indent=2) + "\n")

    def json_list(self, values: Iterable[object]) -> None:
        """One JSON document, a list, with each of its values on a line of its own; [] for none."""
        lines = ",\n".join(map(self._compact, values))
        self._out.file.write(f"[\n{lines}\n]\n" if lines else "[]\n")

    def json_with(self, facts: Mapping[str, object], name: str, values: Iterable[object]) -> None:
        """One JSON document on one line: an object of these facts (one at least), and under a name a list whose values
        are written as they come, for all of them would not fit into memory."""
        write = self._out.file.write
        write(f'{self._compact(facts)[:-1]},"{name}":[')
        for number, value in enumerate(values):
            write(f"{',' if number else ''}{self._compact(value)}")
        write("]}\n")

    def _compact(self, value: object) -> str:
        escaped = not self._out.encoding.startswith("utf")
        return json.dumps(value, ensure_ascii=escaped, allow_nan=False, separators=(",", ":"))

    def table(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Fitted to the terminal; whole in a pipe. What found no room is named below it."""
        fitted = fit_table(columns, rows, self._out.width if self.fitted else None)
        for line in fitted.lines:
            self._out.print(line, soft_wrap=True)
        if fitted.dropped:
            self.note(f"(no room for: {', '.join(title.lower() for title in fitted.dropped)})")

    def note(self, text: str) -> None:
        """Something worth knowing beside the result."""
        self._err.print(Text(text, "dim"), soft_wrap=not self._err.is_terminal)

    def problem(self, text: str, hint: str = "") -> None:
        """Something went wrong. hint: what to do next."""
        said = Text("nephoscope: ", "bold red").append(text, "not bold default")
        self._err.print(said, soft_wrap=not self._err.is_terminal)
        if hint:
            self._err.print(Text(hint), soft_wrap=not self._err.is_terminal)

    def listed(self, texts: Sequence[str], style: str = "") -> None:
        """Several lines about the work, e.g. all problems of a file."""
        for text in texts:
            self._err.print(Text(text, style), soft_wrap=not self._err.is_terminal)

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Steps]:
        """A moving line on stderr while long work goes on: how much is done, and how long it will take still. Nothing
        where nobody looks."""
        if not self._err.is_terminal or self._err.is_dumb_terminal:
            yield Silent()
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), *_bar(self._err.width))
        with Progress(*columns, Counted(), Left(), console=self._err, transient=True) as bar:
            yield _Bar(bar, bar.add_task(what, total=total), what)


def _bar(width: int) -> tuple[BarColumn, ...]:
    """A bar only where there is room: the numbers say the same."""
    return (BarColumn(20),) if width >= WIDE else ()


class Counted(ProgressColumn):
    """`3 of 17`."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:,.0f} of {task.total:,.0f}" if task.total else "")


class Left(ProgressColumn):
    """`2 min left`, as the pace so far tells; before that how long it has been."""

    def render(self, task: Task) -> Text:
        left = task.time_remaining if task.total and task.completed else None
        if left is not None and not task.finished:
            return Text(f"{render_duration(left)} left")
        return Text(render_duration(task.elapsed or 0))


class Silent:
    """Steps that nobody sees."""

    def step(self, what: str = "") -> None: ...

    def expect(self, more: int) -> None: ...


class _Bar:
    def __init__(self, bar: Progress, task: TaskID, what: str) -> None:
        self._bar = bar
        self._task = task
        self._what = what

    def step(self, what: str = "") -> None:
        shown = f"{self._what} {what}".rstrip()
        self._bar.update(self._task, advance=1, description=shown)

    def expect(self, more: int) -> None:
        total = self._bar.tasks[self._task].total or 0
        self._bar.update(self._task, total=total + more)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """rich would leave with 1, as if something had failed; main knows what a closed pipe means."""
        raise BrokenPipeError


def _console(file: TextIO, color: bool) -> Console:
    plain = not (color and allows_color(os.environ))
    return _Console(
        file=file, color_system=None if plain else "auto", markup=False, highlight=False, emoji=False, soft_wrap=True
    )


def allows_color(environment: Mapping[str, str]) -> bool:
    """https://no-color.org: set and not empty, whatever its value, means no colours."""
    return not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
