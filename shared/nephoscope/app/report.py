"""What a run says of itself: printed by the command line, logged by the functions, counted by the self-metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from nephoscope.app.deliver import DeliveryReport
from nephoscope.app.unreached import (
    Unreached,
    unreached_data,
    unreached_reads,
    unreached_scopes,
    unreached_slots,
)
from nephoscope.model.alert import AlertRecord, HistoryEntry
from nephoscope.model.history import Taken
from nephoscope.model.scope import Scope
from nephoscope.model.series import Gap
from nephoscope.model.time import MINUTE, iso
from nephoscope.pipeline.plan import Coverage
from nephoscope.ports import Written

UNREACHED = "unreached"


@dataclass(frozen=True, slots=True)
class ScopeReport:
    """One scope's part. ended: `done`, `repeated` (this slot was already run), `superseded` (another run won; its
    results stand), `failed` (the alert memory did not answer; the next run makes up for it), `unreached` (the time was
    up before its turn). skipped: the first and the last slot that no run had ended for when this one began."""

    scope: Scope
    ended: str
    resources: int = 0
    series: int = 0
    points: int = 0
    coverage: Coverage = Coverage(0, 0)
    gaps: tuple[Gap, ...] = ()
    transitions: tuple[HistoryEntry, ...] = ()
    firing: tuple[AlertRecord, ...] = ()
    lag: int = 0
    error: str = ""
    skipped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RunReport:
    """A whole run. queued: scopes handed to other functions. watched: what became of the other clouds' functions.
    undrawn: the time was up before the dashboard stood. every: seconds between slots. kept: what became of
    the run's history; None where none is kept. errors: what failed besides
    reads, in words."""

    slot: int
    run_id: str
    scopes: tuple[ScopeReport, ...] = ()
    gaps: tuple[Gap, ...] = ()
    queued: int = 0
    published: Written = Written()
    dashboards: int = 0
    delivery: DeliveryReport | None = None
    watched: tuple[HistoryEntry, ...] = ()
    undrawn: bool = False
    kept: Taken | None = None
    every: int = MINUTE
    seconds: float = 0.0
    errors: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Nothing of this run reached anybody: the one case in which the function fails loudly."""
        reached = self.queued or any(report.ended != "failed" for report in self._read)
        return not reached and bool(self.scopes or self.errors or self.gaps)

    @property
    def _read(self) -> list[ScopeReport]:
        """Those of places: what is said of groups over them needs no cloud."""
        return [report for report in self.scopes if not report.scope.is_fleet]

    @property
    def ran(self) -> bool:
        """Some scope's run came to its end here, or there is none to run: a sign of life. Not where all was handed to
        others, or the time was up before the first."""
        ended = [report.ended not in ("failed", UNREACHED) for report in self._read]
        return not self.failed and not self.queued and (any(ended) or not ended)

    @property
    def coverage(self) -> float | None:
        """Share of the discovered resources with fresh data; None where no scope was run."""
        covers = [report.coverage for report in self.scopes if report.ended == "done"]
        return (
            round(Coverage(sum(c.fresh for c in covers), sum(c.discovered for c in covers)).share, 4)
            if covers
            else None
        )

    @property
    def all_gaps(self) -> tuple[Gap, ...]:
        return self.gaps + tuple(gap for report in self.scopes for gap in report.gaps)

    @property
    def unreached(self) -> tuple[Unreached, ...]:
        """What the time did not suffice for, here and in runs that were killed; empty for a whole run."""
        left = self.delivery.left if self.delivery else 0
        return (
            *unreached_scopes(report.scope for report in self.scopes if report.ended == UNREACHED),
            *unreached_reads(self.all_gaps),
            *unreached_data(Counter(self.published.refused)),
            *([Unreached("dashboard")] if self.undrawn else []),
            *([Unreached("deliveries", left)] if left else []),
            *(each for report in self.scopes for each in unreached_slots(report.scope, report.skipped, self.every)),
        )

    def as_dict(self) -> dict[str, Any]:
        """For the log: counts and names, no tags, no secrets."""
        return {
            "slot": iso(self.slot),
            "run_id": self.run_id,
            "scopes": {report.scope.key: report.ended for report in self.scopes},
            "resources": sum(report.resources for report in self.scopes),
            "series": sum(report.series for report in self.scopes),
            "points": sum(report.points for report in self.scopes),
            "transitions": [_told(report.scope, entry) for report in self.scopes for entry in report.transitions],
            "watched": [f"{entry.resource_id}: {entry.kind}" for entry in self.watched],
            "coverage": self.coverage,
            "firing": sum(len(report.firing) for report in self.scopes),
            "queued": self.queued,
            "published": self.published.accepted,
            **({"kept": self.kept.taken, "kept_owed": sum(self.kept.owed.values())} if self.kept else {}),
            "delivery": self.delivery.said() if self.delivery else {},
            "unreached": list(map(str, self.unreached)),
            "gaps": [str(gap) for gap in self.all_gaps],
            "errors": list(self.errors),
            "seconds": round(self.seconds, 3),
        }


def _told(scope: Scope, entry: HistoryEntry) -> dict[str, Any]:
    return {
        "at": iso(entry.at),
        "scope": scope.key,
        "rule": entry.rule,
        "resource": entry.resource_id,
        "kind": entry.kind,
        "why": entry.why,
        "value": entry.value,
        "told": list(entry.told),
    }
