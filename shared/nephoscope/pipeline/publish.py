"""What a scope's run publishes: an allow-list of few and cheap custom metrics, and the range that it claims for them.

AWS's per-instance series are never published again: the dashboard shows them where they are. What is ours alone:
instances by state, distributions over a scope, and figures about nephoscope itself.

The caller writes `claimed` to the scope's progress, conditionally, *before* the data go out. At most once: a crash
between the two leaves a gap that a person can see, never a value that was counted twice.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.memory import Progress
from nephoscope.model.publish import Datum
from nephoscope.model.resource import Kind, Resource, State, StateGroup
from nephoscope.model.scope import Cloud
from nephoscope.model.series import Facts
from nephoscope.model.time import floor_to
from nephoscope.pipeline.distributions import Dimensions, plan_distributions, scope_dimensions

COUNTS = "instances"
SELF = "nephoscope"
"""Keys of Progress.published_until for what has a value each run."""


REASONS = 2
"""Why deliveries failed: so many series of a cloud at a time, and one for the rest."""
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Publication:
    """data: in time order. claimed: the progress, with the ranges that `data` takes. late: points left out because
    they settled after their period had been published."""

    data: tuple[Datum, ...]
    claimed: Progress
    late: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run says of itself. None: not known in this run, not published.

    fresh, discovered: resources with fresh data, resources known; a scope that could not be listed at all is
    (0, the last known number or 1). lag: seconds from the newest evaluated boundary to the slot. owed: notifications;
    oldest_owed: seconds. history_owed: seconds of what was read that are not kept yet. sent, dead, refused: of
    deliveries, the last by reason; published only where there are some, for a series costs by the hour in which it has
    a value. heartbeat: False for what only adds a figure to a run.
    """

    fresh: int = 0
    discovered: int = 0
    api_calls: int | None = None
    billable_units: int | None = None
    run_seconds: float | None = None
    scopes_failed: int | None = None
    lag: float | None = None
    alerts_firing: int | None = None
    owed: int | None = None
    oldest_owed: float | None = None
    history_owed: float | None = None
    sent: int = 0
    dead: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    heartbeat: bool = True


def plan_publishing(facts: Facts, config: Config, catalog: Catalog, progress: Progress) -> Publication:
    """Counts and distributions of one scope, and the progress that claims them.

    Counts are left out while the inventory is incomplete: a visible gap rather than a wrong number.
    Raises nothing; a metric without a row in the catalog is not published.
    """
    parts = plan_distributions(facts, config, catalog, progress)
    counts = tuple(_counts(facts, config, progress))
    until = {**progress.published_until, **parts.until}
    if counts:
        until[COUNTS] = _at(config, facts.slot) + config.gather.every
    claimed = replace(progress, published_until=until, published_points={**progress.published_points, **parts.points})
    return Publication(tuple(sorted((*counts, *parts.data), key=lambda datum: datum.at)), claimed, parts.late)


def plan_self_metrics(config: Config, cloud: Cloud, slot: int, figures: Figures, progress: Progress) -> Publication:
    """Nephoscope's own figures at the slot. Several scopes write the same series: their values merge, so that Sum is
    the fleet's and, for coverage, Average is (each resource is a sample of 100 or 0)."""
    at = _at(config, slot)
    if at < progress.published_until.get(SELF, 0):
        return Publication((), progress)
    dimensions = (("cloud_provider", str(cloud)), ("fleet", config.fleet))
    data = tuple(_self_data(figures, dimensions, at))
    return Publication(
        data, replace(progress, published_until={**progress.published_until, SELF: at + config.gather.every})
    )


def count_states(resources: tuple[Resource, ...]) -> Mapping[StateGroup, int]:
    """Instances in each of the four groups; a state that nobody knows counts as changing, as State.UNKNOWN does."""
    found = Counter((one.state or State.UNKNOWN).group for one in resources if one.kind is Kind.INSTANCE)
    return {group: found[group] for group in StateGroup}


def _counts(facts: Facts, config: Config, progress: Progress) -> Iterator[Datum]:
    at = _at(config, facts.slot)
    if Kind.INSTANCE not in facts.inventory.complete or at < progress.published_until.get(COUNTS, 0):
        return
    dimensions = scope_dimensions(config.fleet, facts.scope)
    for group, number in count_states(facts.inventory.resources).items():
        yield _value(f"{COUNTS}.{group}", dimensions, at, "Count", number)


def _self_data(figures: Figures, dimensions: Dimensions, at: int) -> Iterator[Datum]:
    if figures.heartbeat:
        yield _value("nephoscope.heartbeat", dimensions, at, "Count", 1)
    if figures.discovered:
        yield _coverage(figures, dimensions, at)
    for name, unit, value in (
        ("api_calls", "Count", figures.api_calls),
        ("billable_units", "Count", figures.billable_units),
        ("run_seconds", "Seconds", figures.run_seconds),
        ("scopes_failed", "Count", figures.scopes_failed),
        ("lag", "Seconds", figures.lag),
        ("alerts_firing", "Count", figures.alerts_firing),
        ("owed", "Count", figures.owed),
        ("oldest_owed", "Seconds", figures.oldest_owed),
        ("history_owed", "Seconds", figures.history_owed),
    ):
        if value is not None:
            yield _value(f"nephoscope.{name}", dimensions, at, unit, value)
    yield from _deliveries(figures, dimensions, at)


def _deliveries(figures: Figures, dimensions: Dimensions, at: int) -> Iterator[Datum]:
    """The channel stands in the log and in `nephoscope outbox`: as a dimension it would cost a series each."""
    for name, number in (("sent", figures.sent), ("dead", figures.dead)):
        if number:
            yield _value(f"nephoscope.{name}", dimensions, at, "Count", number)
    for reason, number in most_frequent(figures.refused).items():
        yield _value("nephoscope.refused", (*dimensions, ("reason", reason)), at, "Count", number)


def most_frequent(refused: Mapping[str, int]) -> Mapping[str, int]:
    """The reasons that are worth a series, most frequent first; the sum of all others under one more."""
    ordered = sorted(refused.items(), key=lambda each: (-each[1], each[0]))
    rest = sum(number for _, number in ordered[REASONS:])
    return dict(ordered[:REASONS]) | ({OTHER: rest} if rest else {})


def _coverage(figures: Figures, dimensions: Dimensions, at: int) -> Datum:
    shares = {100.0: figures.fresh, 0.0: figures.discovered - figures.fresh}
    present = {share: number for share, number in shares.items() if number > 0}
    return Datum("nephoscope.coverage", dimensions, at, "Percent", array("d", present), array("d", present.values()))


def _value(name: str, dimensions: Dimensions, at: int, unit: str, value: float) -> Datum:
    return Datum(name, dimensions, at, unit, array("d", [value]), array("d", [1.0]))


def _at(config: Config, slot: int) -> int:
    return floor_to(slot, config.gather.every)
