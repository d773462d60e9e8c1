"""The life of an alert: a table from (state, outcome) to (state, what people may be told).

    OK ──breaching──▶ FIRING ──held──▶ RECOVERING ──clear──▶ OK
     │ ▲                 │  ▲──breaching──┘
  partly clear         nodata (LOST: still open, for nobody saw it recover)
     ▼ │
   PENDING ──breaching──▶ FIRING           OK ──nodata──▶ NODATA ──any point──▶ OK

KEEP and UNKNOWN are in no row: they freeze the state whatever it is. A rule with `keep_firing` stays RECOVERING for so
long where it would be resolved. The README's diagram is drawn from TABLE.
"""

from __future__ import annotations

from dataclasses import replace

from nephoscope.model.alert import (
    OPEN_STATES,
    AlertRecord,
    AlertState,
    Outcome,
    Transition,
    TransitionKind,
    Verdict,
    Why,
)
from nephoscope.model.rule import Observation, Rule

S, V, K = AlertState, Outcome, TransitionKind

FREEZING = frozenset({V.KEEP, V.UNKNOWN})
ENDING = {
    V.STOPPED: Why.RESOURCE_STOPPED,
    V.GONE: Why.RESOURCE_GONE,
    V.WITHDRAWN: Why.RULE_WITHDRAWN,
}
"""Outcomes that end an alert whatever its numbers were, and how that is told."""

Step = tuple[AlertState, TransitionKind | None]

TABLE: dict[tuple[AlertState, Outcome], Step] = {
    **{(state, V.BREACHING): (S.FIRING, K.FIRED) for state in (S.OK, S.PENDING, S.NODATA)},
    **{(state, V.BREACHING): (S.FIRING, None) for state in (S.FIRING, S.RECOVERING, S.LOST)},
    **{(state, V.PARTLY): (S.PENDING, None) for state in (S.OK, S.PENDING)},
    **{(state, V.PARTLY): (S.PENDING, K.RESOLVED) for state in (S.FIRING, S.RECOVERING, S.LOST)},
    (S.NODATA, V.PARTLY): (S.PENDING, K.BACK),
    **{(state, V.HELD): (S.OK, None) for state in (S.OK, S.PENDING)},
    **{(state, V.HELD): (S.RECOVERING, None) for state in (S.FIRING, S.RECOVERING, S.LOST)},
    (S.NODATA, V.HELD): (S.OK, K.BACK),
    **{(state, V.CLEAR): (S.OK, None) for state in (S.OK, S.PENDING)},
    **{(state, V.CLEAR): (S.OK, K.RESOLVED) for state in (S.FIRING, S.RECOVERING, S.LOST)},
    (S.NODATA, V.CLEAR): (S.OK, K.BACK),
    **{(state, V.NODATA): (S.NODATA, K.WENT_SILENT) for state in (S.OK, S.PENDING)},
    **{(state, V.NODATA): (S.LOST, K.WENT_SILENT) for state in (S.FIRING, S.RECOVERING)},
    (S.NODATA, V.NODATA): (S.NODATA, None),
    (S.LOST, V.NODATA): (S.LOST, None),
    **{(state, end): (S.OK, K.RESOLVED) for state in OPEN_STATES for end in ENDING},
    **{(state, end): (S.OK, None) for state in (S.OK, S.PENDING) for end in ENDING},
    **{(S.NODATA, end): (S.OK, K.BACK) for end in ENDING},
}


def advance(record: AlertRecord, verdict: Verdict, rule: Rule) -> tuple[AlertRecord, Transition | None]:
    """Take one verdict into an alert. A verdict at or before the record's watermark, and a freezing one, change
    nothing. `ver` is not touched: a commit bumps it."""
    if verdict.at <= record.watermark or verdict.outcome in FREEZING:
        return record, None
    state, kind = TABLE[record.state, verdict.outcome]
    if kind is K.RESOLVED and _is_kept(record, verdict, rule):
        state, kind = S.RECOVERING, None
    if record.flapping and verdict.outcome in ENDING:
        kind = K.RESOLVED  # it may be well just now: who was told that it comes and goes is told that it is over
    after = _moved(record, state, verdict, rule)
    if kind is None:
        return after, None
    return after, Transition(
        alert_key=record.alert_key,
        kind=kind,
        before=record.state,
        after=state,
        why=_why(kind, verdict, rule),
        at=verdict.at,
        value=verdict.value,
        worst=after.worst if state in OPEN_STATES else record.worst,
        fired_at=after.fired_at if state in OPEN_STATES else record.fired_at,
    )


def _is_kept(record: AlertRecord, verdict: Verdict, rule: Rule) -> bool:
    """Whether the rule keeps it open for some time after its condition last held. What has ended for good ends."""
    well_since = record.since if record.state is S.RECOVERING else verdict.at
    return verdict.outcome not in ENDING and verdict.at - well_since < rule.keep_firing


def _moved(record: AlertRecord, state: AlertState, verdict: Verdict, rule: Rule) -> AlertRecord:
    opens = state in OPEN_STATES and record.state not in OPEN_STATES
    stays_open = state in OPEN_STATES and record.state in OPEN_STATES
    return replace(
        record,
        state=state,
        since=_since(record, state, verdict),
        watermark=verdict.at,
        episode=record.episode + opens,
        fired_at=verdict.at if opens else record.fired_at if stays_open else None,
        value=verdict.value,
        worst=worst_of(rule, record.worst if stays_open else None, verdict.value) if state in OPEN_STATES else None,
        missed=0,
    )


def _since(record: AlertRecord, state: AlertState, verdict: Verdict) -> int:
    """Observations carry their own beginning, which PENDING must remember; otherwise the change of state counts."""
    if verdict.since is not None:
        return verdict.since
    return record.since if state is record.state else verdict.at


def _why(kind: TransitionKind, verdict: Verdict, rule: Rule) -> Why:
    if verdict.outcome in ENDING:
        return ENDING[verdict.outcome]
    match kind:
        case K.FIRED:
            return Why.STATE_HELD if isinstance(rule.when, Observation) else Why.THRESHOLD_CROSSED
        case K.RESOLVED:
            return Why.RECOVERED
        case K.WENT_SILENT:
            return Why.NO_DATA
        case K.BACK:
            return Why.DATA_BACK


def worst_of(rule: Rule, known: float | None, value: float | None) -> float | None:
    """The worse of two values by the rule's own direction; None where there is none (observations)."""
    if isinstance(rule.when, Observation):
        return None
    if known is None or value is None:
        return value if known is None else known
    return max(known, value) if rule.when.comparison.upward else min(known, value)
