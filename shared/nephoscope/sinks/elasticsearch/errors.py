"""Elasticsearch's refusals in our words: by status, with the server's own reason where it gives one.

Source: Elasticsearch guide, "REST API conventions" and "Bulk API"; the statuses and types as Elasticsearch 8.19 and
OpenSearch 2.19 give them (tests/contract/test_history_*.py provoke them on real servers).
"""

from __future__ import annotations

import json
import re
from typing import Any

from nephoscope.model.errors import Reason

LONGEST = 400
"""Characters of what a server says that are passed on."""

_REDIRECTION, _CLIENT_ERROR, _SERVER_ERROR = 300, 400, 500

REASONS: dict[int, Reason] = {
    401: Reason.DENIED,
    403: Reason.DENIED,
    404: Reason.NOT_FOUND,
    408: Reason.TIMEOUT,
    413: Reason.TOO_LARGE,
    429: Reason.THROTTLED,
}
"""Statuses with a meaning of their own; any other 4xx is a refusal for good, 5xx the server's trouble."""

BLOCKED = frozenset(
    {
        "cluster_block_exception",
        "index_closed_exception",
        "validation_exception",
        "invalid_alias_name_exception",
        "invalid_index_name_exception",
    }
)
"""What stands in the way until a person or the server's own housekeeping takes it away, whatever the status says: an
index that is read-only (403, or 429 for a full disk) or closed (400), a cluster that makes no more shards (400), another
index in our alias's place (400). It is no fault of the document's, and trying again within a run is of no use."""

_ODD: dict[str, Reason] = {
    **dict.fromkeys(BLOCKED, Reason.UNAVAILABLE),
    "es_rejected_execution_exception": Reason.THROTTLED,
    "rejected_execution_exception": Reason.THROTTLED,
    "circuit_breaking_exception": Reason.THROTTLED,
    "unavailable_shards_exception": Reason.UNAVAILABLE,
    "process_cluster_event_timeout_exception": Reason.UNAVAILABLE,
    "index_not_found_exception": Reason.NOT_FOUND,
    "no_shard_available_action_exception": Reason.UNAVAILABLE,
    "node_closed_exception": Reason.UNAVAILABLE,
    "search_phase_execution_exception": Reason.UNAVAILABLE,
}

_SEE = re.compile(r"[;,.]?\s*(?:for more information,? )?(?:see|refer to)\s+(?:the )?\S*://\S+")
_ADDRESS = re.compile(r"\S*://\S*")


def reason_of(status: int, kind: str = "") -> Reason:
    """kind: the server's word for the error; some say more than the status does."""
    if kind == "search_phase_execution_exception" and status < _SERVER_ERROR:
        return Reason.REJECTED
    if kind in _ODD:
        return _ODD[kind]
    if _REDIRECTION <= status < _CLIENT_ERROR:
        return Reason.REDIRECTED
    return REASONS.get(status, Reason.UNAVAILABLE if status >= _SERVER_ERROR else Reason.REJECTED)


def said(error: object) -> tuple[str, str]:
    """(kind, sentence) of an `error` in an answer: one line, no address; the innermost cause says it best."""
    if not isinstance(error, dict):
        return "", one_line(str(error)) if error else ""
    kind, reason = str(error.get("type") or ""), str(error.get("reason") or "")
    roots = error.get("root_cause")
    if isinstance(roots, list) and roots and isinstance(roots[0], dict) and roots[0].get("reason"):
        reason = str(roots[0]["reason"])
    cause = error.get("caused_by")
    if isinstance(cause, dict) and cause.get("reason"):
        reason = f"{reason}: {cause['reason']}"
    if " " not in reason:  # `closed` says little
        reason = ": ".join(filter(None, (kind.removesuffix("_exception").replace("_", " "), reason)))
    return kind, one_line(reason)


def one_line(text: str) -> str:
    """What may stand in a report: an address could hold a password, and the server's own manual helps nobody there."""
    return " ".join(_ADDRESS.sub("...", _SEE.sub("", text)).split()).rstrip(";")[:LONGEST]


def error_in(data: bytes) -> tuple[str, str]:
    """(kind, sentence) of an answer that is an error; what is no JSON (a gateway's page) says nothing."""
    try:
        answer: Any = json.loads(data)
    except ValueError:
        return "", ""
    return said(answer.get("error")) if isinstance(answer, dict) else ("", "")
