"""What answers at the configured address: which product, which release, and whether it is one that we know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.time import Deadline
from nephoscope.sinks.elasticsearch.connection import Answer

SUPPORTED = "Elasticsearch 8 or 9, or OpenSearch 2 or 3, is needed"
_RELEASES: Mapping[str, tuple[str, ...]] = {"Elasticsearch": ("8", "9"), "OpenSearch": ("2", "3")}
_JSON = "application/json"


@dataclass(slots=True)
class Traffic:
    """Bytes over the wire, bodies alone, as they were sent and came."""

    requests: int = 0
    sent: int = 0
    received: int = 0


@dataclass(frozen=True, slots=True)
class Server:
    """What answers there. product: `Elasticsearch` or `OpenSearch`, or both and no version where we may not know."""

    product: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.product} {self.version}".strip()


class Asks(Protocol):
    """What is needed of a client in order to find out what answers."""

    def exchange(
        self, method: str, path: str, data: bytes, content_type: str, *, deadline: Deadline, **params: str
    ) -> Answer: ...

    def check(self, answer: Answer, what: str) -> None: ...
    def error(self, reason: Reason, detail: str) -> DeliveryError: ...


def find_server(client: Asks, deadline: Deadline) -> Server:
    """By its first page; where a role may not see it or a build has none, by what its node says. Raises DeliveryError,
    also for a release that is not supported.

    Source: Elasticsearch API, "Get cluster info" and "Nodes info"; OpenSearch answers with `distribution`.
    """
    first = client.exchange("GET", "/", b"", _JSON, deadline=deadline)
    if first.status not in _WITHOUT_PAGE:
        client.check(first, "GET /")
        found = _of_page(first)
    else:
        node = client.exchange("GET", "/_nodes/_local", b"", _JSON, deadline=deadline, filter_path="nodes.*.version")
        if node.status == HTTPStatus.FORBIDDEN:
            return Server("Elasticsearch or OpenSearch")
        found = _of_node(node) if node.status == HTTPStatus.OK else None
    if found is None:
        raise client.error(Reason.REJECTED, f"what answers there is neither Elasticsearch nor OpenSearch: {SUPPORTED}")
    if found.version.partition(".")[0] not in _RELEASES[found.product]:
        raise client.error(Reason.REJECTED, f"{found} is not supported: {SUPPORTED}")
    return found


_WITHOUT_PAGE = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)


def _of_page(answer: Answer) -> Server | None:
    try:
        version = json.loads(answer.body)["version"]
        product = "OpenSearch" if version.get("distribution") == "opensearch" else "Elasticsearch"
        return Server(product, str(version["number"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _of_node(answer: Answer) -> Server | None:
    """Only Elasticsearch's builds are without a first page."""
    try:
        (node, *_) = json.loads(answer.body)["nodes"].values()
        return Server("Elasticsearch", str(node["version"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
