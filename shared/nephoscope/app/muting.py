"""Whether a message that is owed may be sent now, by the windows and silences that hold at this minute.

They were looked at when it was committed. It may have waited since: a silence that somebody adds while the receiver is
down, or a window that opens meanwhile, is meant for it, too.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from nephoscope.app.tally import Tally
from nephoscope.model.alert import Notification
from nephoscope.model.config import Config
from nephoscope.model.errors import StoreError
from nephoscope.model.quiet import Silence
from nephoscope.model.scope import Cloud
from nephoscope.model.time import MINUTE, floor_to
from nephoscope.pipeline.notices import DELIVERY_RULE
from nephoscope.pipeline.quiet import Mute, active_mutes, message_muted_by
from nephoscope.pipeline.zones import ZONE_DOWN
from nephoscope.ports import Clock
from nephoscope.stores.memory import Memory


class Muting:
    """For one delivery. Reads the silences of a cloud once, and only when something is owed there that they could
    concern. Safe to use from several threads."""

    def __init__(self, memory: Memory, config: Config, clock: Clock, tally: Tally) -> None:
        self._memory = memory
        self._config = config
        self._clock = clock
        self._tally = tally
        self._rules = {rule.name: rule for rule in (*config.rules, ZONE_DOWN)}
        self._lock = threading.Lock()
        self._silences: dict[Cloud, Sequence[Silence]] = {}
        self._active: dict[tuple[Cloud, int], Sequence[Mute]] = {}

    def reason(self, cloud: Cloud, message: Notification) -> str:
        """Why nobody is to hear it now; empty where it is to be sent. Only what begins is muted, never an end, nor
        what nephoscope tells of its own deliveries."""
        if not message.firing or message.rule == DELIVERY_RULE:
            return ""
        return message_muted_by(self._mutes(cloud), message, self._rules.get(message.rule), cloud)

    def _mutes(self, cloud: Cloud) -> Sequence[Mute]:
        minute = floor_to(int(self._clock.wall()), MINUTE)
        with self._lock:
            if cloud not in self._silences:
                self._silences[cloud] = self._read(cloud)
            if (cloud, minute) not in self._active:
                self._active[cloud, minute] = active_mutes(self._config.quiet, self._silences[cloud], minute)
            return self._active[cloud, minute]

    def _read(self, cloud: Cloud) -> Sequence[Silence]:
        """Where they cannot be read, people are told: rather once too often."""
        try:
            return self._memory.read_silences(cloud)
        except StoreError as error:
            self._tally.error(f"silences of {cloud}: {error}")
            return ()
