"""What concerns a whole cloud: the scopes there are, and the channels whose receivers want no more messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nephoscope.model.memory import ChannelState, RegisteredScope
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import HOUR
from nephoscope.ports import Put, Row
from nephoscope.stores import keys
from nephoscope.stores.records import decode, decode_channel, encode
from nephoscope.stores.shelf import Committed, Shelf

RENEWED_EVERY = HOUR
"""Seconds between two writes of `last_seen`: when a scope was last seen is asked by the day, not by the minute."""


class Registry(Shelf):
    def register(self, scope: Scope) -> None:
        """Note that this scope is gathered; twice, or from two runs at once, is harmless. Raises StoreError."""
        pk, sk, now = keys.registry(scope.cloud), keys.scope_row(scope), self._now
        row = self._table.get(pk, sk)
        known = RegisteredScope(scope, now, now) if row is None else decode(RegisteredScope, row)
        if row is not None and now - known.last_seen < RENEWED_EVERY:
            return
        ver = row.ver if row else 0
        renewed = Row(pk, sk, ver + 1, encode(replace(known, last_seen=now)))
        self._apply([Put(renewed, expect=ver)], lambda: True)  # whoever was quicker wrote the same

    def read_registry(self, cloud: Cloud | None = None) -> tuple[RegisteredScope, ...]:
        """Sorted by scope; of one cloud, or of all. Raises StoreError."""
        clouds = tuple(Cloud) if cloud is None else (cloud,)
        rows = [row for each in clouds for row in self._table.query(keys.registry(each), keys.SCOPES)]
        return tuple(sorted((decode(RegisteredScope, row) for row in rows), key=lambda known: known.scope))

    def read_channel_states(self, cloud: Cloud) -> dict[str, ChannelState]:
        """By name; a channel of which nothing is remembered is left out. Raises StoreError."""
        states = map(decode_channel, self._table.query(keys.registry(cloud), keys.CHANNELS))
        return {state.name: state for state in states}

    def read_channel_state(self, cloud: Cloud, name: str) -> ChannelState:
        """ver 0 where nothing is remembered. Raises StoreError."""
        row = self._table.get(keys.registry(cloud), keys.channel_row(name))
        return ChannelState(name) if row is None else decode_channel(row)

    def disable_channel(self, cloud: Cloud, name: str, reason: str, address: str = "") -> bool:
        """Send nothing more to it while it leads to `address` (a digest). False: it was disabled already. Raises
        StoreError."""
        now = self._now
        return self._turn(
            cloud, name, lambda state: replace(state, disabled=True, reason=reason, address=address, at=now)
        )

    def enable_channel(self, cloud: Cloud, name: str) -> bool:
        """A person has put it right. False: it was not disabled. Raises StoreError."""
        return self._turn(cloud, name, lambda state: replace(state, disabled=False, reason="", at=self._now))

    def _turn(self, cloud: Cloud, name: str, change: Callable[[ChannelState], ChannelState]) -> bool:
        before = self.read_channel_state(cloud, name)
        after = replace(change(before), ver=before.ver + 1)
        if (before.disabled, before.address) == (after.disabled, after.address):
            return False
        row = Row(keys.registry(cloud), keys.channel_row(name), after.ver, encode(after))
        stands = lambda: self.read_channel_state(cloud, name) == after  # noqa: E731
        return self._apply([Put(row, expect=before.ver)], stands) is not Committed.LOST
