"""What every adapter asks of a transaction before it begins, and how a row's data become text.

The limits are DynamoDB's, the narrowest of our stores. SQLite keeps them too: what a test or a laptop accepts is then
never refused in production.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.errors import Reason, StoreError
from nephoscope.ports import Delete, Put, Row, Write

LIMITS = "dynamodb.transact_write_items"
"""The catalog's row of limits: items, request_bytes, item_bytes."""

SORT_KEY_BYTES = 1024  # "Naming rules and data types": a sort key's value
_AROUND = 64  # names of the attributes and two numbers: counted generously

UNREADABLE = "unreadable"
"""The one key of a row's data when what is stored is no JSON object; the stored text is its value."""


def pack(data: Mapping[str, object]) -> str:
    """Compact JSON in ASCII: other people's tags may hold lone surrogates, which no database takes as they are."""
    return json.dumps(data, separators=(",", ":"))


def unpack(text: str) -> Mapping[str, Any]:
    """The inverse. A text that is no JSON object is a row nobody can read; it must not hide those beside it."""
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    return data if isinstance(data, dict) else {UNREADABLE: text}


def check_transaction(writes: Sequence[Write]) -> None:
    """Raises StoreError for what no store may be asked: several partitions, one item twice, too much."""
    limits = load_catalog().limits[LIMITS]
    keys = [_key(write) for write in writes]
    if len({pk for pk, _ in keys}) > 1:
        raise _refused("a transaction concerns one partition")
    if len(set(keys)) < len(keys):
        raise _refused("a transaction writes an item once")
    if len(writes) > limits["items"]:
        raise _refused(f"{len(writes)} writes, {limits['items']} at most", Reason.TOO_LARGE)
    sizes = {write.row.sk: row_bytes(write.row) for write in writes if isinstance(write, Put)}
    for sk, size in sizes.items():
        if size > limits["item_bytes"]:
            raise _refused(f"{sk}: {size} bytes, {limits['item_bytes']} at most", Reason.TOO_LARGE)
    if sum(sizes.values()) > limits["request_bytes"]:
        raise _refused(f"{sum(sizes.values())} bytes, {limits['request_bytes']} at most", Reason.TOO_LARGE)


def row_bytes(row: Row) -> int:
    """The stored size of a row, a little more than DynamoDB counts."""
    return len(row.pk.encode()) + len(row.sk.encode()) + len(pack(row.data)) + _AROUND


def _key(write: Write) -> tuple[str, str]:
    pk, sk = (write.pk, write.sk) if isinstance(write, Delete) else (write.row.pk, write.row.sk)
    if not pk or not sk or len(sk.encode()) > SORT_KEY_BYTES:
        raise _refused(f"keys have 1 to {SORT_KEY_BYTES} bytes: {sk[:80]!r}")
    return pk, sk


def _refused(detail: str, reason: Reason = Reason.REJECTED) -> StoreError:
    return StoreError(operation="transact", reason=reason, detail=detail)
