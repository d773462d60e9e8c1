"""How a Google dashboard asks Cloud Monitoring: filters, aligners, reducers, rankings.

A total of a period would grow with the range that is shown, for the console widens the period with it: what the catalog
sums and divides is asked as a rate here.

Sources: Cloud Monitoring API v1, `projects.dashboards` (TimeSeriesFilter, Aggregation, PickTimeSeriesFilter);
"Monitoring filters" (strings in double quotes, with backslashes; `one_of`, `starts_with`); "Google Cloud metrics".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nephoscope.model.metric import Metric, Source
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.bounds import as_vendor, seconds_in, vendor_upward
from nephoscope.pipeline.board.parts import Limit, Measure, Split, Take

MOST_NAMED = 20
"""Projects in a filter; with more it says nothing of projects, and shows all that this project's metrics scope has."""

UPTIME = "compute.googleapis.com/instance/uptime_total"
"""Every running machine has it, and no other: their number is that of its series."""

REQUESTS = "run.googleapis.com/request_count"
LATENCIES = "run.googleapis.com/request_latencies"

_REDUCERS = {
    Take.AVERAGE: "REDUCE_MEAN",
    Take.SUM: "REDUCE_SUM",
    Take.HIGHEST: "REDUCE_MAX",
    Take.LOWEST: "REDUCE_MIN",
}
_IDENTITY = {
    Kind.INSTANCE: ("project_id", "zone", "instance_id"),
    Kind.BUCKET: ("project_id", "bucket_name"),
}
_NAME = "metadata.system_labels.name"


def filtered(metric_type: str, labels: dict[str, str], projects: Sequence[str] = ()) -> str:
    """`metric.type="..." resource.type="..." ...`; all terms must hold."""
    terms = [f"metric.type={text(metric_type)}", *(f"{name}={text(value)}" for name, value in labels.items())]
    if 0 < len(projects) <= MOST_NAMED:
        terms.append(f"resource.labels.project_id=one_of({','.join(map(text, projects))})")
    return " ".join(terms)


def text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def measured(ask: Measure, projects: Sequence[str]) -> dict[str, Any]:
    """The timeSeriesFilter of a metric of the catalog: by machine and the worst of them, or one line over all."""
    source = ask.metric.sources[Cloud.GCP]
    fixed = {name: value for name, value in source.dimensions.items() if "{id}" not in value}
    query: dict[str, Any] = {
        "filter": filtered(f"{source.namespace}/{source.vendor_name}", fixed, projects),
        "aggregation": _by_machine(ask.metric, source),
    }
    if ask.split is Split.MACHINE:
        return query | {"pickTimeSeriesFilter": _ranking(ask, source)}
    over = {"perSeriesAligner": "ALIGN_MEAN", "crossSeriesReducer": _REDUCERS[ask.take]}
    return query | {"secondaryAggregation": {"alignmentPeriod": f"{source.period}s", **over}}


def _by_machine(metric: Metric, source: Source) -> dict[str, Any]:
    """A machine's series, and a device's where it has several, are one, as the catalog's row says. What names it must
    be among the groups: metadata is only given where it is."""
    aligner, _, reducer = source.statistic.partition(" ")
    groups = [f"resource.labels.{label}" for label in _IDENTITY[metric.on]]
    names = [_NAME] if metric.on is Kind.INSTANCE else []
    return {
        "alignmentPeriod": f"{source.period}s",
        "perSeriesAligner": "ALIGN_RATE" if source.per_second else aligner,
        "crossSeriesReducer": reducer or "REDUCE_MEAN",
        "groupByFields": [*groups, *names, *source.attributes],
    }


def _ranking(ask: Measure, source: Source) -> dict[str, Any]:
    upward = vendor_upward(source, upward=ask.upward)
    return {
        "rankingMethod": "METHOD_MAX" if upward else "METHOD_MIN",
        "numTimeSeries": ask.most,
        "direction": "TOP" if upward else "BOTTOM",
    }


def legend_of(ask: Measure) -> str:
    """Names each line; Google fills the labels in."""
    if ask.split is not Split.MACHINE:
        return f"{ask.take} over all"
    name = _NAME if ask.metric.on is Kind.INSTANCE else "resource.labels.bucket_name"
    source = ask.metric.sources[Cloud.GCP]
    place = ["resource.labels.zone"] if ask.metric.on is Kind.INSTANCE else []
    return " ".join(f"${{{label}}}" for label in (name, *source.attributes, *place, "resource.labels.project_id"))


def bound(limit: Limit, source: Source) -> float:
    """A threshold in the native scale of what is shown: a rate where we ask for one."""
    return as_vendor(limit.value, source) / seconds_in(source)


def running(projects: Sequence[str], *groups: str) -> dict[str, Any]:
    """How many machines run: series of their uptime, by resource labels. Five minutes, so that the newest, which not
    every machine has yet, does not look like a loss."""
    return {
        "filter": filtered(UPTIME, {"resource.type": "gce_instance"}, projects),
        "aggregation": {
            "alignmentPeriod": "300s",
            "perSeriesAligner": "ALIGN_MAX",
            "crossSeriesReducer": "REDUCE_COUNT",
            **_by(*(f"resource.labels.{label}" for label in groups)),
        },
    }


def runs(service: str, every: int, *groups: str, good: bool = False) -> dict[str, Any]:
    """Requests to our functions. service: the beginning of their names. good: only those that succeeded."""
    term = f" resource.labels.service_name=starts_with({text(service)})"
    labels = {"resource.type": "cloud_run_revision"} | ({"metric.labels.response_code_class": "2xx"} if good else {})
    return {
        "filter": filtered(REQUESTS, labels) + term,
        "aggregation": {
            "alignmentPeriod": f"{every}s",
            "perSeriesAligner": "ALIGN_SUM",
            "crossSeriesReducer": "REDUCE_SUM",
            **_by(*groups),
        },
    }


def _by(*groups: str) -> dict[str, Any]:
    return {"groupByFields": list(groups)} if groups else {}


def lengths(service: str, every: int) -> dict[str, Any]:
    """How long runs take, in milliseconds: what 99 of 100 are below."""
    term = f" resource.labels.service_name=starts_with({text(service)})"
    return {
        "filter": filtered(LATENCIES, {"resource.type": "cloud_run_revision"}) + term,
        "aggregation": {
            "alignmentPeriod": f"{every}s",
            "perSeriesAligner": "ALIGN_DELTA",
            "crossSeriesReducer": "REDUCE_PERCENTILE_99",
            "groupByFields": ["resource.labels.service_name"],
        },
    }
