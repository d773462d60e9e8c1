"""Breadth first through every state of a setting, and the shortest way to the first that must not be.

python tests/protocol/delivery_explorer.py      a table of settings, states, seconds
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from delivery_faults import Label, Setting
from delivery_moves import Protocol
from delivery_state import Layout, Wrong, describe

SETTINGS = (
    Setting(
        "fire, resolve; given up, late writes, skewed clocks", "rr", 2, 1, 2, gives_up=True, late=True, skewed=True
    ),
    Setting("fire, resolve, two channels", "rr", 2, 2, 1),
    Setting("fire, resolve, fire again; rows run out", "rr", 3, 1, 2, late=True, expires=True),
    Setting("three runs at once", "rrr", 2, 1, 1),
    Setting("two runs and a sweeper", "rrs", 2, 1, 1, gives_up=True, late=True, skewed=True),
)


@dataclass(frozen=True, slots=True)
class Step:
    label: Label
    state: bytes


@dataclass(frozen=True, slots=True)
class Explored:
    """seconds: of one core. at_rest: states in which everything has ended. kinds: of the moves, verb and outcome.
    wrong: the first promise that was broken, trace: the shortest way there; None: every state keeps all of them."""

    setting: Setting
    states: int
    moves: int
    at_rest: int
    seconds: float
    wrong: Wrong | None = None
    trace: tuple[Step, ...] = ()
    kinds: frozenset[tuple[str, str]] = frozenset()

    def counts(self) -> dict[str, str | int | float]:
        """For a report in JSON. wrong: empty where every promise was kept."""
        return {
            "setting": self.setting.name,
            "workers": self.setting.workers,
            "states": self.states,
            "moves": self.moves,
            "at_rest": self.at_rest,
            "seconds": round(self.seconds, 1),
            "wrong": self.wrong.text if self.wrong else "",
        }

    def __str__(self) -> str:
        if self.wrong is None:
            return f"{self.setting.name}: {self.states:,} states, {self.moves:,} moves, nothing wrong"
        lines = [f"{self.setting.name}: {self.wrong.text}", *render(self.trace, self.setting.layout)]
        return "\n".join(lines)


def explore(protocol: Protocol) -> Explored:
    """Every state that the setting allows, or up to the first that breaks a promise."""
    began = time.process_time()
    first = protocol.first()
    numbers, order = {first: 0}, [first]
    parents, fair = array("i", [-1]), array("i")
    kinds: set[tuple[str, str]] = set()
    moves = at_rest = 0
    found: tuple[Wrong, int] | None = None
    for number, state in enumerate(order):  # it grows meanwhile
        if broken := protocol.wrong(state):
            found = Wrong(broken), number
            break
        following = protocol.moves(state)
        moves += len(following)
        for label, after in following:
            kinds.add(label[1::2])
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
    seconds = time.process_time() - began
    wrong = found[0] if found else None
    trace = _trace(protocol, order, parents, found[1]) if found else ()
    return Explored(protocol.setting, len(order), moves, at_rest, seconds, wrong, trace, frozenset(kinds))


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
    for before, after in pairwise(states):
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
    """Each setting to its end: about a minute and 300 MB."""
    return [explore(Protocol(setting)) for setting in settings]


def table(results: Iterable[Explored]) -> Iterator[str]:
    """A line for each setting as it is done, and the sum."""
    yield f"{'setting':<52} {'workers':>7} {'states':>10} {'moves':>10} {'at rest':>7} {'s':>6}"
    total, seconds = 0, 0.0
    for each in results:
        total, seconds = total + each.states, seconds + each.seconds
        setting = each.setting
        yield (
            f"{setting.name:<52} {setting.workers:>7} {each.states:>10,} {each.moves:>10,} {each.at_rest:>7,} "
            f"{each.seconds:>6.1f}"
        )
        if each.wrong:
            yield str(each)
    yield f"{'all':<60} {total:>10,} {'':>10} {'':>7} {seconds:>6.1f}"


if __name__ == "__main__":
    for line in table(explore(Protocol(setting)) for setting in SETTINGS):
        print(line, flush=True)
