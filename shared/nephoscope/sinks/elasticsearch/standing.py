"""That our indices are made as they should be: the templates stand, and nobody else's stands before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.history import HistoryKind
from nephoscope.model.time import Deadline
from nephoscope.sinks.elasticsearch.client import Client
from nephoscope.sinks.elasticsearch.indices import OWNER, VERSION, index_of, templates

_THERE_ALREADY = 400
"""resource_already_exists_exception: another run was first."""


def ensure_templates(client: Client, where: PublishElasticsearch, now: int, deadline: Deadline) -> None:
    """now: epoch seconds; the day whose indices come next. Raises DeliveryError that says what is in the way."""
    for name, body in missing_templates(client, where, deadline).items():
        client.ask("PUT", f"/_index_template/{name}", body, deadline=deadline)
    for kind in HistoryKind:
        check_effect(client, index_of(where.index, kind, now), deadline)


def missing_templates(client: Client, where: PublishElasticsearch, deadline: Deadline) -> dict[str, dict[str, Any]]:
    """Name -> body of those that do not stand as they should. Raises DeliveryError, also where somebody else's has our
    name."""
    found = client.ask("GET", f"/_index_template/{where.index}-*", deadline=deadline, missing_ok=True) or {}
    standing = {each["name"]: each["index_template"] for each in found.get("index_templates", [])}
    wanted = templates(where.index, where.shards, where.replicas)
    for name in wanted:
        if name in standing and owner_of(standing[name]) != OWNER:
            raise client.error(
                Reason.REJECTED,
                f"the index template {name} is somebody else's; it stays as it is. Choose another publish.elasticsearch"
                ".index, or delete the template",
            )
    return {
        name: body for name, body in wanted.items() if name not in standing or not _is_current(standing[name], body)
    }


def check_effect(client: Client, index: str, deadline: Deadline) -> None:
    """A template of higher priority would win over ours without a word."""
    path = f"/_index_template/_simulate_index/{index}"
    answer = client.ask("POST", path, deadline=deadline, filter_path="template.mappings._meta")
    if owner_of(answer.get("template", {}).get("mappings", {})) != OWNER:
        raise client.error(
            Reason.REJECTED,
            f"another index template claims {index} with a higher priority than ours; delete it, or choose another "
            "publish.elasticsearch.index",
        )


def find_strangers(client: Client, prefix: str, now: int, deadline: Deadline) -> tuple[str, ...]:
    """Indices of today that were made without our template, as a write makes them while it is missing: what they take
    is under no alias of ours. Raises DeliveryError."""
    today = ",".join(index_of(prefix, kind, now) for kind in HistoryKind)
    found = client.ask("GET", f"/{today}/_mapping", deadline=deadline, missing_ok=True, ignore_unavailable="true")
    return tuple(sorted(name for name, body in (found or {}).items() if owner_of(body.get("mappings", {})) != OWNER))


def strange(indices: Sequence[str]) -> str:
    """In words, of one or more."""
    return f"made without our template, so that nobody finds what is in it: {', '.join(indices)}"


def make_index(client: Client, index: str, deadline: Deadline) -> None:
    """Where the server makes none by itself (action.auto_create_index). Raises DeliveryError."""
    try:
        client.ask("PUT", f"/{index}", deadline=deadline)
    except DeliveryError as error:
        if error.status != _THERE_ALREADY or "already exists" not in error.detail:
            raise


def owner_of(body: Any) -> str:
    return str((body.get("_meta") or {}).get("owner", ""))


def _is_current(standing: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """A newer release's stays: two releases side by side must not take turns at it. Of our own what the user can
    choose is compared; the server writes numbers back as texts."""
    version = (standing.get("_meta") or {}).get("version", 0)
    if version > VERSION:
        return True
    settings = standing["template"].get("settings", {}).get("index", {})
    wished = wanted["template"]["settings"]["index"]
    return version == VERSION and all(str(settings.get(key)) == str(value) for key, value in wished.items())
