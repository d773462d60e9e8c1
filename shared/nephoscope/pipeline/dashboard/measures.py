"""AWS's own series on the dashboard: the machines of each region that went furthest, and the course of all of them.
They are referred to where they are, and never published again. Other clouds' own series CloudWatch cannot ask for."""

from __future__ import annotations

from collections.abc import Iterator

from nephoscope.model.metric import Source
from nephoscope.model.scope import Cloud
from nephoscope.model.time import DAY
from nephoscope.pipeline.board import Look, Measure, Panel
from nephoscope.pipeline.board.bounds import as_vendor, label_of, seconds_in, title_of
from nephoscope.pipeline.dashboard.audience import Audience
from nephoscope.pipeline.dashboard.expressions import course, worst
from nephoscope.pipeline.dashboard.severities import line_of
from nephoscope.pipeline.dashboard.widgets import GRID, Axis, Line, Widget, graph

HEIGHT = 7
_SIDE_BY_SIDE = 3


def measure_panel(audience: Audience, panel: Panel, asked: Measure) -> Iterator[Widget]:
    """A widget for each region, for a Metrics Insights query looks into one, and CloudWatch takes one in a widget.
    Where our own distribution of AWS's machines is drawn, their plain course is left out."""
    if asked.cloud is not Cloud.AWS or (panel.look is Look.LINES and audience.distributed_on_aws(asked.metric)):
        return
    source = asked.metric.sources[Cloud.AWS]
    for region in audience.open_regions:
        yield _worst(audience, panel, asked, source, region) if asked.most else _course(audience, asked, source, region)


def _worst(audience: Audience, panel: Panel, asked: Measure, source: Source, region: str) -> Widget:
    query = worst(source, asked.most, upward=asked.upward, accounts=bool(audience.linked))
    side = "highest" if asked.upward else "lowest"
    return graph(
        f"{title_of(asked.metric)}{_in_period(source)}: the {asked.most} {side} in {region}",
        [[{"expression": query, "id": "worst", "label": ""}]],
        region,
        series=asked.most,
        period=source.period,
        size=(_width(audience), HEIGHT),
        lines=_lines(panel, source),
        axis=_axis(source),
        since=_since(source),
    )


def _course(audience: Audience, asked: Measure, source: Source, region: str) -> Widget:
    """All of a region in one line. A sum over machines has no threshold that is meant for one; an average neither."""
    what = "sum" if source.statistic == "Sum" else source.statistic.lower()
    return graph(
        f"{title_of(asked.metric)}{_in_period(source)}: {what} over all in {region}",
        [[{"expression": course(source), "id": "course", "label": what}]],
        region,
        series=1,
        period=source.period,
        size=(_width(audience), HEIGHT),
        axis=_axis(source),
        since=_since(source),
    )


def _lines(panel: Panel, source: Source) -> list[Line]:
    return [line_of(limit, as_vendor(limit.value, source), label_of(limit, panel.unit)) for limit in panel.limits]


def _width(audience: Audience) -> int:
    return GRID // min(_SIDE_BY_SIDE, len(audience.open_regions))


def _axis(source: Source) -> Axis:
    percent = source.vendor_unit == "Percent"
    return Axis("%" if percent else source.vendor_unit.lower(), 0, 100 if percent else None)


def _in_period(source: Source) -> str:
    return f" in {source.period // 60} min" if seconds_in(source) > 1 else ""


def _since(source: Source) -> str:
    """Daily metrics show two weeks, whatever range the dashboard is set to."""
    return "-P14D" if source.period >= DAY else ""
