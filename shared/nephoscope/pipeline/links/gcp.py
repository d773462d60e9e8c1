"""Addresses in the Google Cloud console. Patterns, as the console itself writes them (there is no reference):

- an instance: /compute/instancesDetail/zones/ZONE/instances/NAME?project=P
- a bucket: /storage/browser/NAME?project=P
- a metric: /monitoring/metrics-explorer?pageState=J&project=P, where J is JSON: the chart's data sets, each with the
  filter, aligner and reducer of a ListTimeSeries request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from nephoscope.model.metric import Source
from nephoscope.model.resource import Kind, Resource

CONSOLE = "https://console.cloud.google.com"


def resource_links(resource: Resource) -> Mapping[str, str]:
    """`instance` (where its zone and name are known) or `bucket`."""
    project = _quoted(resource.scope.account)
    if resource.kind is Kind.INSTANCE and resource.zone and resource.name:
        place = f"zones/{_quoted(resource.zone)}/instances/{_quoted(resource.name)}"
        return {"instance": f"{CONSOLE}/compute/instancesDetail/{place}?project={project}"}
    if resource.kind is Kind.BUCKET:
        return {"bucket": f"{CONSOLE}/storage/browser/{_quoted(resource.id)}?project={project}"}
    return {}


def metric_link(resource: Resource, source: Source, attributes: Mapping[str, str]) -> str:
    """The metric of this resource in the Metrics Explorer, for one of its devices where attributes name one."""
    aligner, _, reducer = source.statistic.partition(" ")
    aggregation = {
        "alignmentPeriod": f"{source.period}s",
        "perSeriesAligner": aligner,
        "crossSeriesReducer": reducer or "REDUCE_NONE",
        "groupByFields": [],
    }
    filtered = {
        "filter": _filter(resource, source, attributes),
        "minAlignmentPeriod": f"{source.period}s",
        "aggregations": [aggregation],
    }
    state = {"xyChart": {"dataSets": [{"timeSeriesFilter": filtered, "plotType": "LINE", "targetAxis": "Y1"}]}}
    written = json.dumps(state, separators=(",", ":"))
    return (
        f"{CONSOLE}/monitoring/metrics-explorer?pageState={_quoted(written)}&project={_quoted(resource.scope.account)}"
    )


def _filter(resource: Resource, source: Source, attributes: Mapping[str, str]) -> str:
    labels = {name: value.replace("{id}", resource.id) for name, value in source.dimensions.items()}
    labels |= {name: attributes[ours] for name, ours in source.attributes.items() if ours in attributes}
    terms = [f'metric.type="{source.namespace}/{source.vendor_name}"']
    return " ".join([*terms, *(f"{name}={_text(value)}" for name, value in labels.items())])


def _text(value: str) -> str:
    """A string of Monitoring's filter language."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")
