"""`nephoscope history`: what was, out of Elasticsearch: a table, a file for other programs, a picture."""

from __future__ import annotations

import argparse
import csv
import math
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from nephoscope.app.authoring.findings import did_you_mean
from nephoscope.app.history import SECONDS, History, NoHistoryError, newest_after, open_reader, read_history
from nephoscope.catalog.loader import load_catalog
from nephoscope.cli.call import FAILED, WELL, Call, CallError
from nephoscope.cli.history_picture import picture_of
from nephoscope.cli.history_table import MOST, show_table
from nephoscope.cli.plot_choice import check_out
from nephoscope.cli.show import positive
from nephoscope.cli.silence import duration_of
from nephoscope.cli.zones import zone_of
from nephoscope.model.config import Config
from nephoscope.model.question import Course, Question
from nephoscope.model.rule import Threshold
from nephoscope.model.time import HOUR, MINUTE, floor_to, iso
from nephoscope.pipeline.asking.fields import BY, UnclearQuestionError
from nephoscope.pipeline.asking.question import ask
from nephoscope.pipeline.plotting.picture import Asked, compose
from nephoscope.pipeline.wording import clean, render_duration, render_time

HELP = "Ask Elasticsearch for a metric's history: a table, JSON, CSV or a picture."
EXAMPLES = """\
examples:
  nephoscope history cpu.utilization                     each machine's average over a day
  nephoscope history cpu.utilization --max --by tag:env
  nephoscope history cpu.utilization --where cloud=aws --plot cpu.png
  nephoscope history cpu.utilization --where 'host=web-*' --where tag:env=prod --hours 720
  nephoscope history memory.utilization --p95 --by region --step 1h
  nephoscope history cpu.utilization --until 2026-11-20T12:00 --hours 6
  nephoscope history cpu.utilization --csv > cpu.csv
  nephoscope history cpu.utilization --by none --json

What publish.elasticsearch keeps is asked; no provider is. The server puts points together:
a step's figure is of all points of a group that began in it. WORD is host, region, zone,
account, cloud, type, kind, tag:NAME or attribute:NAME; --by none puts all together. Tags
are those that publish.elasticsearch keeps. Percentiles are the server's, so approximate.

--json prints one document: metric, unit (UCUM), statistic, by, fleet, begin, end, step
(seconds), period, and groups, the worst first: each with its name, key, value (of the
whole time), average, max, min, points, and steps, pairs of a time (seconds since 1970,
UTC) and a value. --csv prints time (UTC), group, value."""

HOURS = 24
STATISTICS = {
    "avg": "the mean of the points in a step; the default",
    "max": "the highest of them",
    "min": "the lowest of them",
    "sum": "all of them together",
    "count": "how many points there are",
    "p50": "the median",
    "p95": "what 95 %% of them do not exceed",
    "p99": "what 99 %% of them do not exceed",
}
"""Those with an option of their own, and what each is of the points in a step."""


