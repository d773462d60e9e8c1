"""Figures of ours as CloudWatch is asked for them: a series for each cloud, or a search over the scopes' series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nephoscope.model.metric import Unit
from nephoscope.model.resource import StateGroup
from nephoscope.model.scope import Cloud
from nephoscope.model.time import DAY
from nephoscope.pipeline.board import Figure, Limit, Look, Panel, Split, Take
from nephoscope.pipeline.board.bounds import CLOUD_NAMES, as_shown, label_of
from nephoscope.pipeline.dashboard.alarms import alarm_lines
from nephoscope.pipeline.dashboard.audience import Audience, Group
from nephoscope.pipeline.dashboard.expressions import highest, known, total
from nephoscope.pipeline.dashboard.severities import line_of
from nephoscope.pipeline.dashboard.widgets import Axis, Line, Widget, graph, number
from nephoscope.pipeline.distributions import published_metrics
from nephoscope.pipeline.units import SHOWN

SELF = "nephoscope."
STATE_COLORS = {
    StateGroup.RUNNING: "#2ca02c",
    StateGroup.STOPPED: "#7f7f7f",
    StateGroup.CHANGING: "#ff7f0e",
    StateGroup.GONE: "#d62728",
}
_COURSE_COLORS = ("#d62728", "#ff7f0e", "#1f77b4")
_STATISTICS = {
    Take.AVERAGE: "Average",
    Take.P90: "p90",
    Take.HIGHEST: "Maximum",
    Take.LOWEST: "Minimum",
    Take.SUM: "Sum",
}
_SLOWEST_OF_OURS = 300


def figure_panel(audience: Audience, panel: Panel, figures: Sequence[Figure]) -> Iterator[Widget]:
    """The widgets of a panel that asks for figures of ours: one, or one for each group of scopes."""
    if figures[0].name.startswith(SELF):
        yield _of_ourselves(audience, panel, figures[0])
    elif panel.look is Look.NUMBER:
        yield from _totals(audience, panel, figures)
    else:
        for group in audience.groups:
            yield _of_scopes(audience, panel, figures, group)


# --- nephoscope itself: a series for each cloud ------------------------------------------------------------------


def _of_ourselves(audience: Audience, panel: Panel, figure: Figure) -> Widget:
    region, every, clouds = audience.config.publish.region, audience.config.gather.every, audience.clouds
    summed = panel.look is Look.NUMBER and figure.join is Take.SUM
    metrics = _summed(audience, figure) if summed else [_own(audience, figure.name, cloud) for cloud in clouds]
    title, statistic = _title(panel), _STATISTICS[figure.take]
    if panel.look is Look.NUMBER:
        size = (8 if len(clouds) > 2 else 6, 4)
        return number(title, metrics, region, series=len(metrics), period=every, size=size, statistic=statistic)
    return graph(
        title,
        metrics,
        region,
        series=len(metrics),
        period=max(_SLOWEST_OF_OURS, every),
        size=(8, 5),
        statistic=statistic,
        axis=_axis(panel),
        lines=alarm_lines(figure.name, audience.alarms),
    )


def _own(audience: Audience, name: str, cloud: Cloud, **options: object) -> list[object]:
    """A metric of nephoscope about itself, as CloudWatch's metrics array writes it."""
    own: dict[str, object] = {"label": CLOUD_NAMES[cloud], **options}
    dimensions = ["cloud_provider", str(cloud), "fleet", audience.config.fleet]
    return [audience.config.publish.namespace, name, *dimensions, own]


def _summed(audience: Audience, figure: Figure) -> list[list[object]]:
    """The sum over all scopes of a number that each gives once a run: their average times the scopes, which is true
    for whatever period CloudWatch chooses to draw. A Sum would grow with the period."""
    metrics: list[list[object]] = []
    for cloud in audience.clouds:
        own_id = f"{figure.name.removeprefix(SELF)}_{cloud}"
        metrics.append(_own(audience, figure.name, cloud, id=own_id, stat=_STATISTICS[figure.take], visible=False))
        expression = f"{own_id}*{audience.scopes_of(cloud)}"
        metrics.append([{"expression": expression, "id": f"{own_id}_total", "label": CLOUD_NAMES[cloud]}])
    return metrics


# --- scopes: a search over their series --------------------------------------------------------------------------


