"""`nephoscope demo`: the whole thing on this machine, in a minute, without an account."""

from __future__ import annotations

import argparse
import http.server
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_REGION, MinistackError
from nephoscope.localcloud.demo import pages
from nephoscope.localcloud.demo.stage import Stage, StageError
from nephoscope.localcloud.demo.story import Minute, Story, live, summarize
from nephoscope.localcloud.fleet import Fleet, simulate
from nephoscope.localcloud.receivers import Receiver
from nephoscope.model.time import MINUTE, floor_to

ROOT = Path(__file__).resolve().parents[3]
"""The checkout: the demonstration builds the artifact that would be deployed, from its sources."""

CONFIG = Path(pages.__file__).with_name("nephoscope.yaml")
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")
LIGHTS = {"fired": "red", "went_silent": "yellow", "resolved": "green", "back": "green"}


def run(options: argparse.Namespace) -> int:
    """0 when every message arrived; 1 when something did not, said which. options: seed, instances, minutes, out,
    serve."""
    console = Console(stderr=False, highlight=False)
    began = time.monotonic()
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    fleet = make_fleet(options.seed, options.instances, options.minutes)
    try:
        summary, page = _play(console, fleet, options.minutes, out, began)
    except (MinistackError, StageError, subprocess.CalledProcessError) as error:
        console.print(f"[red]The demonstration could not go on:[/] {error}", soft_wrap=True)
        return 1
    _show(console, summary, page)
    if options.serve:
        _serve(console, out)
    return 0 if _all_arrived(summary) else 1


def make_fleet(seed: int, instances: int, minutes: int) -> Fleet:
    """A fleet whose story has just ended: its data lie in the past, where a provider takes them."""
    start = floor_to(int(time.time()), MINUTE) - (minutes + 2) * MINUTE
    return simulate(seed, instances, REGIONS, start=start, minutes=minutes)


def _play(console: Console, fleet: Fleet, minutes: int, out: Path, began: float) -> tuple[dict[str, Any], Path]:
    console.print(
        f"A fleet of [b]{len(fleet.instances)}[/] machines in {len(fleet.regions)} regions, seed {fleet.seed}."
    )
    artifact = build_artifact(out)
    with Receiver() as receiver, LocalAws(fleet, region=HOME_REGION) as aws:
        aws.set_time(fleet.start)
        stage = Stage(aws, receiver)
        stage.build(artifact)
        console.print(f"The function's package ({artifact.stat().st_size // 1024} kB) runs on a local AWS.\n")
        story = _live(console, stage, fleet, minutes)
        dashboards = pages.read_dashboards(stage)
        end = fleet.start + minutes * MINUTE
        page = pages.draw_page(stage, dashboards, fleet.start, end)
        bodies = [{"name": one.name, "body": one.body} for one in dashboards]
        summary = summarize(story, stage, fleet, bodies, time.monotonic() - began)
    pages.write_results(out, summary, dashboards, page)
    return summary, out / "dashboard.html"


def build_artifact(out: Path) -> Path:
    """The Lambda's zip for the demonstration's configuration. Raises CalledProcessError."""
    builder = [sys.executable, str(ROOT / "infra/build.py"), "--config", str(CONFIG), "--out", str(out)]
    subprocess.run(builder, check=True, stdout=subprocess.DEVNULL)
    return out / "aws.zip"


def _live(console: Console, stage: Stage, fleet: Fleet, minutes: int) -> Story:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("minutes of its life", total=minutes + 1)

        def told(minute: Minute) -> None:
            progress.advance(task)
            for one in minute.run["transitions"]:
                progress.console.print(_line(one, fleet), soft_wrap=True)

        return live(stage, fleet.start, minutes, told)


def _line(one: dict[str, Any], fleet: Fleet) -> str:
    instance = fleet.instance(one["resource"])
    name = f"{instance.name or instance.id}" if instance else one["resource"]
    light = LIGHTS[one["kind"]]
    told = ", ".join(one["told"]) or "shown only"
    what = f"[{light}]{one['kind']:<11}[/] [b]{one['rule']}[/] {name}"
    return f"[dim]{one['at'][11:16]}[/] {what} → {told} [dim]({one['why']})[/]"


def _show(console: Console, summary: dict[str, Any], page: Path) -> None:
    told = Table(title="Messages, as their receivers saw them", title_justify="left")
    for heading in ("channel", "received", "distinct", "refused", "signed"):
        told.add_column(heading, justify="left" if heading in ("channel", "signed") else "right")
    for channel, row in summary["notifications"].items():
        signed = {True: "yes", False: "NO", None: "-"}[row.get("signed")]
        told.add_row(channel, str(row["received"]), str(row["distinct"]), str(row["refused"]), signed)
    calls = Table(title="Calls, as the cloud counted them", title_justify="left")
    for heading in ("action", "calls", "denied", "billed units"):
        calls.add_column(heading, justify="left" if heading == "action" else "right")
    for action, row in summary["api"]["by_action"].items():
        if action.startswith(("ec2:", "cloudwatch:", "s3:")):
            calls.add_row(action, str(row["calls"]), str(row["denied"]), str(row["units"]))
    console.print()
    console.print(told, calls)
    console.print(_sentence(summary), soft_wrap=True)
    console.print(f"Look at [b]{page}[/] and at summary.json beside it.", soft_wrap=True)


def _sentence(summary: dict[str, Any]) -> str:
    return (
        f"{summary['runs']} runs read {summary['points_read']:,} points of {summary['series_read']:,} series, "
        f"coverage {summary['coverage'].get('mean', 0):.1%}; {len(summary['transitions'])} transitions; "
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
