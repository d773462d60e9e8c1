"""`nephoscope metrics`: the newest settled values, asked of the clouds now; and the catalog of what there is."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from nephoscope.app.outside import Outside
from nephoscope.catalog.loader import load_catalog
from nephoscope.cli.call import FAILED, WELL, Call, CallError, add_cloud_argument
from nephoscope.cli.reading import SECONDS, Looked, each_scope, look, report_gaps
from nephoscope.cli.rows import id_words, name_words, resource_object
from nephoscope.cli.table import Cell, Column
from nephoscope.model.memory import Progress
from nephoscope.model.metric import Metric
from nephoscope.model.resource import Resource
from nephoscope.model.rule import Comparison, Rule, Threshold
from nephoscope.model.scope import Scope
from nephoscope.model.series import Readings, Series
from nephoscope.model.time import MINUTE, floor_to, iso
from nephoscope.pipeline.need import metrics_of, plan_reads
from nephoscope.pipeline.wording import clean, render_duration, render_value

HELP = "Show the newest settled value of each metric, read from the clouds now; or the catalog."
EXAMPLES = """\
examples:
  nephoscope metrics                               the metrics that the rules need
  nephoscope metrics --metric cpu.utilization
  nephoscope metrics --json | jq '.[] | select(.value > 0.9)'
  nephoscope metrics --catalog                     every metric that rules can name

