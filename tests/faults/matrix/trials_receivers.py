"""Rows about those who are told: they lie, refuse, storm, hang, are dead for days, or come back.

Rows 6, 7 and 9 go through the real notifier to real sockets; the others say what HTTP would have said, read by the
notifier's own table, over hours and days of virtual time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from typing import Any, Literal
from unittest import mock

import rude_receiver as rude
from living_world import Apart, one_after_the_other, steady
from trials import Outcome, a_chance, a_life

from alert_records import a_commit, a_notification
from delivery_checks import check, made_by_hand, made_of
from delivery_world import Arrival, Process, World, a_config
from nephoscope.model.alert import AlertState, Notification, Owed
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.secret import Secret
from nephoscope.model.time import HOUR, MINUTE, Deadline
from nephoscope.notifiers import webhook
from nephoscope.notifiers.answers import meaning_of, parse_retry_after
from nephoscope.ports import Table
from nephoscope.stores.memory import Memory

PATIENCE = 0.6
"""Seconds of a try over real sockets; the product's own are 15. A try begins with half a second at least."""


def a_world(table: Table, **more: Any) -> World:
    return World(Apart(table), Scope(Cloud.AWS, "111111111111", "eu-west-1"), **more)


def owe_many(world: World, keys: Sequence[str], slot: int = 1, channels: tuple[str, ...] = ("chat",)) -> Memory:
    """Each of these alerts has fired, ended, ... `slot` times; nobody has been told yet."""
    memory = Process(world).memory
    for key in keys:
        for at in range(1, slot + 1):
            state = AlertState.FIRING if at % 2 else AlertState.OK
            memory.commit(a_commit(key, at, state, channels, "owing", world.scope, at))
    return memory


def checked(world: World, slot: int, keys: Sequence[str]) -> Any:
    return check(world, made_of(world, keys), made_by_hand(slot, keys))


# --- 6: accepts, then resets, times out or truncates -----------------------------------------------------------------


class _SystemClock:
    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


class _OwnValue:
    def read_secret(self, reference: str) -> Secret:
        return Secret(reference)


class Posting(Process):
    """Sends over the real notifier; what arrived is what the other end says."""

    def __init__(self, world: World, receiver: rude.RudeReceiver, urls: dict[str, str] | None = None) -> None:
        super().__init__(world)
        self._receiver, self._urls = receiver, urls or {}
        self.seen: dict[str, Notification] = {}
        self.seconds: list[float] = []

    def send(self, notification: Notification, deadline: Deadline) -> None:
        url = self._urls.get(notification.channel, self._receiver.url)
        channel = Channel(notification.channel, webhook=url, allow_http=True, allow_private=True)
        real = Deadline(time.monotonic() + min(PATIENCE, deadline.remaining), time.monotonic)
        self.world.tries[notification.id] += 1
        before, lied, began = len(self._receiver.taken), self._receiver.lied, time.monotonic()
        try:
            webhook.open_notifier(channel, _OwnValue(), _SystemClock()).send(notification, real)
        finally:
            self.seconds.append(time.monotonic() - began)
            for name in self._receiver.taken[before:]:
                assert name == notification.id, "another's message arrived"
                self.world.arrivals.append(Arrival(notification.channel, notification, self.world.now))
            self.world.faults += self._receiver.lied - lied


LIES = (
    rude.RESETS,
    rude.CLOSES,
    rude.CUT_IN_STATUS,
    rude.CUT_IN_HEADERS,
    rude.CUT_IN_BODY,
    rude.RESETS_IN_BODY,
    rude.NO_HTTP,
)


def accepts_and_lies(table: Table, seed: int, **more: Any) -> Outcome:
    """Half of the messages are taken by a receiver that then does not say so, or not to the end."""
    chance, outcome = a_chance(seed), Outcome()
    keys = [f"k{number}" for number in range(6)]
    world = a_world(table, **more)
    lies = [*LIES, rude.TIMES_OUT] if seed % 4 == 0 else LIES
    with rude.rude_receiver() as receiver:
        receiver.script = lambda _name: chance.choice(lies) if chance.random() < 0.5 else rude.TAKES
        owe_many(world, keys, slot=2)
        for _ in range(12):
            Posting(world, receiver).deliver()
            world.now += 400
        receiver.script = lambda _name: rude.TAKES
        while Posting(world, receiver).deliver().owed:
            world.now += 1200
    outcome.add(world, checked(world, 2, keys))
    return outcome


# --- 7: every status -------------------------------------------------------------------------------------------------


def expected_of(status: int) -> tuple[str, str]:
    """(what becomes of the message, what people are told), by the rules of delivery: only 2xx takes; 408, 425, 429, 5xx
    and what is no final answer are tried again soon; 410 disables; everything else slowly, and somebody is told."""
    if 200 <= status < 300:
        return "receipt", ""
    if status == 410:
        return "dead", "channel_disabled delivery_given_up"
    if status in (408, 425, 429) or status >= 500 or status < 200:
        return "soon", ""
    return "slowly", "delivery_refused"


