"""What pages show of a scope: compressed, in chunks under the store's item limit, and never half of one.

The chunks are written first, under a token that is a digest of the whole; then the head that names token and number;
then the caller's progress says which generation is shown. Two runs that write the same generation use two tokens, and
a reader follows one head to one set of chunks. What is superseded is deleted; what a crash leaves behind expires.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.memory import Snapshot
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.scope import Scope
from nephoscope.model.time import DAY
from nephoscope.ports import Clock, Delete, Put, Row, Table, Write
from nephoscope.stores import keys
from nephoscope.stores.alerts import Alerts
from nephoscope.stores.rows import LIMITS

SNAPSHOT_SECONDS = 30 * DAY
"""A scope that could not be listed for so long shows nothing any more."""
KEPT = 2
"""Generations that stand: the one that is shown, and the one before, which a page may be reading."""
_AROUND = 2_000  # of an item's bytes, for its keys and names


class Snapshots(Alerts):
    """item_bytes: the store's limit for one item; the catalog's row where nothing is said."""

    def __init__(self, table: Table, clock: Clock, item_bytes: int | None = None) -> None:
        super().__init__(table, clock)
        self._chunk = (item_bytes or load_catalog().limit(LIMITS, "item_bytes")) - _AROUND

    def write_snapshot(self, snapshot: Snapshot, generation: int) -> None:
        """Shown once the progress that names `generation` is written. Raises StoreError."""
        pk, until = snapshot.scope.key, self._now + SNAPSHOT_SECONDS
        before = self._table.get(pk, keys.head_row(generation))
        text = _pack(snapshot)
        token = hashlib.sha256(text.encode()).hexdigest()[:16]
        parts = [text[start : start + self._chunk] for start in range(0, len(text), self._chunk)]
        for number, part in enumerate(parts):
            self._put(Row(pk, keys.chunk_row(generation, token, number), 1, {"part": part}, until))
        self._put(Row(pk, keys.head_row(generation), 1, {"token": token, "chunks": len(parts)}, until))
        if before is not None and before.data.get("token") != token:
            self._forget(_chunks_of(before, generation))
        old = self._table.get(pk, keys.head_row(generation - KEPT))
        if old is not None:
            self._forget([*_chunks_of(old, generation - KEPT), Delete(pk, old.sk, expect=None)])

    def read_snapshot(self, scope: Scope) -> Snapshot | None:
        """The one that the progress names; None where none is whole, or another version wrote it. Raises StoreError
        when the store does not answer."""
        generation = self.read_progress(scope).generation
        for _ in range(2):  # a head may be replaced while its chunks are read
            text = self._read_text(scope.key, generation)
            if text is not None:
                return _unpack(scope, text)
        return None

    def _read_text(self, pk: str, generation: int) -> str | None:
        head = self._table.get(pk, keys.head_row(generation))
        if head is None:
            return None
        token = str(head.data.get("token"))
        parts = [str(row.data.get("part")) for row in self._table.query(pk, keys.chunk_prefix(generation, token))]
        text = "".join(parts)
        return text if hashlib.sha256(text.encode()).hexdigest()[:16] == token else None

    def _put(self, row: Row) -> None:
        """The same row again does no harm, so a lost answer is asked for again."""
        self._apply([Put(row, expect=None)], lambda: False)

    def _forget(self, deletes: list[Write]) -> None:
        for delete in deletes:
            self._apply([delete], lambda: False)


def _chunks_of(head: Row, generation: int) -> list[Write]:
    token, number = head.data.get("token"), head.data.get("chunks")
    count = number if isinstance(number, int) else 0
    return [Delete(head.pk, keys.chunk_row(generation, str(token), each), expect=None) for each in range(count)]


def _pack(snapshot: Snapshot) -> str:
    content = {
        "slot": snapshot.slot,
        "resources": [render_resource(resource) for resource in snapshot.resources],
        "values": snapshot.values,
        "counts": dict(snapshot.counts),
        "gaps": snapshot.gaps,
        "firing": snapshot.firing,
        "coverage": snapshot.coverage,
    }
    return base64.b64encode(zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 6)).decode()


def _unpack(scope: Scope, text: str) -> Snapshot | None:
    try:
        content = json.loads(zlib.decompress(base64.b64decode(text)))
        return Snapshot(
            scope=scope,
            slot=content["slot"],
            resources=tuple(parse_resource(scope, each) for each in content["resources"]),
            values={
                metric: {resource: (at, value) for resource, (at, value) in by_resource.items()}
                for metric, by_resource in content["values"].items()
            },
            counts=content["counts"],
            gaps=tuple(content["gaps"]),
            firing=tuple(content["firing"]),
            coverage=(content["coverage"][0], content["coverage"][1]),
        )
    except (ValueError, KeyError, TypeError, IndexError, zlib.error):
        return None


_PLAIN = ("name", "type", "zone", "vendor_state", "launched_at", "tags", "observations", "fine")


def render_resource(resource: Resource) -> Mapping[str, Any]:
    """What differs from nothing; the scope is the partition."""
    return {"id": resource.id, "kind": resource.kind} | dict(_said(resource))


def _said(resource: Resource) -> Iterator[tuple[str, Any]]:
    if resource.state is not None:
        yield "state", resource.state
    for name in _PLAIN:
        value = getattr(resource, name)
        if value is not None and value is not False and value not in ("", {}):
            yield name, value


def parse_resource(scope: Scope, content: Mapping[str, Any]) -> Resource:
    """By hand: a page of twenty thousand machines is read in a fifth of a second."""
    state = content.get("state")
    known = {name: content[name] for name in _PLAIN if name in content}
    return Resource(scope, Kind(content["kind"]), content["id"], state=State(state) if state else None, **known)
