"""The storyteller: a story lived through run for run, by the functions' own decision on a virtual clock.

Each run asks for exactly what it wants to read, is given what the story says the provider would answer by then,
decides, and remembers what would be written. What the story does not say is unknown, never absent: a metric that it
does not name, and the time behind a series' last value. Before a series' first value there was no point.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from nephoscope.app.stories.machines import ABSENT
from nephoscope.app.stories.story import Attributes, Course, Machine, Story, Words
from nephoscope.catalog.loader import Catalog, load_catalog
from nephoscope.model.alert import AlertState, TransitionKind, Verdict
from nephoscope.model.config import Config
from nephoscope.model.errors import Reason
from nephoscope.model.memory import Progress, Remembered
from nephoscope.model.quiet import Acknowledgement
from nephoscope.model.resource import Resource, State
from nephoscope.model.scope import Cloud, Scope, fleet_scope
from nephoscope.model.series import Facts, Gap, Inventory, Readings, Series, SeriesKey, SeriesRequest
from nephoscope.model.time import MINUTE, floor_to
from nephoscope.pipeline.changes import Change
from nephoscope.pipeline.groups import plan_groups
from nephoscope.pipeline.judge import UNKNOWN, Sample
from nephoscope.pipeline.need import pace_key, plan_reads
from nephoscope.pipeline.notify import Stamp, measured_of
from nephoscope.pipeline.partials import group_rules
from nephoscope.pipeline.plan import Plan, plan
from nephoscope.pipeline.restarts import find_starts, with_starts
from nephoscope.pipeline.verdicts import Judged, judge_scope
from nephoscope.pipeline.wording import render_value


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to an alert, as people would see it. at: data time, told: the run's slot; both epoch seconds.
    channels: who was told; muted: why nobody was."""

    at: int
    told: int
    kind: TransitionKind
    why: str
    rule: str
    on: str
    resource_id: str
    attributes: Attributes
    channels: tuple[str, ...]
    muted: str
    after: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A verdict, and the run that came to it. word: what an observation saw. state: of the alert after that run; empty
    where the same run came to a later verdict."""

    rule: str
    resource_id: str
    attributes: Attributes
    verdict: Verdict
    slot: int
    word: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """events: in the order in which they were told. seen: every verdict, in order, where they were asked for."""

    events: tuple[Event, ...]
    seen: tuple[Seen, ...] = ()


def tell(story: Story, *, watch: bool = False) -> Told:
    """Live through it. watch: keep each verdict, too."""
    catalog = load_catalog().configured(story.config)
    kept = story.only or [rule.name for rule in story.config.rules]
    config = replace(story.config, rules=tuple(rule for rule in story.config.rules if rule.name in kept))
    tellers = [
        _Teller(story, scope, config, catalog, watch)
        for scope in dict.fromkeys(machine.scope for machine in story.machines)
    ]
    fleet = _FleetTeller(story, config, catalog, watch)
    last = story.start + MINUTE * story.until
    for slot in range(story.start, last + 1, story.every):
        for teller in tellers:
            teller.run(slot)
        fleet.run(slot, [teller.progress for teller in tellers])
    all_of_them: tuple[_Teller | _FleetTeller, ...] = (*tellers, fleet)
    events = sorted((event for teller in all_of_them for event in teller.events), key=lambda event: event.told)
    return Told(tuple(events), tuple(seen for teller in all_of_them for seen in teller.seen))


class _Teller:
    """One scope of a story."""

    def __init__(self, story: Story, scope: Scope, config: Config, catalog: Catalog, watch: bool) -> None:
        self._story = story
        self._scope = scope
        self._config = config
        self._catalog = catalog
        self._watch = watch
        self._machines = [machine for machine in story.machines if machine.scope == scope]
        self._courses = _by_request(self._machines)
        self._remembered = Remembered(_beginning(scope, story.start, self._machines), silences=story.silences)
        self.events: list[Event] = []
        self.seen: list[Seen] = []

    def run(self, slot: int) -> None:
        minute = (slot - self._story.start) // MINUTE
        self._acknowledge(slot)
        inventory = self._inventory(minute)
        metrics = self._catalog.metrics
        requests = plan_reads(inventory.resources, self._config.rules, metrics, self._remembered.progress, slot)
        facts = Facts(self._scope, slot, inventory, self._readings(requests, minute))
        stamp = Stamp(self._config.fleet, slot, f"run-{minute}", slot, metrics)
        judged = list(self._judged(facts, requests)) if self._watch else []
        decided = plan(facts, requests, self._remembered, self._config, self._catalog, stamp)
        self.events += [_event(change, slot) for change in decided.changes if change.transition]
        self._remember(decided)
        self.seen += self._with_states(judged)

    @property
    def progress(self) -> Progress:
        return self._remembered.progress

    def _with_states(self, judged: Sequence[Seen]) -> Iterator[Seen]:
        last = {each.verdict.alert_key: each.verdict.at for each in judged}
        for each in judged:
            key = each.verdict.alert_key
            record = self._remembered.alerts.get(key)
            state = str(record.state if record else AlertState.OK)
            yield replace(each, state=state if each.verdict.at == last[key] else "")

    def _remember(self, decided: Plan) -> None:
        alerts = {change.commit.record.alert_key: change.commit.record for change in decided.changes}
        self._remembered = replace(
            self._remembered,
            progress=decided.progress,
            alerts={**self._remembered.alerts, **alerts},
            snapshot=decided.snapshot or self._remembered.snapshot,
        )

    def _acknowledge(self, slot: int) -> None:
        """What was said since the run before."""
        self._remembered = replace(self._remembered, acknowledged=_acknowledged(self._story, self._remembered, slot))

    def _inventory(self, minute: int) -> Inventory:
        kinds = self._config.gather.kinds.get(self._scope.cloud, ())
        if minute in self._story.blind:
            return Inventory(gaps=(Gap(self._scope, "story", Reason.UNAVAILABLE, affected=tuple(map(str, kinds))),))
        there = [machine for machine in self._machines if _word_at(machine.seen.get("state"), minute) != ABSENT]
        return Inventory(tuple(_resource(machine, minute) for machine in there), complete=frozenset(kinds))

    def _readings(self, requests: Sequence[SeriesRequest], minute: int) -> Readings:
        if not requests:
            return Readings()
        if minute in self._story.unread:
            return Readings(gaps=(Gap(self._scope, "story", Reason.UNAVAILABLE),))
        series: list[Series] = []
        gaps: list[Gap] = []
        for request in requests:
            courses = self._courses.get((request.resource_id, request.metric))
            if courses is None:
                gaps.append(_unsaid(self._scope, request))
            else:
                listed = [course for course in courses if course.listed or not request.source.discover]
                series += [_series(course, request) for course in listed]
        return Readings(tuple(series), tuple(gaps))

    def _judged(self, facts: Facts, requests: Sequence[SeriesRequest]) -> Iterator[Seen]:
        starts = find_starts(facts, self._remembered, self._config)
        resources = with_starts(facts.inventory.resources, starts)
        facts = replace(facts, inventory=replace(facts.inventory, resources=tuple(resources)))
        found = judge_scope(facts, requests, self._remembered, self._config, self._catalog.metrics)
        for judged in found.alerts:
            word = judged.resource.observations.get(getattr(judged.rule.when, "attribute", ""), "")
            for verdict in judged.verdicts:
                yield Seen(judged.rule.name, judged.resource.id, judged.attributes, verdict, facts.slot, word)


class _FleetTeller:
    """The rules on groups: judged after each run of all scopes, from what those have noted."""

    def __init__(self, story: Story, config: Config, catalog: Catalog, watch: bool) -> None:
        self._story = story
        self._config = config
        self._metrics = catalog.metrics
        self._watch = watch
        self._remembered = Remembered(Progress(fleet_scope(Cloud.AWS)), silences=story.silences)
        self.events: list[Event] = []
        self.seen: list[Seen] = []

    def run(self, slot: int, parts: Sequence[Progress]) -> None:
        if not group_rules(self._config.rules):
            return
        said = _acknowledged(self._story, self._remembered, slot)
        self._remembered = replace(self._remembered, acknowledged=said)
        stamp = Stamp(self._config.fleet, slot, f"run-{slot}", slot, self._metrics)
        decided = plan_groups(parts, self._remembered, self._config, self._metrics, stamp)
        self.events += [_event(change, slot) for change in decided.changes if change.transition]
        alerts = {change.commit.record.alert_key: change.commit.record for change in decided.changes}
        self._remembered = replace(
            self._remembered, progress=decided.progress, alerts={**self._remembered.alerts, **alerts}
        )
        if self._watch:
            self.seen += [self._seen(judged, verdict, slot) for judged in decided.judged for verdict in judged.verdicts]

    def _seen(self, judged: Judged, verdict: Verdict, slot: int) -> Seen:
        record = self._remembered.alerts.get(judged.key)
        state = str(record.state if record else AlertState.OK)
        word = "" if verdict.value is None else render_value(verdict.value, measured_of(judged.rule, self._metrics)[1])
        return Seen(judged.rule.name, judged.resource.id, (), verdict, slot, word, state)


def _acknowledged(story: Story, remembered: Remembered, slot: int) -> Mapping[str, Acknowledgement]:
    """With what was said since the run before."""
    said = dict(remembered.acknowledged)
    for ack in story.acks:
        at = story.start + MINUTE * ack.minute
        if not slot - story.every < at <= slot:
            continue
        for record in remembered.alerts.values():
            if (record.rule, record.resource_id) == (ack.rule, ack.on):
                said[record.alert_key] = Acknowledgement(record.alert_key, record.episode, ack.by, at)
    return said


def _by_request(machines: Iterable[Machine]) -> Mapping[tuple[str, str], list[Course]]:
    found: dict[tuple[str, str], list[Course]] = {}
    for machine in machines:
        for course in machine.courses:
            found.setdefault((machine.name, course.metric), []).append(course)
    return found


def _beginning(scope: Scope, start: int, machines: Iterable[Machine]) -> Progress:
    """Everything up to minute 0 has been judged, so that no run judges what lies before the story."""
    watermarks = {
        pace_key(course.metric, course.period): floor_to(start, course.period)
        for machine in machines
        for course in machine.courses
    }
    return Progress(scope, watermarks=watermarks)


def _word_at(words: Words | None, minute: int) -> str:
    """The word of the last minute at or before; absent before the first."""
    past = [at for at in words or {0: ""} if at <= minute]
    return (words or {0: ""})[max(past)] if past else ABSENT


def _resource(machine: Machine, minute: int) -> Resource:
    words = {name: _word_at(seen, minute) for name, seen in machine.seen.items()}
    observations = {name: word for name, word in words.items() if word != ABSENT}
    state = State(words["state"]) if "state" in words else None
    return Resource(
        scope=machine.scope,
        kind=machine.kind,
        id=machine.name,
        name=machine.name,
        type=machine.type,
        state=state,
        launched_at=machine.launched_at,
        tags=machine.tags,
        observations=observations,
        fine=machine.detailed,
    )


def _unsaid(scope: Scope, request: SeriesRequest) -> Gap:
    return Gap(scope, "story", Reason.NOT_FOUND, affected=(request.metric,), resource_ids=(request.resource_id,))


def _series(course: Course, request: SeriesRequest) -> Series:
    """What the provider answers: what is unknown is no number."""
    times, values = array("q"), array("d")
    for at in range(request.start, request.end, request.period):
        sample = sample_at(course, at)
        if sample is not None:
            times.append(at)
            values.append(sample if isinstance(sample, float) else math.nan)
    key = SeriesKey(request.resource_id, request.metric, course.attributes)
    return Series(key, request.period, request.start, request.end, times=times, values=values)


def sample_at(course: Course, at: int) -> Sample:
    """Of the period that begins at `at`."""
    index = (at - course.start) // course.period
    if index >= len(course.samples):
        return UNKNOWN
    return course.samples[index] if index >= 0 else None


def _event(change: Change, slot: int) -> Event:
    transition, commit = change.transition, change.commit
    if transition is None:
        raise ValueError("a change that nobody sees")
    return Event(
        at=transition.at,
        told=slot,
        kind=transition.kind,
        why=str(transition.why),
        rule=change.rule.name,
        on=change.resource.name or change.resource.id,
        resource_id=change.resource.id,
        attributes=commit.record.attributes,
        channels=tuple(message.channel for message in commit.notifications),
        muted=commit.history.muted if commit.history else "",
        after=str(transition.after),
    )
