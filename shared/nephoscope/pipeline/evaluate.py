"""From facts to verdicts: what each rule says of each resource at each boundary since it was last asked.

Metrics are judged once for each period boundary since the watermark, in order, so that a run that makes up for three
lost ones sees the spike that came and went in between. What is seen rather than measured (states, status checks,
whether we see anything at all) is judged at the slot; how long it has been so, the alert's record remembers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nephoscope.model.alert import AlertRecord, AlertState, Outcome, Verdict
from nephoscope.model.resource import Resource, State, StateGroup
from nephoscope.model.rule import MissingData, Numeric, Observation, Rule, Threshold
from nephoscope.model.series import Series
from nephoscope.model.time import MINUTE
from nephoscope.pipeline.judge import EXTRA_PERIODS, UNKNOWN, Finding, Judgement, Sample, judge

PATIENCE = 15 * MINUTE
"""Seconds (or three periods) for which a boundary that cannot be known holds up those after it."""


@dataclass(frozen=True, slots=True)
class Course:
    """One series under one rule, laid out: a sample for each period from `start`. clearing: the same for the rule's
    clear condition, where what is known of a figure says more of one condition than of the other."""

    rule: Rule
    resource: Resource
    period: int
    start: int
    samples: Sequence[Sample]
    clearing: Sequence[Sample] = ()

    def before(self, at: int, length: int, *, clearing: bool = False) -> list[Sample]:
        """The `length` samples before a boundary; what lies outside the window that was read is unknown."""
        end = (at - self.start) // self.period
        samples = self.clearing if clearing and self.clearing else self.samples
        known = range(len(samples))
        return [samples[i] if i in known else UNKNOWN for i in range(end - length, end)]


def evaluate_series(
    key: str, rule: Rule, resource: Resource, series: Series, *, after: int, until: int, grace: int
) -> list[Verdict]:
    """Verdicts at the boundaries in (after, until], oldest first; stops before the first that cannot be known, so
    that the next run takes it up from there, and passes over it when it has been waited for long enough.

    key: the alert's. after, until: multiples of the series' period. grace: seconds after the launch in which absence is
    no news. Raises TypeError for a rule that is not on a metric.
    """
    course = Course(rule, resource, series.period, series.start, lay_out(rule, series))
    return evaluate_course(key, course, after, until, grace)


def evaluate_course(key: str, course: Course, after: int, until: int, grace: int) -> list[Verdict]:
    """The same for samples that are laid out already."""
    verdicts: list[Verdict] = []
    for at in range(after + course.period, until + 1, course.period):
        verdict = _at_boundary(key, course, at, grace)
        if verdict.outcome is Outcome.UNKNOWN:
            if at + max(PATIENCE, 3 * course.period) <= until:
                continue  # it will hardly come any more; what is known since must not wait for it
            break
        verdicts.append(verdict)
    return verdicts


def evaluate_observation(key: str, rule: Rule, resource: Resource, record: AlertRecord | None, slot: int) -> Verdict:
    """What a rule on states or checks says at the slot. Raises TypeError for a rule on a metric."""
    if not isinstance(rule.when, Observation):
        raise TypeError(f"rule {rule.name} is on a metric")
    word = resource.observations.get(rule.when.attribute)
    if word is None:
        return Verdict(key, slot, Outcome.CLEAR if _ended(resource) else Outcome.KEEP)
    if (word in rule.when.words) is rule.when.negated:
        return Verdict(key, slot, Outcome.CLEAR)
    return hold(key, rule, record, slot)


def hold(key: str, rule: Rule, record: AlertRecord | None, slot: int) -> Verdict:
    """What is bad is seen now; has it been for as long as the rule says? The alert's record remembers since when."""
    began = record.since if record and record.state in _HOLDING else slot
    held = slot - began >= rule.window.span
    return Verdict(key, slot, Outcome.BREACHING if held else Outcome.PARTLY, since=began)


_HOLDING = frozenset({AlertState.PENDING, AlertState.FIRING})


