"""The board of what is kept: what was, where, of which machines; which state they were in; what was told. It asks the
server of history alone, so it shows machines that are long gone.

Fields are those of pipeline/documents.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.history import HistoryKind
from nephoscope.model.metric import Metric
from nephoscope.model.resource import Kind
from nephoscope.model.time import DAY, HOUR, MINUTE
from nephoscope.pipeline.board.bounds import title_of
from nephoscope.pipeline.board.metric_panels import SLOW_SPAN, WORST, Shown, metrics_shown
from nephoscope.pipeline.board.parts import Board, Kept, Look, Panel, Section, Statistic

LATEST = 100
"""Rows of a list of what happened last."""

_CHANGES = ("first_seen", "state_changed", "restarted", "gone")
"""Of `event.action`: what happened to a machine. `seen`, once a day, tells only that it is still there."""

_VALUE, _REGION, _HOST, _RESOURCE = "metric.value", "cloud.region", "host.name", "resource.id"


def history_board(config: Config, catalog: Catalog) -> Board:
    """No sections where the configuration keeps nothing."""
    clouds = tuple(config.gather.kinds)
    if config.history is None:
        return Board(config.fleet, "Nothing is kept.", clouds, ())
    shown = [Shown(config, catalog, clouds, metric) for metric in metrics_kept(config, catalog)]
    sections = (
        Section(
            "metrics", "What was", "Averages are over all points.", tuple(p for one in shown for p in _metric(one))
        ),
        Section("states", "The life of machines", panels=tuple(_states())),
        Section("alerts", "What was told", panels=tuple(_alerts())),
    )
    introduction = f"What nephoscope has kept of {config.fleet}: points, states and alerts."
    return Board(config.fleet, introduction, clouds, sections)


def metrics_kept(config: Config, catalog: Catalog) -> list[Metric]:
    """Those of the board, and those that are gathered for history alone; in the catalog's order."""
    wanted = {metric.name for metric in metrics_shown(config, catalog)}
    wanted |= set(config.history.metrics) if config.history else set()
    return [metric for name, metric in catalog.metrics.items() if name in wanted]


# --- metrics -----------------------------------------------------------------------------------------------------


def _metric(shown: Shown) -> Iterator[Panel]:
    title, metric = title_of(shown.metric), shown.metric
    where = (("metric.name", (metric.name,)),)
    step = max((metric.sources[cloud].period for cloud in shown.places), default=MINUTE)
    lines = {"of": _VALUE, "by": (_REGION,), "where": where, "step": step}
    for words, statistic in (
        ("average, by region", Statistic.AVERAGE),
        ("19 in 20 are below, by region", Statistic.P95),
    ):
        yield _panel(shown, f"{title}: {words}", Look.LINES, Kept(HistoryKind.METRICS, (statistic,), **lines))  # type: ignore[arg-type]
    yield _worst(shown, where)


def _worst(shown: Shown, where: tuple[tuple[str, tuple[str, ...]], ...]) -> Panel:
    """By name, under which a machine is known; of a bucket it is its id."""
    machines = shown.metric.on is Kind.INSTANCE
    far = Statistic.HIGHEST if shown.upward else Statistic.LOWEST
    ask = Kept(
        HistoryKind.METRICS,
        (Statistic.AVERAGE, Statistic.P95, far),
        _VALUE,
        by=(_HOST if machines else _RESOURCE,),
        where=where,
        most=WORST,
        upward=shown.upward,
    )
    things = "machines" if machines else "buckets"
    side = "highest" if shown.upward else "lowest"
    return _panel(shown, f"{title_of(shown.metric)}: the {WORST} {things} {side} on average", Look.LIST, ask)


def _panel(shown: Shown, title: str, look: Look, ask: Kept) -> Panel:
    span = SLOW_SPAN if ask.step >= DAY else 0
    return Panel(title, look, (ask,), shown.metric.unit, limits=shown.limits, note=shown.metric.description, span=span)


# --- states ------------------------------------------------------------------------------------------------------


def _states() -> Iterator[Panel]:
    states, changed = HistoryKind.STATES, (("event.action", _CHANGES),)
    daily = Kept(states, (Statistic.DISTINCT,), "cloud.resource_id", ("state.name",), step=DAY, exact=True)
    yield Panel(
        "Seen in each state, by day",
        Look.BARS,
        (daily,),
        counted="resources",
        note="One that was in two states within a day is counted in both.",
    )
    happened = Kept(states, (Statistic.COUNT,), by=("event.action",), where=changed, step=HOUR)
    yield Panel("What happened to machines", Look.BARS, (happened,), counted="changes")
    into = Kept(
        states, (Statistic.COUNT,), by=("state.name",), where=(("event.action", ("state_changed",)),), step=HOUR
    )
    yield Panel("Changes, by the state that they led to", Look.BARS, (into,), counted="changes")
    restarts = Kept(states, (Statistic.COUNT,), by=(_HOST,), where=(("event.action", ("restarted",)),), most=WORST)
    yield Panel("Restarted most often", Look.LIST, (restarts,), counted="restarts")
    columns = {
        "@timestamp": "When",
        _HOST: "Machine",
        _RESOURCE: "Id",
        "event.action": "What",
        "state.previous": "From",
        "state.name": "To",
        _REGION: "Region",
        "cloud.account.id": "Account",
    }
    latest = Kept(states, where=changed, columns=tuple(columns.items()), most=LATEST)
    yield Panel("The latest changes", Look.LIST, (latest,))


# --- alerts ------------------------------------------------------------------------------------------------------


def _alerts() -> Iterator[Panel]:
    alerts, fired = HistoryKind.ALERTS, (("event.action", ("fired",)),)
    daily = Kept(alerts, (Statistic.COUNT,), by=("rule.name",), where=fired, step=DAY, exact=True)
    yield Panel("Fired, by rule and day", Look.BARS, (daily,), counted="alerts")
    most = Kept(alerts, (Statistic.COUNT,), by=("rule.name", _RESOURCE), where=fired, most=WORST)
    yield Panel("Rules that fired most often, and on what", Look.LIST, (most,), counted="alerts")
    columns = {
        "@timestamp": "When",
        "event.action": "What",
        "rule.name": "Rule",
        "alert.severity": "Severity",
        "resource.name": "Resource",
        _RESOURCE: "Id",
        "event.reason": "Why",
        "alert.value": "Value",
        "alert.told": "Told",
        "alert.muted": "Quiet",
        _REGION: "Region",
    }
    latest = Kept(alerts, columns=tuple(columns.items()), most=LATEST)
    yield Panel("The latest alerts", Look.LIST, (latest,))
