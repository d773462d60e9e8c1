"""The answer to one body of `_bulk`, item by item: which documents are there now, which were refused, and how.

Source: Elasticsearch guide, "Bulk API", response body: items stand in the order of the request; each has a status of
its own, and 409 says that a document of that _id is there already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus

from nephoscope.model.errors import Reason
from nephoscope.model.history import Dead, Document
from nephoscope.sinks.elasticsearch.errors import BLOCKED, reason_of, said


class Way(StrEnum):
    """What is to be done with a document that was refused."""

    WAIT = "wait"  # the server has too much to do
    TRY = "try"  # a shard moves or starts: a few tries
    MAKE = "make"  # its index is not there, and the server does not make it by itself
    OWE = "owe"  # its index takes nothing until somebody acts: no more of that index in this run


_OF_INDEX = {Reason.THROTTLED: Way.WAIT, Reason.NOT_FOUND: Way.MAKE, Reason.DENIED: Way.OWE}


@dataclass(frozen=True, slots=True)
class Refused:
    document: Document
    way: Way
    reason: Reason
    sentence: str


@dataclass(slots=True)
class Sorted:
    """taken: with those that were there `again`. dead: refused for good."""

    taken: int = 0
    again: int = 0
    refused: list[Refused] = field(default_factory=list)
    dead: list[Dead] = field(default_factory=list)


def sort_answer(batch: Sequence[Document], body: bytes) -> Sorted:
    """Raises ValueError for an answer that does not answer for each document."""
    result = Sorted()
    for document, (status, error) in zip(batch, _items(body, len(batch)), strict=True):
        if status < HTTPStatus.MULTIPLE_CHOICES:
            result.taken += 1
        elif status == HTTPStatus.CONFLICT:
            result.taken += 1
            result.again += 1
        else:
            _refuse(document, status, error, result)
    return result


def _refuse(document: Document, status: int, error: object, result: Sorted) -> None:
    kind, sentence = said(error)
    sentence = sentence or f"status {status}"
    reason = reason_of(status, kind)
    if reason in _OF_INDEX:
        result.refused.append(Refused(document, _OF_INDEX[reason], reason, sentence))
    elif reason.retryable:
        result.refused.append(Refused(document, Way.OWE if kind in BLOCKED else Way.TRY, reason, sentence))
    else:
        result.dead.append(Dead(document, sentence))


def _items(body: bytes, count: int) -> Iterator[tuple[int, object]]:
    try:
        items = json.loads(body)["items"]
        if len(items) != count:
            raise ValueError(f"{len(items)} answers for {count} documents")
        for item in items:
            yield int(item["create"]["status"]), item["create"].get("error")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no answer to a _bulk") from error
