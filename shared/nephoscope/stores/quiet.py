"""What people have said: silences of a cloud, and acknowledgements of a scope's alerts."""

from __future__ import annotations

from nephoscope.model.quiet import Acknowledgement, Silence
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import DAY
from nephoscope.ports import Put, Row
from nephoscope.stores import keys
from nephoscope.stores.records import decode, encode
from nephoscope.stores.shelf import Shelf

SILENCE_KEPT = 7 * DAY
"""Seconds after its end for which a silence is still listed."""

ACKNOWLEDGED_KEPT = 90 * DAY


class Quiet(Shelf):
    def write_silence(self, cloud: Cloud, silence: Silence) -> None:
        """Say it, or say it anew with another end. Raises StoreError."""
        row = Row(keys.registry(cloud), keys.silence_row(silence.id), 1, encode(silence), silence.ends + SILENCE_KEPT)
        self._apply([Put(row, expect=None)], lambda: silence in self.read_silences(cloud))

    def read_silences(self, cloud: Cloud) -> tuple[Silence, ...]:
        """Those that are over included, by their end. Raises StoreError."""
        found = [decode(Silence, row) for row in self._table.query(keys.registry(cloud), keys.SILENCES)]
        return tuple(sorted(found, key=lambda silence: (silence.ends, silence.id)))

    def acknowledge(self, scope: Scope, acknowledgement: Acknowledgement) -> None:
        """Raises StoreError."""
        sk = keys.acknowledged_row(acknowledgement.alert_key)
        row = Row(scope.key, sk, 1, encode(acknowledgement), self._now + ACKNOWLEDGED_KEPT)
        self._apply([Put(row, expect=None)], lambda: acknowledgement in self.read_acknowledged(scope).values())

    def read_acknowledged(self, scope: Scope) -> dict[str, Acknowledgement]:
        """By alert_key; those of episodes that have ended included. Raises StoreError."""
        found = [decode(Acknowledgement, row) for row in self._table.query(scope.key, keys.ACKNOWLEDGED)]
        return {acknowledgement.alert_key: acknowledgement for acknowledgement in found}
