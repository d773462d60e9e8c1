"""Instances: what DescribeInstances lists, with what DescribeInstanceStatus knows of their health."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.aws.calls import Calls
from nephoscope.clouds.gaps import gap_of
from nephoscope.model.config import Config
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Selector
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap, Inventory

CHECKS: Mapping[str, str] = {
    "SystemStatus": "check.system",
    "InstanceStatus": "check.instance",
    "AttachedEbsStatus": "check.ebs",
}
CHECK_WORDS: Mapping[str, str] = {"impaired": "failed"}
"""EC2's word -> ours; the others are ours already, and a word that we do not know stays as it is."""

_FILTER_VALUES = 200
_WILD = frozenset("*?\\")


def read_instances(calls: Calls, config: Config, catalog: Catalog) -> Inventory:
    """Every instance of the scope that the configuration's tags select, in order of id, with its status checks."""
    where = config.gather.aws.where if config.gather.aws else Selector()
    found, gaps = _read_listing(calls, where, catalog)
    complete = frozenset() if gaps else frozenset({Kind.INSTANCE})
    selected = [resource for resource in found.values() if where.matches(resource)]
    if selected:
        checks, more = _read_checks(calls, catalog)
        selected = [_with_checks(resource, checks.get(resource.id, {})) for resource in selected]
        gaps += more
    return Inventory(tuple(sorted(selected, key=lambda resource: resource.id)), tuple(gaps), complete)


def _read_listing(calls: Calls, where: Selector, catalog: Catalog) -> tuple[dict[str, Resource], list[Gap]]:
    """By id. What was read before a page failed is kept, and a record without an id costs only itself."""
    found: dict[str, Resource] = {}
    gaps: list[Gap] = []
    nameless = 0
    parameters: dict[str, Any] = {"MaxResults": catalog.limit("ec2.describe_instances", "page")}
    if filters := tag_filters(where):
        parameters["Filters"] = filters
    try:
        for page in calls.pages("ec2", "DescribeInstances", parameters, "Reservations"):
            for item in _instances(page):
                resource = parse_instance(item, calls.scope, catalog)
                if resource is None:
                    nameless += 1
                else:
                    found[resource.id] = resource
    except ReadError as error:
        gaps.append(gap_of(error, calls.scope, (Kind.INSTANCE,)))
    if nameless:
        odd = calls.failure("ec2:DescribeInstances", Reason.MALFORMED, f"{nameless} instances have no id")
        gaps.append(gap_of(odd, calls.scope, (Kind.INSTANCE,)))
    return found, gaps


def _read_checks(calls: Calls, catalog: Catalog) -> tuple[dict[str, dict[str, str]], list[Gap]]:
    """Instance's id -> its checks."""
    checks: dict[str, dict[str, str]] = {}
    parameters = {
        "IncludeAllInstances": True,
        "MaxResults": catalog.limit("ec2.describe_instance_status", "page"),
    }
    try:
        for page in calls.pages("ec2", "DescribeInstanceStatus", parameters, "InstanceStatuses"):
            checks |= {
                item["InstanceId"]: parse_checks(item) for item in page["InstanceStatuses"] if "InstanceId" in item
            }
    except ReadError as error:
        return checks, [gap_of(error, calls.scope, tuple(CHECKS.values()))]
    return checks, []


def tag_filters(where: Selector) -> list[dict[str, Any]]:
    """The including part of a selector as EC2's own filters, so that fewer machines travel.

    Only what EC2 understands exactly as we do: `*` and `?` are wildcards there. The selector itself is applied to every
    answer in any case; exclusion is ours alone.
    """
    filters: list[dict[str, Any]] = []
    for key, values in where.tags.items():
        if values == ("*",):
            filters.append({"Name": "tag-key", "Values": [key]})
        elif values and len(values) <= _FILTER_VALUES and not any(_WILD & set(value) for value in values):
            filters.append({"Name": f"tag:{key}", "Values": list(values)})
    return [row for row in filters if not _WILD & set(row["Name"] + "".join(row["Values"]))]


def _instances(page: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for reservation in page["Reservations"]:
        yield from reservation.get("Instances", ())


def parse_instance(item: Mapping[str, Any], scope: Scope, catalog: Catalog) -> Resource | None:
    """A record of DescribeInstances, whatever is missing in it; None where it has no id."""
    instance = item.get("InstanceId")
    if not instance:
        return None
    tags = {tag["Key"]: tag.get("Value", "") for tag in item.get("Tags", ()) if "Key" in tag}
    vendor_state = (item.get("State") or {}).get("Name")
    state = catalog.state(Cloud.AWS, vendor_state)
    return Resource(
        scope=scope,
        kind=Kind.INSTANCE,
        id=instance,
        name=tags.get("Name", ""),
        type=item.get("InstanceType", ""),
        zone=(item.get("Placement") or {}).get("AvailabilityZone", ""),
        state=state,
        vendor_state=vendor_state,
        launched_at=parse_time(item.get("LaunchTime")),
        tags=tags,
        observations={"state": state.value},
        fine=(item.get("Monitoring") or {}).get("State") == "enabled",
    )


def parse_checks(item: Mapping[str, Any]) -> dict[str, str]:
    """A record of DescribeInstanceStatus: our attribute -> word. A check that EC2 does not report is left out."""
    words = {ours: (item.get(theirs) or {}).get("Status") for theirs, ours in CHECKS.items()}
    return {ours: CHECK_WORDS.get(word, word) for ours, word in words.items() if word}


def parse_time(value: datetime | str | None) -> int | None:
    """Epoch seconds of a time as botocore or the wire gives it; None where there is none, or it is no time."""
    if value is None:
        return None
    try:
        return int((datetime.fromisoformat(value) if isinstance(value, str) else value).timestamp())
    except ValueError:
        return None


def _with_checks(resource: Resource, checks: Mapping[str, str]) -> Resource:
    return replace(resource, observations={**resource.observations, **checks}) if checks else resource
