"""The board of a fleet, in the order in which a person asks: is all well, what is where, which machines fare worst, how
did it come to this, and does the watcher itself work. Pure: the same arguments give the same board."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.metric import Metric, Unit
from nephoscope.model.resource import StateGroup
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.board import metric_panels
from nephoscope.pipeline.board.bounds import CLOUD_NAMES, title_of
from nephoscope.pipeline.board.metric_panels import Shown, kept_in, metrics_shown
from nephoscope.pipeline.board.parts import Board, Figure, Listing, Look, Panel, Section, Split, Take

_WATCHER = (
    # title, figure, take, join, unit, what is counted
    ("Coverage over time", "coverage", Take.AVERAGE, Take.AVERAGE, Unit.FRACTION, ""),
    ("Heartbeats: scopes that ran", "heartbeat", Take.SUM, Take.SUM, Unit.COUNT, "runs"),
    ("Data behind the clock", "lag", Take.HIGHEST, Take.HIGHEST, Unit.SECONDS, ""),
    ("Length of a run", "run_seconds", Take.HIGHEST, Take.HIGHEST, Unit.SECONDS, ""),
    ("Scopes that could not be run", "scopes_failed", Take.HIGHEST, Take.HIGHEST, Unit.COUNT, "scopes"),
    ("API calls", "api_calls", Take.SUM, Take.SUM, Unit.COUNT, "calls"),
    ("Metrics that AWS charges for reading", "billable_units", Take.SUM, Take.SUM, Unit.COUNT, "metrics"),
    ("Notifications owed", "owed", Take.HIGHEST, Take.HIGHEST, Unit.COUNT, "notifications"),
    ("Oldest notification owed", "oldest_owed", Take.HIGHEST, Take.HIGHEST, Unit.SECONDS, ""),
)
_KEEPER = ("History not kept yet", "history_owed", Take.HIGHEST, Take.HIGHEST, Unit.SECONDS, "")


def board_of(config: Config, catalog: Catalog, scopes: Iterable[Scope] = ()) -> Board:
    """scopes: those that runs have seen, any order. Without any the board is of the configured clouds: so it is for a
    console that is written when we are deployed."""
    known = tuple(sorted(set(scopes)))
    seen = {scope.cloud for scope in known} or set(config.gather.kinds)
    clouds = tuple(cloud for cloud in Cloud if cloud in seen)
    shown = [Shown(config, catalog, clouds, metric) for metric in metrics_shown(config, catalog)]
    sections = (_now(), _places(config), _worst(shown), _history(shown), _watcher(config))
    return Board(
        config.fleet, _introduction(config, clouds, known), clouds, sections, known, _lacking(config, catalog, clouds)
    )


# --- sections ----------------------------------------------------------------------------------------------------


def _now() -> Section:
    coverage = _own("coverage", Take.AVERAGE, Take.AVERAGE)
    return Section(
        "now",
        "Is all well",
        panels=(
            Panel("Resources with fresh data", Look.NUMBER, (coverage,), Unit.FRACTION),
            Panel("Alerts firing", Look.NUMBER, (_own("alerts_firing", Take.AVERAGE, Take.SUM),), counted="alerts"),
            Panel("Machines", Look.NUMBER, tuple(_states()), counted="machines"),
            Panel("Firing alerts", Look.LIST, (Listing("alerts"),)),
            Panel("Where we are blind", Look.LIST, (Listing("gaps"),)),
        ),
    )


def _places(config: Config) -> Section:
    running = Figure("instances.running", Take.HIGHEST, Split.SCOPE, label="running")
    return Section(
        "places",
        "By cloud and region",
        _filtered(config),
        (
            Panel("Machines by state", Look.STACKED, tuple(_states()), counted="machines"),
            Panel("Running machines by region", Look.STACKED, (running,), counted="machines"),
            Panel("Machines by region and state", Look.LIST, (Listing("states"),)),
        ),
    )


def _worst(shown: Iterable[Shown]) -> Section:
    first = Panel("Worst machines", Look.LIST, (Listing("worst"),))
    return Section("worst", "Which fare worst", panels=(first, *(p for one in shown for p in metric_panels.worst(one))))


def _history(shown: Iterable[Shown]) -> Section:
    return Section("history", "How it came to this", panels=tuple(p for s in shown for p in metric_panels.history(s)))


def _watcher(config: Config) -> Section:
    panels = (
        Panel(title, Look.LINES, (_own(name, take, join),), unit, counted)
        for title, name, take, join, unit, counted in (*_WATCHER, *([_KEEPER] if config.history else []))
    )
    below = "A heartbeat that stops, or coverage below 100 %, means that we may not see."
    return Section("watcher", "nephoscope itself", below, tuple(panels))


# --- figures and words -------------------------------------------------------------------------------------------


def _own(name: str, take: Take, join: Take) -> Figure:
    return Figure(f"nephoscope.{name}", take, Split.CLOUD, join)


def _states() -> Iterator[Figure]:
    """Each scope's count once, however often it was written, then the sum over scopes."""
    return (Figure(f"instances.{state}", Take.HIGHEST, label=str(state)) for state in StateGroup)


def _introduction(config: Config, clouds: tuple[Cloud, ...], scopes: tuple[Scope, ...]) -> str:
    where = ", ".join(CLOUD_NAMES[cloud] for cloud in clouds) or "no cloud yet"
    counts = [_many(len(config.rules), "rule")]
    if scopes:
        accounts = {(scope.cloud, scope.account) for scope in scopes}
        regions = {(scope.cloud, scope.region) for scope in scopes}
        counts = [_many(len(accounts), "account"), _many(len(regions), "region"), *counts]
    return f"Watched by nephoscope in {where}: {', '.join(counts)}."


def _filtered(config: Config) -> str:
    """Our numbers follow the configuration's tags; the clouds' own series know nothing of them."""
    parts = (config.gather.aws, config.gather.gcp, config.gather.azure)
    if not any(part and (part.where.tags or part.where.except_tags) for part in parts):
        return ""
    return (
        "Counts, distributions and alerts are of the machines that the configuration's tags select; "
        "graphs of the highest or lowest machines come from the clouds themselves and show any."
    )


def _lacking(config: Config, catalog: Catalog, clouds: tuple[Cloud, ...]) -> dict[Cloud, tuple[str, ...]]:
    shown: list[Metric] = metrics_shown(config, catalog)
    return {
        cloud: titles
        for cloud in clouds
        if (titles := tuple(title_of(metric) for metric in shown if not kept_in(config, metric, cloud)))
    }


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")
