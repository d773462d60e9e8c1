"""How Grafana's three data sources are asked: CloudWatch, Google Cloud Monitoring, Azure Monitor.

Our own figures are in CloudWatch, whatever cloud they are of; a metric is asked of its own cloud. The dashboard's
variables stand in the queries as `$name`; CloudWatch's dynamic labels (`${PROP('Dim.x')}`) look alike and are none.

Sources: the query types of npm @grafana/schema; Grafana, "CloudWatch query editor" (`*` and variables with several
values become a search; metric math refers to queries by id), "Google Cloud Monitoring query editor" (PromQL), "Azure
Monitor query editor" (several resources); Google, "Mapping Cloud Monitoring metrics to PromQL".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nephoscope.model.config import Config
from nephoscope.model.metric import Source
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.bounds import CLOUD_NAMES
from nephoscope.pipeline.board.parts import Figure, Measure, Split, Take
from nephoscope.pipeline.dashboard.expressions import course, worst

Target = dict[str, Any]

TYPES = {Cloud.AWS: "cloudwatch", Cloud.GCP: "stackdriver", Cloud.AZURE: "grafana-azure-monitor-datasource"}
"""The data sources, by their plugins' ids."""

SCOPE_LABEL = "${PROP('Dim.cloud_provider')} ${PROP('Dim.cloud_account_id')} ${PROP('Dim.cloud_region')}"
OWN = "nephoscope."
"""Figures with a series for each cloud; all its scopes write into it."""

_SEARCH, _INSIGHTS = 0, 1
_BUILDER, _CODE = 0, 1
_STATISTICS = {
    Take.AVERAGE: "Average",
    Take.P90: "p90",
    Take.HIGHEST: "Maximum",
    Take.LOWEST: "Minimum",
    Take.SUM: "Sum",
}
_JOINS = {Take.SUM: "SUM", Take.HIGHEST: "MAX", Take.LOWEST: "MIN"}
_PROMQL = {Take.AVERAGE: "avg", Take.SUM: "sum", Take.HIGHEST: "max", Take.LOWEST: "min"}


def source_uid(cloud: Cloud) -> str:
    """Of the data source that we provision."""
    return f"nephoscope-{cloud}"


def source_name(cloud: Cloud) -> str:
    return f"nephoscope {CLOUD_NAMES[cloud]}"


def datasource(cloud: Cloud) -> dict[str, str]:
    """The data source that a variable of the dashboard holds."""
    return {"type": TYPES[cloud], "uid": f"${{{cloud}}}"}


# --- our own figures, in CloudWatch ------------------------------------------------------------------------------


def figures(config: Config, clouds: tuple[Cloud, ...], asks: tuple[Figure, ...], period: int) -> list[Target]:
    found: list[Target] = []
    for number, ask in enumerate(asks):
        found += _figure(config, clouds, ask, period, f"f{number}")
    return [target | {"refId": _letters(number)} for number, target in enumerate(found)]


def _figure(config: Config, clouds: tuple[Cloud, ...], ask: Figure, period: int, own: str) -> Iterator[Target]:
    if ask.name.startswith(OWN):
        for cloud in clouds:
            where = {"cloud_provider": str(cloud), "fleet": config.fleet}
            # Each scope tells once a run: over one period their sum is the cloud's, and over any longer one it is not.
            taken = "Sum" if ask.join is Take.SUM else _STATISTICS[ask.take]
            yield _series(config, ask.name, where, taken, period) | {"id": "", "label": CLOUD_NAMES[cloud]}
        return
    where = {
        "cloud_account_id": "$account",
        "cloud_provider": "*",
        "cloud_region": "$region",
        "fleet": config.fleet,
    }
    if ask.split is Split.SCOPE:
        yield _series(config, ask.name, where, _STATISTICS[ask.take], period) | {"id": own, "label": SCOPE_LABEL}
        return
    parts = ("Sum", "SampleCount") if ask.join is Take.AVERAGE else (_STATISTICS[ask.take],)
    for number, statistic in enumerate(parts):
        hidden = _series(config, ask.name, where, statistic, period)
        yield hidden | {"id": f"{own}{'ab'[number]}", "label": "", "hide": True}
    joined = f"SUM({own}a)/SUM({own}b)" if len(parts) > 1 else f"{_JOINS[ask.join]}({own}a)"
    yield _expression(config, joined, period) | {"id": own, "label": ask.label}


def _series(config: Config, metric: str, where: dict[str, str], statistic: str, period: int) -> Target:
    return _cloudwatch(config.publish.region, period) | {
        "metricQueryType": _SEARCH,
        "metricEditorMode": _BUILDER,
        "namespace": config.publish.namespace,
        "metricName": metric,
        "dimensions": where,
        "matchExact": True,
        "statistic": statistic,
    }


def _expression(config: Config, expression: str, period: int) -> Target:
    code = {"metricQueryType": _SEARCH, "metricEditorMode": _CODE, "expression": expression}
    return _cloudwatch(config.publish.region, period) | code | {"namespace": ""}


def _cloudwatch(region: str, period: int) -> Target:
    return {"datasource": datasource(Cloud.AWS), "queryMode": "Metrics", "region": region, "period": str(period)}


# --- metrics, each in its own cloud ------------------------------------------------------------------------------