def every_status(table: Table, seed: int, statuses: Sequence[int] = range(100, 600), **more: Any) -> Outcome:
    """One message, one answer of a real server to the real notifier, one world for each."""
    outcome = Outcome()
    with rude.rude_receiver() as receiver, rude.rude_receiver() as redirected:
        location = f"Location: {redirected.url}"
        for status in statuses:
            world = a_world(table, **more)
            memory = owe_many(world, ["k"])
            item = a_notification("k", 1, "chat")
            receiver.script = lambda name, s=status, i=item.id: rude.answer(s, location) if name == i else rude.TAKES
            Posting(world, receiver).deliver()
            found = _became(world, memory)
            told = sorted({str(a.notification.why) for a in world.arrivals if a.channel == "last-resort"})
            if (found, " ".join(told)) != expected_of(status):
                outcome.violations.setdefault("L", []).append(f"HTTP {status}: {found}, {told}")
            receiver.script = lambda _name: rude.TAKES
            while Posting(world, receiver).deliver().owed:
                world.now += 1200
            outcome.add(world, checked(world, 1, ["k"]), f"HTTP {status}")
        if redirected.asked:
            outcome.violations["X"] = ["a redirect was followed"]
    return outcome


def _became(world: World, memory: Memory) -> str:
    if memory.has_receipt(world.scope, a_notification("k", 1, "chat")):
        return "receipt"
    (item,) = (item for item in memory.read_outbox(world.scope) if item.notification.channel == "chat")
    if item.status is Owed.DEAD:
        return "dead"
    return "soon" if item.next_at - world.now <= 15 else "slowly"


# --- 8: storms -------------------------------------------------------------------------------------------------------

RECOVERY = 600
"""Seconds after the end of a storm in which everything must have been delivered."""


def _retry_afters(chance: Any, now: float) -> str | None:
    return chance.choice(
        [None, "0", "7", "30", "120", "1.5", "-5", "-1", "soon", "", "1e3", "NaN", "٣", "9" * 40, "Mon, 99 Foo"]
        + [formatdate(now + each, usegmt=True) for each in (-3600, -1, 20, 90)]
    )


def storm(table: Table, seed: int, items: int = 200, hours: float = 2.0, huge: bool = False, **more: Any) -> Outcome:
    """Everything is owed when the receiver begins to say 429 and 503, for two hours, with every kind of Retry-After; a
    run each minute. Then it takes all. huge: it may ask for days, which we cut to an hour, and keep to."""
    chance, outcome = a_chance(seed), Outcome()
    keys = [f"k{number:05}" for number in range(items)]
    world = a_world(table, **more)
    taken = chance.choice([0.0, 0.02, 0.1])
    asked: dict[str, float] = {}

    def stormy(notification: Notification, _number: int) -> DeliveryError | None:
        if chance.random() < taken:
            return None
        status = chance.choice([429, 503])
        header = chance.choice([_retry_afters(chance, world.now), "99999999" if huge else "60"])
        meaning, wait = meaning_of(status), parse_retry_after(header, world.now)
        assert meaning.reason is not None
        asked[notification.id] = world.now + (wait or 0.0)
        return DeliveryError(
            destination="chat", reason=meaning.reason, status=status, retry_after=wait, retryable=meaning.retryable
        )

    owe_many(world, keys)
    world.answer = stormy
    begun = world.now
    while world.now < begun + hours * HOUR:
        world.now = _each_minute(world, world.now)
    world.answer = lambda _notification, _number: None
    over, left = world.now, 1
    while left and world.now < over + 2 * HOUR:
        left = Process(world).deliver().owed
        outcome.more["seconds to recover"] = max(outcome.more["seconds to recover"], int(world.now - over))
        world.now = _next_minute(world.now)
    late = [
        f"{a.notification.alert_key} arrived {a.at - over:.0f} s after the storm"
        for a in world.arrivals
        if a.at > max(over, asked.get(a.notification.id, 0.0) + MINUTE) + RECOVERY
    ]
    if late:
        outcome.violations["B"] = late[:5]
    outcome.more["most tries"] = max(world.tries.values())
    outcome.add(world, checked(world, 1, keys))
    return outcome


def _each_minute(world: World, now: float) -> float:
    Process(world).deliver()
    return _next_minute(max(now, world.now))


def _next_minute(now: float) -> float:
    return now - now % MINUTE + MINUTE


# --- 9: black holes --------------------------------------------------------------------------------------------------


