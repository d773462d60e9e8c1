"""What goes wrong, as data: a script of incidents in seconds from the fleet's start.

Some happen to machines (saturated, stopped, agent gone, a failed check), some to a provider in one region (blind,
throttled, late, partial). The fleet answers for the first kind, each cloud's front for the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Happening(StrEnum):
    CPU_SATURATED = "cpu_saturated"
    STOPPED = "stopped"
    TERMINATED = "terminated"
    CHECK_FAILED = "check_failed"
    AGENT_GONE = "agent_gone"
    REGION_DENIED = "region_denied"
    THROTTLED = "throttled"
    LATE_POINTS = "late_points"
    PARTIAL_DATA = "partial_data"


@dataclass(frozen=True, slots=True)
class Incident:
    """start, end: seconds from the fleet's start, half-open. instances: ids, for what happens to machines. account,
    region: for what happens to a provider's region; empty = every one. check: system, instance or disk.
    seconds: how much later points come (late_points). share: of the calls or series that are hit."""

    what: Happening
    start: int
    end: int
    instances: tuple[str, ...] = ()
    account: str = ""
    region: str = ""
    check: str = "instance"
    seconds: int = 0
    share: float = 1.0

    def covers(self, elapsed: float) -> bool:
        return self.start <= elapsed < self.end

    def concerns(self, account: str, region: str) -> bool:
        return self.account in ("", account) and self.region in ("", region)


@dataclass(frozen=True, slots=True)
class Casting:
    """Who plays what in the default script. Machines: disjoint ids; regions: of one account."""

    saturated: tuple[str, ...]
    stopped: tuple[str, ...]
    checked: tuple[str, ...]
    agents: tuple[str, ...]
    account: str
    blind_region: str
    weak_region: str


def default_script(cast: Casting, minutes: int = 45) -> tuple[Incident, ...]:
    """The demonstration's story, stretched or squeezed to `minutes`; each incident ends before the story does, but for
    the last: a dashboard on which nothing is wrong shows little."""

    def at(minute: float) -> int:
        return round(minute * minutes / 45) * 60

    blind, weak = (cast.account, cast.blind_region), (cast.account, cast.weak_region)
    return (
        Incident(Happening.CPU_SATURATED, at(5), at(22), cast.saturated),
        Incident(Happening.STOPPED, at(8), at(24), cast.stopped),
        Incident(Happening.CHECK_FAILED, at(10), at(20), cast.checked, check="instance"),
        Incident(Happening.AGENT_GONE, at(12), at(30), cast.agents),
        Incident(Happening.REGION_DENIED, at(14), at(21), (), *blind),
        Incident(Happening.THROTTLED, at(16), at(17), (), *weak, share=0.5),
        Incident(Happening.LATE_POINTS, at(24), at(32), (), *weak, seconds=300),
        Incident(Happening.PARTIAL_DATA, at(33), at(36), (), *weak, share=0.2),
        Incident(Happening.CPU_SATURATED, at(34), at(60), cast.saturated[:1]),
    )
