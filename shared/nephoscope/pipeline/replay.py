"""What rules would have done on history: the run's own decision, an hour of data at a time.

A run that makes up for lost ones judges every boundary since the last, in order. So a replay need not live through
every minute: it runs once an hour, and each alert changes at the data time at which it would have changed.

Rules on groups need all scopes side by side, and take smaller steps: a scope notes no more of its members than a few
periods.

What history does not hold is not made up: machines are those that run now (before their launch the absence of points is
no news); what was seen rather than measured (states, checks) no provider keeps, so rules on it are left out.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.memory import Progress, Remembered
from nephoscope.model.metric import Source
from nephoscope.model.resource import Resource
from nephoscope.model.rule import Aggregate, Rule, Threshold
from nephoscope.model.scope import Scope, fleet_scope
from nephoscope.model.series import Facts, Inventory, Readings, Series, SeriesKey, SeriesRequest
from nephoscope.model.time import DAY, HOUR, floor_to
from nephoscope.pipeline.changes import Change, alerts_after
from nephoscope.pipeline.firings import Firing, firings_of, silent_of
from nephoscope.pipeline.groups import plan_groups
from nephoscope.pipeline.need import OVERLAP_PERIODS, evaluation_range, metrics_of, pace_key, plan_reads, rules_for
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.partials import KEPT_PERIODS, figure_of, figure_period, group_rules, horizon_key
from nephoscope.pipeline.plan import Plan, plan
from nephoscope.pipeline.verdicts import is_unread

STEP = HOUR
WINDOW = DAY
"""How much of a series is read at once: what a provider's bill counts is the read, not the point."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One series over the whole time. [start, end) was asked; unknown: parts of it that nobody could read."""

    key: SeriesKey
    period: int
    start: int
    end: int
    times: array[int]
    values: array[float]
    unknown: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """The history of a scope between two moments (epoch seconds), with the resources it is of. asked: (resource id,
    metric) -> period, of everything that was read, whether or not a series came of it."""

    scope: Scope
    begin: int
    end: int
    resources: tuple[Resource, ...]
    stretches: tuple[Stretch, ...] = ()
    asked: Mapping[tuple[str, str], int] = field(default_factory=dict)


def replayable(config: Config) -> Config:
    """The configuration with the rules that history can answer: those on a metric, of each resource or of a group."""
    return replace(config, rules=tuple(rule for rule in config.rules if metrics_of((rule,))))


def plan_history(
    resources: Sequence[Resource], config: Config, catalog: Catalog, begin: int, now: int
) -> tuple[SeriesRequest, ...]:
    """A request for each series and each window of a day, so that every boundary in (begin, now] can be judged."""
    return tuple(
        request
        for resource in resources
        if resource.measured
        for request in _windows(resource, rules_for(resource, config.rules), catalog, begin, now)
    )


def _windows(
    resource: Resource, rules: Sequence[Rule], catalog: Catalog, begin: int, now: int
) -> Iterator[SeriesRequest]:
    for name in sorted(metrics_of(rules)):
        source: Source | None = catalog.metrics[name].sources.get(resource.scope.cloud)
        if source is None:
            continue
        period = source.period_of(fine=resource.fine)
        reach = (evaluation_range(name, rules, period) + OVERLAP_PERIODS) * period
        start, end = floor_to(begin - reach, period), source.horizon(now, period)
        width = max(WINDOW, period)
        for at in range(start, end, width):
            yield SeriesRequest(resource.id, name, source, period, at, min(at + width, end))


def record(scope: Scope, resources: Sequence[Resource], begin: int, end: int, read: Sequence[Read]) -> Recording:
    """Windows put together. read: what each batch of requests brought."""
    asked = {(request.resource_id, request.metric): request.period for each in read for request in each.requests}
    pieces: dict[SeriesKey, list[Series]] = {}
    for each in read:
        for series in each.readings.series:
            pieces.setdefault(series.key, []).append(series)
    lost = _lost(read)
    stretches = [_joined(key, found, lost.get((key.resource_id, key.metric), [])) for key, found in pieces.items()]
    kept = tuple(resource for resource in resources if resource.measured)
    return Recording(scope, begin, end, kept, tuple(stretches), asked)


@dataclass(frozen=True, slots=True)
class Read:
    """Some requests, and what came of them."""

    requests: tuple[SeriesRequest, ...]
    readings: Readings


def _lost(read: Sequence[Read]) -> Mapping[tuple[str, str], list[tuple[int, int]]]:
    """(resource id, metric) -> the windows in which something failed."""
    lost: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for each in read:
        for request in each.requests if each.readings.gaps else ():
            if is_unread(request, each.readings.gaps):
                lost.setdefault((request.resource_id, request.metric), []).append((request.start, request.end))
    return lost


def _joined(key: SeriesKey, pieces: Sequence[Series], lost: Sequence[tuple[int, int]]) -> Stretch:
    ordered = sorted(pieces, key=lambda series: series.start)
    times, values = array("q"), array("d")
    for series in ordered:
        times.extend(series.times)
        values.extend(series.values)
    partial = [(series.start, series.end) for series in ordered if not series.complete]
    unknown = tuple(sorted({*lost, *partial}))
    return Stretch(key, ordered[0].period, ordered[0].start, ordered[-1].end, times, values, unknown)


# --- living through it --------------------------------------------------------------------------------------------


Found = tuple[tuple[Firing, ...], Mapping[str, int]]
"""Every firing, by its beginning; and rule -> times that its data stopped."""


