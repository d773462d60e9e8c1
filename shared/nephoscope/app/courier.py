"""One owed message on its way to its receiver: claim it, see that the claim still holds, send, put the receipt.

The process may be killed between any two lines of this file, or frozen for minutes, and another may be doing the same.
What is claimed and not finished is taken up by another run when the lease is over. So a message is sent at least once;
and twice only where something went wrong between the sending and the receipt.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from nephoscope.app.muting import Muting
from nephoscope.app.pacing import Pacing
from nephoscope.app.tally import Tally
from nephoscope.model.alert import OutboxItem
from nephoscope.model.config import Channel, Config
from nephoscope.model.errors import DeliveryError, Reason, StoreError
from nephoscope.model.group import GroupMessage, Message
from nephoscope.model.memory import ChannelState
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import Deadline
from nephoscope.pipeline.backoff import is_too_old, next_try
from nephoscope.pipeline.notices import Told, channels_instead, is_notice, plan_disabled, plan_given_up, plan_refused
from nephoscope.ports import Clock, Notifier
from nephoscope.stores.memory import Memory

LEASE_SECONDS = 60.0
SEND_SECONDS = 16.0
"""A try's own limit: the slowest notifier takes 15 s, and ends by itself."""
SKEW_SECONDS = 10.0
"""By how much the clocks of two machines may differ before a message may be sent twice."""
LEAST_SECONDS = 3.0
"""Less than this of the run's time left: no new try begins."""
FOR_RECEIPT_SECONDS = 1.5
RECEIPT_PAUSES = (0.2, 1.0)


class Step(Enum):
    ENDED = auto()  # receipt or dead: the next message of the same alert may follow
    WAITS = auto()  # still owed; what follows it must wait
    STOP = auto()  # the run's time is up


@dataclass(frozen=True, slots=True)
class Ground:
    """What all tries of a run share. chance: [0, 1)."""

    memory: Memory
    notifier_for: Callable[[str], Notifier]
    config: Config
    clock: Clock
    deadline: Deadline
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], None] = time.sleep


