"""Records to JSON and back, in one place for all stores.

A newer version may have written fields that this one does not know: they are passed over. A row that cannot be
understood at all is a StoreError that names the row, and never quotes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from nephoscope.model.alert import AlertRecord, HistoryEntry, OutboxItem
from nephoscope.model.beat import Beat
from nephoscope.model.errors import Reason, StoreError
from nephoscope.model.history import Kept
from nephoscope.model.memory import ChannelState, Progress, RegisteredScope
from nephoscope.model.quiet import Acknowledgement, Silence
from nephoscope.model.scope import Scope
from nephoscope.ports import Row
from nephoscope.stores.shapes import ShapeError, read

T = TypeVar("T")

JsonObject = dict[str, Any]
Record = AlertRecord | OutboxItem | HistoryEntry | RegisteredScope | ChannelState | Silence | Acknowledgement | Beat


def encode(record: Record) -> JsonObject:
    """Plain values; enums are words."""
    return _fields(record)


def encode_progress(progress: Progress) -> JsonObject:
    """Without its scope, which is the partition it stands in."""
    return {name: value for name, value in _fields(progress).items() if name != "scope"}


def encode_kept(kept: Kept) -> JsonObject:
    """As the progress: without its scope."""
    return {name: value for name, value in _fields(kept).items() if name != "scope"}


def decode(kind: type[T], row: Row) -> T:
    """The record in a row. Raises StoreError(MALFORMED) where it holds none."""
    return _build(kind, row, row.data)


def decode_alert(row: Row) -> AlertRecord:
    return replace(decode(AlertRecord, row), ver=row.ver)


def decode_item(row: Row) -> OutboxItem:
    """`rev` is the row's own version: what the next write is conditional on."""
    return replace(decode(OutboxItem, row), rev=row.ver)


def decode_channel(row: Row) -> ChannelState:
    return replace(decode(ChannelState, row), ver=row.ver)


def decode_progress(row: Row, scope: Scope) -> Progress:
    return replace(_build(Progress, row, {**row.data, "scope": _fields(scope)}), ver=row.ver)


def _build(kind: type[T], row: Row, data: Mapping[str, object]) -> T:
    try:
        return read(kind, data)
    except (ValueError, TypeError, OverflowError) as error:
        field = str(error) if isinstance(error, ShapeError) else type(error).__name__
        detail = f"{row.pk} {row.sk} is no {kind.__name__}: {field}"
        raise StoreError(operation="read", reason=Reason.MALFORMED, detail=detail) from error


def _fields(record: Any) -> JsonObject:
    return {field.name: _plain(getattr(record, field.name)) for field in fields(record)}


def _plain(value: Any) -> Any:
    """Any mapping is an object; a record may hold a view of one."""
    if is_dataclass(value):
        return _fields(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    return value
