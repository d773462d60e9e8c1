"""What was called, by whom, and at what price: the side that a sender cannot flatter."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nephoscope.localcloud.aws.call import Need


@dataclass(frozen=True, slots=True)
class Entry:
    """One call. at: the front's now (simulated or not). resource: what it touched first, an ARN or `*`. units: what
    AWS would bill: metrics requested for GetMetricData, 1 for any other call of CloudWatch, 0 for what is free or
    failed. status: HTTP. needs: the permissions that it takes."""

    at: float
    action: str
    resource: str
    account: str
    region: str
    principal: str
    units: int
    allowed: bool
    status: int
    needs: tuple[Need, ...] = ()


class Ledger:
    """Every call in order of its answer. Safe to read while calls come in.

    page: counts clearings. A call that began on an earlier page (its caller is long dead, its answer was slow) is not
    written on this one.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()
        self.page = 0

    def record(self, entry: Entry, page: int | None = None) -> None:
        with self._lock:
            if page in (None, self.page):
                self._entries.append(entry)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self.page += 1

    def entries(self, action: str = "", *, account: str = "", region: str = "") -> tuple[Entry, ...]:
        with self._lock:
            everything = tuple(self._entries)
        return tuple(
            entry
            for entry in everything
            if action in ("", entry.action) and account in ("", entry.account) and region in ("", entry.region)
        )

    def calls(self, action: str = "") -> int:
        return len(self.entries(action))

    def units(self, action: str) -> int:
        return sum(entry.units for entry in self.entries(action))

    def needs(self, *, allowed_only: bool = False) -> tuple[Need, ...]:
        """The permissions that were needed, each once (context included)."""
        found = [need for entry in self.entries() if entry.allowed or not allowed_only for need in entry.needs]
        return tuple({_name(need): need for need in found}.values())

    def summary(self) -> dict[str, dict[str, int]]:
        """By action: calls, denied, failed (4xx and 5xx that were not a denial), units."""
        rows: dict[str, Counter[str]] = {}
        for entry in self.entries():
            row = rows.setdefault(entry.action, Counter(calls=0, denied=0, failed=0, units=0))
            row["calls"] += 1
            row["denied"] += not entry.allowed
            row["failed"] += entry.allowed and entry.status >= 400
            row["units"] += entry.units
        return {action: dict(rows[action]) for action in sorted(rows)}

    def to_json(self) -> str:
        return json.dumps([_plain(entry) for entry in self.entries()], separators=(",", ":"))


def _name(need: Need) -> tuple[object, ...]:
    return need.action, need.resource, tuple(sorted(need.context.items()))


def _plain(entry: Entry) -> Mapping[str, Any]:
    return asdict(entry)
