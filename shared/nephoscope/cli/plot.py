"""`nephoscope plot`: metrics over time, as a picture or as lines of blocks in the terminal."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from nephoscope.app.outside import Outside
from nephoscope.catalog.loader import load_catalog
from nephoscope.cli.call import FAILED, Call, CallError, add_cloud_argument
from nephoscope.cli.open_times import remembered_spans, replayed_spans
from nephoscope.cli.plot_choice import (
    HOURS,
    check_out,
    check_words,
    cut_of,
    hours_of,
    is_wanted,
    metrics_named,
    refuse_nobody,
)
from nephoscope.cli.plot_data import plot_object
from nephoscope.cli.provider_history import add_spend_argument, check_price, gaps_of, read_windows, recorded
from nephoscope.cli.reading import look, report_gaps
from nephoscope.cli.show import positive
from nephoscope.cli.sparks import show_sparks
from nephoscope.cli.zones import zone_of
from nephoscope.model.metric import Metric
from nephoscope.model.resource import Resource
from nephoscope.model.series import Gap
from nephoscope.model.time import HOUR, MINUTE, floor_to
from nephoscope.pipeline.plotting.picture import Asked, compose
from nephoscope.pipeline.plotting.selecting import WORDS
from nephoscope.pipeline.plotting.tracks import Track, plan_tracks, span_of, tracks_of
from nephoscope.pipeline.replay import Recording, record

HELP = "Plot metrics over time: a picture (PNG, SVG), or lines of blocks in the terminal."
EXAMPLES = """\
examples:
  nephoscope plot cpu.utilization                  in the terminal, the worst first
  nephoscope plot cpu.utilization --resource web-1 --hours 6
  nephoscope plot cpu.utilization --out cpu.png    a line a machine; bands of many
  nephoscope plot cpu.utilization memory.utilization --out both.svg
  nephoscope plot cpu.utilization --by region --where tag:env=prod --out regions.png
  nephoscope plot cpu.utilization --zone Europe/Berlin --theme dark --out dark.png
  nephoscope plot cpu.utilization --from week.jsonl --out week.png
  nephoscope plot cpu.utilization --resource 'web-*' --json

The points are read from the providers; what that costs at list price is said first. Gaps
are points that nobody has. Dashed lines are the thresholds of your rules; shaded times
are those at which their alerts were open, as the alert memory has them; with --from, as
`nephoscope backtest` replays them. Machines that are stopped are left out unless named.

--json prints one document: begin, end, and for each metric its unit (UCUM), thresholds,
alerts and series; a series has scope, resource, name, attributes, period (seconds) and
points, pairs of a time (seconds since 1970, UTC) and a value."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("metric", nargs="+", metavar="METRIC", help="several stand below each other")
    parser.add_argument(
        "--resource", nargs="+", action="extend", default=[], metavar="NAME|ID", help="only these; * is any part of it"
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="WORD=VALUE",
        help=f"only with this; WORD: {', '.join(WORDS)} or tag:NAME; * stands for any part of it",
    )
    parser.add_argument(
        "--by", default="", metavar="WORD", help="a panel for each region, cloud, zone, type or tag:NAME"
    )
    parser.add_argument(
        "--hours", type=positive, metavar="N", help=f"how far back; default: {HOURS}, of daily metrics 14 days"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="a picture: .png or .svg")
    parser.add_argument("--spark", action="store_true", help="lines of blocks, also with --out")
    parser.add_argument(
        "--form", choices=["auto", "lines", "bands"], default="auto", help="how many machines are drawn"
    )
    parser.add_argument("--zone", metavar="ZONE", help="of the times: Europe/Berlin; default: this machine's")
    parser.add_argument("--theme", choices=["light", "dark"], default="light", help="of the picture; default: light")
    parser.add_argument("--from", dest="recorded", type=Path, metavar="FILE", help="what `backtest --record` has kept")
    add_spend_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document with the points")
    add_cloud_argument(parser)


