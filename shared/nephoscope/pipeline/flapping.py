"""Alerts that come and go: people are told once that one does, and then how it ended.

An alert that fires for the fourth time within an hour is flapping. That firing is told, with the word. From then on its
ups and downs stand in the history and nobody is told of them, until it has been one or the other for half an hour: then
people hear which. What ends for good (the machine is gone, the rule withdrawn) is told at once.
"""

from __future__ import annotations

from dataclasses import replace

from nephoscope.model.alert import AlertRecord, Transition, TransitionKind, Why
from nephoscope.model.time import HOUR, MINUTE
from nephoscope.pipeline.lifecycle import ENDING

FIRES, WITHIN = 4, HOUR
CALM_AFTER = 30 * MINUTE
MUTED = "flapping"
"""Stands in the history of what was not told."""

_FOR_GOOD = frozenset(ENDING.values())


def note_firing(record: AlertRecord, transition: Transition) -> tuple[AlertRecord, Transition]:
    """The record with this transition's firing noted; the transition says so where it is the one that makes it flap."""
    if transition.kind is not TransitionKind.FIRED:
        return record, transition
    fires = (*(at for at in record.fires if transition.at - at < WITHIN), transition.at)[-FIRES:]
    if record.flapping or len(fires) < FIRES:
        return replace(record, fires=fires), transition
    return replace(record, fires=fires, flapping=True), replace(transition, why=Why.FLAPPING)


def is_damped(before: AlertRecord, transition: Transition) -> bool:
    """Whether nobody is told of this one, for the alert was flapping before it."""
    return before.flapping and transition.why not in _FOR_GOOD


def has_settled(record: AlertRecord, slot: int) -> bool:
    return record.flapping and slot - max(record.since, *record.fires) >= CALM_AFTER
