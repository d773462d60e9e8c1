"""What came of a story beside what was expected, and the course of each alert that went another way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nephoscope.app.authoring.findings import Place
from nephoscope.app.stories.story import Attributes, Course, Expectation, Story
from nephoscope.app.stories.telling import Event, Seen, Told, sample_at, tell
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.alert import AlertState
from nephoscope.model.rule import Threshold
from nephoscope.model.time import MINUTE
from nephoscope.pipeline.judge import UNKNOWN, Sample
from nephoscope.pipeline.wording import render_value


@dataclass(frozen=True, slots=True)
class Mismatch:
    """place: of the expectation; of the story, for what nobody expected. rule, on: whose course to look at."""

    place: Place
    text: str
    rule: str
    on: str


@dataclass(frozen=True, slots=True)
class Row:
    """A period, or a run that told something: minutes. value: as people write it."""

    at: int | None
    value: str
    verdict: str
    run: int | None
    state: str
    told: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One alert's course. title: its rule, machine and condition."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Result:
    story: Story
    told: Told
    mismatches: tuple[Mismatch, ...]
    lanes: tuple[Lane, ...] = ()

    @property
    def well(self) -> bool:
        return not self.mismatches


def judge_story(story: Story, *, watch: bool = False) -> Result:
    """Live through it and compare. lanes: of the alerts that went another way; with `watch` of all that were judged."""
    told = tell(story)
    mismatches = tuple(_compare(story, told.events))
    if not mismatches and not watch:
        return Result(story, told, ())
    told = tell(story, watch=True)
    about = None if watch else {(each.rule, each.on) for each in mismatches}
    return Result(story, told, mismatches, tuple(_lanes(story, told, about)))


# --- comparing ----------------------------------------------------------------------------------------------------


def _compare(story: Story, events: Sequence[Event]) -> Iterator[Mismatch]:
    """Each expectation takes the first event that fits; the others are what nobody expected."""
    left = list(events)
    missed: list[Expectation] = []
    for expected in story.expected:
        found = next((event for event in left if _fits(story, expected, event)), None)
        if found is None:
            missed.append(expected)
        else:
            left.remove(found)
    for expected in missed:
        near = _nearest(story, expected, left)
        if near is not None:
            left.remove(near)
        got = f"got it {_happened(story, near, brief=True)}" if near else "it never happened"
        on = near.on if near else expected.on
        yield Mismatch(expected.place, f"expected {_said(expected)}; {got}", expected.rule, on)
    for event in left:
        yield Mismatch(story.place, f"not expected: {_happened(story, event)}", event.rule, event.on)


def _fits(story: Story, expected: Expectation, event: Event) -> bool:
    return (
        _alike(expected, event)
        and expected.at in (None, minute(story, event.at))
        and expected.told in (None, minute(story, event.told))
        and (expected.tell is None or sorted(expected.tell) == sorted(event.channels))
        and expected.why in ("", event.why)
    )


def _alike(expected: Expectation, event: Event) -> bool:
    """The same thing, if perhaps at another time, for another reason, or told to others."""
    return (expected.kind, expected.rule) == (event.kind, event.rule) and expected.on in (
        "",
        event.on,
        event.resource_id,
    )


def _nearest(story: Story, expected: Expectation, events: Iterable[Event]) -> Event | None:
    def away(event: Event) -> int:
        if expected.told is not None:
            return abs(minute(story, event.told) - expected.told)
        return abs(minute(story, event.at) - (expected.at or 0))

    return min((event for event in events if _alike(expected, event)), key=away, default=None)


def minute(story: Story, at: int) -> int:
    return (at - story.start) // MINUTE


def _said(expected: Expectation) -> str:
    """`fired cpu-hot on web-1 at 5, told at 7 to oncall (threshold_crossed)`."""
    text = f"{expected.kind} {expected.rule}" + (f" on {expected.on}" if expected.on else "")
    text += f" at {expected.at}" if expected.at is not None else ""
    if expected.told is not None or expected.tell is not None:
        text += ", told" if expected.at is not None else " told"
        text += f" at {expected.told}" if expected.told is not None else ""
        text += f" to {_names(expected.tell)}" if expected.tell is not None else ""
    return text + (f" ({expected.why})" if expected.why else "")


def _happened(story: Story, event: Event, *, brief: bool = False) -> str:
    text = "" if brief else f"{event.kind} {event.rule} on {_of(event.on, event.attributes)} "
    text += f"at {minute(story, event.at)}, told at {minute(story, event.told)} to {_names(event.channels)}"
    return f"{text} ({event.why})" + (f", for it is quiet: {event.muted}" if event.muted else "")


def _names(channels: Iterable[str]) -> str:
    return ", ".join(channels) or "nobody"


def _of(name: str, attributes: Attributes) -> str:
    return name + (f" [{', '.join(value for _, value in attributes)}]" if attributes else "")


# --- the course of an alert ---------------------------------------------------------------------------------------


def _lanes(story: Story, told: Told, about: set[tuple[str, str]] | None) -> Iterator[Lane]:
    """A lane for each alert that is meant; one without a machine's name means all machines of the rule."""
    keys = dict.fromkeys((seen.rule, seen.resource_id, seen.attributes) for seen in told.seen)
    for rule, resource, attributes in keys:
        if about is None or (rule, resource) in about or (rule, "") in about:
            yield _lane(story, told, rule, resource, attributes)


