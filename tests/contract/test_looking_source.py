"""Where all pages get their look: read once for all, kept when nobody answers, over a real store."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from alert_records import SCOPE, VirtualClock, a_commit
from nephoscope.app.looking.doors import Doors, NothingYetError
from nephoscope.app.looking.reading import Reading
from nephoscope.app.looking.source import Source
from nephoscope.app.outside import Outside
from nephoscope.model.alert import AlertState
from nephoscope.model.errors import Reason, StoreError
from nephoscope.model.quiet import Acknowledgement
from nephoscope.pipeline.looking.look import Look
from nephoscope.pipeline.looking.shown import Seen
from web_memory import IRELAND, VIRGINIA, an_outside, fire, fleet_of, machine, remember

EVERY = 10.0


class Reader:
    """A look for each call, or an error; it counts, and can be held up."""

    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self.free = threading.Event()
        self.free.set()

    def __call__(self) -> Look:
        self.calls += 1
        assert self.free.wait(10)
        if self.error is not None:
            raise self.error
        return Look(1_795_435_200 + self.calls, "acme")


def settled(source: Source, is_so: Callable[[Seen], bool]) -> Seen:
    until = time.monotonic() + 5
    while not is_so(source.now()):
        assert time.monotonic() < until
        time.sleep(0.005)
    return source.now()


def test_one_reading_serves_any_number_of_tabs_for_its_time() -> None:
    read, clock = Reader(), VirtualClock()
    source = Source(read, clock, EVERY)
    threads = [threading.Thread(target=source.now) for _ in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    clock.sleep(EVERY - 0.1)
    assert source.now().number == 1
    assert read.calls == 1
    clock.sleep(0.2)
    assert settled(source, lambda seen: seen.number == 2).at == 1_795_435_202
    assert read.calls == 2


def test_what_was_shown_stays_when_the_source_does_not_answer() -> None:
    read, clock = Reader(), VirtualClock()
    source = Source(read, clock, EVERY)
    first = source.now()
    read.error = StoreError(operation="query", reason=Reason.UNAVAILABLE, detail="no way there")
    clock.sleep(EVERY + 1)
    seen = settled(source, lambda seen: bool(seen.problem))
    assert (seen.shown, seen.at) == (first.shown, first.at)
    assert seen.problem == "unavailable (no way there)"
    read.error = None
    clock.sleep(EVERY + 1)
    assert settled(source, lambda seen: not seen.problem).number == 2


def test_a_fault_of_our_own_is_said_without_its_text() -> None:
    read = Reader()
    read.error = KeyError("somebody's secret")
    seen = Source(read, VirtualClock(), EVERY).now()
    assert (seen.shown, seen.problem, seen.at) == (None, "a fault of our own: KeyError", 0)


def test_a_source_that_hangs_holds_nobody_up_and_is_said_to_hang() -> None:
    read, clock = Reader(), VirtualClock()
    source = Source(read, clock, EVERY)
    first = source.now()
    read.free.clear()
    clock.sleep(EVERY + 1)
    assert source.now() == first  # it is asked, and nobody waits
    clock.sleep(70)
    began = time.monotonic()
    seen = source.now()
    assert time.monotonic() - began < 1
    assert (seen.shown, seen.problem) == (first.shown, "it has not answered for 1 min 10 s")
    assert read.calls == 2  # and it is not asked again meanwhile
    read.free.set()
    assert settled(source, lambda seen: seen.number == 2).problem == ""


# --- over a real store --------------------------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    return an_outside(tmp_path)


def test_a_look_is_what_is_remembered(outside: Outside) -> None:
    machines = fleet_of(9)
    remember(outside, machines)
    key = fire(outside, machines[IRELAND][1])
    outside.memory.acknowledge(IRELAND, Acknowledgement(key, 1, "ada", 1))
    look = Reading(outside).read()
    assert [place.scope for place in look.places] == sorted(machines)
    ireland = next(place for place in look.places if place.scope == IRELAND)
    assert {one.id for one in ireland.machines} == {one.id for one in machines[IRELAND]}
    assert [record.alert_key for record in ireland.open_alerts] == [key]
    assert ireland.acknowledged[key].by == "ada"
    assert [entry.alert_key for entry in ireland.history] == [key]
    assert look.found(IRELAND, machines[IRELAND][0].id) == machines[IRELAND][0]
    assert look.found(VIRGINIA, machines[IRELAND][0].id) is None
    assert look.sentences["cpu-hot"].startswith("cpu-hot: every instance: fires when cpu.utilization > 90 %")


def test_a_snapshot_is_read_again_only_when_a_run_has_written_another(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(outside, fleet_of(9))
    reads: list[object] = []
    real = type(outside.memory).read_snapshot
    monkeypatch.setattr(
        type(outside.memory), "read_snapshot", lambda self, scope: reads.append(scope) or real(self, scope)
    )
    reading = Reading(outside)
    first, again = reading.read(), reading.read()
    assert len(reads) == 3
    assert first.places[0].snapshot is again.places[0].snapshot
    remember(outside, {IRELAND: [machine(1)]})
    ireland = next(place for place in reading.read().places if place.scope == IRELAND)
    assert len(reads) == 4
    assert [one.id for one in ireland.machines] == [machine(1).id]


def test_what_is_owed_and_who_is_not_told_any_more(outside: Outside) -> None:
    outside.memory.register(SCOPE)
    outside.memory.commit(a_commit("a1", 1))
    (item,) = outside.memory.read_outbox(SCOPE)
    assert outside.memory.claim(SCOPE, item, 60) is not None
    outside.memory.disable_channel(SCOPE.cloud, "chat", "gone")
    look = Reading(outside).read()
    assert [(entry.id, entry.notifications, entry.dead) for entry in look.owed] == [(item.notification.id, 1, False)]
    assert look.switched_off == (("chat", "gone"),)
    ended = a_commit("a1", 2, AlertState.OK)
    outside.memory.commit(ended)
    assert len(Reading(outside).read().owed) == 2
    assert Reading(outside).read().places[0].open_alerts == ()


def test_a_memory_that_comes_to_be_is_looked_into(tmp_path: Path) -> None:
    clock, there = VirtualClock(), threading.Event()

    def opened() -> Outside:
        if not there.is_set():
            raise NothingYetError("there is no nephoscope.sqlite")
        return replace(an_outside(tmp_path), clock=clock)

    doors = Doors(opened, clock, {}, EVERY)
    assert doors.now().problem == "there is no nephoscope.sqlite"
    there.set()
    clock.sleep(EVERY + 1)
    until = time.monotonic() + 5
    while doors.now().shown is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert doors.now().problem == ""
