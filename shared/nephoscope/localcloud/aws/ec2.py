"""EC2's listings over the fleet: DescribeInstances, DescribeInstanceStatus, DescribeRegions.

Pages hold instances, at most 1,000; a reservation whose instances stand on two pages is named on both. Each machine's
XML is rendered once for each state it is seen in.
Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html (and its neighbours)
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from nephoscope.localcloud.aws.call import Answer, AwsError, Call
from nephoscope.localcloud.aws.ec2_xml import STATES, render_instances, render_status
from nephoscope.localcloud.aws.protocol import xml_answer
from nephoscope.localcloud.aws.world import NOT_OPTED_IN, World
from nephoscope.localcloud.fleet import Power, Sighting

PAGE = 1000
_XMLNS = "http://ec2.amazonaws.com/doc/2016-11-15/"


def describe_instances(world: World, call: Call) -> Answer:
    found = _filtered(_asked(world, call), call.params.get("Filter", []), _INSTANCE_FILTERS)
    page, token = _page(found, call)
    return _answer(call, f"<reservationSet>{render_instances(page)}</reservationSet>", token)


def describe_instance_status(world: World, call: Call) -> Answer:
    """Running machines only, unless IncludeAllInstances."""
    every = str(call.params.get("IncludeAllInstances", "false")).lower() == "true"
    asked = [sighting for sighting in _asked(world, call) if every or sighting.power is Power.RUNNING]
    page, token = _page(_filtered(asked, call.params.get("Filter", []), _STATUS_FILTERS), call)
    rendered = "".join(render_status(sighting) for sighting in page)
    return _answer(call, f"<instanceStatusSet>{rendered}</instanceStatusSet>", token)


def describe_regions(world: World, call: Call) -> Answer:
    """The fleet's regions (the first needs no opting in), and with AllRegions those that nobody opted into."""
    every = str(call.params.get("AllRegions", "false")).lower() == "true"
    listed = [(name, "opt-in-not-required") for name in sorted(world.fleet.regions)]
    listed += [(name, "not-opted-in") for name in NOT_OPTED_IN if every]
    wanted = call.params.get("RegionName", [])
    items = "".join(
        f"<item><regionName>{name}</regionName><regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint>"
        f"<optInStatus>{status}</optInStatus></item>"
        for name, status in listed
        if (not wanted or name in wanted) and _keeps_region(call.params.get("Filter", []), name, status)
    )
    return _answer(call, f"<regionInfo>{items}</regionInfo>", "")


def _keeps_region(filters: Sequence[Mapping[str, Any]], name: str, status: str) -> bool:
    facts = {"region-name": name, "opt-in-status": status, "endpoint": f"ec2.{name}.amazonaws.com"}
    for row in filters:
        if row["Name"] not in facts:
            raise _bad_filter(row["Name"])
        if not any(fnmatchcase(facts[row["Name"]], pattern) for pattern in row.get("Value", [])):
            return False
    return True


def _answer(call: Call, inner: str, token: str) -> Answer:
    name = f"{call.operation}Response"
    following = f"<nextToken>{token}</nextToken>" if token else ""
    request_id = f"<requestId>{uuid.uuid4()}</requestId>"
    return xml_answer(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{_XMLNS}">{request_id}{inner}{following}</{name}>'
    )


def _asked(world: World, call: Call) -> Sequence[Sighting]:
    seen = world.sightings(call.account, call.region)
    wanted = call.params.get("InstanceId", [])
    if not wanted:
        return seen
    if "MaxResults" in call.params:
        raise AwsError(
            "InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults"
        )
    by_id = {sighting.instance.id: sighting for sighting in seen}
    if strangers := [instance for instance in wanted if instance not in by_id]:
        ids = ", ".join(strangers)
        raise AwsError("InvalidInstanceID.NotFound", f"The instance IDs '{ids}' do not exist")
    return [by_id[instance] for instance in wanted]


def _page(found: Sequence[Sighting], call: Call) -> tuple[Sequence[Sighting], str]:
    size = int(call.params.get("MaxResults", PAGE))
    if not 5 <= size <= PAGE:
        raise AwsError(
            "InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid. Expecting 5 to {PAGE}."
        )
    start = _read_token(call.params.get("NextToken", ""))
    following = start + size
    return found[start:following], _write_token(following) if following < len(found) else ""


def _write_token(place: int) -> str:
    return base64.urlsafe_b64encode(f"from {place}".encode()).decode()


def _read_token(token: str) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("from "))
    except ValueError as error:
        raise AwsError("InvalidNextToken", "The token is not valid") from error


# --- filters -----------------------------------------------------------------------------------------------------

_Facts = Callable[[Sighting], Sequence[str]]


def _filtered(
    seen: Sequence[Sighting], filters: Sequence[Mapping[str, Any]], known: Mapping[str, _Facts]
) -> Sequence[Sighting]:
    """All filters must hold; of one filter's values, any. * and ? stand for anything."""
    for row in filters:
        name, patterns = row["Name"], row.get("Value", [])
        facts = _tag_facts(name) if name.startswith("tag:") else known.get(name)
        if facts is None:
            raise _bad_filter(name)
        seen = [sighting for sighting in seen if _any_fits(facts(sighting), patterns)]
    return seen


def _bad_filter(name: str) -> AwsError:
    return AwsError("InvalidParameterValue", f"The filter '{name}' is invalid")


def _any_fits(facts: Sequence[str], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(fact, pattern) for fact in facts for pattern in patterns)


def _tag_facts(name: str) -> _Facts:
    key = name.removeprefix("tag:")
    return lambda sighting: [sighting.instance.tags[key]] if key in sighting.instance.tags else []


_COMMON: Mapping[str, _Facts] = {
    "instance-state-name": lambda sighting: [STATES[sighting.power][1]],
    "instance-state-code": lambda sighting: [str(STATES[sighting.power][0])],
    "availability-zone": lambda sighting: [sighting.instance.zone],
}
_INSTANCE_FILTERS: Mapping[str, _Facts] = {
    **_COMMON,
    "instance-id": lambda sighting: [sighting.instance.id],
    "instance-type": lambda sighting: [sighting.instance.type],
    "tag-key": lambda sighting: list(sighting.instance.tags),
    "tag-value": lambda sighting: list(sighting.instance.tags.values()),
    "monitoring-state": lambda sighting: ["enabled" if sighting.instance.fine else "disabled"],
}
_STATUS_FILTERS: Mapping[str, _Facts] = {
    **_COMMON,
    "system-status.status": lambda sighting: ["impaired" if "system" in sighting.failed else "ok"],
    "instance-status.status": lambda sighting: ["impaired" if "instance" in sighting.failed else "ok"],
}