def evaluate_unmeasured(key: str, resource: Resource, slot: int) -> Verdict:
    """A rule on a metric of a machine that does not run: no point is no news, and an open alert has ended."""
    settled = resource.state is not None and resource.state.group in (StateGroup.STOPPED, StateGroup.GONE)
    ended = Outcome.GONE if resource.state in (State.TERMINATED, State.TERMINATING) else Outcome.STOPPED
    return Verdict(key, slot, ended if settled else Outcome.KEEP)


def _ended(resource: Resource) -> bool:
    return resource.state is not None and resource.state.group is StateGroup.GONE


def lay_out(rule: Rule, series: Series) -> Sequence[Sample]:
    """What the rule compares: a sample for each period of the window that was asked."""
    samples = _dense(series)
    if isinstance(rule.when, Threshold) and rule.when.over:
        return _changes_over(samples, rule.when.lag(series.period))
    return samples


def _dense(series: Series) -> Sequence[Sample]:
    """One sample for each period of the window that was asked. A value that is no number is unknown, not absent."""
    count = (series.end - series.start) // series.period
    samples: list[Sample] = [None if series.complete else UNKNOWN] * count
    for time, value in zip(series.times, series.values, strict=True):
        index = (time - series.start) // series.period
        if 0 <= index < count:
            samples[index] = value if math.isfinite(value) else UNKNOWN
    return samples


def _changes_over(samples: Sequence[Sample], lag: int) -> Sequence[Sample]:
    """Each less the one `lag` periods before; what is unknown or absent at either end is so."""
    return [_change(sample, samples[index - lag] if index >= lag else UNKNOWN) for index, sample in enumerate(samples)]


def _change(now: Sample, before: Sample) -> Sample:
    if isinstance(now, float) and isinstance(before, float):
        return now - before
    return UNKNOWN if UNKNOWN in (now, before) else None


def _at_boundary(key: str, course: Course, at: int, grace: int) -> Verdict:
    rule = course.rule
    if isinstance(rule.when, Observation):
        raise TypeError(f"rule {rule.name} is not on a metric")
    m, n = rule.window.points(course.period)
    missing = _treatment(rule, course.resource, at, n * course.period + grace)
    fires = judge(course.before(at, n + EXTRA_PERIODS), m, n, _breaches(rule.when), missing)
    outcome = _OUTCOMES.get(fires.finding) or _short_of_alarm(course, at, fires)
    return Verdict(key, at, outcome, fires.value, fires.breaching, m, n)


_OUTCOMES: Mapping[Finding, Outcome] = {
    Finding.ALARM: Outcome.BREACHING,
    Finding.INSUFFICIENT: Outcome.NODATA,
    Finding.UNKNOWN: Outcome.UNKNOWN,
}


def _short_of_alarm(course: Course, at: int, fires: Judgement) -> Outcome:
    """OK or RETAIN: is the clear condition met, and is it about to fire?"""
    if fires.finding is Finding.RETAIN:
        return Outcome.KEEP
    if course.rule.clear is not None and not _cleared(course, at):
        return Outcome.HELD
    return Outcome.PARTLY if fires.newest_breaches else Outcome.CLEAR


def _cleared(course: Course, at: int) -> bool:
    """The clear condition holds for its own window. An absent point is no recovery, unless the rule says that
    absence is good."""
    rule = course.rule
    if rule.clear is None or isinstance(rule.clear, Observation):
        return False
    m, n = rule.clear_window.points(course.period)
    absent_is_good = rule.missing is MissingData.NOT_BREACHING
    treatment = MissingData.BREACHING if absent_is_good else MissingData.NOT_BREACHING
    samples = course.before(at, n + EXTRA_PERIODS, clearing=True)
    return judge(samples, m, n, _breaches(rule.clear), treatment).finding is Finding.ALARM


def _breaches(condition: Numeric) -> Callable[[float], bool]:
    holds, threshold = condition.comparison.holds, condition.value
    return lambda value: holds(value, threshold)


def _treatment(rule: Rule, resource: Resource, at: int, settling: int) -> MissingData:
    """A machine that has just been launched has no points yet; that is no news."""
    young = resource.launched_at is not None and at - resource.launched_at < settling
    return MissingData.IGNORE if young else rule.missing