def black_holes(table: Table, seed: int, **more: Any) -> Outcome:
    """Connecting never ends, the headers never come, the body never ends. Others are told in the same run, and when the
    hole is closed everything is there."""
    outcome = Outcome()
    keys = ["k1", "k2", "k3"]
    with rude.rude_receiver() as receiver, rude.deaf_port() as deaf, _patience():
        holes = {
            "connect": f"http://127.0.0.1:{deaf}/hook",
            "headers": receiver.url,
            "body": receiver.url,
        }
        for name, url in holes.items():
            world = a_world(table, **more)
            owe_many(world, keys, channels=("chat", "oncall"))
            mine = {a_notification(key, 1, "chat").id for key in keys}
            endless = rude.Behaviour(rude.then(rude.say(b"HTTP/1.1 200 OK\r\n\r\n"), rude.hang), takes=True)
            silent = rude.Behaviour(rude.hang, takes=True, lies=True)
            hole = {"headers": silent, "body": endless, "connect": rude.TAKES}[name]
            receiver.script = lambda this, h=hole, m=mine: h if this in m else rude.TAKES
            posting = Posting(world, receiver, {"chat": url})
            report = posting.deliver()
            if report.channels["oncall"].sent != len(keys):
                outcome.violations.setdefault("L", []).append(f"{name}: the other channel was not told in the same run")
            if max(posting.seconds) > PATIENCE + 1.5:
                outcome.violations.setdefault("B", []).append(f"{name}: a try took {max(posting.seconds):.1f} s")
            receiver.script = lambda _name: rude.TAKES
            while Posting(world, receiver).deliver().owed:
                world.now += 1200
            outcome.add(world, checked(world, 1, keys), name)
            outcome.faults += 1
    return outcome


@contextmanager
def _patience() -> Iterator[None]:
    with mock.patch.object(webhook, "_DRAIN_SECONDS", 0.2):
        yield


# --- 16: one of many channels is dead for days -----------------------------------------------------------------------


def dead_for_days(table: Table, seed: int, **more: Any) -> Outcome:
    """Twelve channels, one of them dead for three days, in which every two hours something is to be told. The others
    hear it in the same run, and no run takes longer for it; what the dead one misses is given up loudly after a day."""
    chance, outcome = a_chance(seed), Outcome()
    names = tuple(f"channel-{number:02}" for number in range(12))
    config = a_config(*(Channel(name) for name in names), Channel("last-resort", fallback=True))
    world = a_world(table, config=config, budget=10_000, **more)
    dead, how = chance.choice(names), chance.choice(["timeout", "unavailable", "denied", "gone"])
    world.answer = dead_at(world, dead, how)
    slots = 36
    for slot in range(1, slots + 1):
        owed = a_commit("k", slot, _side(slot), names, "r", world.scope, slot)
        Process(world).memory.commit(owed)
        begun = len(world.arrivals)
        for _ in range(8):
            report = Process(world).deliver()
            reached = {a.channel for a in world.arrivals[begun:] if a.notification.alert_key == "k"}
            if reached != set(names) - {dead}:
                outcome.violations.setdefault("L", []).append(f"slot {slot}: {sorted(set(names) - reached)} not told")
            if dict(report.refused).get("timeout", 0) > 2:
                outcome.violations.setdefault("B", []).append(f"slot {slot}: {report.refused} in one run")
            world.now += 900
    world.answer = lambda _notification, _number: None
    for _ in range(14):
        world.now += 1200
        Process(world).deliver()
    outcome.faults += 1
    outcome.add(world, checked(world, slots, ["k"]))
    return outcome


def _side(slot: int) -> AlertState:
    return AlertState.FIRING if slot % 2 else AlertState.OK


def dead_at(world: World, dead: str, how: str) -> Callable[[Notification, int], Any]:
    error = DeliveryError(destination=dead, reason=Reason(how))

    def answer(notification: Notification, _number: int) -> DeliveryError | Literal["reset"] | None:
        if notification.channel != dead:
            return None
        world.now += 5.0 if how == "timeout" else 0.0
        return error

    return answer


# --- 18: fires and resolves while the receiver is down ---------------------------------------------------------------


def down_meanwhile(table: Table, seed: int, **more: Any) -> Outcome:
    """It goes down before the alert fires, and comes back after it has ended (and perhaps fired again)."""
    chance, outcome = a_chance(seed), Outcome()
    again = seed % 2 * " 95 95 95 95 10 10 10 10"
    with one_after_the_other(seed):
        world = a_life(table, machines=("i-a",), **more)
        world.course = steady("10 10 10 95 95 95 95 10 10 10 10 10" + again)
        last = 15 + (8 if again else 0)
        reasons = [Reason.UNAVAILABLE, Reason.TIMEOUT, Reason.THROTTLED]
        world.answer = lambda n, _number: (
            DeliveryError(destination="r", reason=chance.choice(reasons)) if n.channel == "chat" else None
        )
        for minute in range(3, last):
            world.collect(minute)
        world.faults += 1
        world.settle(last)
        told = [a.notification.kind.value for a in world.arrivals if a.channel == "chat"]
        if told != ["fired", "resolved"] * (2 if again else 1):
            outcome.violations["O"] = [f"the receiver was told {told}"]
        outcome.add(world, world.violations(3, last))
    return outcome
