"""A metric's section: the course of the whole fleet where we publish its distribution, then the worst in each region,
straight from the provider's own series, which are never published again."""

from __future__ import annotations

from collections.abc import Iterator

from nephoscope.model.metric import Metric, Source
from nephoscope.model.rule import Rule, Severity, Threshold
from nephoscope.model.scope import Cloud
from nephoscope.model.time import DAY
from nephoscope.pipeline.dashboard.audience import SCOPE_LABEL, Audience, Group
from nephoscope.pipeline.dashboard.expressions import course, highest, total, worst
from nephoscope.pipeline.dashboard.widgets import GRID, Axis, Line, Widget, graph, heading
from nephoscope.pipeline.units import SHOWN
from nephoscope.pipeline.wording import render_value

WORST = 10
"""Machines in a graph of the worst."""

SEVERITY_COLORS = {Severity.CRITICAL: "#d62728", Severity.WARNING: "#ff7f0e", Severity.INFO: "#1f77b4"}
_ABBREVIATIONS = ("cpu", "ebs", "gpu", "io")


def metric_section(audience: Audience, metric: Metric) -> Iterator[Widget]:
    """The graphs of one metric under its title; nothing where none can be drawn."""
    widgets = [*_fleet(audience, metric), *_regions(audience, metric)]
    if widgets:
        yield heading(title_of(metric), metric.description)
        yield from widgets


def title_of(metric: Metric) -> str:
    """`cpu.utilization` -> CPU utilization; `size`, on a bucket -> Bucket size."""
    words = metric.name.replace("_", " ").split(".")
    words = [word.upper() if word in _ABBREVIATIONS else word for word in words]
    title = " ".join(words if len(words) > 1 else [str(metric.on), *words])
    return title[:1].upper() + title[1:]


# --- our own distributions ---------------------------------------------------------------------------------------


def _fleet(audience: Audience, metric: Metric) -> Iterator[Widget]:
    if audience.distributed(metric):
        for group in audience.groups:
            yield _whole(audience, metric, group)
            yield _by_scope(audience, metric, group)


def _whole(audience: Audience, metric: Metric, group: Group) -> Widget:
    """Percentiles of several scopes cannot be joined after the fact: the highest of them is shown. The average can."""
    period = _period(metric)
    share = audience.ours(metric.name, group, "p90", period)
    samples = total(audience.ours(metric.name, group, "SampleCount", period))
    mean = f"{total(audience.ours(metric.name, group, 'Sum', period))}/{samples}"
    widest = audience.ours(metric.name, group, "Maximum", period)
    return graph(
        f"{title_of(metric)}: the whole fleet{group.suffix}",
        [
            [{"expression": highest(widest), "id": "highest", "label": "highest", "color": "#d62728"}],
            [{"expression": highest(share), "id": "most", "label": "p90 of the worst region", "color": "#ff7f0e"}],
            [{"expression": mean, "id": "mean", "label": "average", "color": "#1f77b4"}],
        ],
        audience.config.publish.region,
        series=len(group.scopes) * 4,
        period=period,
        lines=_lines(audience, metric),
        axis=_axis(metric),
        since=_since(period),
    )


def _by_scope(audience: Audience, metric: Metric, group: Group) -> Widget:
    period = _period(metric)
    expression = audience.ours(metric.name, group, "p90", period)
    return graph(
        f"{title_of(metric)}: nine in ten are below, by region{group.suffix}",
        [[{"expression": expression, "id": "p90", "label": SCOPE_LABEL}]],
        audience.config.publish.region,
        series=len(group.scopes),
        period=period,
        lines=_lines(audience, metric),
        axis=_axis(metric),
        since=_since(period),
    )


def _period(metric: Metric) -> int:
    return max(source.period for source in metric.sources.values())


def _axis(metric: Metric) -> Axis:
    shown = SHOWN[metric.unit]
    return Axis(shown.label, 0, 100 if shown.word == "Percent" else None)


def _lines(audience: Audience, metric: Metric) -> list[Line]:
    """Thresholds in the unit in which we publish."""
    factor = SHOWN[metric.unit].factor
    return [_line(metric, rule, limit, limit.value * factor) for rule, limit in audience.rules_on(metric)]


def _line(metric: Metric, rule: Rule, limit: Threshold, shown: float) -> Line:
    label = f"{rule.name} ({limit.comparison} {render_value(limit.value, metric.unit)})"
    return Line(float(f"{shown:.13g}"), label, SEVERITY_COLORS[rule.severity])


# --- AWS's own series --------------------------------------------------------------------------------------------


def _regions(audience: Audience, metric: Metric) -> Iterator[Widget]:
    """One Metrics Insights query a widget: CloudWatch takes only one in a call."""
    source = metric.sources.get(Cloud.AWS)
    if source is None:
        return
    for region in audience.open_regions:
        if not audience.distributed(metric):
            yield _course(metric, source, region)
        yield _worst(audience, metric, source, region)


def _worst(audience: Audience, metric: Metric, source: Source, region: str) -> Widget:
    rules = audience.rules_on(metric)
    upward = all(limit.comparison.upward for _, limit in rules)
    query = worst(source, WORST, upward=upward, accounts=bool(audience.linked))
    return graph(
        f"{title_of(metric)}{_in_period(source)}: the {WORST} {'highest' if upward else 'lowest'} in {region}",
        [[{"expression": query, "id": "worst", "label": ""}]],
        region,
        series=WORST,
        period=source.period,
        size=(_width(audience) if audience.distributed(metric) else 12, 7),
        lines=[_line(metric, rule, limit, _as_vendor(limit.value, source)) for rule, limit in rules],
        axis=_vendor_axis(source),
        since=_since(source.period),
    )


def _course(metric: Metric, source: Source, region: str) -> Widget:
    """All of a region in one line. A sum over machines has no threshold that is meant for one."""
    what = "sum" if source.statistic == "Sum" else source.statistic.lower()
    return graph(
        f"{title_of(metric)}{_in_period(source)}: {what} over all in {region}",
        [[{"expression": course(source), "id": "course", "label": what}]],
        region,
        series=1,
        period=source.period,
        size=(12, 7),
        axis=_vendor_axis(source),
        since=_since(source.period),
    )


def _width(audience: Audience) -> int:
    """Side by side, three at the most."""
    return GRID // min(3, len(audience.open_regions))


def _as_vendor(value: float, source: Source) -> float:
    """A threshold of ours in the vendor's unit; for the whole period where the vendor gives totals, not rates."""
    return value / source.scale * (source.period if source.per_second else 1)


def _vendor_axis(source: Source) -> Axis:
    percent = source.vendor_unit == "Percent"
    return Axis("%" if percent else source.vendor_unit.lower(), 0, 100 if percent else None)


def _in_period(source: Source) -> str:
    return f" in {source.period // 60} min" if source.per_second else ""


def _since(period: int) -> str:
    """Daily metrics show two weeks, whatever range the dashboard is set to."""
    return "-P14D" if period >= DAY else ""