def _lane(story: Story, told: Told, rule_name: str, resource: str, attributes: Attributes) -> Lane:
    rule = next(rule for rule in story.config.rules if rule.name == rule_name)
    key = (rule_name, resource, attributes)
    seen = [each for each in told.seen if (each.rule, each.resource_id, each.attributes) == key]
    events = [each for each in told.events if (each.rule, each.resource_id, each.attributes) == key]
    title = f"{rule_name} on {_of(resource, attributes)}"
    if isinstance(rule.when, Threshold):
        course = _course(story, resource, rule.when.metric, attributes)
        unit = load_catalog().metrics[rule.when.metric].unit
        return Lane(title, tuple(_rows(story, seen, events, course, unit)))
    return Lane(title, tuple(_rows(story, seen, events, None, "")))


def _course(story: Story, resource: str, metric: str, attributes: Attributes) -> Course | None:
    machines = [machine for machine in story.machines if machine.name == resource]
    courses = [course for machine in machines for course in machine.courses if course.metric == metric]
    return next((course for course in courses if course.attributes == attributes), next(iter(courses), None))


def _rows(
    story: Story, seen: Sequence[Seen], events: Sequence[Event], course: Course | None, unit: str
) -> Iterator[Row]:
    """By data time: each period that was written, each verdict, and what was told beside them."""
    verdicts = {each.verdict.at: each for each in seen}
    written = range(course.start + course.period, course.end + 1, course.period) if course else ()
    state = str(AlertState.OK)
    for at in sorted({*verdicts, *written, *(event.at for event in events)}):
        here = [event for event in events if event.at == at]
        judged = verdicts.get(at)
        if course and at > course.end and not here:
            continue
        state = here[-1].after if here else (judged.state if judged else "") or state
        run = judged.slot if judged else here[0].told if here else None
        yield Row(
            at=minute(story, at),
            value=_value(course, at, judged, unit),
            verdict=_verdict(judged) if judged else "not judged",
            run=None if run is None else minute(story, run),
            state=state,
            told="; ".join(_telling(story, event) for event in here),
        )


def _value(course: Course | None, at: int, judged: Seen | None, unit: str) -> str:
    if course is None or at % course.period:
        return judged.word if judged else ""
    return _written(sample_at(course, at - course.period), unit)


def _written(sample: Sample, unit: str) -> str:
    if sample is UNKNOWN:
        return "?"
    return render_value(sample, unit) if isinstance(sample, float) else "_"


def _verdict(seen: Seen) -> str:
    """`breaching 3 of 5`: so many of the newest points, of as many as are looked at."""
    verdict = seen.verdict
    counted = f" {verdict.breaching} of {verdict.considered}" if verdict.considered > 1 else ""
    return f"{verdict.outcome}{counted}"


def _telling(story: Story, event: Event) -> str:
    late = f" at {minute(story, event.told)}"
    return f"{event.kind} ({event.why}) to {_names(event.channels)}{late}"


def folded(rows: Sequence[Row]) -> list[tuple[Row, int | None]]:
    """Rows that say the same one after the other, as one: with the minute of its last, where there are several."""
    found: list[tuple[Row, int | None]] = []
    for row in rows:
        if found and not row.told and _same(found[-1][0], row):
            found[-1] = (found[-1][0], row.at)
        else:
            found.append((row, None))
    return found


def _same(one: Row, other: Row) -> bool:
    return not one.told and (one.value, one.verdict, one.state) == (other.value, other.verdict, other.state)