def _totals(audience: Audience, panel: Panel, figures: Sequence[Figure]) -> Iterator[Widget]:
    """Of everything, whatever was chosen. A widget holds so many series and no more: in a very large fleet only the
    first of the figures are summed, and with more scopes than one search finds none is."""
    count = len(audience.scopes)
    most = audience.catalog.limits["cloudwatch.dashboard"]["metrics_per_widget"] // max(count, 1)
    shown = figures[:most]
    if shown:
        metrics: list[list[object]] = [
            [_joined(audience, one, audience.everything, _period(audience, one), whole=True)] for one in shown
        ]
        size = (8 if len(audience.clouds) > 2 else 12, 4)
        region, every = audience.config.publish.region, audience.config.gather.every
        yield number(_title(panel), metrics, region, series=count * len(shown), period=every, size=size)


def _of_scopes(audience: Audience, panel: Panel, figures: Sequence[Figure], group: Group) -> Widget:
    period = _period(audience, figures[0])
    several = figures[0].split is Split.SCOPE
    metrics: list[list[object]]
    if several:
        (figure,) = figures
        found = audience.ours(figure.name, group, _STATISTICS[figure.take], period)
        metrics = [[{"expression": found, "id": _id(figure), "label": audience.scope_label}]]
    else:
        metrics = [[_joined(audience, one, group, period, place)] for place, one in enumerate(figures)]
    searches = sum(2 if one.join is Take.AVERAGE else 1 for one in figures)
    return graph(
        f"{_whose(audience, figures[0], _title(panel))}{group.suffix}",
        metrics,
        audience.config.publish.region,
        series=len(group.scopes) * searches,
        period=period,
        stacked=panel.look is Look.STACKED,
        lines=[_line(limit, panel.unit) for limit in panel.limits],
        axis=_axis(panel),
        legend="right" if several and panel.look is Look.STACKED else "bottom",
        since=f"-P{panel.span // DAY}D" if panel.span else "",
    )


def _joined(
    audience: Audience, figure: Figure, group: Group, period: int, place: int = 0, *, whole: bool = False
) -> Mapping[str, object]:
    """One line over all scopes that the search finds. Percentiles of several scopes cannot be joined after the fact:
    the highest of them is shown. The average can: it is all sums over all samples."""

    def found(statistic: str) -> str:
        return audience.ours(figure.name, group, statistic, period, whole=whole)

    match figure.join:
        case Take.SUM:
            expression = total(known(found(_STATISTICS[figure.take])))
        case Take.AVERAGE:
            expression = f"{total(found('Sum'))}/{total(found('SampleCount'))}"
        case _:
            expression = highest(found(_STATISTICS[figure.take]))
    return {"expression": expression, "id": _id(figure), "label": figure.label, "color": _color(figure, place)}


def _id(figure: Figure) -> str:
    """Begins with a small letter, as CloudWatch asks; unique within a panel."""
    word = figure.label.split()[0] if figure.label else figure.take
    return str(word).lower()


def _color(figure: Figure, place: int) -> str:
    for state, color in STATE_COLORS.items():
        if figure.name == f"instances.{state}":
            return color
    return _COURSE_COLORS[place % len(_COURSE_COLORS)]


def _period(audience: Audience, figure: Figure) -> int:
    metric = audience.catalog.metrics.get(figure.name)
    return max(source.period for source in metric.sources.values()) if metric else audience.config.gather.every


# --- what stands around it ---------------------------------------------------------------------------------------


def _title(panel: Panel) -> str:
    return f"{panel.title} (%)" if panel.unit is Unit.FRACTION and ":" not in panel.title else panel.title


def _whose(audience: Audience, figure: Figure, title: str) -> str:
    """Of a distribution that not every cloud has, whose it is: on AWS the configuration says which are published."""
    clouds = [
        one for one in audience.clouds if figure.name in published_metrics(audience.config, audience.catalog, one)
    ]
    if figure.name not in audience.catalog.metrics or len(clouds) == len(audience.clouds):
        return title
    return title.replace("the whole fleet", " and ".join(CLOUD_NAMES[one] for one in clouds))


def _axis(panel: Panel) -> Axis:
    shown = SHOWN[panel.unit]
    label = panel.counted if panel.unit is Unit.COUNT else shown.label
    return Axis(label, 0, 100 if shown.word == "Percent" else None)


def _line(limit: Limit, unit: Unit) -> Line:
    return line_of(limit, as_shown(limit.value, unit), label_of(limit, unit))