--json prints a list of objects: as `list --json`, with metric, value (null where
the provider has no point), unit (UCUM; 1 is a fraction), at, and attributes.
Each metric of each resource that is read costs what its provider bills for a read of
one: on AWS a GetMetricData metric, on Google a time series."""

COLUMNS = (
    Column("ID"),
    Column("NAME", rank=1, flows=True),
    Column("METRIC", flows=True),
    Column("VALUE", right=True),
    Column("AT", rank=3),
    Column("REGION", rank=2),
    Column("ACCOUNT", rank=4),
    Column("CLOUD", rank=5),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON list")
    add_cloud_argument(parser)
    parser.add_argument("--catalog", action="store_true", help="print the catalog; no cloud is asked")
    parser.add_argument(
        "--metric", action="append", default=[], metavar="NAME", help="this one instead of those that rules need"
    )


def run(call: Call) -> int:
    if call.args.catalog:
        return _catalog(call)
    outside = call.outside_only()
    rules = _asked(call.args.metric, outside.catalog.metrics) or outside.config.rules
    if not metrics_of(rules):
        if call.args.json:
            call.terminal.json_list(())
        call.terminal.note("no rule needs a metric; name one with --metric (nephoscope metrics --catalog lists them)")
        return WELL
    looked = look(call, outside)
    readings = _read(call, outside, looked, rules)
    gaps = looked.gaps + tuple(gap for reading in readings.values() for gap in reading.gaps)
    pairs = [
        pair for scope, reading in readings.items() for pair in _paired(looked.inventories[scope].resources, reading)
    ]
    if pairs or not gaps:  # what could not be read is no empty list
        _show(call, outside.catalog.metrics, pairs)
    code = report_gaps(call.terminal, gaps)
    return code if looked.inventories else FAILED


def _asked(names: Sequence[str], metrics: Mapping[str, Metric]) -> tuple[Rule, ...]:
    """A rule that reads it, for each metric that was named. Raises CallError."""
    for name in names:
        if name not in metrics:
            close = get_close_matches(name, metrics, n=1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise CallError(f'unknown metric "{clean(name)}"{meant}', "nephoscope metrics --catalog lists them.")
    return tuple(Rule(name, metrics[name].on, Threshold(name, Comparison.GREATER, math.inf)) for name in names)


def _read(call: Call, outside: Outside, looked: Looked, rules: Sequence[Rule]) -> dict[Scope, Readings]:
    slot = floor_to(int(call.clock.wall()), MINUTE)
    deadline = call.deadline(SECONDS)

    def read(scope: Scope) -> Readings:
        resources = looked.inventories[scope].resources
        requests = plan_reads(resources, rules, outside.catalog.metrics, Progress(scope), slot)
        return outside.readers[scope.cloud].read_series(scope, outside.config, requests, deadline)

    return each_scope(call, "reading metrics", list(looked.inventories), read)


def _show(call: Call, metrics: Mapping[str, Metric], pairs: Sequence[tuple[Resource, Series]]) -> None:
    if call.args.json:
        call.terminal.json_list(_object(resource, series, metrics[series.key.metric]) for resource, series in pairs)
    elif pairs:
        rows = [_row(resource, series, metrics[series.key.metric]) for resource, series in pairs]
        call.terminal.table(_columns(pairs), rows)
    number = "1 value" if len(pairs) == 1 else f"{len(pairs)} values"
    call.terminal.note(f"{number} of {len({resource.id for resource, _ in pairs})} resources")


def _columns(pairs: Sequence[tuple[Resource, Series]]) -> tuple[Column, ...]:
    """Which metric it is can be left out where it is the only one."""
    several = len({series.key[1:] for _, series in pairs}) > 1
    return tuple(replace(column, rank=6) if column.title == "METRIC" and not several else column for column in COLUMNS)


def _paired(resources: Iterable[Resource], reading: Readings) -> list[tuple[Resource, Series]]:
    by_id = {resource.id: resource for resource in resources}
    known = [series for series in reading.series if series.times or series.complete]
    return [(by_id[series.key.resource_id], series) for series in sorted(known, key=lambda series: series.key)]


def _object(resource: Resource, series: Series, metric: Metric) -> dict[str, object]:
    value = series.values[-1] if series.times else None
    return resource_object(resource) | {
        "metric": metric.name,
        "attributes": dict(series.key.attributes),
        "value": value if value is None or math.isfinite(value) else None,
        "unit": metric.unit,
        "at": iso(series.times[-1]) if series.times else None,
    }


def _row(resource: Resource, series: Series, metric: Metric) -> list[Cell | str]:
    attributes = ", ".join(clean(value) for _, value in series.key.attributes)
    return [
        id_words(resource),
        name_words(resource),
        metric.name + (f" [{attributes}]" if attributes else ""),
        render_value(series.values[-1], metric.unit) if series.times else Cell("no point", "yellow"),
        iso(series.times[-1]) if series.times else "",
        resource.scope.region,
        resource.scope.account,
        resource.scope.cloud,
    ]


# --- the catalog --------------------------------------------------------------------------------------------------

CATALOG_COLUMNS = (
    Column("METRIC"),
    Column("ON", rank=3),
    Column("UNIT", rank=1),
    Column("CLOUDS", rank=4),
    Column("EVERY", rank=2),
    Column("WHAT IT IS", rank=5, flows=True, least=40),
)


def _catalog(call: Call) -> int:
    metrics = load_catalog().metrics.values()
    if call.args.json:
        call.terminal.json_list(map(_catalog_object, metrics))
    else:
        call.terminal.table(CATALOG_COLUMNS, [_catalog_row(metric) for metric in metrics])
    return WELL


def _catalog_object(metric: Metric) -> dict[str, object]:
    sources = {
        cloud: {
            "name": f"{source.namespace} {source.vendor_name}",
            "period": source.period,
            "fine_period": source.fine_period,
            "page": source.page,
        }
        for cloud, source in metric.sources.items()
    }
    return {
        "metric": metric.name,
        "on": metric.on,
        "unit": metric.unit,
        "description": metric.description,
        "clouds": sources,
    }


def _catalog_row(metric: Metric) -> list[Cell | str]:
    periods = sorted({p for s in metric.sources.values() for p in (s.fine_period, s.period) if p})
    return [
        metric.name,
        metric.on,
        metric.unit,
        " ".join(metric.sources),
        " or ".join(render_duration(period) for period in periods),
        metric.description,
    ]
