"""The edges of the core: what the outside must be able to do for it. Each protocol is one or two methods."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from nephoscope.model.config import Channel, Config
from nephoscope.model.group import Message
from nephoscope.model.history import Document, Taken
from nephoscope.model.publish import Dashboard, Datum
from nephoscope.model.question import Course, KeptMetric, Question, Survey, Total
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.secret import Secret
from nephoscope.model.series import Gap, Inventory, Readings, SeriesRequest
from nephoscope.model.time import Deadline


class Clock(Protocol):
    """Wall and monotonic seconds. Used for leases, deadlines, backoff; never for what is decided."""

    def wall(self) -> float: ...
    def monotonic(self) -> float: ...


# --- reading clouds ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FoundScopes:
    """searched: (cloud, account) of those accounts whose regions are found by what is in them, found or empty: a region
    of theirs that is not among the scopes holds nothing."""

    scopes: tuple[Scope, ...]
    gaps: tuple[Gap, ...] = ()
    searched: frozenset[tuple[Cloud, str]] = frozenset()


class ScopeReader(Protocol):
    def read_scopes(self, config: Config, deadline: Deadline) -> FoundScopes:
        """Every scope that the configuration names: accounts x regions. An account that cannot be entered is a gap;
        raises nothing for one that fails. Order: sorted."""
        ...


class InventoryReader(Protocol):
    def read_inventory(self, scope: Scope, config: Config, deadline: Deadline) -> Inventory:
        """The resources of the configured kinds in one scope, filtered by the configuration's tags. Failures are
        gaps, never exceptions; what could be read is returned."""
        ...


class MetricReader(Protocol):
    def read_series(
        self, scope: Scope, config: Config, requests: Sequence[SeriesRequest], deadline: Deadline
    ) -> Readings:
        """The settled points that were asked for, in the catalog's unit, in the fewest calls. A request that has no
        answer gives a gap with its resource id; a discovered metric may give several series for one request."""
        ...


class CloudReader(ScopeReader, InventoryReader, MetricReader, Protocol):
    """What a cloud's room gives to the run."""


# --- delivering --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """What a sink took: requests made, data accepted, and why the rest was not (reason words with counts)."""

    requests: int = 0
    accepted: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)


class MetricSink(Protocol):
    def write_metrics(self, data: Sequence[Datum], deadline: Deadline) -> Written:
        """Publish in the fewest requests within the limits. Raises DeliveryError when nothing was accepted."""
        ...


class DashboardSink(Protocol):
    def write_dashboards(self, dashboards: Sequence[Dashboard], deadline: Deadline) -> int:
        """Write those that differ from what stands there, delete our own that are no longer in the list (by name
        prefix); returns how many changed. Raises DeliveryError."""
        ...


class HistorySink(Protocol):
    def prepare(self, slot: int, deadline: Deadline) -> None:
        """Make ready to take documents, and let go of what is older than is kept before the slot: a machine whose clock
        is wrong deletes nothing. Raises DeliveryError that says what is in the way."""
        ...

    def write_documents(self, documents: Iterable[Document], deadline: Deadline, lots: Collection[str] = ()) -> Taken:
        """Send them as a stream; the same document again does no harm. Raises nothing: what was not taken is owed.
        lots: all that may occur; with them the rest of the stream is not read when the time is up, and each is owed
        (with 0 documents where none was counted)."""
        ...

    def close(self) -> None:
        """Let go of connections until something is asked again."""
        ...


class HistoryReader(Protocol):
    """History asked back. Each raises DeliveryError, also where a part of the answer is missing."""

    def read_survey(self, question: Question, deadline: Deadline) -> Survey: ...

    def read_metrics(self, fleet: str, deadline: Deadline) -> tuple[KeptMetric, ...]:
        """All that are kept of the fleet, by name."""
        ...

    def read_totals(self, question: Question, deadline: Deadline) -> tuple[Total, ...]: ...

    def read_courses(
        self,
        question: Question,
        totals: Sequence[Total],
        deadline: Deadline,
        *,
        few: bool = False,
        stepped: Callable[[int, int], None] = ...,
    ) -> tuple[Course, ...]:
        """The course of each of these groups, in their order. few: they are not all that there are. stepped: told the
        data time up to which all is read, and its end."""
        ...


class Notifier(Protocol):
    def send(self, message: Message, deadline: Deadline, /) -> None:
        """Deliver one message to one channel, a single one or that of a group; return only when the receiver has taken
        it (2xx). Raises DeliveryError with its reason, retry_after and retryable. The receiver sees message.id, the
        same on every try."""
        ...


class SecretReader(Protocol):
    def read_secret(self, reference: str) -> Secret:
        """Resolve a reference (`${kind:name}`, app/secrets.py); a text that is no reference is its own value. Raises
        DeliveryError (SECRET_MISSING, DENIED, or that its keeper does not answer) that names the reference only."""
        ...


class IdentityReader(Protocol):
    def read_token(self, audience: str) -> Secret:
        """A signed token of the platform's own identity for this audience (OIDC), by which another cloud lets the
        function in. Raises ReadError."""
        ...


NotifierFactory = Callable[[Channel, SecretReader, Clock], Notifier]


class ScopeQueue(Protocol):
    def send_scopes(self, scopes: Collection[Scope], slot: int) -> None:
        """Fan out: one message a scope. Raises DeliveryError."""
        ...


# --- remembering -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One item of the store. ver counts its writes, from 1. data: JSON values. expires_at: epoch seconds (clock),
    after which the store may drop it at any time; readers must not count on either."""

    pk: str
    sk: str
    ver: int
    data: Mapping[str, object]
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """Write `row` if the stored version is `expect` (0: no such item; None: whatever stands there)."""

    row: Row
    expect: int | None


@dataclass(frozen=True, slots=True)
class Delete:
    pk: str
    sk: str
    expect: int | None


Write = Put | Delete


class Table(Protocol):
    """The little that is asked of a database, so that DynamoDB, SQLite, Firestore and Azure Tables all fit.

    Reads are strongly consistent. All writes of a transaction concern one partition and are applied together or not
    at all; at most 100 of them. stores/memory.py builds everything else on this, once.
    """

    def get(self, pk: str, sk: str) -> Row | None:
        """Raises StoreError."""
        ...

    def query(
        self, pk: str, prefix: str, *, after: str = "", limit: int | None = None, newest_first: bool = False
    ) -> Sequence[Row]:
        """The rows of a partition whose sort key starts with `prefix`, in byte order of sk, all pages. Raises
        StoreError."""
        ...

    def transact(self, writes: Sequence[Write]) -> Literal["done", "conflict"]:
        """`conflict`: a condition failed, nothing was written. Raises StoreError, with ambiguous=True where the
        answer was lost and the writes may have happened."""
        ...
