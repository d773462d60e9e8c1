"""What `nephoscope demo --with-history` says and shows of the history that its runs have kept."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from nephoscope.localcloud.demo.history import PICTURE, History
from nephoscope.localcloud.demo.stage import StageError
from nephoscope.localcloud.elastic.distribution import UnavailableError

WORDS = {"metrics": "points", "states": "states of machines", "alerts": "alerts' transitions"}


def open_history(console: Console, standing: ExitStack, out: Path) -> History | None:
    """The server, up as long as `standing` is; None where it cannot be had, and said why."""
    try:
        with console.status("starting Elasticsearch"):
            return standing.enter_context(History(out))
    except UnavailableError as error:
        first = str(error).splitlines()[0]
        console.print(f"[yellow]No history is kept this time:[/] {escape(first)}", soft_wrap=True)
        return None


def show_history(
    console: Console, history: History, summary: dict[str, Any], machine: str, out: Path, hours: int
) -> None:
    """How much is kept, how to ask it, and a picture in `out`. summary: its `history` is there."""
    counts = [f"[b]{summary['history'][kind]:,}[/] {words}" for kind, words in WORDS.items()]
    kept = f"{counts[0]}, {counts[1]} and {counts[2]}"
    where = f"{history.name} at {history.url}"
    console.print(f"\nHistory: {kept} are kept in {where}. Ask it while the page is up:", soft_wrap=True)
    for command in history.commands(machine):
        console.print(f"  {escape(command)}", soft_wrap=True)
    try:
        history.draw(out / PICTURE, hours)
        console.print(f"In [b]{out / PICTURE}[/]: the average by region.", soft_wrap=True)
    except StageError as error:
        console.print(f"[dim]No picture of it was drawn: {escape(str(error))}[/]", soft_wrap=True)


def machine_with_story(summary: dict[str, Any], names: dict[str, str]) -> str:
    """The name of the first machine that was found to be down; of any that was told of where none was."""
    told = [one for one in summary["transitions"] if one["resource"].lower() in names]
    down = [one for one in told if one["rule"] == "down"]
    first = next(iter([*down, *told]), None)
    return names[first["resource"].lower()] if first else next(iter(names.values()))