def run(call: Call) -> int:
    args = call.args
    check_out(args.out)
    check_words(args)
    zone = zone_of(args.zone, call.environment)
    if args.recorded:
        config = call.config()
        catalog = load_catalog().configured(config)
        metrics = metrics_named(args.metric, catalog)
        recordings = recorded(args.recorded)
        begin, end = cut_of(args, span_of(recordings))
        tracks = _tracks(args, recordings, metrics, begin, end)
        every = [track for each in tracks.values() for track in each]
        spans = replayed_spans(call, recordings, config, catalog, every, begin, end)
        gaps: tuple[Gap, ...] = ()
    else:
        outside = call.outside_looking()
        config, metrics = outside.config, metrics_named(args.metric, outside.catalog)
        end = floor_to(int(call.clock.wall()), MINUTE)
        begin = end - hours_of(args, metrics) * HOUR
        recordings, gaps = _read(call, outside, metrics, begin, end)
        tracks = _tracks(args, recordings, metrics, begin, end)
        every = [track for each in tracks.values() for track in each]
        spans = remembered_spans(call, outside, every, begin, end)
    asked = Asked(metrics, tracks, config.rules, begin, end, zone, spans, args.by, args.form, _about(args))
    _show(call, asked)
    code = report_gaps(call.terminal, gaps)
    return code if recordings else FAILED


def _about(args: argparse.Namespace) -> str:
    return ", ".join([*args.where, *(args.resource if len(args.resource) > 1 else ())])


# --- reading ------------------------------------------------------------------------------------------------------


def _read(
    call: Call, outside: Outside, metrics: Sequence[Metric], begin: int, now: int
) -> tuple[tuple[Recording, ...], tuple[Gap, ...]]:
    looked = look(call, outside)
    wanted = {
        scope: [each for each in inventory.resources if is_wanted(call.args, each, metrics)]
        for scope, inventory in looked.inventories.items()
    }
    if not any(wanted.values()) and looked.resources:
        refuse_nobody(call.args, looked.resources)
    requests = {scope: plan_tracks(resources, metrics, begin, now) for scope, resources in wanted.items()}
    check_price(call, requests, outside.catalog, "--hours, --resource and --where make it less.")
    reads = read_windows(call, outside, requests)
    recordings = tuple(
        replace(record(scope, (), begin, now, reads.get(scope, [])), resources=tuple(resources))
        for scope, resources in wanted.items()
    )
    return recordings, gaps_of(looked, reads)


def _tracks(
    args: argparse.Namespace, recordings: Sequence[Recording], metrics: Sequence[Metric], begin: int, end: int
) -> Mapping[str, tuple[Track, ...]]:
    def wanted(resource: Resource) -> bool:
        return is_wanted(args, resource, metrics)

    return {metric.name: tracks_of(recordings, metric.name, begin, end, wanted) for metric in metrics}


# --- showing ------------------------------------------------------------------------------------------------------


def _show(call: Call, asked: Asked) -> None:
    if call.args.json:
        call.terminal.json(plot_object(asked))
        return
    if call.args.out:
        _write(call, asked)
    if call.args.spark or not call.args.out:
        show_sparks(call, asked)


def _write(call: Call, asked: Asked) -> None:
    """Raises CallError."""
    from nephoscope.views.plots.drawing import write_picture  # noqa: PLC0415 - a second to import
    from nephoscope.views.plots.themes import THEMES  # noqa: PLC0415 - as above

    path: Path = call.args.out
    with call.terminal.progress("drawing"):
        picture = compose(asked)
        try:
            write_picture(picture, path, THEMES[call.args.theme])
        except OSError as error:
            raise CallError(f"cannot write {path}: {error.strerror}") from error
    if picture.left_out:
        call.terminal.note(f"no room for {len(picture.left_out)} groups: {', '.join(picture.left_out[:10])}")
    call.terminal.line(str(path))
