"""What is done to the fleet, in sentences: a person who watches the alerts sees what they are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nephoscope.localcloud.fleet import Fleet
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.model.scope import Cloud

SENTENCES: Mapping[Happening, tuple[str, str]] = {
    Happening.CPU_SATURATED: ("out of CPU: {who}", "CPU to spare again: {who}"),
    Happening.STOPPED: ("stopped: {who}", "started again: {who}"),
    Happening.TERMINATED: ("terminated: {who}", ""),
    Happening.CHECK_FAILED: ("fails its {check} check: {who}", "passes its {check} check again: {who}"),
    Happening.AGENT_GONE: ("the agent dies on {who}", "the agent is back on {who}"),
    Happening.REGION_DENIED: ("{where} refuses to be read", "{where} can be read again"),
    Happening.THROTTLED: ("{where} throttles {share} of all calls", "{where} takes all calls again"),
    Happening.LATE_POINTS: ("{where} publishes points {late} min late", "{where} publishes in time again"),
    Happening.PARTIAL_DATA: ("{where} leaves {share} of the series out", "{where} answers in full again"),
}
"""How it begins, how it ends; empty: it does not end."""

_NAMED = 3
"""Machines named in a sentence; of more, how many there are."""


@dataclass(frozen=True, slots=True)
class Happens:
    """at: epoch seconds."""

    at: int
    cloud: Cloud
    began: bool
    text: str


def happenings(fleets: Mapping[Cloud, Fleet], names: Mapping[str, str], until: int) -> Sequence[Happens]:
    """All that begins or ends up to `until` (epoch seconds), in order. names: the fleet's id of a machine -> name."""
    told = [one for cloud, fleet in fleets.items() for each in fleet.script for one in _told(cloud, fleet, each, names)]
    return sorted((one for one in told if one.at <= until), key=lambda one: (one.at, one.cloud, not one.began))


def _told(cloud: Cloud, fleet: Fleet, incident: Incident, names: Mapping[str, str]) -> Iterator[Happens]:
    begins, ends = SENTENCES[incident.what]
    words = {
        "who": _who([names.get(each, each) for each in incident.instances]),
        "where": incident.region or "every region",
        "check": incident.check,
        "share": f"{incident.share:.0%}".replace("%", " %"),
        "late": incident.seconds // 60,
    }
    yield Happens(fleet.start + incident.start, cloud, True, begins.format(**words))
    if ends:
        yield Happens(fleet.start + incident.end, cloud, False, ends.format(**words))


def _who(machines: Sequence[str]) -> str:
    shown = ", ".join(machines[:_NAMED])
    return shown if len(machines) <= _NAMED else f"{shown} and {len(machines) - _NAMED} more"
