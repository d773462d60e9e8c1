"""What would stand in the way of keeping history, found out without writing anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.errors import DeliveryError
from nephoscope.model.history import HistoryKind
from nephoscope.model.time import Deadline
from nephoscope.sinks.elasticsearch.client import Client
from nephoscope.sinks.elasticsearch.indices import alias_of, index_of
from nephoscope.sinks.elasticsearch.product import Server
from nephoscope.sinks.elasticsearch.standing import check_effect, find_strangers, missing_templates

CLUSTER_RIGHTS = ("monitor", "manage_index_templates")
INDEX_RIGHTS = ("create_doc", "create_index", "delete_index", "view_index_metadata")
"""What the key or the user needs, in Elasticsearch's words; those of the indices for `nephoscope-*`. Source:
Elasticsearch guide, "Security privileges"."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """templates: those that the next run puts. lacking: rights; None where the server does not tell (OpenSearch, or
    one without security). strangers: indices of today that are not of our making."""

    server: Server
    templates: tuple[str, ...] = ()
    lacking: tuple[str, ...] | None = None
    strangers: tuple[str, ...] = ()


def inspect(client: Client, where: PublishElasticsearch, now: int, deadline: Deadline) -> Inspection:
    """now: epoch seconds. Raises DeliveryError that says what is in the way."""
    server = client.server(deadline)
    lacking = _lacking(client, where, deadline)
    if lacking:
        return Inspection(server, lacking=lacking)
    missing = missing_templates(client, where, deadline)
    for kind in HistoryKind:
        if alias_of(where.index, kind) not in missing:
            check_effect(client, index_of(where.index, kind, now), deadline)
    return Inspection(server, tuple(missing), lacking, find_strangers(client, where.index, now, deadline))


def _lacking(client: Client, where: PublishElasticsearch, deadline: Deadline) -> tuple[str, ...] | None:
    names = f"{where.index}-*"
    asked = {"cluster": CLUSTER_RIGHTS, "index": [{"names": [names], "privileges": INDEX_RIGHTS}]}
    try:
        found = client.ask("POST", "/_security/user/_has_privileges", asked, deadline=deadline)
    except DeliveryError as error:
        if error.status is None:
            raise
        return None
    if not isinstance(found, dict) or "has_all_requested" not in found:
        return None
    return (
        *_refused(found.get("cluster", {})),
        *(f"{right} on {names}" for right in _refused(found.get("index", {}).get(names, {}))),
    )


def _refused(rights: Mapping[str, Any]) -> list[str]:
    return sorted(name for name, granted in rights.items() if not granted)
