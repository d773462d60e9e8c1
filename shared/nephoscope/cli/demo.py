"""`nephoscope demo`: the whole thing on this machine, in a minute, without an account."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TextColumn

from nephoscope.cli.demo_history import machine_with_story, open_history, show_history
from nephoscope.cli.table import Cell, Column
from nephoscope.cli.terminal import Counted, Left, Terminal
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_REGION, MinistackError
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.browser import BrowserError
from nephoscope.localcloud.demo import pages
from nephoscope.localcloud.demo.cast import machine_names, make_fleets, names_in_script
from nephoscope.localcloud.demo.happenings import happenings
from nephoscope.localcloud.demo.history import History
from nephoscope.localcloud.demo.packages import build_artifacts
from nephoscope.localcloud.demo.page import CONFIG, Page
from nephoscope.localcloud.demo.pictures import draw_pictures, first_firing
from nephoscope.localcloud.demo.platforms import CloudFunction, FunctionApp, Lambda
from nephoscope.localcloud.demo.stage import Stage, StageError
from nephoscope.localcloud.demo.story import Local, Minute, Story, live, summarize
from nephoscope.localcloud.fleet import Fleet
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.localcloud.receivers import Receiver
from nephoscope.model.scope import Cloud
from nephoscope.model.time import MINUTE, ceil_div, floor_to, iso

NAMES = {Cloud.AWS: "AWS", Cloud.GCP: "Google", Cloud.AZURE: "Azure"}
HAPPENS = {True: "happens", False: "is over"}
LIGHTS = {"fired": "red", "went_silent": "yellow", "resolved": "green", "back": "green"}


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """0 when every message arrived; 1 when something did not, said which. options: seed, instances, minutes, out,
    serve, with_history."""
    console = Console(highlight=False, no_color=not terminal.colored or None)
    began = time.monotonic()
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    # A story that has just ended: its data lie in the past, where a provider takes them.
    start = floor_to(int(time.time()), MINUTE) - (options.minutes + 2) * MINUTE
    fleets = make_fleets(options.seed, options.instances, options.minutes, start)
    try:
        with ExitStack() as standing:
            history = open_history(console, standing, out) if options.with_history else None
            receiver, leading, summary = _play(console, standing, fleets, options.minutes, out, began, history)
            _show(terminal, summary)
            if history:
                machine = machine_with_story(summary, machine_names(fleets))
                show_history(console, history, summary, machine, out, ceil_div(options.minutes + 5, 60))
            page = standing.enter_context(Page(leading, out / "page.log", _config(history)))
            _look(console, page, receiver, out, serve=options.serve)
    except (MinistackError, StageError) as error:
        console.print(f"[red]The demonstration could not go on:[/] {error}", soft_wrap=True)
        return 1
    return 0 if _all_arrived(summary) else 1


def _config(history: History | None) -> Path:
    return history.config if history else CONFIG


def _play(
    console: Console,
    standing: ExitStack,
    fleets: Mapping[Cloud, Fleet],
    minutes: int,
    out: Path,
    began: float,
    history: History | None,
) -> tuple[Receiver, Mapping[str, str], dict[str, Any]]:
    """The receiver, the environment that leads to the three clouds, the summary. standing: keeps the clouds up after
    the story has ended."""
    sizes = ", ".join(f"[b]{len(fleet.instances)}[/] on {NAMES[cloud]}" for cloud, fleet in fleets.items())
    console.print(f"A fleet of machines: {sizes}; seed {fleets[Cloud.AWS].seed}.")
    artifacts = build_artifacts(_config(history), out)
    receiver = standing.enter_context(Receiver())
    aws = standing.enter_context(LocalAws(fleets[Cloud.AWS], region=HOME_REGION))
    google = standing.enter_context(LocalGcp(fleets[Cloud.GCP]))
    azure = standing.enter_context(LocalAzure(fleets[Cloud.AZURE]))
    clouds: dict[Cloud, Local] = {Cloud.AWS: aws, Cloud.GCP: google, Cloud.AZURE: azure}
    stage = Stage(aws, receiver)
    stage.build(artifacts[Cloud.AWS])
    entering = stage.let_in(google, azure)
    console.print(_running(artifacts), soft_wrap=True)
    with ExitStack() as playing:
        platforms = (
            Lambda(stage),
            playing.enter_context(CloudFunction(artifacts[Cloud.GCP], entering[Cloud.GCP])),
            playing.enter_context(FunctionApp(artifacts[Cloud.AZURE], entering[Cloud.AZURE])),
        )
        story = _live(console, lambda told: live(clouds, platforms, receiver, minutes, told), fleets, minutes)
    dashboards = pages.read_dashboards(stage)
    start = fleets[Cloud.AWS].start
    page = pages.draw_page(stage, dashboards, start, start + minutes * MINUTE)
    bodies = [{"name": one.name, "body": one.body} for one in dashboards]
    summary = summarize(story, clouds, receiver, bodies, time.monotonic() - began)
    if history:
        summary["history"] = history.kept()
    pages.write_results(out, summary, dashboards, page)
    return receiver, {**google.environment(), **azure.environment(), **aws.environment()}, summary


def _running(artifacts: Mapping[Cloud, Path]) -> str:
    size = {cloud: f"{path.stat().st_size // 1024} kB" for cloud, path in artifacts.items()}
    return (
        f"The packages run: the Lambda ({size[Cloud.AWS]}) on a local AWS, main.py ({size[Cloud.GCP]}) under "
        f"functions-framework, function_app.py ({size[Cloud.AZURE]}) by its timer. No key is stored: Google's and "
        "Azure's enter AWS by a token.\n"
    )


def _live(
    console: Console, lived: Callable[[Callable[[Minute], None]], Story], fleets: Mapping[Cloud, Fleet], minutes: int
) -> Story:
    """lived: plays the story, and tells each minute."""
    names = machine_names(fleets)
    start = fleets[Cloud.AWS].start
    script = happenings(fleets, names_in_script(fleets), start + minutes * MINUTE)
    err = Console(stderr=True, highlight=False, no_color=console.no_color or None)
    columns = (TextColumn("{task.description}"), Counted(), Left())
    seen = err.is_terminal
    with Progress(*columns, console=err, redirect_stdout=False, disable=not seen, transient=True) as progress:
        task = progress.add_task("minutes of its life", total=minutes + 1)
        # Above the moving line where both are one screen; otherwise where results go.
        shown = err if console.is_terminal and seen else console

        def told(minute: Minute) -> None:
            progress.advance(task)
            at = iso(minute.slot)[11:16]
            for each in script:
                if minute.slot - MINUTE < each.at <= minute.slot:
                    shown.print(
                        f"[dim]{at} {each.cloud:<5} {HAPPENS[each.began]:<11} {escape(each.text)}[/]", soft_wrap=True
                    )
            for one in minute.transitions:
                shown.print(_line(at, one, names), soft_wrap=True)

        return lived(told)


def _line(at: str, one: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """at: when it was told; the points that decided are older by what their provider takes to publish them."""
    cloud = one["scope"].partition("#")[0]
    name = names.get(one["resource"].lower(), one["resource"])
    told = ", ".join(one["told"]) or "shown only"
    what = f"[{LIGHTS[one['kind']]}]{one['kind']:<11}[/] [b]{one['rule']}[/] {name}"
    return f"[dim]{at}[/] {cloud:<5} {what} → {told} [dim]({one['why']})[/]"


CHANNEL_COLUMNS = (
    Column("CHANNEL"),
    Column("RECEIVED", right=True),
    Column("DISTINCT", rank=1, right=True),
    Column("REFUSED", rank=2, right=True),
    Column("SIGNED", rank=3),
)
CLOUD_COLUMNS = (
    Column("CLOUD"),
    Column("MACHINES", right=True),
    Column("SERIES", rank=3, right=True),
    Column("POINTS", rank=4, right=True),
    Column("COVERAGE", rank=2, right=True),
    Column("ALERTS", rank=1, right=True),
    Column("CALLS", rank=5, right=True),
    Column("BILLED", rank=6, right=True),
)
SIGNED = {True: Cell("yes", "green"), False: Cell("NO", "red"), None: Cell("-")}


def _show(terminal: Terminal, summary: dict[str, Any]) -> None:
    terminal.line()
    terminal.heading("Messages, as their receivers saw them")
    terminal.table(CHANNEL_COLUMNS, [_channel_row(name, row) for name, row in summary["notifications"].items()])
    terminal.line()
    terminal.heading("Clouds, as they counted it themselves")
    terminal.table(CLOUD_COLUMNS, [_cloud_row(cloud, part) for cloud, part in summary["clouds"].items()])
    terminal.line()
    terminal.line(_sentence(summary))


def _channel_row(name: str, row: Mapping[str, Any]) -> list[Cell | str]:
    numbers = (str(row[key]) for key in ("received", "distinct", "refused"))
    return [name, *numbers, SIGNED[row.get("signed")]]


def _cloud_row(cloud: str, part: Mapping[str, Any]) -> list[Cell | str]:
    read = (part["instances"], part["series_read"], part["points_read"])
    shares = (f"{part['coverage'].get('mean', 0):.1%}", str(part["transitions"]))
    calls = (part["api"]["calls"], part["api"]["billable_units"])
    return [NAMES[Cloud(cloud)], *map("{:,}".format, read), *shares, *map("{:,}".format, calls)]


def _sentence(summary: dict[str, Any]) -> str:
    parts = summary["clouds"].values()
    return (
        f"{sum(part['runs'] for part in parts)} runs read {sum(part['points_read'] for part in parts):,} points of "
        f"{sum(part['series_read'] for part in parts):,} series; {len(summary['transitions'])} transitions; "
        f"{sum(one['widgets'] for one in summary['dashboards'])} widgets on {len(summary['dashboards'])} dashboard(s); "
        f"{summary['seconds']['all']:.0f} s."
    )


def _all_arrived(summary: dict[str, Any]) -> bool:
    """Every channel that a transition owed a message has received it, once."""
    owed: dict[str, int] = {}
    for one in summary["transitions"]:
        for channel in one["told"]:
            owed[channel] = owed.get(channel, 0) + 1
    received = {channel: row["distinct"] for channel, row in summary["notifications"].items()}
    return all(received.get(channel, 0) >= count for channel, count in owed.items())


def _look(console: Console, page: Page, receiver: Receiver, out: Path, *, serve: bool) -> None:
    """Pictures for those who come later; the page itself for who is here, or as long as it is asked for."""
    message = first_firing(receiver.deliveries("chat"))
    try:
        drawn = [path.name for path in draw_pictures(out, page.address, message, "chat")]
    except BrowserError as error:
        console.print(f"[dim]No pictures were taken: {error}[/]", soft_wrap=True)
        drawn = []
    files = ", ".join(["dashboard.html", "summary.json", *drawn])
    console.print(f"\nIn [b]{out}[/]: {files}.", soft_wrap=True)
    if not serve and not sys.stdin.isatty():
        console.print("nephoscope demo --serve keeps the page up: search, sort, each machine's series.", soft_wrap=True)
        return
    console.print(f"The page is at [b]{page.address}[/]; it stays until Ctrl-C.", soft_wrap=True)
    try:
        page.wait()
    except KeyboardInterrupt:
        console.print("Ended.")
