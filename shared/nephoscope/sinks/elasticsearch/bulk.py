"""`_bulk`: many documents in few requests, none too large, and each answered for by itself.

`create` with a `_id` of our own: what is there already answers 409, which is as good as taken. What the server refuses
for the moment waits and is sent again, alone of its body, until the time is up. An index that takes nothing until
somebody acts is left alone for this run, and keeps no other from being written; a server that does not answer is left
alone altogether. One document that is refused for good is laid aside with the server's reason.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.history import Dead, Document, Taken
from nephoscope.model.time import Deadline
from nephoscope.sinks.elasticsearch.answers import Refused, Way, sort_answer
from nephoscope.sinks.elasticsearch.bodies import Bodies
from nephoscope.sinks.elasticsearch.client import NDJSON, Client

FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0
"""Seconds before what was refused for the moment is sent again; doubled each time, with full jitter."""

TRIES = 4
"""Requests in a row that nobody answered, and the rest is left to the next run at once; and tries of one index whose
shards are not there."""

SERVER_SECONDS = 10.0
"""The server itself waits no longer for a shard or a new index (its own default is a minute): the other documents of
the body wait for it too."""

LEAST_SECONDS = 0.2
"""With less left, nothing more is sent."""

_SHOWN = "errors,items.*.status,items.*.error"
_PASSING = frozenset({Reason.THROTTLED, Reason.UNAVAILABLE, Reason.TIMEOUT, Reason.MALFORMED})
_TOLD = 3


class Bulk:
    """bury: takes what was refused for good. make: makes an index. Both raise DeliveryError. sleep: between tries."""

    def __init__(
        self,
        client: Client,
        prefix: str,
        sleep: Callable[[float], None],
        bury: Callable[[Sequence[Dead], Deadline], None],
        make: Callable[[str, Deadline], None],
    ) -> None:
        self.client = client
        self.bodies = Bodies(prefix)
        self.sleep = sleep
        self.bury = bury
        self.make = make

    def write(self, documents: Iterable[Document], deadline: Deadline, lots: Collection[str] = ()) -> Taken:
        """Send all, until the time is up. lots: all that may occur; where they are given, what is left when the time is
        up is not read in order to be counted: each of them is owed. Raises nothing."""
        return _Delivery(self, deadline).run(documents, lots)


@dataclass(slots=True)
class _Delivery:
    """One stream of documents on its way. closed: index -> why nothing more is sent there. over: why nothing more is
    sent at all."""

    bulk: Bulk
    deadline: Deadline
    taken: int = 0
    again: int = 0
    dead: int = 0
    requests: int = 0
    sent: int = 0
    owed: Counter[str] = field(default_factory=Counter)
    closed: dict[str, str] = field(default_factory=dict)
    tries: Counter[str] = field(default_factory=Counter)
    made: set[str] = field(default_factory=set)
    over: str = ""
    passing: str = ""
    wait: float = FIRST_WAIT
    failures: int = 0

    def run(self, documents: Iterable[Document], lots: Collection[str]) -> Taken:
        bodies = self.bulk.bodies.cut(documents)
        for body in bodies:
            self._deliver(body)
            if self.over:
                self._owe_rest(bodies, lots)
                break
        problem = self._problem() if self.owed else ""
        return Taken(self.taken, self.again, dict(self.owed), self.dead, self.requests, self.sent, problem)

    def _owe_rest(self, bodies: Iterator[list[Document]], lots: Collection[str]) -> None:
        if lots:
            for lot in lots:
                self.owed.setdefault(lot, 0)
            return
        for body in bodies:
            self._owe(body)

    def _owe(self, documents: Iterable[Document]) -> None:
        self.owed.update(each.lot for each in documents)

    def _problem(self) -> str:
        """The gravest first: nothing goes; some indices take nothing; what was tried last."""
        said = list(filter(None, [self.over, *self.closed.values(), self.passing]))
        more = f" (and {len(said) - _TOLD} more)" if len(said) > _TOLD else ""
        return "; ".join(dict.fromkeys(said[:_TOLD])) + more

    # --- one body -------------------------------------------------------------------------------------------------

    def _deliver(self, body: list[Document]) -> None:
        """Until each of its documents is taken, dead or owed. It ends: a piece becomes smaller, or an index is closed,
        or time passes."""
        pieces = deque([body])
        while pieces:
            piece = self._of_open_indices(pieces.popleft())
            if not piece:
                continue
            if not self.over and self.deadline.remaining < LEAST_SECONDS:
                self.over = f"{self.bulk.client.name}: {Reason.DEADLINE} (the time of this run was up)"
            if self.over:
                self._owe(piece)
                continue
            pieces.extendleft(reversed(self._send(piece)))

    def _of_open_indices(self, piece: list[Document]) -> list[Document]:
        if not self.closed:
            return piece
        index = self.bulk.bodies.index
        self._owe(each for each in piece if index(each) in self.closed)
        return [each for each in piece if index(each) not in self.closed]

    def _send(self, piece: list[Document]) -> list[list[Document]]:
        """What is to be sent again, in pieces."""
        data, size = self.bulk.bodies.packed(piece)
        self.requests += 1
        self.sent += len(data)
        client = self.bulk.client
        waiting = max(0.1, min(SERVER_SECONDS, self.deadline.remaining / 2))
        try:
            answer = client.exchange(
                "POST",
                "/_bulk",
                data,
                NDJSON,
                deadline=self.deadline,
                encoding="gzip",
                filter_path=_SHOWN,
                timeout=f"{1000 * waiting:.0f}ms",
            )
            if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                return self._halves(piece, size)
            client.check(answer, "POST /_bulk")
            result = sort_answer(piece, answer.body)
        except DeliveryError as error:
            return self._fail(piece, error)
        except ValueError as error:
            return self._fail(piece, client.error(Reason.MALFORMED, f"POST /_bulk: {error}"))
        self.failures, self.passing = 0, ""
        self.taken += result.taken
        self.again += result.again
        self._lay_aside(result.dead)
        left = self._refused(result.refused)
        return [left] if left else []

    def _halves(self, piece: list[Document], size: int) -> list[list[Document]]:
        """Too large for the server, or for what stands before it; one document alone is so for good."""
        self.bulk.bodies.shrink(size)
        middle = len(piece) // 2
        if middle:
            return [piece[:middle], piece[middle:]]
        self._lay_aside([Dead(piece[0], f"{size} bytes are more than the server takes (status 413)")])
        return []

    def _fail(self, piece: list[Document], error: DeliveryError) -> list[list[Document]]:
        """The whole body was refused, or nobody answered."""
        if error.reason is not Reason.THROTTLED:
            self.failures += 1
        if error.reason not in _PASSING or self.failures >= TRIES:
            self.over = str(error)
        else:
            self.passing = str(error)
            self._pause(error.retry_after)
        return [piece]

    # --- one document ---------------------------------------------------------------------------------------------

    def _refused(self, refused: Sequence[Refused]) -> list[Document]:
        """Those that may be sent again now, after a pause where one is of use."""
        if not refused:
            self.wait = FIRST_WAIT
            return []
        tried: set[str] = set()
        for each in refused:
            index = self.bulk.bodies.index(each.document)
            if index not in self.closed and index not in tried and each.way is not Way.WAIT:
                tried.add(index)
                self._try_index(index, each)
        if any(each.way in (Way.WAIT, Way.TRY) for each in refused):
            self.passing = self._said(self.bulk.bodies.index(refused[-1].document), refused[-1])
            self._pause(None)
        return [each.document for each in refused]

    def _try_index(self, index: str, refused: Refused) -> None:
        """Make it, try it again, or leave it."""
        if refused.way is Way.MAKE and index not in self.made:
            self.made.add(index)
            try:
                self.bulk.make(index, self.deadline)
            except DeliveryError as error:
                self.closed[index] = str(error)
            return
        self.tries[index] += 1
        if refused.way is Way.OWE or self.tries[index] >= TRIES:
            self.closed[index] = self._said(index, refused)

    def _said(self, index: str, refused: Refused) -> str:
        where = "" if index in refused.sentence else f"{index}: "
        return f"{self.bulk.client.name}: {refused.reason} ({where}{refused.sentence})"

    def _lay_aside(self, dead: Sequence[Dead]) -> None:
        """Where even that is not possible now, they are owed like any other: nothing is lost by it."""
        if not dead:
            return
        try:
            self.bulk.bury(dead, self.deadline)
            self.dead += len(dead)
        except DeliveryError as error:
            self._owe(each.document for each in dead)
            self.closed["the dead"] = str(error)

    def _pause(self, asked: float | None) -> None:
        """With full jitter; never beyond the deadline. Where the server asks for more than is left, the run is over."""
        wait = random.uniform(0, self.wait)  # noqa: S311 - jitter, no secret
        self.wait = min(2 * self.wait, LONGEST_WAIT)
        if asked is not None:
            wait = max(wait, asked)
        if wait >= self.deadline.remaining - LEAST_SECONDS:
            self.over = self.passing
        else:
            self.bulk.sleep(wait)
