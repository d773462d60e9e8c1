"""Where a person goes from a message or a page: the thing itself, its metric and the dashboard, in their consoles.

One file a console; each has `resource_links` and `metric_link`. page.py is nephoscope's own page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nephoscope.model.metric import Metric, Source
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.links import aws, azure, gcp
from nephoscope.pipeline.links.aws import dashboard_link
from nephoscope.pipeline.links.page import plot_link

__all__ = ["dashboard_link", "links_for"]

_RESOURCE: Mapping[Cloud, Callable[[Resource], Mapping[str, str]]] = {
    Cloud.AWS: aws.resource_links,
    Cloud.GCP: gcp.resource_links,
    Cloud.AZURE: azure.resource_links,
}
_METRIC: Mapping[Cloud, Callable[[Resource, Source, Mapping[str, str]], str]] = {
    Cloud.AWS: aws.metric_link,
    Cloud.GCP: gcp.metric_link,
    Cloud.AZURE: azure.metric_link,
}


def links_for(
    resource: Resource,
    metric: Metric | None = None,
    *,
    attributes: Sequence[tuple[str, str]] = (),
    dashboard: str = "",
    dashboard_region: str = "",
    page: str = "",
) -> Mapping[str, str]:
    """Name -> URL: `instance` or `bucket`, `metric`, `plot`, `dashboard`; only those that exist. attributes: of the
    series. page: where people reach nephoscope's own, which has the plot; empty: nowhere. Every character of foreign
    text is encoded."""
    cloud = resource.scope.cloud
    links = dict(_RESOURCE[cloud](resource))
    source = metric.sources.get(cloud) if metric and resource.kind is not Kind.GROUP else None
    if source and (link := _METRIC[cloud](resource, source, dict(attributes))):
        links["metric"] = link
    if page and metric and (link := plot_link(page, resource, metric.name)):
        links["plot"] = link
    if dashboard and (link := dashboard_link(dashboard, dashboard_region or resource.scope.region)):
        links["dashboard"] = link
    return links
