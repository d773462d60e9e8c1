"""What a plot is asked to show, checked before anything is read or paid."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from nephoscope.app.authoring.findings import did_you_mean
from nephoscope.catalog.loader import Catalog
from nephoscope.cli.call import CallError
from nephoscope.model.metric import Metric
from nephoscope.model.resource import Resource
from nephoscope.model.time import DAY, HOUR
from nephoscope.pipeline.plotting.selecting import WORDS, Choice, is_named, is_word
from nephoscope.pipeline.wording import clean

HOURS, DAILY_HOURS = 24, 14 * 24
MOST_HOURS, MOST_DAILY_HOURS = 14 * 24, 90 * 24
"""CloudWatch keeps one-minute points for 15 days; see backtest.py."""

FORMS = (".png", ".svg")


def check_out(out: Path | None) -> None:
    """Raises CallError."""
    if out is None:
        return
    if out.suffix.lower() not in FORMS:
        raise CallError(f"{out} is no picture's name", "Pictures end in .png or .svg: --out cpu.png")
    if not out.parent.is_dir():
        raise CallError(f"there is no folder {out.parent}")
    if find_spec("matplotlib") is None:
        raise CallError(
            "a picture needs matplotlib, which is not installed",
            "Install it with: pip install 'nephoscope[cli,plot]'; without --out the terminal shows blocks.",
        )


def check_words(args: argparse.Namespace) -> None:
    """Raises CallError."""
    words = [text.partition("=")[0] for text in args.where] + ([args.by] if args.by else [])
    for word in words:
        if not is_word(word):
            known = [*WORDS, "tag:NAME"]
            hint = "A tag is written tag:env, and with its value tag:env=prod."
            raise CallError(f'unknown word "{clean(word, 60)}"{did_you_mean(word, known)}', hint)
    for text in args.where:
        if "=" not in text:
            raise CallError(f'--where "{clean(text, 60)}" has no value', "For example: --where region=eu-west-1")


def metrics_named(names: Sequence[str], catalog: Catalog) -> tuple[Metric, ...]:
    """Raises CallError for one that the catalog has not, and for those of different kinds of things."""
    for name in names:
        if name not in catalog.metrics:
            near = did_you_mean(name, catalog.metrics)
            raise CallError(f'unknown metric "{clean(name, 60)}"{near}', "nephoscope metrics --catalog lists them.")
    metrics = tuple(catalog.metrics[name] for name in dict.fromkeys(names))
    kinds = {metric.on: metric.name for metric in metrics}
    if len(kinds) > 1:
        said = " and ".join(f"{name} is of {kind}s" for kind, name in kinds.items())
        raise CallError(f"{said}: they are not in one picture", "Plot them one after the other.")
    return metrics


def hours_of(args: argparse.Namespace, metrics: Sequence[Metric]) -> int:
    """Raises CallError for more than is kept."""
    daily = all(source.period >= DAY for metric in metrics for source in metric.sources.values())
    hours: int = args.hours or (DAILY_HOURS if daily else HOURS)
    most = MOST_DAILY_HOURS if daily else MOST_HOURS
    if hours > most:
        raise CallError(f"--hours {hours} is more than {most}: providers keep fine points for two weeks only")
    return hours


def cut_of(args: argparse.Namespace, span: tuple[int, int]) -> tuple[int, int]:
    """Of what was recorded the last hours that are asked for."""
    begin, end = span
    return (max(begin, end - args.hours * HOUR) if args.hours else begin), end


def is_wanted(args: argparse.Namespace, resource: Resource, metrics: Iterable[Metric]) -> bool:
    """Machines that do not run have had points, too: they are read where they are named."""
    if not any(metric.on is resource.kind for metric in metrics):
        return False
    named = is_named(resource, args.resource) and all(_choice(text).holds(resource) for text in args.where)
    return named and (resource.measured or bool(args.resource))


def _choice(text: str) -> Choice:
    word, _, pattern = text.partition("=")
    return Choice(word, pattern)


def refuse_nobody(args: argparse.Namespace, resources: Sequence[Resource]) -> None:
    """Raises CallError."""
    known = [name for each in resources for name in (each.name, each.id) if name]
    for name in args.resource:
        if name not in known:
            near = did_you_mean(name, known) if len(known) > 8 or "*" not in name else ""
            raise CallError(f'no machine is called "{clean(name, 60)}"{near}', "nephoscope list shows them.")
    raise CallError(f"none of {len(resources)} resources is meant", "nephoscope list shows them, with their tags.")
