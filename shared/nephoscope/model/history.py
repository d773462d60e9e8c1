"""What is kept of a run for later: documents of points, states and alerts; and how far a scope's have been taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from nephoscope.model.scope import Scope


class HistoryKind(StrEnum):
    """The three kinds of documents; each has indices, a template and an alias of its own."""

    METRICS = "metrics"
    STATES = "states"
    ALERTS = "alerts"


class Document(NamedTuple):
    """at: data time, epoch seconds; it names the day's index. id: the same for the same fact, whoever sends it, and
    however often. source: the document as one line of JSON. lot: what it was cut from; a lot whose documents are all
    taken is over, one with a document that is not is cut again by the next run."""

    kind: HistoryKind
    at: int
    id: str
    source: str
    lot: str


@dataclass(frozen=True, slots=True)
class Dead:
    """A document that will never be taken, with the server's reason."""

    document: Document
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of documents. taken: those the server has, `again` of them already before. owed: lot -> documents
    that were not taken in time. dead: refused for good. problem: why anything is owed, in words."""

    taken: int = 0
    again: int = 0
    owed: Mapping[str, int] = field(default_factory=dict)
    dead: int = 0
    requests: int = 0
    sent_bytes: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """How far a scope's history has been taken; written after each run that keeps, conditional on `ver`.

    slot: of the last run whose transitions were taken. marks: `metric@period` -> data time up to which points were.
    lost_until: data time before which points were not taken for so long that no run reads them again. failures: runs in
    a row of which anything is owed. problem: what stood in the way last; empty when nothing does.
    """

    scope: Scope
    ver: int = 0
    slot: int = 0
    marks: Mapping[str, int] = field(default_factory=dict)
    lost_until: int = 0
    failures: int = 0
    problem: str = ""
