"""Who is in the demonstration: one fleet in each cloud, and what happens to it.

Half of the machines are Amazon's, a quarter each Google's and Microsoft's. The stories are interleaved, so that a
person who watches sees one thing after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nephoscope.localcloud.azure import names as azure
from nephoscope.localcloud.fleet import Fleet, simulate
from nephoscope.localcloud.gcp import names as gcp
from nephoscope.localcloud.incidents import Casting, Happening, Incident, default_script
from nephoscope.model.scope import Cloud

REGIONS: Mapping[Cloud, tuple[str, ...]] = {
    Cloud.AWS: ("eu-central-1", "eu-west-1", "us-east-1"),
    Cloud.GCP: ("europe-west1", "us-east1"),
    Cloud.AZURE: ("northeurope", "westeurope"),
}
ACCOUNTS: Mapping[Cloud, str] = {
    Cloud.AWS: "111111111111",
    Cloud.GCP: "acme-web",
    Cloud.AZURE: "5ca1ab1e-0000-4000-8000-000000000001",
}
"""As nephoscope.yaml beside this file names them."""


def make_fleets(seed: int, instances: int, minutes: int, start: int) -> dict[Cloud, Fleet]:
    """instances: at least one in each cloud, whatever is asked for. start: epoch seconds."""
    quarter = max(1, instances // 4)
    sizes = {Cloud.AWS: max(1, instances - 2 * quarter), Cloud.GCP: quarter, Cloud.AZURE: quarter}
    return {
        cloud: simulate(
            seed, size, REGIONS[cloud], (ACCOUNTS[cloud],), start=start, minutes=minutes, story=STORIES[cloud]
        )
        for cloud, size in sizes.items()
    }


def machine_names(fleets: Mapping[Cloud, Fleet]) -> dict[str, str]:
    """What people call each machine, by its provider's id in lower case."""
    found = {one.id: one.name or one.id for one in fleets[Cloud.AWS].instances}
    found |= {gcp.machine_id(one): gcp.machine_name(one) for one in fleets[Cloud.GCP].instances}
    return found | {azure.machine_id(one).lower(): azure.machine_name(one) for one in fleets[Cloud.AZURE].instances}


def names_in_script(fleets: Mapping[Cloud, Fleet]) -> dict[str, str]:
    """What people call each machine, by the id that the fleet's script has for it."""
    naming = {Cloud.GCP: gcp.machine_name, Cloud.AZURE: azure.machine_name}
    return {
        one.id: naming[cloud](one) if cloud in naming else one.name or one.id
        for cloud, fleet in fleets.items()
        for one in fleet.instances
    }


def on_google(cast: Casting, minutes: int = 45) -> tuple[Incident, ...]:
    """A machine out of CPU, one stopped, a region that does not answer; points that come late."""
    at = _stretched(minutes)
    return (
        Incident(Happening.CPU_SATURATED, at(7), at(19), cast.saturated[:1]),
        Incident(Happening.STOPPED, at(11), at(29), cast.stopped),
        Incident(Happening.LATE_POINTS, at(20), at(25), (), cast.account, cast.weak_region, seconds=240),
        Incident(Happening.REGION_DENIED, at(26), at(33), (), cast.account, cast.blind_region),
    )


def on_azure(cast: Casting, minutes: int = 45) -> tuple[Incident, ...]:
    """A machine out of CPU until the end, one deallocated; throttling on the way."""
    at = _stretched(minutes)
    return (
        Incident(Happening.STOPPED, at(13), at(27), cast.stopped),
        Incident(Happening.THROTTLED, at(18), at(20), (), cast.account, cast.weak_region, share=0.5),
        Incident(Happening.CPU_SATURATED, at(21), at(60), cast.saturated[:1]),
    )


def _stretched(minutes: int) -> Callable[[float], int]:
    """Minutes of a story of 45 -> seconds in one of `minutes`."""
    return lambda minute: round(minute * minutes / 45) * 60


STORIES: Mapping[Cloud, Callable[[Casting, int], Sequence[Incident]]] = {
    Cloud.AWS: default_script,
    Cloud.GCP: on_google,
    Cloud.AZURE: on_azure,
}
