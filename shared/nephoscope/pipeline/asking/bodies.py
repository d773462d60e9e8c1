"""Questions as bodies of `_search`: no document comes back, the server's aggregations say all.

Composite aggregations are paged by their `after_key`, so that no answer is larger than a page however many groups
there are. A page of a composite reads all documents of its query again; so a long time is asked in slices of few steps
(slices_of), each of which fits a page or a few: the documents are read about once.

Source: Elasticsearch's reference, "Composite aggregation", "Percentiles aggregation", "Wildcard query"; OpenSearch's
"Composite", "Percentile".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nephoscope.model.question import Key, Question, Statistic
from nephoscope.model.time import iso
from nephoscope.pipeline.asking.fields import AT, HOST, NAME, VALUE, group_fields, holds

PAGE = 10_000
PERCENTILE_PAGE = 1_000
"""Buckets in an answer, some 2 MB of them: under search.max_buckets (65,536), and of percentiles fewer, for each holds
a digest."""

MOST_METRICS = 500

Body = dict[str, Any]


def query_of(question: Question) -> Body:
    filters = [*_of(question.fleet, question.metric), within(question.begin, question.end), *map(holds, question.where)]
    return {"bool": {"filter": filters}}


def within(begin: int, end: int) -> Body:
    """[begin, end) of data time."""
    return {"range": {AT: {"gte": iso(begin), "lt": iso(end), "format": "strict_date_time_no_millis"}}}


def _of(fleet: str, metric: str) -> list[Body]:
    return [{"term": {"nephoscope.fleet": {"value": fleet}}}, {"term": {"metric.name": {"value": metric}}}]


def survey_body(question: Question) -> Body:
    """What there is at all: how many points, of which periods and units."""
    aggregations = {
        "points": {"value_count": {"field": VALUE}},
        "period": {"max": {"field": "metric.period"}},
        "unit": {"terms": {"field": "metric.unit", "size": 2}},
        "first": {"min": {"field": AT}},
        "last": {"max": {"field": AT}},
    }
    return _body(query_of(question), aggregations)


def metrics_body(fleet: str) -> Body:
    """Every metric that is kept of the fleet, with its first and last point."""
    span = {"first": {"min": {"field": AT}}, "last": {"max": {"field": AT}}}
    metrics = {"terms": {"field": "metric.name", "size": MOST_METRICS, "order": {"_key": "asc"}}, "aggs": span}
    return _body({"term": {"nephoscope.fleet": {"value": fleet}}}, {"metrics": metrics})


def totals_body(question: Question, after: Mapping[str, Any] | None = None) -> Body:
    """A bucket for each group, over the whole time. A host's name is the newest that it had."""
    named: Body = {}
    if question.by == HOST:
        newest = {"terms": {"field": NAME, "size": 1, "order": {"at": "desc"}}, "aggs": {"at": {"max": {"field": AT}}}}
        named = {"name": newest}
    figures = {
        "figures": {"stats": {"field": VALUE}},
        "last": {"max": {"field": AT}},
        **_measured(question.statistic),
        **named,
    }
    sources = _sources(question.by) or [{"all": {"terms": {"field": "metric.name"}}}]
    return _body(query_of(question), {"groups": _composite(sources, page_of(question), after, figures)})


def steps_body(question: Question, keys: Sequence[Key] = (), after: Mapping[str, Any] | None = None) -> Body:
    """A bucket for each step and group. keys: these groups only (and maybe some that share a value with them); all
    without."""
    histogram = {"date_histogram": {"field": AT, "fixed_interval": f"{question.step}s"}}
    sources = [{"at": histogram}, *_sources(question.by)]
    query = query_of(question)
    if keys and question.by != "none":
        query["bool"]["filter"].append(_one_of(group_fields(question.by)[-1], {key[-1] for key in keys}))
    measured = _measured(question.statistic)
    return _body(query, {"groups": _composite(sources, page_of(question), after, measured)})


def page_of(question: Question) -> int:
    return PERCENTILE_PAGE if question.statistic.name == "percentile" else PAGE


def slices_of(question: Question, groups: int) -> Iterator[Question]:
    """The question in parts of time, at the borders of steps, each of about a page of buckets."""
    width = max(1, page_of(question) // max(1, groups)) * question.step
    at = question.begin
    while at < question.end:
        until = min(question.end, at - at % question.step + width)
        yield replace(question, begin=at, end=until)
        at = until


def _sources(by: str) -> list[Body]:
    """missing_bucket: documents without the field make a group, too, whose key is null."""
    fields = group_fields(by)
    return [{f"g{n}": {"terms": {"field": field, "missing_bucket": True}}} for n, field in enumerate(fields)]


def _composite(sources: Sequence[Body], size: int, after: Mapping[str, Any] | None, figures: Body) -> Body:
    composite: Body = {"size": size, "sources": list(sources)}
    if after is not None:
        composite["after"] = dict(after)
    return {"composite": composite} | ({"aggs": figures} if figures else {})


def _measured(statistic: Statistic) -> Body:
    """Of a count the bucket's own will do."""
    if statistic.name == "count":
        return {"value": {"value_count": {"field": VALUE}}}
    if statistic.name == "percentile":
        return {"value": {"percentiles": {"field": VALUE, "percents": [statistic.share], "keyed": False}}}
    return {"value": {statistic.name: {"field": VALUE}}}


def _one_of(field: str, values: set[str | None]) -> Body:
    """null stands for documents without the field."""
    either: list[Body] = [{"terms": {field: sorted(value for value in values if value is not None)}}]
    if None in values:
        either.append({"bool": {"must_not": [{"exists": {"field": field}}]}})
    return {"bool": {"should": either, "minimum_should_match": 1}}


def _body(query: Body, aggregations: Body) -> Body:
    return {"size": 0, "_source": False, "track_total_hits": False, "query": query, "aggs": aggregations}
