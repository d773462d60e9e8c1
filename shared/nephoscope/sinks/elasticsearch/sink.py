"""Keeping history in Elasticsearch: the indices stand as they should, documents go in, old days go out."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from nephoscope.model.config import Config, PublishElasticsearch
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.history import Document, HistoryKind, Taken
from nephoscope.model.time import HOUR, Deadline
from nephoscope.ports import Clock, SecretReader
from nephoscope.sinks.elasticsearch.bodies import Bodies
from nephoscope.sinks.elasticsearch.bulk import Bulk
from nephoscope.sinks.elasticsearch.client import Client
from nephoscope.sinks.elasticsearch.dead_letters import DeadLetters
from nephoscope.sinks.elasticsearch.indices import OWNER, alias_of, days_before
from nephoscope.sinks.elasticsearch.standing import ensure_templates, find_strangers, make_index, owner_of, strange

LOOKED_AFTER = HOUR
"""Seconds between two looks at templates and at days that are over, in a warm function: a template that somebody
deletes must not be missed at midnight, when its next index is made."""


class ElasticsearchSink:
    """A HistorySink. What was made sure of is remembered for an hour: a warm function asks for nothing."""

    def __init__(
        self,
        client: Client,
        where: PublishElasticsearch,
        fleet: str,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self._where = where
        self._looked = 0
        self._odd: tuple[str, ...] = ()
        letters = DeadLetters(client, where.index, fleet, clock.wall, self._make)
        self.bodies = Bodies(where.index)
        self._bulk = Bulk(client, self.bodies, sleep, letters.bury, self._make)

    def prepare(self, slot: int, deadline: Deadline) -> None:
        """The server is one we know, our templates stand, days older than is kept are deleted. slot: epoch seconds, the
        run's. Raises DeliveryError that says what is in the way; old days that cannot be deleted and an index of today
        that is not ours are in nobody's way, and are told with what is written."""
        if self._looked <= slot < self._looked + LOOKED_AFTER:
            return
        self.client.server(deadline)
        ensure_templates(self.client, self._where, slot, deadline)
        self._odd = tuple(self._oddities(slot, deadline))
        self._looked = slot

    def _oddities(self, slot: int, deadline: Deadline) -> Iterator[str]:
        try:
            self.tidy(slot, deadline)
        except DeliveryError as error:
            yield f"days older than is kept are still there: {error}"
        try:
            if strangers := find_strangers(self.client, self._where.index, slot, deadline):
                yield strange(strangers)
        except DeliveryError as error:
            yield f"today's indices cannot be looked at: {error}"

    def write_documents(self, documents: Iterable[Document], deadline: Deadline, lots: Collection[str] = ()) -> Taken:
        """Raises nothing: what was not taken is owed, by its lot."""
        taken = self._bulk.write(documents, deadline, lots)
        return replace(taken, problem="; ".join(filter(None, (taken.problem, *self._odd))))

    def close(self) -> None:
        """A minute later a connection that was kept may be dead, and a frozen function would not know."""
        self.client.close()

    def tidy(self, slot: int, deadline: Deadline) -> tuple[str, ...]:
        """Delete our own days that are older than is kept; their names. An index that only looks like ours stays.
        Raises DeliveryError."""
        if not self._where.keep:
            return ()
        pattern = ",".join(f"{alias_of(self._where.index, kind)}-*" for kind in HistoryKind)
        found = self.client.ask(
            "GET",
            f"/{pattern}/_mapping",
            deadline=deadline,
            missing_ok=True,
            filter_path="*.mappings._meta",
            expand_wildcards="open,closed",
        )
        ours = {name: body for name, body in (found or {}).items() if owner_of(body.get("mappings", {})) == OWNER}
        old = days_before(iter(ours), self._where.index, slot - self._where.keep)
        for name in old:
            self.client.ask("DELETE", f"/{name}", deadline=deadline, missing_ok=True)
        return old

    def _make(self, index: str, deadline: Deadline) -> None:
        make_index(self.client, index, deadline)


def open_history(config: Config, secrets: SecretReader, clock: Clock) -> ElasticsearchSink:
    """The sink for the configured server. No call is made and no secret read yet. Raises DeliveryError where the
    configuration has none."""
    where = config.history
    if where is None:
        raise DeliveryError(destination="Elasticsearch", reason=Reason.NOT_FOUND, detail="publish has no elasticsearch")
    return ElasticsearchSink(Client(where, secrets), where, config.fleet, clock)
