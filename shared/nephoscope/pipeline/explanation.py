"""Why an alert is as it is, and why it was told or not: worked out from what is remembered and what was read.

Nothing is decided here. The same functions that decide in a run are asked again, and what they look at is laid out
beside what they say: each period of the window, who would be told, what keeps them from it, what became of messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from nephoscope.model.alert import (
    OPEN_STATES,
    AlertRecord,
    HistoryEntry,
    OutboxItem,
    Owed,
    TransitionKind,
    Verdict,
    notification_id,
)
from nephoscope.model.quiet import Acknowledgement
from nephoscope.model.resource import Resource
from nephoscope.model.rule import Rule, Threshold
from nephoscope.model.series import Series
from nephoscope.pipeline.audience import Audience
from nephoscope.pipeline.evaluate import evaluate_series, lay_out
from nephoscope.pipeline.judge import EXTRA_PERIODS, UNKNOWN, Sample
from nephoscope.pipeline.wording import render_duration, render_time


class Sort(StrEnum):
    """What stands in a period."""

    VALUE = "value"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Period:
    """at: its end, data time. counts: it is one of the newest N that the rule looks at; the others fill in for absent
    ones. breaching, clearing: whether the rule's condition, and its clear condition, hold; None without a value."""

    at: int
    sort: Sort
    value: float | None
    counts: bool
    breaching: bool | None
    clearing: bool | None


