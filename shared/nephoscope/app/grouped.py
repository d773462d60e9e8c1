"""What the sweeper does with a group: freeze what is due into one message, carry that, put the members away.

The process may be killed between any two lines, and others may be doing the same: whatever state a message is found
in, the next step follows from that state alone (stores/groups.py).
"""

from __future__ import annotations

from dataclasses import replace

from nephoscope.app.courier import LEAST_SECONDS, Courier, Ground, Step
from nephoscope.app.tally import Tally
from nephoscope.model.alert import OutboxItem, Owed
from nephoscope.model.config import Config
from nephoscope.model.errors import StoreError
from nephoscope.model.scope import Scope
from nephoscope.pipeline.backoff import is_due
from nephoscope.pipeline.group_wording import head_of
from nephoscope.pipeline.grouping import (
    MOST_MEMBERS,
    Group,
    due_at,
    group_key,
    in_order,
    is_ripe,
    is_single,
    message_id,
    plan_groups,
)
from nephoscope.stores.memory import Owing

Filled = tuple[OutboxItem, tuple[OutboxItem, ...]]


def groups_of(ground: Ground, owing: Owing, tally: Tally) -> tuple[Group, ...]:
    """The groups of a scope in which something can be done now. What waits as its channel wants it to is not late."""
    channels, now = ground.config.channels, ground.clock.wall()
    able: list[Group] = []
    for group in plan_groups(owing.items, owing.messages, channels, now):
        if _under_way(group) or (group.company and is_ripe(group, channels[group.channel], now)):
            able.append(group)
        elif group.company:
            tally.waits(group.company, due_at(group, channels[group.channel]))
    return tuple(able)


def _under_way(group: Group) -> bool:
    return group.message is not None and group.message.status is not Owed.IDLE


def singles_of(items: tuple[OutboxItem, ...], config: Config) -> tuple[OutboxItem, ...]:
    """What leaves by itself. What a group has frozen stays among them, and holds back what follows it."""
    grouped = config.grouped_channels
    return tuple(item for item in items if is_single(item, grouped))


def read_sweeping(ground: Ground, scope: Scope) -> Owing:
    """What a sweeper reads of a scope. The messages of groups are asked for only where there can be any. Raises
    StoreError."""
    memory = ground.memory
    if ground.config.grouped_channels:
        return memory.read_grouped(scope)
    owing = memory.read_owing(scope)
    return memory.read_grouped(scope) if any(i.status is Owed.FROZEN for i in owing.items) else owing


def thaw_orphans(ground: Ground, scope: Scope, owing: Owing, tally: Tally) -> None:
    """Members whose message another hand took away, or nobody can read, would wait for ever: they are owed again."""
    frozen = [item for item in owing.items if item.status is Owed.FROZEN]
    known = {message.notification.id for message in owing.messages if message.status is not Owed.IDLE}
    if all(item.message in known for item in frozen):
        return
    try:
        again = ground.memory.read_messages(scope)
        if again.unreadable:
            return
        known |= {message.notification.id for message in again.messages if message.status is not Owed.IDLE}
        for item in frozen:
            if item.message not in known:
                ground.memory.thaw(scope, item)
    except StoreError as error:
        tally.error(f"{scope}: {error}")


def carry_group(scope: Scope, group: Group, ground: Ground, courier: Courier, tally: Tally) -> Step:
    """One step further, and as many more as follow. Raises StoreError; then everything is owed as it stands."""
    message, members = group.message, group.members
    if message is not None and _hollow(group):
        if ground.memory.drop(scope, message):
            ground.memory.settle(scope, message, ())
        return Step.WAITS
    if message is None or message.status in (Owed.IDLE, Owed.FILLING):
        filled = _fill(scope, group, ground, courier)
        if filled is None:
            return Step.WAITS
        message, members = filled
    step = Step.ENDED
    if message.status in (Owed.READY, Owed.LEASED):
        if not is_due(message, ground.clock.wall()):
            return Step.WAITS
        step = courier.carry(scope, message, members)
    if step is Step.ENDED and ground.memory.settle(scope, message, members):
        tally.over(members)
    return step


def _hollow(group: Group) -> bool:
    """Another hand has taken every member away: there is nothing to tell, and the place must not stay taken."""
    if group.members or group.message is None:
        return False
    return group.message.status in (Owed.READY, Owed.LEASED) or (
        group.message.status is Owed.FILLING and not group.company
    )


def _fill(scope: Scope, group: Group, ground: Ground, courier: Courier) -> Filled | None:
    """Freeze the company in, chunk by chunk, and close the message with the last. None: somebody else is at it, or the
    time is up, and the next sweeper goes on."""
    message, members = group.message, group.members
    filling = message is not None and message.status is Owed.FILLING
    quiet: set[str] = set()
    for item in group.company:
        if item.notification.id not in quiet:
            quiet |= courier.hush(scope, item)
    company = [item for item in group.company if item.notification.id not in quiet]
    left = company[: max(0, MOST_MEMBERS - len(members))]
    if not left and not filling:
        return None
    chunks = list(ground.memory.chunks(scope, left)) or [()]
    for number, chunk in enumerate(chunks, start=1):
        if ground.deadline.remaining < LEAST_SECONDS:
            return None
        held = message if filling or number > 1 else None
        after = _message(scope, group, held, (*members, *chunk), ground, last=number == len(chunks))
        done = ground.memory.freeze(scope, message, after, chunk)
        if done is None:
            return None
        message, members = done[0], (*members, *done[1])
    return None if message is None else (message, in_order(members))


def _message(
    scope: Scope, group: Group, held: OutboxItem | None, members: tuple[OutboxItem, ...], ground: Ground, *, last: bool
) -> OutboxItem:
    """As it stands with these members. held: the message that is being filled; None: a new one begins. last: it is
    full, and may be sent."""
    status = Owed.READY if last else Owed.FILLING
    if held and not last:
        return replace(held, size=len(members))
    key = group_key(scope, group.channel, group.labels)
    name = held.notification.id if held else message_id(key, members)
    told = [item.notification for item in members]
    head = head_of(name, key, scope, group.labels, told, held.notification.seq if held else told[0].seq)
    if held:
        return replace(held, status=status, notification=head, size=len(members))
    sent_at = group.message.sent_at if group.message else 0.0
    now = ground.clock.wall()
    return OutboxItem(head, status, created_at=now, group=group.labels, size=len(members), sent_at=sent_at)
