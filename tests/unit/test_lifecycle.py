"""The lifecycle: the table is whole, and the walks that people live through come out as they should."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nephoscope.model.alert import OPEN_STATES, AlertRecord, AlertState, Outcome, TransitionKind, Verdict, Why
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Comparison, Observation, Rule, Threshold
from nephoscope.pipeline.lifecycle import ENDING, FREEZING, TABLE, advance

HOT = Rule("cpu-hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9))
COLD = Rule("credits", Kind.INSTANCE, Threshold("cpu.credit.balance", Comparison.LESS, 10))
DOWN = Rule("down", Kind.INSTANCE, Observation("state", ("stopped",)))
START = AlertRecord("k", "cpu-hot", "i-1")


def walk(*steps, rule=HOT, record=START):
    """Outcomes (with values) minute by minute -> (states, transitions told)."""
    states, told = [], []
    for minute, step in enumerate(steps, start=1):
        outcome, value = step if isinstance(step, tuple) else (step, None)
        record, transition = advance(record, Verdict("k", minute * 60, outcome, value), rule)
        states.append(record.state.value)
        if transition:
            told.append((minute, transition.kind.value, transition.why.value))
    return states, told, record


def test_every_state_has_a_row_for_every_outcome_that_does_not_freeze():
    assert set(TABLE) == {(state, outcome) for state in AlertState for outcome in Outcome if outcome not in FREEZING}


def test_opening_is_always_told_and_so_is_closing():
    for (before, outcome), (after, kind) in TABLE.items():
        if before not in OPEN_STATES and after in OPEN_STATES:
            assert kind is TransitionKind.FIRED, (before, outcome)
        if before in OPEN_STATES and after not in OPEN_STATES:
            assert kind is TransitionKind.RESOLVED, (before, outcome)


def test_fires_recovers_and_tells_both_once():
    states, told, _ = walk(
        Outcome.CLEAR, Outcome.PARTLY, (Outcome.BREACHING, 0.95), (Outcome.BREACHING, 0.99), Outcome.HELD, Outcome.CLEAR
    )
    assert states == ["ok", "pending", "firing", "firing", "recovering", "ok"]
    assert told == [(3, "fired", "threshold_crossed"), (6, "resolved", "recovered")]


def test_worst_is_the_largest_for_a_rule_on_large_values():
    _, _, record = walk((Outcome.BREACHING, 0.95), (Outcome.BREACHING, 0.99), (Outcome.BREACHING, 0.92))
    assert (record.worst, record.value) == (0.99, 0.92)


def test_worst_is_the_smallest_for_a_rule_on_small_values():
    _, _, record = walk((Outcome.BREACHING, 7.0), (Outcome.BREACHING, 3.0), (Outcome.BREACHING, 5.0), rule=COLD)
    assert record.worst == 3.0


def test_a_resolved_message_knows_its_beginning_and_its_worst():
    record = walk((Outcome.BREACHING, 0.95), (Outcome.BREACHING, 0.99))[2]
    _, transition = advance(record, Verdict("k", 600, Outcome.CLEAR, 0.2), HOT)
    assert (transition.fired_at, transition.worst, transition.value) == (60, 0.99, 0.2)


def test_data_that_stops_while_firing_does_not_close_the_alert_and_refiring_is_not_told_twice():
    states, told, _ = walk((Outcome.BREACHING, 1.0), Outcome.NODATA, (Outcome.BREACHING, 1.0), (Outcome.CLEAR, 0.1))
    assert states == ["firing", "lost", "firing", "ok"]
    assert told == [(1, "fired", "threshold_crossed"), (2, "went_silent", "no_data"), (4, "resolved", "recovered")]


@pytest.mark.parametrize("state", AlertState)
@pytest.mark.parametrize("outcome", sorted(FREEZING))
def test_unknown_and_ignored_freeze_every_state(state, outcome):
    record = replace(START, state=state, watermark=0)
    assert advance(record, Verdict("k", 60, outcome), HOT) == (record, None)


@pytest.mark.parametrize(("outcome", "why"), ENDING.items())
def test_an_end_from_outside_closes_an_open_alert_with_its_reason(outcome, why):
    record = walk((Outcome.BREACHING, 1.0))[2]
    after, transition = advance(record, Verdict("k", 600, outcome), HOT)
    assert (after.state, transition.kind, transition.why) == (AlertState.OK, TransitionKind.RESOLVED, why)


def test_a_stopped_machine_without_an_alert_is_no_news():
    assert walk(Outcome.STOPPED, Outcome.GONE)[1] == []


def test_a_verdict_of_a_boundary_already_taken_in_changes_nothing():
    record = walk((Outcome.BREACHING, 1.0), Outcome.CLEAR)[2]
    assert advance(record, Verdict("k", 60, Outcome.BREACHING, 1.0), HOT) == (record, None)


def test_a_second_incident_is_another_episode():
    record = walk((Outcome.BREACHING, 1.0), Outcome.CLEAR, (Outcome.BREACHING, 1.0))[2]
    assert (record.episode, record.fired_at) == (2, 180)


def test_what_is_seen_fires_with_its_own_reason():
    _, told, _ = walk(Outcome.PARTLY, Outcome.BREACHING, rule=DOWN)
    assert told == [(2, "fired", "state_held")]


@given(st.lists(st.sampled_from(list(Outcome)), max_size=30))
def test_told_beginnings_and_ends_alternate(outcomes):
    """Nobody hears of two beginnings without an end between them, or of an end without a beginning."""
    told = [kind for _, kind, _ in walk(*outcomes)[1] if kind in ("fired", "resolved")]
    assert told == ["fired", "resolved"] * (len(told) // 2) + ["fired"] * (len(told) % 2)


def test_every_reason_has_a_word():
    assert {why.value for why in ENDING.values()} <= {why.value for why in Why}
