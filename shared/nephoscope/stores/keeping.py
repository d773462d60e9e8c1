"""How far history has been taken, and the changes of state that wait to be.

A parcel is written before the run says that it has ended, and let go when its documents are taken: a process that is
killed in between leaves it for the next. Parcels are compressed, and few: most runs see no machine change.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from nephoscope.model.history import Kept
from nephoscope.model.scope import Scope
from nephoscope.model.time import DAY
from nephoscope.pipeline.documents import StateSeen
from nephoscope.ports import Delete, Put, Row
from nephoscope.stores import keys
from nephoscope.stores.records import decode, encode_kept
from nephoscope.stores.shelf import Committed
from nephoscope.stores.snapshots import Snapshots, parse_resource, render_resource

PARCEL_SECONDS = 14 * DAY
"""A server of history that is away for longer has other troubles."""

MOST_PARCELS = 500
"""Of a scope, sent by one run; the oldest first."""

_IN_ONE = 1_000
"""Changes of state in a parcel: far below an item's limit, compressed."""


class KeptHistory(Snapshots):
    def read_kept(self, scope: Scope) -> Kept:
        """ver 0: nothing was ever taken. Raises StoreError."""
        row = self._table.get(scope.key, keys.KEPT)
        if row is None:
            return Kept(scope)
        return replace(decode(Kept, replace(row, data={**row.data, "scope": _parts(scope)})), ver=row.ver)

    def write_kept(self, kept: Kept) -> bool:
        """Whether it stands: another run of the same scope may have been first; what it has sent was sent. Raises
        StoreError."""
        row = Row(kept.scope.key, keys.KEPT, kept.ver, encode_kept(kept))

        def stands() -> bool:
            return self.read_kept(kept.scope) == kept

        return self._apply([Put(row, expect=kept.ver - 1)], stands) is not Committed.LOST

    def write_parcels(self, scope: Scope, slot: int, changes: Sequence[StateSeen]) -> None:
        """The same slot's again, by a run that was doubled, replaces them. Raises StoreError."""
        until = self._now + PARCEL_SECONDS
        for number, start in enumerate(range(0, len(changes), _IN_ONE)):
            text = _pack(changes[start : start + _IN_ONE])
            row = Row(scope.key, keys.parcel_row(slot, number), 1, {"changes": text}, until)
            self._apply([Put(row, expect=None)], lambda: False)

    def read_parcels(self, scope: Scope) -> dict[str, tuple[StateSeen, ...]]:
        """By name, the oldest first. One that nobody can read holds nothing. Raises StoreError."""
        rows = self._table.query(scope.key, keys.PARCELS, limit=MOST_PARCELS)
        return {row.sk: _unpack(scope, row) for row in rows}

    def drop_parcels(self, scope: Scope, names: Iterable[str]) -> None:
        """Raises StoreError."""
        for name in names:
            self._apply([Delete(scope.key, name, expect=None)], lambda: False)


def _parts(scope: Scope) -> dict[str, str]:
    return {"cloud": str(scope.cloud), "account": scope.account, "region": scope.region}


def _pack(changes: Iterable[StateSeen]) -> str:
    content = [[render_resource(seen.resource), seen.at, seen.action, seen.before] for seen in changes]
    return base64.b64encode(zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 6)).decode()


def _unpack(scope: Scope, row: Row) -> tuple[StateSeen, ...]:
    try:
        content: Any = json.loads(zlib.decompress(base64.b64decode(str(row.data.get("changes")))))
        return tuple(StateSeen(parse_resource(scope, each), at, action, before) for each, at, action, before in content)
    except (ValueError, KeyError, TypeError, zlib.error):
        return ()
