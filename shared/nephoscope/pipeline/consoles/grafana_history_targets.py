"""How Grafana asks history: its Elasticsearch data source, and OpenSearch's plugin, which has the same notation.

A query is a Lucene query, buckets and metrics of each: lines end in a date histogram, a table has none, and documents
themselves come by the metric `raw_data`. What a person has named stands quoted in the Lucene query, and there it is
neither Lucene's notation nor a variable of Grafana's.

Sources: `ElasticsearchDataQuery` of npm @grafana/schema 12.4; Grafana, "Elasticsearch query editor" (aliases, `orderBy`
by a metric's id), "Elasticsearch template variables"; grafana-opensearch-datasource, src/types.ts (`luceneQueryType`);
Elasticsearch, "Query string query" (reserved characters) and Lucene's classic query parser (`\\u0024`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nephoscope.model.history import HistoryKind
from nephoscope.pipeline.board.parts import Kept, Look, Panel, Statistic

Target = dict[str, Any]

SOURCE = "history"
"""The variable that holds the data source."""

SOURCE_UID, SOURCE_NAME = "nephoscope-history", "nephoscope history"
TIME_FIELD = "@timestamp"
KINDS = {HistoryKind.STATES: "state", HistoryKind.ALERTS: "alert"}
"""`event.kind` of a document; one of a metric has none."""

VARIABLES = {"cloud.account.id": "account", "cloud.region": "region"}
MOST_VALUES = 1000
"""Values of a variable that are offered."""

_ORDER = "1"
"""The id of the first metric, by which buckets are ordered."""

_PLAIN = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "\\u0024", "[": "\\["})


class Product(StrEnum):
    """What keeps history, by the id of its plugin."""

    ELASTICSEARCH = "elasticsearch"
    OPENSEARCH = "grafana-opensearch-datasource"


@dataclass(frozen=True, slots=True)
class Asking:
    """fleet: several may be kept on one server."""

    fleet: str
    product: Product

    @property
    def datasource(self) -> dict[str, str]:
        return {"type": str(self.product), "uid": f"${{{SOURCE}}}"}


def quoted(text: str) -> str:
    """A text as one term of a Lucene query. `$` and `[[` begin variables in Grafana, which has no way to escape them;
    Lucene has."""
    return f'"{text.translate(_PLAIN)}"'


def lucene(fleet: str, ask: Kept) -> str:
    """The fleet's documents of this kind, in the chosen accounts and regions."""
    wanted = [("nephoscope.fleet", (fleet,))]
    if ask.kind in KINDS:
        wanted.append(("event.kind", (KINDS[ask.kind],)))
    terms = [_term(field, values) for field, values in (*wanted, *ask.where)]
    return " AND ".join([*terms, *(f"{field}:${name}" for field, name in VARIABLES.items())])


def _term(field: str, values: Sequence[str]) -> str:
    one, *others = map(quoted, values)
    return f"{field}:({' OR '.join([one, *others])})" if others else f"{field}:{one}"


def values_of(fleet: str, field: str) -> str:
    """A variable's query: the values of a field within the time that is shown."""
    wanted = {"find": "terms", "field": field, "size": MOST_VALUES, "query": f"nephoscope.fleet:{quoted(fleet)}"}
    return json.dumps(wanted)


def targets(asking: Asking, panel: Panel) -> list[Target]:
    """One query for each of the panel's, in its order."""
    asked = [ask for ask in panel.asks if isinstance(ask, Kept)]
    return [_target(asking, ask, panel.look) | {"refId": chr(ord("A") + n)} for n, ask in enumerate(asked)]


def _target(asking: Asking, ask: Kept, look: Look) -> Target:
    listed = look is Look.LIST
    metrics = [_metric(str(n), each, ask.of) for n, each in enumerate(ask.statistics, start=1)]
    if not metrics:
        metrics = [{"id": _ORDER, "type": "raw_data", "settings": {"size": str(ask.most)}}]
    buckets = [_terms(str(len(metrics) + n), field, ask) for n, field in enumerate(ask.by, start=1)]
    if ask.statistics and not listed:
        buckets.append(_times(str(len(metrics) + len(buckets) + 1), ask, look))
    own = {"queryType": "lucene", "luceneQueryType": "Metric"} if asking.product is Product.OPENSEARCH else {}
    return {
        "datasource": asking.datasource,
        **own,
        "query": lucene(asking.fleet, ask),
        "metrics": metrics,
        "bucketAggs": buckets,
        "timeField": TIME_FIELD,
        "alias": "" if listed else " ".join(f"{{{{term {field}}}}}" for field in ask.by),
    }


def _metric(number: str, statistic: Statistic, field: str) -> dict[str, Any]:
    kinds = {
        Statistic.AVERAGE: "avg",
        Statistic.HIGHEST: "max",
        Statistic.LOWEST: "min",
        Statistic.DISTINCT: "cardinality",
    }
    if statistic is Statistic.COUNT:
        return {"id": number, "type": "count"}
    if statistic is Statistic.P95:
        return {"id": number, "type": "percentiles", "field": field, "settings": {"percents": ["95"]}}
    return {"id": number, "type": kinds[statistic], "field": field}


def _terms(number: str, field: str, ask: Kept) -> dict[str, Any]:
    """Ordered by the first metric; percentiles are named by their number, too."""
    order = {Statistic.P95: f"{_ORDER}[95.0]", Statistic.COUNT: "_count"}.get(ask.statistics[0], _ORDER)
    settings = {
        "order": "desc" if ask.upward else "asc",
        "orderBy": order,
        "size": str(ask.most),
        "min_doc_count": "1",
    }
    return {"id": number, "type": "terms", "field": field, "settings": settings}


def _times(number: str, ask: Kept, look: Look) -> dict[str, Any]:
    """A span without points is a gap in a line, and none of bars."""
    interval = f"{ask.step}s" if ask.exact else "auto"
    settings = {"interval": interval, "min_doc_count": "1" if look is Look.BARS else "0"}
    return {"id": number, "type": "date_histogram", "field": TIME_FIELD, "settings": settings}
