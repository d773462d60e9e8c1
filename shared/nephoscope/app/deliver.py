"""The one loop that empties the outbox: what is owed, in order for each alert and channel, to its receiver or aside.

Called at the end of each run and by a sweeper every minute; any number of them at once. Each channel has lanes of its
own, so that a dead receiver delays nobody else; within a lane the messages of one alert keep their order. Channels that
group are left to the sweeper (app/grouped.py).
"""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from nephoscope.app.courier import Courier, Ground, Step
from nephoscope.app.grouped import carry_group, groups_of, read_sweeping, singles_of, thaw_orphans
from nephoscope.app.tally import ChannelReport, DeliveryReport, Tally
from nephoscope.model.alert import OutboxItem
from nephoscope.model.config import Config
from nephoscope.model.errors import StoreError
from nephoscope.model.memory import ChannelState
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import Deadline
from nephoscope.pipeline.backoff import FURTHEST, chains, is_due
from nephoscope.pipeline.grouping import Group
from nephoscope.pipeline.notices import Told, channels_instead, plan_unreadable
from nephoscope.ports import Clock, Notifier
from nephoscope.stores.memory import Memory, Owing, Unreadable

__all__ = ["ChannelReport", "DeliveryReport", "deliver"]

LANES = 4
"""Messages to one channel that are under way at once."""
WORKERS = 32
ROUNDS = 3
"""A round more where notices about failing channels became owed; a notice makes no notice, so this suffices."""
STORE_FAILURES = 3
"""In a row, after which a lane leaves the rest to the next run."""
TRIES_IN_A_TURN = 4
"""Tries of a message, after which those that have had fewer go first."""
UNREADABLE_SECONDS = 900
"""A row that cannot be read may be from a newer version that is just being deployed; after this it is set aside.
One that says to be from the far future is from nobody's clock."""