def replay(
    recordings: Sequence[Recording], config: Config, catalog: Catalog, stepped: Callable[[], None] = lambda: None
) -> Found:
    """config: as replayable() gives it. stepped: called after each step of a scope, steps() times."""
    changes: list[Change] = []
    for recording in recordings:
        living = _Living(recording, _with_rules(config, Threshold), catalog)
        for slot in _slots(recording, STEP):
            changes += living.step(slot).changes
            stepped()
    changes += _replay_groups(recordings, _with_rules(config, Aggregate), catalog, stepped)
    told = [change for change in changes if change.transition is not None]
    return firings_of(told), silent_of(told)


def steps(recordings: Sequence[Recording], config: Config, catalog: Catalog) -> int:
    """How often replay() calls `stepped`."""
    group_step = _group_step(_with_rules(config, Aggregate), catalog)
    widths = (STEP, group_step) if group_step else (STEP,)
    return sum(len(_slots(recording, width)) for recording in recordings for width in widths)


def _replay_groups(
    recordings: Sequence[Recording], config: Config, catalog: Catalog, stepped: Callable[[], None]
) -> Iterator[Change]:
    width = _group_step(config, catalog)
    if not width or not recordings:
        return
    scopes = [_Living(recording, config, catalog) for recording in recordings]
    remembered = Remembered(Progress(fleet_scope(recordings[0].scope.cloud)))
    for slot in _slots(recordings[0], width):
        for living in scopes:
            living.step(slot)
            stepped()
        parts = [living.progress for living in scopes]
        decided = plan_groups(parts, remembered, config, catalog.metrics, _stamp(config, catalog, slot))
        alerts = alerts_after(remembered.alerts, decided.changes)
        remembered = replace(remembered, progress=decided.progress, alerts=alerts)
        yield from decided.changes


def _with_rules(config: Config, kind: type) -> Config:
    return replace(config, rules=tuple(rule for rule in config.rules if isinstance(rule.when, kind)))


def _group_step(config: Config, catalog: Catalog) -> int:
    """Seconds in which no scope forgets a period before it was judged; 0: there is no rule on a group."""
    return KEPT_PERIODS * min(_group_paces(config, catalog).values(), default=0)


def _group_paces(config: Config, catalog: Catalog) -> Mapping[str, int]:
    """horizon_key -> the pace of its rule's figure in seconds."""
    found = {
        horizon_key(rule): figure_period(catalog.metrics[figure_of(rule).reads], config.gather.kinds)
        for rule in group_rules(config.rules)
    }
    return {key: period for key, period in found.items() if period}


def _slots(recording: Recording, width: int) -> Sequence[int]:
    return [*range(recording.begin + width, recording.end, width), recording.end]


def _stamp(config: Config, catalog: Catalog, slot: int) -> Stamp:
    return Stamp(config.fleet, slot, "backtest", slot, catalog.metrics)


class _Living:
    """One scope, and what it remembers from step to step."""

    def __init__(self, recording: Recording, config: Config, catalog: Catalog) -> None:
        self._recording = recording
        self._config = config
        self._catalog = catalog
        self._answers = _Answers(recording)
        self._remembered = Remembered(Progress(recording.scope, watermarks=_watermarks(recording, config, catalog)))

    @property
    def progress(self) -> Progress:
        return self._remembered.progress

    def step(self, slot: int) -> Plan:
        scope, resources = self._recording.scope, self._recording.resources
        inventory = Inventory(resources, complete=frozenset(self._config.gather.kinds.get(scope.cloud, ())))
        requests = plan_reads(resources, self._config.rules, self._catalog.metrics, self.progress, slot)
        facts = Facts(scope, slot, inventory, Readings(tuple(self._answers.of(requests))))
        stamp = _stamp(self._config, self._catalog, slot)
        decided = plan(facts, requests, self._remembered, self._config, self._catalog, stamp)
        alerts = alerts_after(self._remembered.alerts, decided.changes)
        self._remembered = replace(self._remembered, progress=decided.progress, alerts=alerts)
        return decided


def _watermarks(recording: Recording, config: Config, catalog: Catalog) -> dict[str, int]:
    paces = {pace_key(metric, period): period for (_, metric), period in recording.asked.items()}
    marks = {key: floor_to(recording.begin, period) for key, period in paces.items()}
    return marks | {key: floor_to(recording.begin, period) for key, period in _group_paces(config, catalog).items()}


class _Answers:
    """What the provider would have answered, out of the recording."""

    def __init__(self, recording: Recording) -> None:
        self._by_request: dict[tuple[str, str], list[Stretch]] = {}
        for stretch in recording.stretches:
            self._by_request.setdefault((stretch.key.resource_id, stretch.key.metric), []).append(stretch)

    def of(self, requests: Sequence[SeriesRequest]) -> Iterator[Series]:
        for request in requests:
            for stretch in self._by_request.get((request.resource_id, request.metric), ()):
                yield _cut(stretch, request)


def _cut(stretch: Stretch, request: SeriesRequest) -> Series:
    """The part of a stretch that was asked for; what nobody could read is no number."""
    first, last = bisect_left(stretch.times, request.start), bisect_left(stretch.times, request.end)
    found = dict(zip(stretch.times[first:last], stretch.values[first:last], strict=True))
    for begin, end in stretch.unknown:
        for at in range(max(begin, request.start), min(end, request.end), stretch.period):
            found.setdefault(at, math.nan)
    times = sorted(found)
    return Series(
        stretch.key,
        request.period,
        request.start,
        request.end,
        times=array("q", times),
        values=array("d", [found[at] for at in times]),
    )
