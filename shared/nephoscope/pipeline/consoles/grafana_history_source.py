"""History as Grafana's data source: where `publish.elasticsearch` says, as whom Grafana's environment says.

Our three aliases and nothing else of the same prefix: Grafana hands several names with commas between them on to the
server as they are. Grafana reads; the key that nephoscope writes with is not for it.

Sources: Grafana, "Configure the Elasticsearch data source" (jsonData), "Provision Grafana" (`basicAuth`,
`httpHeaderName1`, `tlsAuthWithCACert`, `$$` for a `$`); grafana-opensearch-datasource, docs/sources/configure.md
(`database`, `flavor`, `version`).
"""

from __future__ import annotations

import json
from typing import Any

from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.history import HistoryKind
from nephoscope.pipeline.consoles.grafana_history_targets import SOURCE_NAME, SOURCE_UID, TIME_FIELD, Product

URL, KEY, USER, PASSWORD = (
    f"$NEPHOSCOPE_GRAFANA_ELASTICSEARCH_{name}" for name in ("URL", "API_KEY", "USER", "PASSWORD")
)
"""Variables of Grafana's environment."""

OPENSEARCH_VERSION = "2.19.0"
"""By which the plugin composes queries; those of 2.x are alike."""


def render_source(history: PublishElasticsearch, product: Product) -> str:
    """One entry of `datasources`. Values are written as JSON, which is YAML."""
    aliases = ",".join(
        f"{history.index}-{kind}" for kind in (HistoryKind.METRICS, HistoryKind.STATES, HistoryKind.ALERTS)
    )
    data: dict[str, Any] = {"timeField": TIME_FIELD, "timeInterval": "1m"}
    if product is Product.OPENSEARCH:
        data |= {"database": aliases, "flavor": "opensearch", "version": OPENSEARCH_VERSION, "pplEnabled": False}
    else:
        data |= {"index": aliases}
    source: dict[str, Any] = {"name": SOURCE_NAME, "uid": SOURCE_UID, "type": str(product), "access": "proxy"}
    source["url"] = URL if history.url.startswith("${") else _literal(history.url)
    secret: dict[str, str] = {}
    if history.api_key:
        data["httpHeaderName1"] = "Authorization"
        secret["httpHeaderValue1"] = f"ApiKey {KEY}"
    if history.user:
        source |= {"basicAuth": True, "basicAuthUser": USER}
        secret["basicAuthPassword"] = PASSWORD
    if history.ca:
        data["tlsAuthWithCACert"] = True
        secret["tlsCACert"] = _literal(history.ca)
    source["jsonData"] = data
    if secret:
        source["secureJsonData"] = secret
    return "  - " + "\n    ".join(_lines(source)) + "\n"


def _literal(text: str) -> str:
    """Grafana takes a `$` for the beginning of a variable."""
    return text.replace("$", "$$")


def _lines(source: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for name, value in source.items():
        if isinstance(value, dict):
            found += [f"{name}:", *(f"  {key}: {json.dumps(each)}" for key, each in value.items())]
        else:
            found.append(f"{name}: {json.dumps(value)}")
    return found
