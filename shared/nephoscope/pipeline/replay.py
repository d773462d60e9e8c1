"""What rules would have done on history: the run's own decision, an hour of data at a time.

A run that makes up for lost ones judges every boundary since the last, in order. So a replay need not live through
every minute: it runs once an hour, and each alert changes at the data time at which it would have changed.

What history does not hold is not made up: machines are those that run now (before their launch the absence of points is
no news); what was seen rather than measured (states, checks) no provider keeps, so rules on it are left out.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from nephoscope.catalog.loader import Catalog
from nephoscope.model.alert import OPEN_STATES, Transition, TransitionKind
from nephoscope.model.config import Config
from nephoscope.model.memory import Progress, Remembered
from nephoscope.model.metric import Source
from nephoscope.model.resource import Resource
from nephoscope.model.rule import Rule, Threshold
from nephoscope.model.scope import Scope
from nephoscope.model.series import Facts, Inventory, Readings, Series, SeriesKey, SeriesRequest
from nephoscope.model.time import DAY, HOUR, floor_to
from nephoscope.pipeline.changes import Change
from nephoscope.pipeline.need import OVERLAP_PERIODS, evaluation_range, metrics_of, pace_key, plan_reads, rules_for
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.plan import plan
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


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert from its beginning to its end. end None: it was open when history ended. worst: catalog's unit."""

    rule: str
    scope: Scope
    resource_id: str
    name: str
    attributes: tuple[tuple[str, str], ...]
    begin: int
    end: int | None
    worst: float | None


@dataclass(frozen=True, slots=True)
class Noise:
    """One rule's firings in sum. Durations in seconds, those that are open taken to the end of history. silent: times
    that its data stopped."""

    rule: str
    fired: int
    resolved: int
    silent: int
    resources: int
    median: float
    longest: int


def replayable(config: Config) -> Config:
    """The configuration with the rules that history can answer: those on a metric of each resource by itself."""
    return replace(config, rules=tuple(rule for rule in config.rules if isinstance(rule.when, Threshold)))


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


def replay(
    recording: Recording, config: Config, catalog: Catalog, stepped: Callable[[], None] = lambda: None
) -> tuple[tuple[Firing, ...], Mapping[str, int]]:
    """Every firing, by its beginning; and rule -> times that its data stopped. config: as replayable() gives it.
    stepped: called after each hour."""
    remembered = Remembered(Progress(recording.scope, watermarks=_watermarks(recording)))
    answers = _Answers(recording)
    changes: list[Change] = []
    last = recording.end
    slots = [*range(recording.begin + STEP, last, STEP), last]
    for slot in slots:
        kinds = frozenset(config.gather.kinds.get(recording.scope.cloud, ()))
        inventory = Inventory(recording.resources, complete=kinds)
        requests = plan_reads(recording.resources, config.rules, catalog.metrics, remembered.progress, slot)
        facts = Facts(recording.scope, slot, inventory, Readings(tuple(answers.of(requests))))
        stamp = Stamp(config.fleet, slot, "backtest", slot, catalog.metrics)
        decided = plan(facts, requests, remembered, config, catalog, stamp)
        changes += [change for change in decided.changes if change.transition is not None]
        alerts = {change.commit.record.alert_key: change.commit.record for change in decided.changes}
        remembered = replace(remembered, progress=decided.progress, alerts={**remembered.alerts, **alerts})
        stepped()
    return _firings(changes), _silent(changes)


def steps(recording: Recording) -> int:
    """How often replay() calls `stepped`."""
    return len(range(recording.begin + STEP, recording.end, STEP)) + 1


def _watermarks(recording: Recording) -> dict[str, int]:
    return {
        pace_key(metric, period): floor_to(recording.begin, period) for (_, metric), period in recording.asked.items()
    }


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


# --- summing up ---------------------------------------------------------------------------------------------------


def _firings(changes: Sequence[Change]) -> tuple[Firing, ...]:
    begun: dict[str, Firing] = {}
    ended: list[Firing] = []
    for change in changes:
        transition = change.transition
        if transition is None:
            continue
        key = transition.alert_key
        if _opens(transition):
            begun[key] = _begin(change, transition)
        elif key in begun and transition.kind is TransitionKind.RESOLVED:
            ended.append(replace(begun.pop(key), end=transition.at, worst=transition.worst))
        elif key in begun:
            begun[key] = replace(begun[key], worst=transition.worst)
    return tuple(sorted([*ended, *begun.values()], key=lambda firing: (firing.begin, firing.rule, firing.name)))


def _opens(transition: Transition) -> bool:
    return transition.after in OPEN_STATES and transition.before not in OPEN_STATES


def _begin(change: Change, transition: Transition) -> Firing:
    return Firing(
        rule=change.rule.name,
        scope=change.resource.scope,
        resource_id=change.resource.id,
        name=change.resource.name,
        attributes=change.commit.record.attributes,
        begin=transition.at,
        end=None,
        worst=transition.worst,
    )


def _silent(changes: Sequence[Change]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for change in changes:
        if change.transition is not None and change.transition.kind is TransitionKind.WENT_SILENT:
            found[change.rule.name] = found.get(change.rule.name, 0) + 1
    return found


def sum_up(rules: Sequence[str], firings: Sequence[Firing], silent: Mapping[str, int], end: int) -> tuple[Noise, ...]:
    """A line a rule, the noisiest first; rules that never fired are there, too. end: of history."""
    lines = [_noise(rule, [each for each in firings if each.rule == rule], silent.get(rule, 0), end) for rule in rules]
    return tuple(sorted(lines, key=lambda noise: (-noise.fired, -noise.longest, noise.rule)))


def _noise(rule: str, firings: Sequence[Firing], silent: int, end: int) -> Noise:
    lasted = [(end if each.end is None else each.end) - each.begin for each in firings]
    return Noise(
        rule=rule,
        fired=len(firings),
        resolved=sum(each.end is not None for each in firings),
        silent=silent,
        resources=len({(each.scope, each.resource_id) for each in firings}),
        median=median(lasted) if lasted else 0.0,
        longest=max(lasted, default=0),
    )
