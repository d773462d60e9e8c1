"""`nephoscope demo`: the whole thing on this machine, in a minute, without an account."""

from __future__ import annotations

import argparse
import http.server
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, TextColumn

from nephoscope.cli.table import Cell, Column
from nephoscope.cli.terminal import Counted, Left, Terminal
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_REGION, MinistackError
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.demo import pages
from nephoscope.localcloud.demo.cast import machine_names, make_fleets
from nephoscope.localcloud.demo.platforms import CloudFunction, FunctionApp, Lambda
from nephoscope.localcloud.demo.stage import Stage, StageError
from nephoscope.localcloud.demo.story import Local, Minute, Story, live, summarize
from nephoscope.localcloud.fleet import Fleet
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.localcloud.receivers import Receiver
from nephoscope.model.scope import Cloud
from nephoscope.model.time import MINUTE, floor_to, iso

ROOT = Path(__file__).resolve().parents[3]
"""The checkout: the demonstration builds the artifact that would be deployed, from its sources."""

CONFIG = Path(pages.__file__).with_name("nephoscope.yaml")
NAMES = {Cloud.AWS: "AWS", Cloud.GCP: "Google", Cloud.AZURE: "Azure"}
LIGHTS = {"fired": "red", "went_silent": "yellow", "resolved": "green", "back": "green"}


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """0 when every message arrived; 1 when something did not, said which. options: seed, instances, minutes, out,
    serve."""
    console = Console(highlight=False, no_color=not terminal.colored or None)
    began = time.monotonic()
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    # A story that has just ended: its data lie in the past, where a provider takes them.
    start = floor_to(int(time.time()), MINUTE) - (options.minutes + 2) * MINUTE
    fleets = make_fleets(options.seed, options.instances, options.minutes, start)
    try:
        summary, page = _play(console, fleets, options.minutes, out, began)
    except (MinistackError, StageError, subprocess.CalledProcessError) as error:
        console.print(f"[red]The demonstration could not go on:[/] {error}", soft_wrap=True)
        return 1
    _show(console, terminal, summary, page)
    if options.serve:
        _serve(console, out)
    return 0 if _all_arrived(summary) else 1


def _play(
    console: Console, fleets: Mapping[Cloud, Fleet], minutes: int, out: Path, began: float
) -> tuple[dict[str, Any], Path]:
    sizes = ", ".join(f"[b]{len(fleet.instances)}[/] on {NAMES[cloud]}" for cloud, fleet in fleets.items())
    console.print(f"A fleet of machines: {sizes}; seed {fleets[Cloud.AWS].seed}.")
    artifacts = build_artifacts(out)
    with ExitStack() as standing:
        receiver = standing.enter_context(Receiver())
        aws = standing.enter_context(LocalAws(fleets[Cloud.AWS], region=HOME_REGION))
        google = standing.enter_context(LocalGcp(fleets[Cloud.GCP]))
        azure = standing.enter_context(LocalAzure(fleets[Cloud.AZURE]))
        clouds: dict[Cloud, Local] = {Cloud.AWS: aws, Cloud.GCP: google, Cloud.AZURE: azure}
        stage = Stage(aws, receiver)
        stage.build(artifacts[Cloud.AWS])
        entering = stage.let_in(google, azure)
        platforms = (
            Lambda(stage),
            standing.enter_context(CloudFunction(artifacts[Cloud.GCP], entering[Cloud.GCP])),
            standing.enter_context(FunctionApp(artifacts[Cloud.AZURE], entering[Cloud.AZURE])),
        )
        console.print(_running(artifacts), soft_wrap=True)
        story = _live(console, lambda told: live(clouds, platforms, receiver, minutes, told), fleets, minutes)
        dashboards = pages.read_dashboards(stage)
        start = fleets[Cloud.AWS].start
        page = pages.draw_page(stage, dashboards, start, start + minutes * MINUTE)
        bodies = [{"name": one.name, "body": one.body} for one in dashboards]
        summary = summarize(story, clouds, receiver, bodies, time.monotonic() - began)
    pages.write_results(out, summary, dashboards, page)
    return summary, out / "dashboard.html"


def build_artifacts(out: Path) -> dict[Cloud, Path]:
    """The packages for the demonstration's configuration, as they would be deployed. Raises CalledProcessError."""
    builder = [sys.executable, str(ROOT / "infra/build.py"), "--config", str(CONFIG), "--out", str(out)]
    subprocess.run(builder, check=True, stdout=subprocess.DEVNULL)
    return {cloud: out / f"{cloud}.zip" for cloud in Cloud}


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
    err = Console(stderr=True, highlight=False, no_color=console.no_color or None)
    columns = (TextColumn("{task.description}"), Counted(), Left())
    seen = err.is_terminal
    with Progress(*columns, console=err, redirect_stdout=False, disable=not seen, transient=True) as progress:
        task = progress.add_task("minutes of its life", total=minutes + 1)
        # Above the moving line where both are one screen; otherwise where results go.
        shown = err if console.is_terminal and seen else console

        def told(minute: Minute) -> None:
            progress.advance(task)
            for one in minute.transitions:
                shown.print(_line(iso(minute.slot)[11:16], one, names), soft_wrap=True)

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


def _show(console: Console, terminal: Terminal, summary: dict[str, Any], page: Path) -> None:
    terminal.line()
    terminal.heading("Messages, as their receivers saw them")
    terminal.table(CHANNEL_COLUMNS, [_channel_row(name, row) for name, row in summary["notifications"].items()])
    terminal.line()
    terminal.heading("Clouds, as they counted it themselves")
    terminal.table(CLOUD_COLUMNS, [_cloud_row(cloud, part) for cloud, part in summary["clouds"].items()])
    terminal.line()
    terminal.line(_sentence(summary))
    console.print(f"Look at [b]{page}[/] and at summary.json beside it.", soft_wrap=True)


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


def _serve(console: Console, out: Path) -> None:
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(out))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        console.print(f"http://127.0.0.1:{server.server_address[1]}/dashboard.html (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.print("Ended.")