@dataclass(frozen=True, slots=True)
class Judged:
    """The newest window that is settled. verdict None: it cannot be known."""

    periods: tuple[Period, ...]
    needed: int
    considered: int
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message. status: delivered, ready, leased, dead, or gone: neither owed nor receipted now."""

    seq: int
    channel: str
    status: str
    at: float | None = None
    attempts: int = 0
    last: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """record, history (the newest first): as remembered. resource: as it was read now; None where it was not found.
    reasons: why people were told or were not, and what happens next, in sentences."""

    record: AlertRecord
    rule: Rule | None
    resource: Resource | None
    judged: Judged | None
    reasons: tuple[str, ...]
    deliveries: tuple[Delivery, ...]
    history: tuple[HistoryEntry, ...]


def explain_window(rule: Rule, resource: Resource, series: Series, grace: int) -> Judged:
    """The window before the end of the series, as the rule judges it. Raises TypeError for a rule that is not on a
    metric."""
    if not isinstance(rule.when, Threshold):
        raise TypeError(f"rule {rule.name} is not on a metric")
    needed, considered = rule.window.points(series.period)
    length = considered + EXTRA_PERIODS
    if rule.clear is not None:
        length = max(length, rule.clear_window.points(series.period)[1] + EXTRA_PERIODS)
    samples = lay_out(rule, series)[-length:]
    first = series.end - series.period * len(samples)
    periods = [
        _period(rule, sample, first + (index + 1) * series.period, len(samples) - index <= considered)
        for index, sample in enumerate(samples)
    ]
    verdicts = evaluate_series(
        "", rule, resource, series, after=series.end - series.period, until=series.end, grace=grace
    )
    return Judged(tuple(periods), needed, considered, verdicts[-1] if verdicts else None)


def _period(rule: Rule, sample: Sample, at: int, counts: bool) -> Period:
    if sample is UNKNOWN:
        return Period(at, Sort.UNKNOWN, None, counts, None, None)
    if not isinstance(sample, float):
        return Period(at, Sort.ABSENT, None, counts, None, None)
    breaching, clearing = _holds(rule.when, sample), _holds(rule.clear, sample)
    return Period(at, Sort.VALUE, sample, counts, breaching, clearing)


def _holds(condition: object, value: float) -> bool | None:
    return condition.comparison.holds(value, condition.value) if isinstance(condition, Threshold) else None


# --- why told, or not ---------------------------------------------------------------------------------------------


def explain_telling(
    record: AlertRecord,
    rule: Rule | None,
    resource: Resource | None,
    audience: Audience,
    ack: Acknowledgement | None,
    history: Sequence[HistoryEntry],
    slot: int,
) -> tuple[str, ...]:
    """Sentences, in the order in which a person asks: what the last change did, who is told now, what keeps them from
    it, what comes next. history: the newest first."""
    return tuple(_reasons(record, rule, resource, audience, ack, history, slot))


def _reasons(
    record: AlertRecord,
    rule: Rule | None,
    resource: Resource | None,
    audience: Audience,
    ack: Acknowledgement | None,
    history: Sequence[HistoryEntry],
    slot: int,
) -> Iterator[str]:
    if history:
        yield _last(history[0], rule)
    if rule is None:
        yield "The configuration has no such rule any more: the next run ends the alert, and whoever was told is told."
        return
    if resource is None:
        yield "The resource is not listed now: who would be told depends on it, and cannot be said."
        return
    yield from _audience(rule, resource, audience)
    muted = audience.muted_by(rule, resource)
    if muted:
        yield f"It is quiet now, by {muted}: nobody is told before that is over; then whatever is open is announced."
    if record.state not in OPEN_STATES:
        yield f"It is {record.state}: nothing is to be told."
        return
    if ack is not None and ack.episode == record.episode:
        yield f"{ack.by or 'Somebody'} acknowledged it at {render_time(ack.at)}: no repeats and no escalation."
    elif not muted:
        yield from _next(record, rule, resource, audience, slot)


def _last(entry: HistoryEntry, rule: Rule | None) -> str:
    what = f"The last change, {entry.kind} ({entry.why}) at {render_time(entry.at)},"
    if entry.told:
        return f"{what} was owed to {', '.join(entry.told)}."
    if entry.muted:
        return f"{what} was told to nobody: it was quiet, by {entry.muted}."
    silent = entry.kind in (TransitionKind.WENT_SILENT, TransitionKind.BACK)
    if silent and rule is not None and not rule.tell_missing:
        return f"{what} is shown and told to nobody: the rule does not say `missing: tell`."
    if entry.kind is TransitionKind.RESOLVED:
        return f"{what} was told to nobody, for nobody had been told that it fired."
    return f"{what} was told to nobody: neither the rule nor a route named a channel."


def _audience(rule: Rule, resource: Resource, audience: Audience) -> Iterator[str]:
    everyone = audience.of(rule, resource)
    if not everyone:
        yield "Nobody is told: the rule says so, or there is no channel."
        return
    by_routes = [channel for route in audience.routes(rule, resource) for channel in route.tell]
    parts = [f"{', '.join(rule.tell)} by the rule"] if rule.tell else []
    parts += [f"{', '.join(dict.fromkeys(by_routes))} by routes"] if by_routes else []
    how = " and ".join(parts) or f"{', '.join(everyone)}, for nothing says who"
    yield f"Told are {how}."


def _next(record: AlertRecord, rule: Rule, resource: Resource, audience: Audience, slot: int) -> Iterator[str]:
    if not record.told:
        yield "Nobody was told that it fired; the next run announces it."
    for name in record.told:
        channel = audience.config.channels.get(name)
        if channel is None:
            yield f"{name} was told, and is no channel any more."
        elif channel.repeat:
            at = record.told_at.get(name, slot) + channel.repeat
            yield f"{name} hears of it again at {render_time(at)}, every {render_duration(channel.repeat)}."
    for route in audience.routes(rule, resource):
        late = [name for name in route.escalate_to if name not in record.told]
        if late and record.fired_at is not None:
            at = record.fired_at + route.escalate_after
            yield f"Unless somebody acknowledges it, {', '.join(late)} will be told at {render_time(at)}."


# --- what became of messages --------------------------------------------------------------------------------------


def message_ids(history: Iterable[HistoryEntry]) -> tuple[tuple[str, int, str], ...]:
    """(id, seq, channel) of every message that these changes owed, in their order."""
    return tuple(
        (notification_id(entry.alert_key, entry.seq, channel), entry.seq, channel)
        for entry in history
        for channel in entry.told
    )


def explain_deliveries(
    ids: Iterable[tuple[str, int, str]], items: Iterable[OutboxItem], receipts: Mapping[str, float | None]
) -> tuple[Delivery, ...]:
    """What became of each. items: what is owed or was given up. receipts: id -> when it was taken."""
    owed = {item.notification.id: item for item in items}
    return tuple(_delivery(seq, channel, owed.get(id_), receipts.get(id_)) for id_, seq, channel in ids)


def _delivery(seq: int, channel: str, item: OutboxItem | None, receipt: float | None) -> Delivery:
    if item is not None:
        next_at = None if item.status is Owed.DEAD else item.next_at or None
        return Delivery(seq, channel, str(item.status), next_at, item.attempts, item.last)
    if receipt is not None:
        return Delivery(seq, channel, "delivered", receipt)
    return Delivery(seq, channel, "gone")
