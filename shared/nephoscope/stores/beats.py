"""The clouds' signs of life, each in a partition that its own role may write and the others' may read."""

from __future__ import annotations

from dataclasses import replace

from nephoscope.model.beat import Beat
from nephoscope.model.scope import Cloud
from nephoscope.ports import Put, Row
from nephoscope.stores import keys
from nephoscope.stores.records import decode, encode
from nephoscope.stores.shelf import Committed, Shelf


class Beats(Shelf):
    def read_beat(self, cloud: Cloud) -> Beat:
        """ver 0: none was ever left. Raises StoreError."""
        row = self._table.get(keys.heartbeat(cloud), keys.BEAT)
        return Beat(cloud) if row is None else replace(decode(Beat, row), ver=row.ver)

    def write_beat(self, beat: Beat) -> bool:
        """Whether it stands: False where another run of the same cloud has written since `ver - 1` was read. Raises
        StoreError."""
        row = Row(keys.heartbeat(beat.cloud), keys.BEAT, beat.ver, encode(beat))
        return self._apply([Put(row, expect=beat.ver - 1)], lambda: self.read_beat(beat.cloud) == beat) is not (
            Committed.LOST
        )
