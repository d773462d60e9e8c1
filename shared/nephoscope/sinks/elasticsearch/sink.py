"""Keeping history in Elasticsearch: the indices stand as they should, documents go in, old days go out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from nephoscope.model.config import Config, PublishElasticsearch
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.history import Dead, Document, HistoryKind, Taken
from nephoscope.model.time import HOUR, Deadline, iso
from nephoscope.ports import Clock, SecretReader
from nephoscope.sinks.elasticsearch.bulk import Bulk
from nephoscope.sinks.elasticsearch.client import NDJSON, Client
from nephoscope.sinks.elasticsearch.indices import (
    OWNER,
    VERSION,
    alias_of,
    days_before,
    dead_index,
    index_of,
    templates,
)

TIDY_EVERY = HOUR
"""Seconds between two looks for days that are over, in a warm function."""


class ElasticsearchSink:
    """A HistorySink. What was made sure of is remembered for this process's life: a warm function asks for nothing."""

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
        self._fleet = fleet
        self._clock = clock
        self._ready = False
        self._tidied = 0.0
        self._bulk = Bulk(client, where.index, sleep, self._bury)

    def prepare(self, now: int, deadline: Deadline) -> None:
        """The server is one we know, our templates stand, days older than is kept are deleted. now: epoch seconds of
        the clock. Raises DeliveryError that says what is in the way."""
        if not self._ready:
            self.client.server(deadline)
            for name, body in templates(self._where.index, self._where.shards, self._where.replicas).items():
                self._put_template(name, body, deadline)
            for kind in HistoryKind:
                self._check_effect(kind, now, deadline)
            self._ready = True
        if now - self._tidied >= TIDY_EVERY:
            self.tidy(now, deadline)
            self._tidied = now

    def write_documents(self, documents: Iterable[Document], deadline: Deadline) -> Taken:
        """Raises nothing: what was not taken is owed, by its lot."""
        return self._bulk.write(documents, deadline)

    def close(self) -> None:
        """A minute later a connection that was kept may be dead, and a frozen function would not know."""
        self.client.close()

    def tidy(self, now: int, deadline: Deadline) -> tuple[str, ...]:
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
        ours = {name: body for name, body in (found or {}).items() if _owner_of(body.get("mappings", {})) == OWNER}
        old = days_before(iter(ours), self._where.index, now - self._where.keep)
        for name in old:
            self.client.ask("DELETE", f"/{name}", deadline=deadline, missing_ok=True)
        return old

    def _put_template(self, name: str, body: dict[str, Any], deadline: Deadline) -> None:
        found = self.client.ask("GET", f"/_index_template/{name}", deadline=deadline, missing_ok=True)
        standing = [each["index_template"] for each in (found or {}).get("index_templates", []) if each["name"] == name]
        if standing and _owner_of(standing[0]) != OWNER:
            raise self.client.error(
                Reason.REJECTED,
                f"the index template {name} is somebody else's; it stays as it is. Choose another publish.elasticsearch"
                ".index, or delete the template",
            )
        if standing and _is_current(standing[0], body):
            return
        self.client.ask("PUT", f"/_index_template/{name}", body, deadline=deadline)

    def _check_effect(self, kind: HistoryKind, now: int, deadline: Deadline) -> None:
        """A template of higher priority would win over ours without a word."""
        index = index_of(self._where.index, kind, now)
        path = f"/_index_template/_simulate_index/{index}"
        answer = self.client.ask("POST", path, deadline=deadline, filter_path="template.mappings._meta")
        if _owner_of(answer.get("template", {}).get("mappings", {})) != OWNER:
            raise self.client.error(
                Reason.REJECTED,
                f"another index template claims {index} with a higher priority than ours; delete it, or choose another "
                "publish.elasticsearch.index",
            )

    def _bury(self, dead: Sequence[Dead], deadline: Deadline) -> None:
        """Into the index of the dead, under the id that each has there too: a second burial is none. Raises
        DeliveryError."""
        index = dead_index(self._where.index)
        lines: list[str] = []
        for each in dead:
            document = each.document
            where = index_of(self._where.index, document.kind, document.at)
            lines.append(json.dumps({"create": {"_index": index, "_id": f"{document.kind}-{document.id}"}}))
            body = {
                "@timestamp": iso(self._clock.wall()),
                "nephoscope": {"fleet": self._fleet},
                "error": {"reason": each.reason},
                "document": {"index": where, "id": document.id, "source": document.source},
            }
            lines.append(json.dumps(body))
        data = ("\n".join(lines) + "\n").encode()
        status, answer = self.client.exchange(
            "POST", "/_bulk", data, NDJSON, deadline=deadline, filter_path="items.*.status,items.*.error"
        )
        self.client.check(status, answer, "POST /_bulk")
        for item in json.loads(answer)["items"]:
            if item["create"]["status"] not in (200, 201, 409):
                raise self.client.error(Reason.UNAVAILABLE, f"{index} does not take what was refused elsewhere")


def _owner_of(body: Any) -> str:
    return str((body.get("_meta") or {}).get("owner", ""))


def _is_current(standing: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """A newer release's stays: two releases side by side must not take turns at it. Of our own what the user can
    choose is compared; the server writes numbers back as texts."""
    version = (standing.get("_meta") or {}).get("version", 0)
    if version > VERSION:
        return True
    settings = standing["template"].get("settings", {}).get("index", {})
    wished = wanted["template"]["settings"]["index"]
    return version == VERSION and all(str(settings.get(key)) == str(value) for key, value in wished.items())


def open_history(config: Config, secrets: SecretReader, clock: Clock) -> ElasticsearchSink:
    """The sink for the configured server. No call is made and no secret read yet. Raises DeliveryError where the
    configuration has none."""
    where = config.history
    if where is None:
        raise DeliveryError(destination="Elasticsearch", reason=Reason.NOT_FOUND, detail="publish has no elasticsearch")
    return ElasticsearchSink(Client(where, secrets), where, config.fleet, clock)
