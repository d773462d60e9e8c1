"""A zone that is down is one alert, not one for each machine in it.

Where nearly all machines of a zone fail their provider's system check at once, it is the zone that has failed. That is
told, and the alerts of its machines are kept quiet: they stand in the history, and those that are open still when the
zone is up again are told then. Only AWS tells of such checks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Observation, Rule, Severity
from nephoscope.model.series import Facts

ZONE_DOWN = Rule(
    name="zone-down",
    on=Kind.GROUP,
    when=Observation("zone", ("down",)),
    severity=Severity.CRITICAL,
    tell_default=True,
    summary="Nearly all machines of this zone fail their system check. Their own alerts are kept quiet.",
    origin="built-in",
)
CHECK = "check.system"
FEWEST = 5
"""Machines with an answer; of fewer, each is told by itself."""
SHARE = 0.8


def zone_resources(facts: Facts) -> tuple[Resource, ...]:
    """Each zone with an instance as a thing that is watched: `zone` is up or down. Sorted."""
    zones: dict[str, list[str]] = defaultdict(list)
    for resource in facts.inventory.resources:
        if resource.kind is Kind.INSTANCE and resource.zone:
            zones[resource.zone].append(resource.observations.get(CHECK, ""))
    return tuple(
        Resource(
            scope=facts.scope,
            kind=Kind.GROUP,
            id=f"zone {zone}",
            name=f"zone {zone} of {facts.scope.account}",
            zone=zone,
            observations={"zone": "down" if _is_down(words) else "up"},
        )
        for zone, words in sorted(zones.items())
    )


def _is_down(words: Iterable[str]) -> bool:
    answers = [word for word in words if word in ("ok", "failed")]
    return len(answers) >= FEWEST and answers.count("failed") >= SHARE * len(answers)


def zones_down(resources: Iterable[Resource]) -> frozenset[str]:
    return frozenset(resource.zone for resource in resources if resource.observations.get("zone") == "down")
