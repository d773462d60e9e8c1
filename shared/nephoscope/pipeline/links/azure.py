"""Addresses in the Azure portal: `#@/resource` and a resource's id, then the blade. The portal finds the tenant itself.

Pattern, as the portal itself writes it: https://portal.azure.com/#@TENANT/resource/subscriptions/.../overview.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from nephoscope.model.metric import Source
from nephoscope.model.resource import Kind, Resource

PORTAL = "https://portal.azure.com/#@/resource"
NAMES = {Kind.INSTANCE: "instance", Kind.BUCKET: "bucket"}


def resource_links(resource: Resource) -> Mapping[str, str]:
    """`instance` or `bucket`: its overview. Empty for what has no resource id."""
    where = _place(resource)
    return {NAMES[resource.kind]: f"{where}/overview"} if where and resource.kind in NAMES else {}


def metric_link(resource: Resource, source: Source, attributes: Mapping[str, str]) -> str:  # noqa: ARG001 - as in others
    """The resource's own metrics blade; which metric it shows cannot be said in an address that lasts."""
    where = _place(resource)
    return f"{where}/metrics" if where else ""


def _place(resource: Resource) -> str:
    return PORTAL + quote(resource.id, safe="/", errors="replace") if resource.id.startswith("/subscriptions/") else ""
