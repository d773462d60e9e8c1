"""What Grafana sends to Elasticsearch for a query of a dashboard, and what it makes of the answer.

As pkg/tsdb/elasticsearch of grafana/grafana does it: `_msearch` with a header for the data source's index, a body with
the time's range and the Lucene query as filters, a bucket aggregation within the other, the metrics innermost; a metric
that buckets are ordered by stands in these, too. Variables are put in by its format `lucene`: several values quoted
and joined by OR, an own value for all as it is.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

HEAD = {"search_type": "query_then_fetch", "ignore_unavailable": True}
_RESERVED = re.compile(r'([!*+\-=<>\s&|()\[\]{}^~?:\\/"])')


def interpolated(query: str, variables: Mapping[str, list[str] | str]) -> str:
    """`$name`, `${name}`, `[[name]]` of the variables that there are; a text is the own value for all."""

    def put(found: re.Match[str]) -> str:
        value = variables.get(next(name for name in found.groups() if name))
        if value is None:
            return found[0]
        return value if isinstance(value, str) else _several(value)

    return re.sub(r"\$(\w+)|\$\{(\w+)(?::\w+)?\}|\[\[(\w+)(?::\w+)?\]\]", put, query)


def _several(values: list[str]) -> str:
    quoted = ['"' + _RESERVED.sub(r"\\\1", value) + '"' for value in values]
    return f"({' OR '.join(quoted)})"


def body_of(
    target: Mapping[str, Any], since: int, until: int, interval: str, variables: Mapping[str, list[str] | str]
) -> dict[str, Any]:
    """since, until: epoch seconds. interval: what `auto` comes to."""
    span = {"gte": since * 1000, "lte": until * 1000, "format": "epoch_millis"}
    query = interpolated(target["query"], variables)
    filters = [
        {"range": {target["timeField"]: span}},
        {"query_string": {"query": query, "analyze_wildcard": True}},
    ]
    body: dict[str, Any] = {"query": {"bool": {"filter": filters}}, "size": 0}
    (first, *_) = target["metrics"]
    if first["type"] == "raw_data":
        newest = {"order": "desc", "unmapped_type": "boolean"}
        return body | {
            "size": int(first["settings"]["size"]),
            "sort": [{target["timeField"]: newest}, {"_doc": {"order": "desc"}}],
            "docvalue_fields": [target["timeField"]],
            "script_fields": {},
        }
    return body | {"aggs": _nested(target["bucketAggs"], target["metrics"], since, until, interval)}


def _nested(
    buckets: list[dict[str, Any]], metrics: list[dict[str, Any]], since: int, until: int, interval: str
) -> dict[str, Any]:
    if not buckets:
        return {each["id"]: _metric(each) for each in metrics if each["type"] != "count"}
    first, *rest = buckets
    inner = _nested(rest, metrics, since, until, interval)
    settings = first["settings"]
    if first["type"] == "date_histogram":
        asked = {
            "field": first["field"],
            "fixed_interval": interval if settings["interval"] == "auto" else settings["interval"],
            "min_doc_count": int(settings["min_doc_count"]),
            "extended_bounds": {"min": since * 1000, "max": until * 1000},
            "format": "epoch_millis",
        }
        return {first["id"]: {"date_histogram": asked, "aggs": inner}}
    order = settings["orderBy"]
    ordering = [each for each in metrics if re.match(r"\d+", order) and each["id"] == re.match(r"\d+", order)[0]]  # type: ignore[index]
    asked = {
        "field": first["field"],
        "size": int(settings["size"]),
        "order": {order: settings["order"]},
        "min_doc_count": int(settings["min_doc_count"]),
    }
    inner |= {each["id"]: {each["type"]: {"field": each["field"]}} for each in ordering if each["id"] not in inner}
    return {first["id"]: {"terms": asked, "aggs": inner}}


def _metric(metric: Mapping[str, Any]) -> dict[str, Any]:
    return {metric["type"]: {"field": metric["field"], **metric.get("settings", {})}}


def search(url: str, index: str, body: Mapping[str, Any]) -> Any:
    """One answer of `_msearch`."""
    lines = "\n".join(json.dumps(each) for each in (HEAD | {"index": index}, body)) + "\n"
    asked = urllib.request.Request(  # noqa: S310 - our own server
        f"{url}/_msearch", lines.encode(), {"Content-Type": "application/x-ndjson"}, method="POST"
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
        (one,) = json.load(answer)["responses"]
    return one


def lines_in(target: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, dict[int, float]]:
    """What is drawn: the alias -> epoch seconds -> value. Empty spans of time are left out."""
    found: dict[str, dict[int, float]] = {}
    for named, bucket in _buckets(target["bucketAggs"], answer["aggregations"], {}):
        value = _value(target["metrics"][0], bucket)
        name = target["alias"]
        for field, key in named.items():
            name = name.replace(f"{{{{term {field}}}}}", str(key))
        if value is not None:
            found.setdefault(name, {})[bucket["key"] // 1000] = value
    return found


def rows_in(target: Mapping[str, Any], answer: Mapping[str, Any]) -> list[list[Any]]:
    """A table's rows: keys of the buckets, then the metrics."""
    return [
        [*named.values(), bucket["key"], *(_value(metric, bucket) for metric in target["metrics"])]
        for named, bucket in _buckets(target["bucketAggs"], answer["aggregations"], {})
    ]


def _buckets(
    asked: list[dict[str, Any]], aggregations: Mapping[str, Any], named: dict[str, Any]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    first, *rest = asked
    for bucket in aggregations[first["id"]]["buckets"]:
        if rest:
            yield from _buckets(rest, bucket, {**named, first["field"]: bucket["key"]})
        else:
            yield named, bucket


def _value(metric: Mapping[str, Any], bucket: Mapping[str, Any]) -> float | None:
    if metric["type"] == "count":
        return float(bucket["doc_count"])
    answer = bucket[metric["id"]]
    value: float | None = answer["values"]["95.0"] if metric["type"] == "percentiles" else answer["value"]
    return value
