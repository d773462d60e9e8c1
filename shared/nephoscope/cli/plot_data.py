"""What a plot shows, as other programs read it."""

from __future__ import annotations

from collections.abc import Iterator

from nephoscope.model.metric import Metric
from nephoscope.model.rule import Threshold
from nephoscope.model.time import iso
from nephoscope.pipeline.plotting.picture import Asked, rules_on
from nephoscope.pipeline.plotting.spans import Span
from nephoscope.pipeline.plotting.tracks import Track


def plot_object(asked: Asked) -> dict[str, object]:
    """The documented shape: every point that was read, in the catalog's unit."""
    return {
        "begin": iso(asked.begin),
        "end": iso(asked.end),
        "metrics": [_metric_object(asked, metric) for metric in asked.metrics],
    }


def _metric_object(asked: Asked, metric: Metric) -> dict[str, object]:
    tracks = asked.tracks.get(metric.name, ())
    rules = rules_on(metric.name, asked.rules, tracks)
    names = {rule.name for rule in rules}
    return {
        "metric": metric.name,
        "unit": metric.unit,
        "thresholds": [
            {
                "rule": rule.name,
                "severity": rule.severity,
                "comparison": rule.when.comparison,
                "value": rule.when.value,
                "over": rule.when.over,
            }
            for rule in rules
            if isinstance(rule.when, Threshold)
        ],
        "alerts": [_alert_object(span) for span in asked.spans if span.rule in names],
        "series": list(map(_series_object, tracks)),
    }


def _alert_object(span: Span) -> dict[str, object]:
    return {
        "rule": span.rule,
        "severity": span.severity,
        "scope": span.scope.key,
        "resource": span.resource_id,
        "attributes": dict(span.attributes),
        "begin": iso(span.begin),
        "end": None if span.is_open else iso(span.end),
        "silent": span.silent,
    }


def _series_object(track: Track) -> dict[str, object]:
    return {
        "scope": track.resource.scope.key,
        "resource": track.resource.id,
        "name": track.resource.name,
        "attributes": dict(track.attributes),
        "period": track.period,
        "points": list(_points(track)),
    }


def _points(track: Track) -> Iterator[tuple[int, float]]:
    return zip(track.times, track.values, strict=True)
