"""Documents that the server refused for good: kept in an index of their own, each with the reason.

That index looks into nothing of them, so whatever was wrong there is not wrong here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus

from nephoscope.model.errors import Reason
from nephoscope.model.history import Dead
from nephoscope.model.time import Deadline, iso
from nephoscope.sinks.elasticsearch.client import NDJSON, Client
from nephoscope.sinks.elasticsearch.errors import said
from nephoscope.sinks.elasticsearch.indices import dead_index, index_of

LONGEST = 100_000
"""Characters of a document that are kept: one that was too large for the server is so here too."""

_BODY_BYTES = 1_000_000


class DeadLetters:
    """wall: the clock, epoch seconds. make: makes an index that the server does not make by itself."""

    def __init__(
        self,
        client: Client,
        prefix: str,
        fleet: str,
        wall: Callable[[], float],
        make: Callable[[str, Deadline], None],
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._fleet = fleet
        self._wall = wall
        self._make = make

    def bury(self, dead: Sequence[Dead], deadline: Deadline) -> None:
        """Under the name that each had: a second burial is none. Raises DeliveryError."""
        for body in self._bodies(dead):
            if self._sent(body, deadline) == HTTPStatus.NOT_FOUND:
                self._make(dead_index(self._prefix), deadline)
                self._sent(body, deadline)

    def _sent(self, body: bytes, deadline: Deadline) -> int:
        """The first status that is no success, or 200. Raises DeliveryError for one that making the index would not
        mend."""
        answer = self._client.exchange(
            "POST", "/_bulk", body, NDJSON, deadline=deadline, filter_path="items.*.status,items.*.error"
        )
        self._client.check(answer, "POST /_bulk")
        index = dead_index(self._prefix)
        try:
            items = [item["create"] for item in json.loads(answer.body)["items"]]
        except (ValueError, KeyError, TypeError) as error:
            raise self._client.error(Reason.MALFORMED, f"{index}: an answer that is none") from error
        for item in items:
            status = item.get("status")
            if status == HTTPStatus.NOT_FOUND:
                return HTTPStatus.NOT_FOUND
            if status not in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT):
                why = said(item.get("error"))[1] or f"status {status}"
                raise self._client.error(Reason.UNAVAILABLE, f"{index} does not take what was refused elsewhere: {why}")
        return HTTPStatus.OK

    def _bodies(self, dead: Sequence[Dead]) -> Iterator[bytes]:
        lines: list[str] = []
        size = 0
        for each in dead:
            text = self._lines(each)
            if lines and size + len(text) > _BODY_BYTES:
                yield "".join(lines).encode()
                lines, size = [], 0
            lines.append(text)
            size += len(text)
        if lines:
            yield "".join(lines).encode()

    def _lines(self, each: Dead) -> str:
        document = each.document
        action = {"create": {"_index": dead_index(self._prefix), "_id": f"{document.kind}-{document.id}"}}
        body = {
            "@timestamp": iso(self._wall()),
            "nephoscope": {"fleet": self._fleet},
            "error": {"reason": each.reason},
            "document": {
                "index": index_of(self._prefix, document.kind, document.at),
                "id": document.id,
                "source": document.source[:LONGEST],
                "length": len(document.source),
            },
        }
        return f"{json.dumps(action)}\n{json.dumps(body)}\n"