STALE = HOUR // 2
"""Seconds without a point, and three periods, after which it is said that none came: the slowest provider takes ten
minutes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("metric", metavar="METRIC", help="as the catalog names it: cpu.utilization")
    which = parser.add_mutually_exclusive_group()
    for name, about in STATISTICS.items():
        which.add_argument(f"--{name}", dest="statistic", action="store_const", const=name, help=about)
    which.add_argument("--statistic", metavar="WORD", help="any of these, or another percentile: p99.9")
    parser.add_argument("--by", default="host", metavar="WORD", help="what stands on one line; default: host")
    parser.add_argument(
        "--where", action="append", default=[], metavar="WORD=VALUE", help="only with this; * is any part of it"
    )
    parser.add_argument("--hours", type=positive, default=HOURS, metavar="N", help=f"how far back; default: {HOURS}")
    parser.add_argument("--until", metavar="TIME", help="2026-11-20T12:00, UTC; default: now")
    parser.add_argument("--step", metavar="TIME", help="5m, 1h; default: 60 to 300 steps")
    out = parser.add_mutually_exclusive_group()
    out.add_argument("--json", action="store_true", help="one JSON document")
    out.add_argument("--csv", action="store_true", help="time, group, value")
    out.add_argument("--plot", type=Path, metavar="FILE", help="a picture: .png or .svg")
    parser.add_argument("--zone", metavar="ZONE", help="of the times shown: Europe/Berlin; default: this machine's")
    parser.add_argument("--theme", choices=["light", "dark"], default="light", help="of the picture; default: light")


def run(call: Call) -> int:
    args = call.args
    check_out(args.plot)
    zone = zone_of(args.zone, call.environment)
    config = call.config()
    question = _question(call, config)
    call.history(config)
    upward = not any(_falls(rule.when, args.metric) for rule in config.rules)
    reader = open_reader(config, call.environment, call.clock)
    most = 0 if args.json or args.csv or args.plot else MOST
    try:
        with closing(reader), call.terminal.progress("asking"):
            history = read_history(reader, question, call.deadline(SECONDS), most=most, upward=upward)
            later = 0 if args.until else newest_after(reader, question, call.deadline(SECONDS))
    except NoHistoryError as error:
        return _say_nothing(call, question, error)
    if not args.until:
        _say_how_fresh(call, history, later)
    if question.step and history.question.step != question.step:
        call.terminal.note(f"steps of {history.question.step} s: its points come no more often")
    if args.json:
        call.terminal.json_with(
            {**history.facts(), "period": history.period}, "groups", map(group_object, history.courses)
        )
    elif args.csv:
        _write_csv(history)
    elif args.plot:
        _write_picture(call, picture_of(history, _about(args), zone))
    else:
        show_table(call.terminal, history, zone)
    return WELL


def _say_how_fresh(call: Call, history: History, later: int) -> None:
    """What one would not see in an answer that ends now: that it lacks the newest points, or that none came lately."""
    end = history.question.end
    if later:
        call.terminal.note(
            f"points are kept until {render_time(later)}, and this machine's clock says {render_time(end)}: one of the "
            f"clocks is wrong; --until {datetime.fromtimestamp(later + MINUTE, UTC):%Y-%m-%dT%H:%M} shows them"
        )
    elif end - history.last > max(STALE, 3 * history.period):
        call.terminal.note(
            f"the newest point is of {render_time(history.last)}, {render_duration(end - history.last)} ago"
        )


def _falls(when: object, metric: str) -> bool:
    """Whether a rule takes low values for bad ones."""
    return isinstance(when, Threshold) and when.metric == metric and not when.comparison.upward


def _about(args: argparse.Namespace) -> str:
    return ", ".join(args.where)


# --- understanding ------------------------------------------------------------------------------------------------


def _question(call: Call, config: Config) -> Question:
    """Raises CallError."""
    args = call.args
    end = _until(args.until) if args.until else floor_to(int(call.clock.wall()), MINUTE)
    step = duration_in(args.step) if args.step else 0
    statistic = args.statistic or "avg"
    try:
        return ask(config.fleet, args.metric, statistic, args.by, args.where, end - args.hours * HOUR, end, step)
    except UnclearQuestionError as error:
        near = did_you_mean(error.word, error.known) if error.word else ""
        said = clean(str(error), 120)
        if error.word == "state":
            raise CallError(f"{said}: points say nothing of it", "nephoscope states HOST shows a machine's.") from error
        raise CallError(f"{said}{near}", f"Words are {', '.join(BY)}, name, tag:NAME, attribute:NAME.") from error


def duration_in(text: str) -> int:
    """Seconds. Raises CallError."""
    try:
        return duration_of(text)
    except CallError as error:
        raise CallError(f'--step "{clean(text, 40)}" is no step', "For example: --step 5m") from error


def _until(text: str) -> int:
    """Raises CallError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CallError(f'--until "{clean(text, 40)}" is no time', "For example: --until 2026-11-20T12:00") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _say_nothing(call: Call, question: Question, error: NoHistoryError) -> int:
    """What there is instead: the metric at other times, or other metrics."""
    known = [each.metric for each in error.kept]
    if error.elsewhere is not None:
        own = error.elsewhere
        hint = f"It has points from {render_time(own.first)} to {render_time(own.last)}."
    elif not known:
        hint = "Nothing is kept of this fleet yet: each run keeps what it gathers."
    else:
        kept = ", ".join(f"{each.metric} (until {render_time(each.last)})" for each in error.kept[:12])
        hint = f"Kept are {kept}{' and more' if len(known) > 12 else ''}.\npublish.elasticsearch.metrics keeps others."
    catalog = load_catalog().metrics
    if question.metric not in (*known, *catalog):
        near = did_you_mean(question.metric, [*known, *catalog])
        raise CallError(f'unknown metric "{clean(question.metric, 60)}"{near}', hint)
    call.terminal.problem(clean(str(error), 300), hint)
    return FAILED


# --- showing ------------------------------------------------------------------------------------------------------


def group_object(course: Course) -> dict[str, object]:
    """The documented shape of a group; what is no number is null."""
    return {
        "name": course.label,
        "key": list(course.total.key),
        "value": _number(course.total.value),
        "average": _number(course.total.average),
        "max": _number(course.total.highest),
        "min": _number(course.total.lowest),
        "points": course.total.points,
        "steps": [[at, value] for at, value in zip(course.times, course.values, strict=True)],
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _write_csv(history: History) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("time", "group", "value"))
    when = {at: iso(at) for at in history.steps()}
    writer.writerows((when[at], group, repr(value)) for at, group, value in history.rows())


def _write_picture(call: Call, asked: Asked) -> None:
    """Raises CallError."""
    from nephoscope.views.plots.drawing import write_picture  # noqa: PLC0415 - a second to import
    from nephoscope.views.plots.themes import THEMES  # noqa: PLC0415 - as above

    path: Path = call.args.plot
    with call.terminal.progress("drawing"):
        try:
            write_picture(compose(asked), path, THEMES[call.args.theme])
        except OSError as error:
            raise CallError(f"cannot write {path}: {error.strerror}") from error
    call.terminal.line(str(path))