class Courier:
    """Carries messages for one run. Safe to use from several threads, each with messages of its own."""

    def __init__(self, ground: Ground, tally: Tally, states: Mapping[tuple[Cloud, str], ChannelState]) -> None:
        self._ground = ground
        self._memory = ground.memory
        self._config = ground.config
        self._clock = ground.clock
        self._tally = tally
        self._lock = threading.Lock()
        self._pacings: dict[str, Pacing] = defaultdict(lambda: Pacing(ground.deadline, ground.sleep))
        self._muting = Muting(ground.memory, ground.config, ground.clock, tally)
        self._told_refused: set[tuple[Scope, str]] = set()
        self._disabled = {name for (_, name), state in states.items() if self._in_force(state)}

    @property
    def disabled(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._disabled)

    def carry(self, scope: Scope, item: OutboxItem, members: Sequence[OutboxItem] = ()) -> Step:
        """One try, or the reason why there is none. members: of a group's message. Raises StoreError; then the message
        is owed as it was."""
        if self._ground.deadline.remaining < LEAST_SECONDS:
            return Step.STOP
        name = item.notification.channel
        if obstacle := self._obstacle(name):
            return self._give_up(scope, item, obstacle)
        if not members and (quiet := self._muting.reason(scope.cloud, item.notification)):
            return self._withhold(scope, item, quiet)
        pacing = self._pacing(name)
        if pacing.turn():
            return self._try(scope, item, members, pacing)
        if pacing.closed and self._too_old(item):
            return self._give_up(scope, item, item.last or pacing.closed)
        return Step.WAITS

    def hush(self, scope: Scope, item: OutboxItem) -> frozenset[str]:
        """Ids of what is kept quiet in place of joining a group's message: it, and what makes no sense without it; none
        where it is to be told. Raises StoreError."""
        quiet = self._muting.reason(scope.cloud, item.notification)
        gone = self._memory.withhold(scope, item, quiet) if quiet else ()
        self._tally.muted(gone)
        return frozenset(each.notification.id for each in gone)

    def _try(self, scope: Scope, item: OutboxItem, members: Sequence[OutboxItem], pacing: Pacing) -> Step:
        lease = self._lease()
        held = self._memory.claim(scope, item, LEASE_SECONDS)
        if held is None:
            return Step.WAITS  # another run has it
        if lease.remaining < SEND_SECONDS:  # frozen, or a clock jumped: another run may have it by now
            return self._lay_back(scope, held, "the lease was too old to send under")
        failure = self._send(letter(held, members), self._earliest(lease))
        if failure is None:
            pacing.well()
            return self._put_receipt(scope, held)
        if failure.reason is Reason.DEADLINE:  # nothing was sent
            self._lay_back(scope, held, str(failure.reason))
            return Step.STOP
        pacing.failed(failure)
        return self._take_failure(scope, held, failure)

    # --- sending -------------------------------------------------------------------------------------------------

    def _lease(self) -> Deadline:
        """Until when this process may send under a claim that it makes now. The time that has passed is the longer of
        what the wall clock and the monotonic one say: a frozen machine's monotonic clock may have stood still, and a
        wall clock may be set back. It reaches into the notifier, who looks at it when the socket opens."""
        wall, monotonic = self._clock.wall(), self._clock.monotonic()

        def passed() -> float:
            return max(self._clock.monotonic() - monotonic, self._clock.wall() - wall)

        return Deadline(LEASE_SECONDS - SKEW_SECONDS, passed)

    def _earliest(self, lease: Deadline) -> Deadline:
        """The lease's clock, for as long as a try may last, and no longer than the run."""
        left = min(SEND_SECONDS, lease.remaining, self._ground.deadline.remaining - FOR_RECEIPT_SECONDS)
        return Deadline(lease.monotonic() + left, lease.monotonic)

    def _send(self, message: Message, deadline: Deadline) -> DeliveryError | None:
        try:
            self._ground.notifier_for(message.channel).send(message, deadline)
        except DeliveryError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a fault in one format must not hold up the other messages
            detail = f"fault in the notifier: {type(error).__name__}"
            return DeliveryError(destination=message.channel, reason=Reason.MALFORMED, detail=detail)
        return None

    def _put_receipt(self, scope: Scope, held: OutboxItem) -> Step:
        for pause in (*RECEIPT_PAUSES, None):
            try:
                if self._memory.finish(scope, held):
                    self._tally.sent(held)
                    return Step.ENDED
                self._tally.repeated(held)
                return Step.WAITS
            except StoreError:
                if pause is None:
                    self._tally.repeated(held)
                    raise
                self._ground.sleep(pause)
        raise AssertionError("unreachable")

    # --- failures ------------------------------------------------------------------------------------------------

    def _take_failure(self, scope: Scope, held: OutboxItem, failure: DeliveryError) -> Step:
        name, reason = held.notification.channel, _words(failure)
        self._tally.refused(held, str(failure.reason))
        if failure.reason is Reason.GONE:
            self._disable(scope, name, reason)
            return self._give_up(scope, held, reason)
        if self._too_old(held):
            return self._give_up(scope, held, reason)
        if not failure.retryable:
            self._tell_refused(scope, held, reason)
        now = self._clock.wall()
        next_at = next_try(
            now,
            held.attempts + 1,
            retryable=failure.retryable,
            retry_after=failure.retry_after,
            chance=self._ground.chance(),
        )
        if self._memory.release(scope, held, next_at, reason):
            self._tally.retried(held)
        return Step.WAITS

    def _lay_back(self, scope: Scope, held: OutboxItem, reason: str) -> Step:
        """It was not tried: whoever comes next may take it at once."""
        self._memory.release(scope, held, self._clock.wall(), reason, tried=False)
        return Step.WAITS

    def _give_up(self, scope: Scope, item: OutboxItem, reason: str) -> Step:
        notices = () if is_notice(item) else plan_given_up(item, reason, self._told(scope, item.notification.channel))
        if not self._memory.give_up(scope, item, reason, notices):
            return Step.WAITS
        self._tally.dead(item)
        self._tally.noticed(scope, notices)
        return Step.ENDED

    def _withhold(self, scope: Scope, item: OutboxItem, quiet: str) -> Step:
        gone = self._memory.withhold(scope, item, quiet)
        self._tally.muted(gone)
        return Step.ENDED if gone else Step.WAITS

    def _disable(self, scope: Scope, name: str, reason: str) -> None:
        """First the word of it, then the fact: a crash between the two tells the same again, under the same id."""
        with self._lock:
            self._disabled.add(name)
        state = self._memory.read_channel_state(scope.cloud, name)
        notices = plan_disabled(name, state.ver + 1, self._told(scope, name))
        self._tally.noticed(scope, [notice for notice in notices if self._memory.enqueue(scope, notice)])
        self._memory.disable_channel(scope.cloud, name, reason, address_of(self._config.channels[name]))

    def _tell_refused(self, scope: Scope, held: OutboxItem, reason: str) -> None:
        name = held.notification.channel
        if is_notice(held) or (scope, name) in self._told_refused:
            return
        notices = plan_refused(name, reason, self._told(scope, name))
        self._tally.noticed(scope, [notice for notice in notices if self._memory.enqueue(scope, notice)])
        with self._lock:
            self._told_refused.add((scope, name))

    # --- what is known of channels -------------------------------------------------------------------------------

    def _obstacle(self, name: str) -> str:
        """Why nothing will ever be sent to it as things are; empty where nothing stands in the way."""
        if name not in self._config.channels:
            return f"{Reason.NOT_FOUND}: no such channel in the configuration"
        if name in self._disabled:
            return f"{Reason.GONE}: the channel is disabled"
        return ""

    def _in_force(self, state: ChannelState) -> bool:
        """A channel that leads elsewhere than it did when it was disabled is a new one."""
        channel = self._config.channels.get(state.name)
        return state.disabled and channel is not None and state.address in ("", address_of(channel))

    def _too_old(self, item: OutboxItem) -> bool:
        return is_too_old(item, self._clock.wall(), self._config.channels[item.notification.channel].max_age)

    def _told(self, scope: Scope, about: str) -> Told:
        channels = channels_instead(self._config, about, self.disabled)
        return Told(self._config.fleet, scope, channels, int(self._clock.wall()))

    def _pacing(self, name: str) -> Pacing:
        with self._lock:
            return self._pacings[name]


def letter(item: OutboxItem, members: Sequence[OutboxItem]) -> Message:
    """What is sent: the notification itself, or those of a group in one."""
    told = item.notification
    if item.group is None:
        return told
    return GroupMessage(told.id, told.alert_key, told.channel, item.group, tuple(m.notification for m in members))


def address_of(channel: Channel) -> str:
    """A digest of where a channel leads: what is compared, never what is shown."""
    where = f"{channel.sns}|{channel.webhook}" + (f"|{channel.key}" if channel.key else "")
    return hashlib.sha256(where.encode()).hexdigest()[:16]


def _words(failure: DeliveryError) -> str:
    """Our own words, safe to keep and to show: the notifiers put nothing of the receiver's into an error."""
    status = "" if failure.status is None else f" (HTTP {failure.status})"
    return f"{failure.reason}{status}" + (f": {failure.detail}" if failure.detail else "")