def measured(ask: Measure) -> list[Target]:
    asked = {Cloud.AWS: _aws, Cloud.GCP: _google, Cloud.AZURE: _azure}[ask.cloud]
    return [asked(ask, ask.metric.sources[ask.cloud]) | {"refId": "A"}]


def _aws(ask: Measure, source: Source) -> Target:
    """Metrics Insights. The panel is repeated for each region."""
    by_machine = ask.split is Split.MACHINE
    sql = worst(source, ask.most, upward=ask.upward, accounts=False) if by_machine else course(source)
    return _cloudwatch("$aws_region", source.period) | {
        "metricQueryType": _INSIGHTS,
        "metricEditorMode": _CODE,
        "sqlExpression": sql,
        "namespace": source.namespace,
        "id": "",
        "label": "" if by_machine else str(ask.take),
    }


def _google(ask: Measure, source: Source) -> Target:
    """PromQL, which ranks at each moment: over a longer time more than so many lines may be drawn.

    An empty timeSeriesList stands beside it as the editor leaves it: a query without one is taken for an old one, made
    over into a list of no metric, and never sent.
    """
    query = {"projectName": "$project", "expr": promql(ask, source), "step": f"{source.period}s"}
    beside = {"projectName": "$project", "crossSeriesReducer": "REDUCE_NONE", "filters": [], "groupBys": []}
    asked = {"datasource": datasource(Cloud.GCP), "queryType": "promQL", "aliasBy": ""}
    return asked | {"promQLQuery": query, "timeSeriesList": beside}


def promql(ask: Measure, source: Source) -> str:
    kind = "gcs_bucket" if ask.metric.on is Kind.BUCKET else "gce_instance"
    terms = [f'monitored_resource="{kind}"', *_fixed(source)]
    if ask.metric.on is Kind.INSTANCE:
        terms.append('zone=~"${zone:regex}"')
    series = f"{prometheus_name(source)}{{{','.join(terms)}}}"
    if source.per_second:
        series = f"rate({series}[{max(300, 2 * source.period)}s])"
    within = "sum" if source.statistic.endswith("REDUCE_SUM") else "avg"
    machines = f"{within} by ({', '.join(labels_of(ask.metric.on, source))}) ({series})"
    if ask.split is Split.MACHINE:
        return f"{'topk' if ask.upward else 'bottomk'}({ask.most}, {machines})"
    return f"{_PROMQL[ask.take]}({machines})"


def prometheus_name(source: Source) -> str:
    """`compute.googleapis.com/instance/cpu/utilization` -> `compute_googleapis_com:instance_cpu_utilization`."""
    return ":".join(re.sub(r"[^A-Za-z0-9_]", "_", part) for part in (source.namespace, source.vendor_name))


def labels_of(kind: Kind, source: Source) -> tuple[str, ...]:
    """The labels that tell one line from another, as PromQL names them."""
    if kind is Kind.BUCKET:
        own: tuple[str, ...] = ("project_id", "bucket_name")
    else:
        named = ("instance_name",) if source.namespace == "compute.googleapis.com" else ()
        own = ("project_id", "zone", "instance_id", *named)
    return (*own, *(label.rpartition(".")[2] for label in source.attributes))


def _fixed(source: Source) -> list[str]:
    given = {name: value for name, value in source.dimensions.items() if name.startswith("metric.labels.")}
    return [f'{name.rpartition(".")[2]}="{value}"' for name, value in given.items()]


def _azure(ask: Measure, source: Source) -> Target:
    if source.query:
        return _azure_logs(source)
    kind = source.namespace.lower()
    picked = "$machine" if ask.metric.on is Kind.INSTANCE else "$storage_account"
    place = {"subscription": "$subscription", "resourceGroup": "$resource_group", "resourceName": picked}
    metric = {
        "resources": [place | {"metricNamespace": kind, "region": "$azure_region"}],
        "metricNamespace": kind,
        "metricName": source.vendor_name,
        "region": "$azure_region",
        "aggregation": source.statistic,
        "timeGrain": _grain(source),
        "dimensionFilters": [],
        "alias": "{{ resourceName }}",
        "top": "",
    }
    asked = {"datasource": datasource(Cloud.AZURE), "queryType": "Azure Monitor", "subscription": "$subscription"}
    return asked | {"azureMonitor": metric}


def _azure_logs(source: Source) -> Target:
    kql = f"""\
{source.query.strip()}
| summarize each = {source.statistic}(value) by TimeGenerated = bin(TimeGenerated, {source.period}s), \
{", ".join(("_ResourceId", *source.attributes))}
| order by TimeGenerated asc"""
    logs = {"query": kql, "resources": ["$workspace"], "resultFormat": "time_series", "dashboardTime": True}
    asked = {"datasource": datasource(Cloud.AZURE), "queryType": "Azure Log Analytics"}
    return asked | {"azureLogAnalytics": logs | {"timeColumn": "TimeGenerated"}}


def _grain(source: Source) -> str:
    """A total is of one period, whatever time is shown; a level may be of any."""
    if not source.per_second:
        return "auto"
    return f"PT{source.period // 60}M"


def _letters(number: int) -> str:
    """A, B, ... Z, AA: as Grafana names queries."""
    first, last = divmod(number, 26)
    return (chr(64 + first) if first else "") + chr(65 + last)
