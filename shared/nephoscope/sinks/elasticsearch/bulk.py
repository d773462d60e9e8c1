"""`_bulk`: many documents in few requests, none too large, and each answered for by itself.

Documents come as a stream and leave in bodies bounded by bytes and by number, so memory does not grow with them.
`create` with a `_id` of our own: what is there already answers 409, which is as good as taken. An item that was refused
for the moment (429, a shard that moves, a read-only index) waits and is sent again, alone of its body; one that is
refused for good is laid aside with the server's reason, and keeps nobody.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.history import Dead, Document, Taken
from nephoscope.model.time import Deadline
from nephoscope.sinks.elasticsearch.client import NDJSON, Client
from nephoscope.sinks.elasticsearch.errors import reason_of, said
from nephoscope.sinks.elasticsearch.indices import index_of

BODY_BYTES = 5_000_000
BODY_DOCUMENTS = 10_000
"""Of one request, before compression. Servers take 100 MB; a body that fails is a body to send again."""

FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0
"""Seconds before what was refused for the moment is sent again; doubled each time, with full jitter."""

FAILURES = 4
"""Requests in a row that nobody answered, and the rest is left to the next run at once."""

_SHOWN = "errors,items.*.status,items.*.error"


@dataclass(slots=True)
class _Sum:
    taken: int = 0
    again: int = 0
    dead: int = 0
    requests: int = 0
    sent: int = 0
    owed: Counter[str] = field(default_factory=Counter)
    problem: str = ""

    def total(self) -> Taken:
        return Taken(
            self.taken,
            self.again,
            dict(self.owed),
            self.dead,
            self.requests,
            self.sent,
            self.problem if self.owed else "",
        )


class Bulk:
    """One stream of documents at a time. bury: takes what was refused for good; sleep: between tries."""

    def __init__(
        self,
        client: Client,
        prefix: str,
        sleep: Callable[[float], None],
        bury: Callable[[Sequence[Dead], Deadline], None],
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._sleep = sleep
        self._bury = bury

    def write(self, documents: Iterable[Document], deadline: Deadline) -> Taken:
        """Send all, until the time is up. Raises nothing: what was not taken is owed, by its lot."""
        total = _Sum()
        bodies = cut(documents, self._prefix)
        failures = 0
        for batch in bodies:
            left = self._deliver(batch, total, deadline)
            if not left:
                failures = 0
                continue
            total.owed.update(each.lot for each in left)
            failures += 1
            if deadline.remaining <= 0 or failures >= FAILURES or _is_final(total):
                total.owed.update(each.lot for rest in bodies for each in rest)
                break
        return total.total()

    def _deliver(self, batch: list[Document], total: _Sum, deadline: Deadline) -> list[Document]:
        """What of a body is not taken when there is no use in waiting any longer."""
        wait = FIRST_WAIT
        tries = 0
        while batch:
            batch, again_at_once = self._send(batch, total, deadline)
            tries += 1
            if not batch or again_at_once:
                continue
            if deadline.remaining <= wait or tries >= FAILURES:
                return batch
            self._sleep(min(random.uniform(0, wait), max(deadline.remaining, 0)))  # noqa: S311 - jitter, no secret
            wait = min(2 * wait, LONGEST_WAIT)
        return batch

    def _send(self, batch: list[Document], total: _Sum, deadline: Deadline) -> tuple[list[Document], bool]:
        """(what is still to be taken, whether it may be tried at once because it is smaller now)."""
        data = gzip.compress(body_of(batch, self._prefix), compresslevel=1)
        total.requests += 1
        total.sent += len(data)
        try:
            status, answer = self._client.exchange(
                "POST", "/_bulk", data, NDJSON, deadline=deadline, encoding="gzip", filter_path=_SHOWN
            )
            if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and len(batch) > 1:
                middle = len(batch) // 2
                first, _ = self._send(batch[:middle], total, deadline)
                second, _ = self._send(batch[middle:], total, deadline)
                return [*first, *second], False
            self._client.check(status, answer, "POST /_bulk")
            return self._sort(batch, json.loads(answer), total, deadline), False
        except DeliveryError as error:
            total.problem = str(error)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            total.problem = f"{self._client.name}: POST /_bulk: an answer that is none ({type(error).__name__})"
        return batch, False

    def _sort(
        self, batch: list[Document], answer: Mapping[str, Any], total: _Sum, deadline: Deadline
    ) -> list[Document]:
        """Each item by its own status; returns those that are to be sent again."""
        items = answer.get("items") or []
        if len(items) != len(batch):
            raise ValueError("as many answers as documents are expected")
        later: list[Document] = []
        dead: list[Dead] = []
        for document, item in zip(batch, items, strict=True):
            status, error = item["create"]["status"], item["create"].get("error")
            if status < HTTPStatus.MULTIPLE_CHOICES:
                total.taken += 1
            elif status == HTTPStatus.CONFLICT:
                total.taken += 1
                total.again += 1
            else:
                kind, sentence = said(error)
                reason = reason_of(status, kind)
                if reason.retryable or reason is Reason.NOT_FOUND or reason is Reason.DENIED:
                    later.append(document)
                    total.problem = (
                        f"{self._client.name}: {reason} ({index_of(self._prefix, *document[:2])}: {sentence})"
                    )
                else:
                    dead.append(Dead(document, sentence or f"status {status}"))
        if dead:
            self._lay_aside(dead, later, total, deadline)
        return later

    def _lay_aside(self, dead: Sequence[Dead], later: list[Document], total: _Sum, deadline: Deadline) -> None:
        """Where even that is not possible now, the documents are owed like any other: nothing is lost by it."""
        try:
            self._bury(dead, deadline)
            total.dead += len(dead)
        except DeliveryError as error:
            total.problem = str(error)
            later += [each.document for each in dead]


def cut(documents: Iterable[Document], prefix: str) -> Iterator[list[Document]]:
    """Bodies' worth of documents, in order; a document that is too large by itself stands alone."""
    batch: list[Document] = []
    size = 0
    around = len(prefix) + 80  # the line before each, which names index and id
    for document in documents:
        weight = len(document.source) + around
        if batch and (size + weight > BODY_BYTES or len(batch) >= BODY_DOCUMENTS):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += weight
    if batch:
        yield batch


def body_of(batch: Iterable[Document], prefix: str) -> bytes:
    lines: list[str] = []
    names: dict[tuple[str, int], str] = {}
    for kind, at, name, source, _ in batch:
        day = at // 86_400
        index = names.get((kind, day))
        if index is None:
            index = names[kind, day] = index_of(prefix, kind, at)
        lines.append(f'{{"create":{{"_index":"{index}","_id":"{name}"}}}}\n{source}\n')
    return "".join(lines).encode()


def _is_final(total: _Sum) -> bool:
    """Denied is denied for every body of this run."""
    return f": {Reason.DENIED}" in total.problem or f": {Reason.REJECTED}" in total.problem
