"""One exchange over HTTP with a local cloud: what came, what goes back, and the ways in which nothing whole does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """What came over the wire. headers: names in lower case. path: as sent. query: the raw string after `?`."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """units: what the vendor would bill for, beside the request itself."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    units: int = 0


class Stream(Protocol):
    """An answer that is still arriving. length: of the body, None when the sender did not say."""

    status: int
    headers: Iterable[tuple[str, str]]
    length: int | None

    def chunks(self) -> Iterator[bytes]: ...


class CutError(Exception):
    """The connection is to end without an answer."""


def spoilt(answer: Answer | Stream) -> Answer:
    """The same answer, broken off in its middle but declared whole."""
    body = answer.body if isinstance(answer, Answer) else b"".join(answer.chunks())
    headers = {name: value for name, value in dict(answer.headers).items() if name.lower() != "content-length"}
    return Answer(answer.status, headers, body[: len(body) // 2])
