"""Our indices: a template for each of the three kinds, one index a day of data time, an alias over all of them.

Names of fields are OpenTelemetry's and Elastic Common Schema's where these have one (`cloud.region`, `host.id`,
`event.action`, `rule.name`), so that Kibana and Grafana know them. Daily indices and a `_id` made of what a document
says, and no data stream: a data stream doubles documents across a rollover, and its time series kind takes no `_id` of
ours. Old days are deleted whole, which costs the server nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from nephoscope.model.history import HistoryKind
from nephoscope.model.time import DAY

OWNER = "nephoscope"
VERSION = 1
"""Of the templates: a higher one replaces what an older release of ours has put."""

PRIORITY = 200
"""Above Elastic's own (100 and less), which claim metrics-*-*; a prefix of the user's own could meet them."""

LONGEST = 1024
"""Characters of a keyword that are indexed; a longer one is kept, and found by no search."""


def _keyword() -> dict[str, Any]:
    return {"type": "keyword", "ignore_above": LONGEST}


def _words(*names: str) -> dict[str, Any]:
    return {"properties": {name: _keyword() for name in names}}


_RESOURCE: dict[str, Any] = {
    "@timestamp": {"type": "date"},
    "nephoscope": _words("fleet"),
    "cloud": {
        "properties": {
            "provider": _keyword(),
            "account": _words("id"),
            "region": _keyword(),
            "availability_zone": _keyword(),
            "resource_id": _keyword(),
        }
    },
    "host": _words("id", "name", "type"),
    "resource": _words("kind", "id", "name"),
    "labels": {"type": "object", "dynamic": True},
    "attributes": {"type": "object", "dynamic": True},
}
_STATE: dict[str, Any] = {
    "event": _words("kind", "action"),
    "state": {
        "properties": {
            "name": _keyword(),
            "vendor": _keyword(),
            "previous": _keyword(),
            "launched_at": {"type": "date"},
        }
    },
}
_ALERT: dict[str, Any] = {
    "event": {
        "properties": {
            "kind": _keyword(),
            "action": _keyword(),
            "reason": _keyword(),
            "sequence": {"type": "long"},
        }
    },
    "rule": _words("name"),
    "alert": {
        "properties": {
            "key": _keyword(),
            "severity": _keyword(),
            "value": {"type": "double"},
            "worst": {"type": "double"},
            "told": _keyword(),
            "muted": _keyword(),
        }
    },
}
_METRIC: dict[str, Any] = {
    "metric": {
        "properties": {
            "name": _keyword(),
            "unit": _keyword(),
            "period": {"type": "integer"},
            "value": {"type": "double"},
        }
    },
}
PROPERTIES: Mapping[HistoryKind, Mapping[str, Any]] = {
    HistoryKind.METRICS: {**_RESOURCE, **_METRIC},
    HistoryKind.STATES: {**_RESOURCE, **_STATE},
    HistoryKind.ALERTS: {**_RESOURCE, **_ALERT},
}


def alias_of(prefix: str, kind: HistoryKind) -> str:
    """What is asked: `nephoscope-metrics`."""
    return f"{prefix}-{kind}"


def index_of(prefix: str, kind: HistoryKind, at: int) -> str:
    """Where a document of data time `at` stands: `nephoscope-metrics-2026.11.26`, by the day in UTC."""
    return f"{alias_of(prefix, kind)}-{datetime.fromtimestamp(at - at % DAY, UTC):%Y.%m.%d}"


def dead_index(prefix: str) -> str:
    """Where a document goes that the server refused for good: one index, with its reason."""
    return f"{prefix}-dead"


def template_of(prefix: str, kind: HistoryKind, shards: int, replicas: int | None) -> dict[str, Any]:
    """The body of PUT _index_template. Unknown fields are kept and not indexed, so that a later release's documents
    never break an older index; tags and attributes alone make fields, as keywords."""
    settings: dict[str, Any] = {"number_of_shards": shards, "refresh_interval": "5s", "codec": "best_compression"}
    if replicas is None:
        settings["auto_expand_replicas"] = "0-1"  # a single node stays green
    else:
        settings["number_of_replicas"] = replicas
    return {
        "index_patterns": [f"{alias_of(prefix, kind)}-*"],
        "priority": PRIORITY,
        "version": VERSION,
        "_meta": {"owner": OWNER, "version": VERSION},
        "template": {
            "settings": {"index": settings},
            "aliases": {alias_of(prefix, kind): {}},
            "mappings": _mappings(PROPERTIES[kind]),
        },
    }


def dead_template(prefix: str) -> dict[str, Any]:
    """Nothing of what was refused is looked into: its text stands there as it is."""
    properties = {
        "@timestamp": {"type": "date"},
        "error": {"properties": {"reason": {"type": "text"}}},
        "document": {
            "properties": {
                "index": _keyword(),
                "id": _keyword(),
                "source": {"type": "text", "index": False},
                "length": {"type": "integer"},
            }
        },
        "nephoscope": _words("fleet"),
    }
    return {
        "index_patterns": [dead_index(prefix)],
        "priority": PRIORITY,
        "version": VERSION,
        "_meta": {"owner": OWNER, "version": VERSION},
        "template": {
            "settings": {"index": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}},
            "mappings": _mappings(properties),
        },
    }


def templates(prefix: str, shards: int, replicas: int | None) -> dict[str, dict[str, Any]]:
    """All that is ours, by the template's name."""
    found = {alias_of(prefix, kind): template_of(prefix, kind, shards, replicas) for kind in HistoryKind}
    return found | {dead_index(prefix): dead_template(prefix)}


def _mappings(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "_meta": {"owner": OWNER, "version": VERSION},
        "dynamic": False,
        "dynamic_templates": [
            {"words": {"path_match": f"{name}.*", "mapping": _keyword()}} for name in ("labels", "attributes")
        ],
        "properties": dict(properties),
    }


def days_before(names: Iterator[str], prefix: str, oldest: int) -> tuple[str, ...]:
    """Of these indices those whose day ended before `oldest` (epoch seconds): by their names, which are ours."""
    kinds = "|".join(HistoryKind)
    pattern = re.compile(rf"{re.escape(prefix)}-(?:{kinds})-(\d{{4}})\.(\d\d)\.(\d\d)")
    return tuple(name for name in names if (found := pattern.fullmatch(name)) and _end_of(found) <= oldest)


def _end_of(found: re.Match[str]) -> float:
    """The day's end; of what is no date, never."""
    try:
        year, month, day = map(int, found.groups())
        return datetime(year, month, day, tzinfo=UTC).timestamp() + DAY
    except ValueError:
        return float("inf")
