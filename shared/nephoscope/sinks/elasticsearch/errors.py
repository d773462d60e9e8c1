"""Elasticsearch's refusals in our words: by status, with the server's own reason where it gives one."""

from __future__ import annotations

import json
from typing import Any

from nephoscope.model.errors import Reason

_SERVER_ERROR = 500

REASONS: dict[int, Reason] = {
    401: Reason.DENIED,
    403: Reason.DENIED,
    404: Reason.NOT_FOUND,
    408: Reason.TIMEOUT,
    413: Reason.TOO_LARGE,
    429: Reason.THROTTLED,
}
"""Statuses with a meaning of their own; any other 4xx is a refusal for good, 5xx the server's trouble."""

BLOCKED = frozenset({"cluster_block_exception"})
"""403, and no question of rights: an index or the cluster is read-only for a while (a full disk), or not yet there."""

_ODD: dict[str, Reason] = {
    "cluster_block_exception": Reason.UNAVAILABLE,
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


def reason_of(status: int, kind: str = "") -> Reason:
    """kind: the server's word for the error; some say more than the status does."""
    if kind == "search_phase_execution_exception" and status < _SERVER_ERROR:
        return Reason.REJECTED
    if kind in _ODD:
        return _ODD[kind]
    return REASONS.get(status, Reason.UNAVAILABLE if status >= _SERVER_ERROR else Reason.REJECTED)


def said(error: object) -> tuple[str, str]:
    """(kind, sentence) of an `error` in an answer; the innermost cause says it best."""
    if not isinstance(error, dict):
        return "", str(error)[:500] if error else ""
    kind, reason = str(error.get("type") or ""), str(error.get("reason") or "")
    roots = error.get("root_cause")
    if isinstance(roots, list) and roots and isinstance(roots[0], dict) and roots[0].get("reason"):
        reason = str(roots[0]["reason"])
    cause = error.get("caused_by")
    if isinstance(cause, dict) and cause.get("reason"):
        reason = f"{reason}: {cause['reason']}"
    return kind, reason[:500]


def error_in(data: bytes) -> tuple[str, str]:
    """(kind, sentence) of an answer that is an error; what is no JSON says nothing."""
    try:
        answer: Any = json.loads(data)
    except ValueError:
        return "", ""
    return said(answer.get("error")) if isinstance(answer, dict) else ("", "")
