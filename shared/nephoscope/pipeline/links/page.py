"""Addresses on nephoscope's own page, where the configuration says that people reach one (`page:`).

The page's scheme: PAGE/machine?scope=SCOPE&id=ID&metric=METRIC; a scope is written as in the store, aws#1111#eu-west-1.
"""

from __future__ import annotations

from urllib.parse import urlencode

from nephoscope.model.resource import Kind, Resource

OF_ONE = (Kind.INSTANCE, Kind.BUCKET)


def plot_link(page: str, resource: Resource, metric: str) -> str:
    """The metric of this machine over time; empty for what is no machine and no bucket."""
    if resource.kind not in OF_ONE:
        return ""
    asked = urlencode({"scope": resource.scope.key, "id": resource.id, "metric": metric}, errors="replace")
    return f"{page}/machine?{asked}"
