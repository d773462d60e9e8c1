"""Protocols that are wrong in one place each: the explorer finds the promise they break, by the shortest way."""

from __future__ import annotations

import pytest

import broken_protocols as broken
from delivery_explorer import explore
from delivery_faults import Setting
from delivery_moves import Protocol
from delivery_state import Wrong

ONE_RUN = Setting("one run, killed once", "r", faults=1)
ONE_RUN_REFIRES = Setting("one run, fire, resolve, fire again", "r", transitions=3, faults=0)
UNHURT = Setting("two runs, no fault", faults=0)
ONCE = Setting("two runs, one fault", faults=1)
GIVES_UP = Setting("one run, two faults, messages are given up", "r", faults=2, gives_up=True)
RUNS_OUT = Setting("two runs, no fault, rows run out", transitions=3, faults=0, expires=True)

WRONG = [
    (broken.SendsBeforeCommit, UNHURT, Wrong.COPIES),
    (broken.WritesTwice, ONE_RUN, Wrong.LOST),
    (broken.WritesTwice, UNHURT, Wrong.ORDER),
    (broken.DeletesBeforeSending, ONE_RUN, Wrong.LOST),
    (broken.DeletesOnError, ONE_RUN, Wrong.LOST),
    (broken.CommitsBlindly, UNHURT, Wrong.COPIES),
    (broken.DoesNotLookAgain, UNHURT, Wrong.TAKEN_TWICE),
    (broken.KeepsNoOrder, UNHURT, Wrong.ORDER),
    (broken.ClaimsBlindly, UNHURT, Wrong.COPIES),
    (broken.KnowsNoHolder, UNHURT, Wrong.COPIES),
    (broken.ChecksNoLease, ONCE, Wrong.COPIES),
    (broken.FinishesBlindly, ONCE, Wrong.ENDED_TWICE),
    (broken.ReleasesBlindly, ONCE, Wrong.COPIES),
    (broken.LeasesForEver, ONE_RUN, Wrong.STUCK),
    (broken.GivesUpSilently, GIVES_UP, Wrong.SILENT),
    (broken.KeepsNoTombstone, ONE_RUN_REFIRES, Wrong.ID_REUSED),
    (broken.KeepsNoTombstone, UNHURT, Wrong.TAKEN_TWICE),
    (broken.KeepsNoTombstoneAndAsksReceipts, ONE_RUN_REFIRES, Wrong.LOST),
    (broken.ForgetsReceiptsLast, RUNS_OUT, Wrong.ID_REUSED),
    (broken.ForgetsUnderARun, RUNS_OUT, Wrong.TAKEN_TWICE),
]


@pytest.mark.parametrize(("protocol", "setting", "wrong"), WRONG, ids=lambda value: getattr(value, "__name__", None))
def test_it_is_caught(protocol: type[Protocol], setting: Setting, wrong: Wrong) -> None:
    explored = explore(protocol(setting))
    print(f"\n{protocol.__name__}: {protocol.__doc__}\n{explored}")
    assert explored.wrong is wrong, str(explored)
    assert 0 < len(explored.trace) <= 25


@pytest.mark.parametrize(
    "setting", sorted({setting for _, setting, _ in WRONG}, key=str), ids=lambda setting: setting.name
)
def test_the_right_protocol_keeps_every_promise_there(setting: Setting) -> None:
    explored = explore(Protocol(setting))
    assert explored.wrong is None, str(explored)
    assert explored.at_rest > 0


def test_what_the_promise_of_order_leaves_out_does_happen() -> None:
    """A run is frozen in the act of sending; another gives the message up, and sends the next."""
    explored = explore(broken.PromisesMore(Setting("two runs, two faults", faults=2, gives_up=True)))
    assert explored.wrong is Wrong.ORDER
    assert [step.label.verb for step in explored.trace[-5:]] == [
        "gives up",
        "claims",
        "looks at its lease",
        "sends",
        "sends",
    ]
