"""Every state of the delivery protocol within the settings' bounds keeps every promise; README.md says which."""

from __future__ import annotations

import pytest

from delivery_explorer import SETTINGS, Explored, explore, table
from delivery_faults import Setting
from delivery_moves import Protocol
from delivery_state import ARRIVED, STATUS, Row
from kinds_of_moves import KINDS

STATES = 1_900_000
"""At least so many, over all settings together."""


@pytest.fixture(scope="module")
def explored() -> dict[Setting, Explored]:
    return {}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_no_state_breaks_a_promise(explored: dict[Setting, Explored], setting: Setting) -> None:
    """Nothing is lost or given up silently; no copy without a fault while it was sent; first arrivals in order; no
    receipt for nothing; no id for two contents; and the fair run from each state ends with everything delivered."""
    explored[setting] = found = explore(Protocol(setting))
    print(f"\n{found}")
    assert found.wrong is None, str(found)
    assert found.at_rest > 0


def test_the_settings_cover_enough_states(explored: dict[Setting, Explored]) -> None:
    for setting in SETTINGS:
        if setting not in explored:  # run by itself, it explores them itself
            explored[setting] = explore(Protocol(setting))
    print("", *table(explored.values()), sep="\n")
    assert sum(found.states for found in explored.values()) >= STATES


def test_every_kind_of_move_is_met() -> None:
    """Else a promise might be kept only because nothing happens."""
    small = Setting("small", "rr", 1, 1, 2, gives_up=True, late=True, skewed=True)
    assert KINDS - explore(Protocol(small)).kinds == set()


def test_faults_while_sending_do_make_copies() -> None:
    """The promise about copies is tight: with two faults a message can come three times, not more."""
    protocol = Protocol(Setting("tight", "rr", 1, 1, 2))
    states, base = [protocol.first()], protocol.items[0]
    known = set(states)
    for state in states:
        following = {after for _, after in protocol.moves(state)} - known
        known |= following
        states += sorted(following)
    assert max(state[base + ARRIVED] for state in states if state[base + STATUS] == Row.RECEIPT) == 3
