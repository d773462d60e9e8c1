"""Rows of Resource Graph made into resources, whatever is missing in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.azure.graph import Row
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Cloud, Scope

PROVISIONING_STATES = frozenset({"creating", "deleting"})
"""Provisioning says what a machine is at when its power state does not, or no longer: a deleted one is listed as
stopping until it is gone."""

_POWER = "powerstate/"


def scope_of(row: Row) -> Scope | None:
    """Where a row's resource lives; None where the row does not say."""
    account, region = str(row.get("subscriptionId") or ""), str(row.get("location") or "")
    return Scope(Cloud.AZURE, account.lower(), region.lower()) if account and region else None


def parse_row(row: Row, kind: Kind, catalog: Catalog) -> Resource | None:
    """None where the row has no id or no place. The id is in lower case: Azure compares ids without case, and spells
    the same one in several ways."""
    scope, name = scope_of(row), str(row.get("id") or "")
    if scope is None or not name:
        return None
    return _machine(row, scope, catalog) if kind is Kind.INSTANCE else _storage_account(row, scope)


def _machine(row: Row, scope: Scope, catalog: Catalog) -> Resource:
    vendor_state = parse_state(row.get("powerState"), row.get("provisioningState"))
    state = catalog.state(Cloud.AZURE, vendor_state)
    return Resource(
        scope=scope,
        kind=Kind.INSTANCE,
        id=str(row["id"]).lower(),
        name=str(row.get("name") or ""),
        type=str(row.get("vmSize") or _object(row.get("sku")).get("name") or ""),
        zone=_zone(row.get("zones")),
        state=state,
        vendor_state=vendor_state,
        launched_at=parse_time(row.get("created")),
        tags=parse_tags(row.get("tags")),
        observations={"state": state.value} | parse_provisioning(row.get("provisioningState")),
    )


def _storage_account(row: Row, scope: Scope) -> Resource:
    return Resource(
        scope=scope,
        kind=Kind.BUCKET,
        id=str(row["id"]).lower(),
        name=str(row.get("name") or ""),
        type=str(_object(row.get("sku")).get("name") or ""),
        launched_at=parse_time(row.get("created")),
        tags=parse_tags(row.get("tags")),
    )


def parse_state(power: object, provisioning: object) -> str | None:
    """The vendor's word in lower case: `PowerState/deallocated` is `deallocated`. A machine without a power state, or
    one that is being deleted, is called by its provisioning state; None where it has neither."""
    word = str(provisioning or "").lower()
    code = str(power or "").lower()
    if word == "deleting" or (not code and word in PROVISIONING_STATES):
        return word
    return code.removeprefix(_POWER) or word or None


def parse_provisioning(state: object) -> dict[str, str]:
    """`provisioning`: how the last change to the machine itself ended (model.observation). Nothing where the row does
    not say."""
    return {"provisioning": str(state).lower()} if state else {}


def parse_tags(tags: object) -> Mapping[str, str]:
    """Tag -> value; null for a value is the empty text."""
    return {str(key): str(value if value is not None else "") for key, value in _object(tags).items()}


def parse_time(value: object) -> int | None:
    """Epoch seconds of `2026-11-23T12:00:00.1234567+00:00`; None where there is none, or it is no time. Seven decimals
    are one more than Python reads."""
    head, _, _ = str(value or "").partition(".")
    try:
        moment = datetime.fromisoformat(head.removesuffix("Z").removesuffix("+00:00") + "+00:00")
    except ValueError:
        return None
    return int(moment.timestamp())


def _zone(zones: object) -> str:
    return str(zones[0]) if isinstance(zones, list) and zones else ""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
