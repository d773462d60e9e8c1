"""The variables at the top of a Grafana dashboard: data sources, accounts, projects, subscriptions, regions.

Accounts and regions are those that our own figures have, so they are exactly what runs have seen.
Source: Grafana, "CloudWatch template variables", "Google Cloud Monitoring template variables", "Azure Monitor template
variables"; VariableModel of npm @grafana/schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nephoscope.model.config import Config
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.bounds import CLOUD_NAMES
from nephoscope.pipeline.board.parts import Board
from nephoscope.pipeline.consoles.grafana_targets import TYPES, datasource, source_name, source_uid

Variable = dict[str, Any]

_ON_LOAD = 1
_ALPHABETICAL = 1
_ALL = {"selected": True, "text": ["All"], "value": ["$__all"]}


def variables(board: Board, config: Config) -> list[Variable]:
    """CloudWatch's always, for our own figures are there."""
    clouds = (Cloud.AWS, *(cloud for cloud in board.clouds if cloud is not Cloud.AWS))
    sources = [_source(cloud) for cloud in clouds]
    asked = {Cloud.AWS: _aws, Cloud.GCP: _google, Cloud.AZURE: _azure}
    shown = [each for cloud in clouds for each in asked[cloud](board, config)]
    return [*sources, *shown]


def _source(cloud: Cloud) -> Variable:
    shown = {"name": str(cloud), "label": f"{CLOUD_NAMES[cloud]} data source", "query": TYPES[cloud]}
    ours = {"selected": True, "text": source_name(cloud), "value": source_uid(cloud)}
    kept: Variable = {"refresh": _ON_LOAD, "multi": False, "includeAll": False, "current": ours}
    return {"type": "datasource", **shown, **kept}


def _aws(board: Board, config: Config) -> Iterator[Variable]:
    fleet = {"fleet": config.fleet}
    yield _own(config, "account", "Account", "cloud_account_id", fleet)
    yield _own(config, "region", "Region", "cloud_region", fleet)
    if Cloud.AWS in board.clouds:
        yield _own(config, "aws_region", "AWS region", "cloud_region", fleet | {"cloud_provider": "aws"})


def _own(config: Config, name: str, label: str, key: str, where: dict[str, str]) -> Variable:
    """The values of a dimension among the series that we publish."""
    publish = config.publish
    query = {
        "queryType": "dimensionValues",
        "namespace": publish.namespace,
        "region": publish.region,
        "metricName": "instances.running",
        "dimensionKey": key,
        "dimensionFilters": where,
        "refId": name,
    }
    return _query(Cloud.AWS, name, label, query, several=True)


def _google(board: Board, config: Config) -> Iterator[Variable]:  # noqa: ARG001 - as the others
    gather = config.gather.gcp
    if gather and gather.projects:
        yield _listed("project", "Project", gather.projects)
    else:
        yield _query(Cloud.GCP, "project", "Project", {"selectedQueryType": "projects", "refId": "project"})
    uptime = "compute.googleapis.com/instance/uptime_total"
    zones = {
        "selectedQueryType": "labelValues",
        "selectedService": "compute.googleapis.com",
        "selectedMetricType": uptime,
        "labelKey": "resource.label.zone",
        "projectName": "$project",
        "refId": "zone",
    }
    yield _query(Cloud.GCP, "zone", "Zone", zones, several=True) | {"allValue": ".*"}


def _azure(board: Board, config: Config) -> Iterator[Variable]:  # noqa: ARG001
    gather = config.gather.azure
    if gather and gather.subscriptions:
        yield _listed("subscription", "Subscription", gather.subscriptions)
    else:
        yield _query(Cloud.AZURE, "subscription", "Subscription", _azure_query("Azure Subscriptions", "subscription"))
    within = {"subscription": "$subscription"}
    yield _query(Cloud.AZURE, "azure_region", "Azure region", _azure_query("Azure Regions", "azure_region", **within))
    groups = _azure_query("Azure Resource Groups", "resource_group", **within)
    yield _query(Cloud.AZURE, "resource_group", "Resource group", groups, several=True)
    for kind in gather.resources if gather else ():
        yield _azure_resources(kind)
    if gather and gather.workspaces:
        workspaces = _azure_query("Azure Workspaces", "workspace", **within)
        yield _query(Cloud.AZURE, "workspace", "Workspace", workspaces)


def _azure_resources(kind: Kind) -> Variable:
    name, namespace = {
        Kind.INSTANCE: ("machine", "microsoft.compute/virtualmachines"),
        Kind.BUCKET: ("storage_account", "microsoft.storage/storageaccounts"),
    }[kind]
    query = _azure_query(
        "Azure Resource Names",
        name,
        subscription="$subscription",
        resourceGroup="$resource_group",
        namespace=namespace,
        region="$azure_region",
    )
    return _query(Cloud.AZURE, name, name.replace("_", " ").capitalize(), query, several=True)


def _azure_query(kind: str, name: str, **more: str) -> dict[str, str]:
    return {"queryType": kind, "refId": name, **more}


def _query(cloud: Cloud, name: str, label: str, query: dict[str, Any], *, several: bool = False) -> Variable:
    own: Variable = {"type": "query", "name": name, "label": label, "datasource": datasource(cloud), "query": query}
    own |= {"refresh": _ON_LOAD, "sort": _ALPHABETICAL, "multi": several, "includeAll": several}
    return own | ({"current": dict(_ALL)} if several else {})


def _listed(name: str, label: str, values: Sequence[str]) -> Variable:
    """What the configuration names; the first is shown."""
    options = [{"selected": not number, "text": value, "value": value} for number, value in enumerate(values)]
    shown = {"type": "custom", "name": name, "label": label, "query": ",".join(values)}
    return {**shown, "options": options, "current": options[0], "multi": False, "includeAll": False}
