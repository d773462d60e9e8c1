"""Addresses in the AWS console, so that a message leads to the thing it is about.

Patterns, as the console itself writes them (the host of a region, and these pages, have no reference of AWS's own):
- hosts by partition: AWS console docs for China (amazonaws.cn) and GovCloud (amazonaws-us-gov.com)
- an instance: /ec2/home?region=R#InstanceDetails:instanceId=ID      a bucket: /s3/buckets/NAME?region=R
- a dashboard: /cloudwatch/home?region=R#dashboards:name=NAME
- a metric: /cloudwatch/home?region=R#metricsV2:graph=G, where G is a metric widget's JSON (CloudWatch API reference,
  "GetMetricWidgetImage: Metric Widget Structure and Syntax") written as JSURL: ~(key~value), ~(~item~item), 'text,
  every character but letters, digits, `_`, `-` and `.` as *xx or **xxxx.

A console shows the account that the reader is signed in to: for a member account they switch roles first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from nephoscope.model.metric import Source
from nephoscope.model.resource import Kind, Resource

_HOSTS = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}
_NO_CONSOLE_KNOWN = ("us-iso", "eu-iso", "eusc-")
_COMMERCIAL = "console.aws.amazon.com"
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}")
_ANY_BUT_PLAIN = re.compile(r"[^A-Za-z0-9_.-]")
_SHOWN = "-PT3H"


def resource_links(resource: Resource) -> Mapping[str, str]:
    """`instance` or `bucket`; empty for a region whose console we do not know."""
    base, region = console(resource.scope.region), resource.scope.region
    if not base:
        return {}
    if resource.kind is Kind.INSTANCE:
        return {"instance": f"{base}/ec2/home?region={region}#InstanceDetails:instanceId={_quoted(resource.id)}"}
    if resource.kind is Kind.BUCKET:
        return {"bucket": f"{base}/s3/buckets/{_quoted(resource.id)}?region={region}"}
    return {}


def metric_link(resource: Resource, source: Source, attributes: Mapping[str, str]) -> str:
    """The metric's graph; empty for a region whose console we do not know."""
    base = console(resource.scope.region)
    return _metric_link(base, resource, source, attributes) if base else ""


def dashboard_link(name: str, region: str) -> str:
    """The address of a CloudWatch dashboard; empty for a region whose console we do not know."""
    base = console(region)
    return f"{base}/cloudwatch/home?region={region}#dashboards:name={_quoted(name)}" if base else ""


def console(region: str) -> str:
    """`https://` and the region's console host; empty where the partition's is not known."""
    if not _REGION.fullmatch(region) or region.startswith(_NO_CONSOLE_KNOWN):
        return ""
    host = next((host for prefix, host in _HOSTS.items() if region.startswith(prefix)), _COMMERCIAL)
    return f"https://{region}.{host}"


def _metric_link(base: str, resource: Resource, source: Source, attributes: Mapping[str, str]) -> str:
    region = resource.scope.region
    graph = {
        "metrics": [_row(resource, source, attributes)],
        "view": "timeSeries",
        "stacked": False,
        "region": region,
        "start": _SHOWN if source.period < 86_400 else "-P14D",
        "end": "P0D",
        "stat": source.statistic,
        "period": source.period_of(fine=resource.fine),
    }
    return f"{base}/cloudwatch/home?region={region}#metricsV2:graph={jsurl(graph)}"


def _row(resource: Resource, source: Source, attributes: Mapping[str, str]) -> list[object]:
    """The widget's metric: by its dimensions, or a search where an agent's configuration decides which there are."""
    dimensions = {name: value.replace("{id}", resource.id) for name, value in source.dimensions.items()}
    dimensions |= {name: attributes[ours] for name, ours in source.attributes.items() if ours in attributes}
    if not source.discover:
        return [source.namespace, source.vendor_name, *(part for pair in dimensions.items() for part in pair)]
    terms = {"Namespace": source.namespace, "MetricName": source.vendor_name, **dimensions}
    query = " ".join(f'{name}="{value}"' for name, value in terms.items() if not set(value) & set("\"'"))
    period = source.period_of(fine=resource.fine)
    return [{"expression": f"SEARCH('{query}', '{source.statistic}', {period})", "id": "e1"}]


def jsurl(value: object) -> str:
    """A JSON value in the notation of the console's fragments. Raises TypeError for what is no JSON of ours."""
    match value:
        case bool():
            return "~true" if value else "~false"
        case int():
            return f"~{value}"
        case str():
            return "~'" + _ANY_BUT_PLAIN.sub(_escaped, value)
        case list():
            return "~(" + ("".join(map(jsurl, value)) or "~") + ")"
        case dict():
            return "~(" + "~".join(f"{key}{jsurl(item)}" for key, item in value.items()) + ")"
    raise TypeError(f"no notation for {type(value).__name__}")


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[index : index + 2], "big") for index in range(0, len(units), 2)]
    return "".join("!" if code == 0x24 else f"*{code:02x}" if code < 0x100 else f"**{code:04x}" for code in codes)


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")