Chain = tuple[OutboxItem, ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """Messages to one channel that one thread sends one after another: chains by scope, those that were tried least
    come first, and of these the oldest."""

    channel: str
    number: int
    chains: tuple[tuple[Scope, Chain | Group], ...]


def deliver(
    memory: Memory,
    scopes: Iterable[Scope],
    notifier_for: Callable[[str], Notifier],
    config: Config,
    clock: Clock,
    deadline: Deadline,
    *,
    chance: Callable[[], float] = random.random,
    sleep: Callable[[float], None] = time.sleep,
    workers: int = WORKERS,
    sweeping: bool = False,
) -> DeliveryReport:
    """Send what is due in these scopes, until nothing is or the time is up. Raises nothing: what the store or a
    receiver did not do stands in the report, and is still owed. workers: threads at most; 1 = none but the caller's.
    sweeping: the channels that group, too."""
    ground = Ground(memory, notifier_for, config, clock, deadline, chance, sleep)
    tally = Tally()
    todo = tuple(dict.fromkeys(scopes))
    courier = Courier(ground, tally, _read_states(memory, todo, tally))
    for _ in range(ROUNDS):
        owing = {scope: _read_owing(ground, scope, tally, sweeping=sweeping) for scope in todo}
        groups = {scope: groups_of(ground, owed, tally) if sweeping else () for scope, owed in owing.items()}
        singles = {scope: Owing(singles_of(owed.items, config)) for scope, owed in owing.items()}
        _run(plan_lanes(singles, groups), ground, courier, tally, workers)
        todo = tally.take_noticed()
        if not todo:
            break
    return tally.report(clock.wall(), courier.disabled)


def plan_lanes(owing: Mapping[Scope, Owing], groups: Mapping[Scope, Sequence[Group]] | None = None) -> tuple[Lane, ...]:
    """Every chain and every group in exactly one lane; the first lane of each channel before the second of any."""
    lanes: dict[tuple[int, str], list[tuple[Scope, Chain | Group]]] = {}
    for scope, owed in owing.items():
        for chain in chains(owed.items):
            head = chain[0].notification
            lanes.setdefault((_number(head.alert_key), head.channel), []).append((scope, chain))
    for scope, each in (groups or {}).items():
        for group in each:
            lanes.setdefault((_number(str(group.labels)), group.channel), []).append((scope, group))
    return tuple(
        Lane(channel, number, tuple(sorted(lanes[number, channel], key=lambda each: _turn(each[1]))))
        for number, channel in sorted(lanes)
    )


def _number(key: str) -> int:
    return zlib.crc32(key.encode()) % LANES


def _turn(owed: Chain | Group) -> tuple[int, float]:
    """A receiver in trouble costs a run a few tries. Were they always the oldest messages', these would be tried all
    through a long outage, and wait the longest of all when it is over."""
    if isinstance(owed, Group):
        return 0, owed.since
    return owed[0].attempts // TRIES_IN_A_TURN, owed[0].created_at


def _run(lanes: Sequence[Lane], ground: Ground, courier: Courier, tally: Tally, workers: int) -> None:
    """All lanes side by side. A lane that does not end in time is left behind: its leases say so to the others."""
    if workers == 1 or len(lanes) <= 1:
        for lane in lanes:
            _run_lane(lane, ground, courier, tally)
        return
    pool = ThreadPoolExecutor(max_workers=min(workers, len(lanes)), thread_name_prefix="deliver")
    try:
        under_way: list[Future[None]] = [pool.submit(_run_lane, lane, ground, courier, tally) for lane in lanes]
        done, late = wait(under_way, timeout=max(0.0, ground.deadline.remaining))
        for ended in done:
            ended.result()
        for lane, each in zip(lanes, under_way, strict=True):
            if each in late:
                tally.left(_due(lane.chains, ground.clock))
        if late:
            tally.error(f"{len(late)} lanes had not ended when the time was up")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _run_lane(lane: Lane, ground: Ground, courier: Courier, tally: Tally) -> None:
    failures = 0
    for number, (scope, owed) in enumerate(lane.chains):
        try:
            if isinstance(owed, Group):
                step = carry_group(scope, owed, ground, courier, tally)
            else:
                step = _run_chain(scope, owed, ground.clock, courier)
        except StoreError as error:
            tally.error(f"{scope}: {error}")
            failures += 1
            if failures >= STORE_FAILURES:
                return
            continue
        if step is Step.STOP:
            tally.left(_due(lane.chains[number:], ground.clock))
            return
        failures = 0


def _due(left: Iterable[tuple[Scope, Chain | Group]], clock: Clock) -> Iterator[OutboxItem]:
    now = clock.wall()
    items = (item for _, owed in left for item in (owed.members if isinstance(owed, Group) else owed))
    return (item for item in items if is_due(item, now))


def _run_chain(scope: Scope, chain: Chain, clock: Clock, courier: Courier) -> Step:
    """A later message of the same alert goes out only once the earlier one has ended."""
    for item in chain:
        if not is_due(item, clock.wall()):
            return Step.WAITS
        step = courier.carry(scope, item)
        if step is not Step.ENDED:
            return step
    return Step.ENDED


def _read_owing(ground: Ground, scope: Scope, tally: Tally, *, sweeping: bool) -> Owing:
    try:
        owing = read_sweeping(ground, scope) if sweeping else ground.memory.read_owing(scope)
    except StoreError as error:
        tally.error(f"{scope}: {error}")
        return Owing()
    tally.seen(owing.items)
    for row in owing.unreadable:
        _set_aside(ground, scope, row, tally)
    if sweeping:
        thaw_orphans(ground, scope, owing, tally)
    return owing


def _set_aside(ground: Ground, scope: Scope, row: Unreadable, tally: Tally) -> None:
    """What nobody can read is put among the dead, and somebody is told."""
    tally.unreadable(scope, row.sk)
    now = ground.clock.wall()
    if row.created_at - FURTHEST <= now < row.created_at + UNREADABLE_SECONDS:
        return
    told = Told(ground.config.fleet, scope, channels_instead(ground.config, ""), int(now))
    notices = plan_unreadable(row.sk, row.ver, told)
    try:
        if ground.memory.set_aside(scope, row, notices):
            tally.noticed(scope, notices)
    except StoreError as error:
        tally.error(f"{scope}: {error}")


def _read_states(memory: Memory, scopes: Iterable[Scope], tally: Tally) -> Mapping[tuple[Cloud, str], ChannelState]:
    """What is known of the channels. Without it a disabled one is called once more, which does no harm."""
    states: dict[tuple[Cloud, str], ChannelState] = {}
    for cloud in sorted({scope.cloud for scope in scopes}):
        try:
            found = memory.read_channel_states(cloud)
            states |= {(cloud, name): state for name, state in found.items()}
        except StoreError as error:
            tally.error(str(error))
    return states
