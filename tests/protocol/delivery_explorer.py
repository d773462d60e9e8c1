"""Breadth first through every state of a setting, and the shortest way to the first that must not be.

    python tests/protocol/delivery_explorer.py      a table of settings, states, seconds
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from delivery_moves import Label, Protocol, Setting
from delivery_state import Layout, Wrong, describe

SETTINGS = (
    Setting("two runs, two channels, two faults", "rr", 2, 2, 2),
)


@dataclass(frozen=True, slots=True)
class Step:
    label: Label
    state: bytes


@dataclass(frozen=True, slots=True)
class Explored:
    """wrong: the first promise that was broken, with the shortest way there; None: every state keeps all of them.
    at_rest: states in which everything has ended."""

    setting: Setting
    states: int
    moves: int
    at_rest: int
    seconds: float
    wrong: Wrong | None = None
    trace: tuple[Step, ...] = ()

    def __str__(self) -> str:
        if self.wrong is None:
            return f"{self.setting.name}: {self.states:,} states, {self.moves:,} moves, nothing wrong"
        lines = [f"{self.setting.name}: {self.wrong.text}", *render(self.trace, self.setting.layout)]
        return "\n".join(lines)


def explore(protocol: Protocol) -> Explored:
    """Every state that the setting allows, or up to the first that breaks a promise."""
    began = time.perf_counter()
    first = protocol.first()
    numbers, order = {first: 0}, [first]
    parents, fair = array("i", [-1]), array("i")
    moves = at_rest = 0
    found: tuple[Wrong, int] | None = None
    for number, state in enumerate(order):  # it grows meanwhile
        if wrong := protocol.wrong(state):
            found = Wrong(wrong), number
            break
        following = protocol.moves(state)
        moves += len(following)
        for _, after in following:
            if numbers.setdefault(after, len(order)) == len(order):
                order.append(after)
                parents.append(number)
        if following:
            fair.append(numbers[following[0][1]])
            continue
        at_rest += 1
        fair.append(-1)
        if not protocol.at_rest(state):
            found = Wrong.STUCK, number
            break
    if found is None and (stuck := _going_round(fair)) is not None:
        found = Wrong.STUCK, stuck
    seconds = time.perf_counter() - began
    if found is None:
        return Explored(protocol.setting, len(order), moves, at_rest, seconds)
    trace = _trace(protocol, order, parents, found[1])
    return Explored(protocol.setting, len(order), moves, at_rest, seconds, found[0], trace)


def _going_round(fair: Sequence[int]) -> int | None:
    """A state from which the fair run never ends, or None. fair: the number of the state after each, -1 = at rest."""
    unknown, under_way, ends = 0, 1, 2
    known = bytearray(len(fair))
    for start in range(len(fair)):
        way, at = [], start
        while at >= 0 and known[at] == unknown:
            known[at] = under_way
            way.append(at)
            at = fair[at]
        if at >= 0 and known[at] == under_way:
            return at
        for passed in way:
            known[passed] = ends
    return None


def _trace(protocol: Protocol, order: Sequence[bytes], parents: Sequence[int], number: int) -> tuple[Step, ...]:
    way: list[int] = []
    while number >= 0:
        way.append(number)
        number = parents[number]
    states = [order[number] for number in reversed(way)]
    steps = []
    for before, after in zip(states, states[1:], strict=False):
        label = next(label for label, state in protocol.moves(before) if state == after)
        steps.append(Step(label, after))
    return tuple(steps)


def render(trace: Sequence[Step], layout: Layout) -> list[str]:
    """One line for each step, and what stands in the store at the end."""
    lines = [f"  {number:>2}. {_words(step.label, layout)}" for number, step in enumerate(trace, 1)]
    return [*lines, *(f"      {line}" for line in describe(trace[-1].state, layout))] if trace else lines


def _words(label: Label, layout: Layout) -> str:
    who = "" if label.worker < 0 else f"run {'ABC'[label.worker]} "
    item = "" if label.item < 0 else f" {layout.name(label.item)}"
    outcome = "" if label.outcome == "done" else f": {label.outcome}"
    return f"{who}{label.verb}{item}{outcome}"


def explore_all(settings: Sequence[Setting] = SETTINGS) -> list[Explored]:
    return [explore(Protocol(setting)) for setting in settings]


if __name__ == "__main__":
    import sys
    for letters, t, c, f, more in [
        ("rr", 2, 1, 2, {}), ("rr", 2, 2, 1, {}), ("rr", 2, 2, 2, {}), ("rr", 3, 1, 2, {}), ("rrs", 2, 1, 1, {}), ("rrs",2,1,2,{}),
        ("rr", 2, 1, 2, dict(gives_up=True)), ("rr", 2, 1, 2, dict(late=True)), ("rr", 3, 1, 2, dict(expires=True)),
        ("rr", 2, 1, 2, dict(skewed=True)),
    ]:
        e = explore(Protocol(Setting(f"{letters} {t} {c} {f} {more}", letters, t, c, f, **more)))
        print(e, f"{e.seconds:.1f} s, rest {e.at_rest}", flush=True)
        if e.wrong: sys.exit()
