"""A day that is kept: three machines, their processors, states and alerts, through the product's own documents and sink
into a server."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Iterator

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.alert import HistoryEntry, TransitionKind, Why, alert_key
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.history import Document, Taken
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Rule, Severity, Threshold
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.secret import Secret
from nephoscope.model.series import Series, SeriesKey
from nephoscope.model.time import DAY, HOUR, Deadline
from nephoscope.pipeline.documents import StateSeen, Telling, alert_document, point_documents, state_document
from nephoscope.sinks.elasticsearch.client import Client
from nephoscope.sinks.elasticsearch.sink import ElasticsearchSink

CATALOG = load_catalog()
MIDNIGHT = int(time.time()) // DAY * DAY - DAY
NOON = MIDNIGHT + 12 * HOUR
"""Of yesterday, UTC."""

EU = Scope(Cloud.AWS, "111111111111", "eu-west-1")
US = Scope(Cloud.AWS, "222222222222", "us-east-1")
CPU = "cpu.utilization"


class NoSecrets:
    def read_secret(self, reference: str) -> Secret:
        return Secret(reference)


class Now:
    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def minute() -> Deadline:
    return Deadline(time.monotonic() + 60, time.monotonic)


def machine(name: str, scope: Scope = EU, state: State = State.RUNNING, **tags: str) -> Resource:
    return Resource(scope, Kind.INSTANCE, f"i-{name}", name, "m5.large", f"{scope.region}a", state, tags=tags)


def bucket(name: str, scope: Scope = EU) -> Resource:
    return Resource(scope, Kind.BUCKET, name, name)


def telling(fleet: str) -> Telling:
    return Telling(fleet, ("env",), CATALOG)


def points(
    fleet: str, resource: Resource, values: Iterable[float], metric: str = CPU, since: int = NOON, period: int = 300
) -> Iterator[Document]:
    data = array("d", values)
    times = array("q", (since + number * period for number in range(len(data))))
    end = since + len(data) * period
    series = Series(SeriesKey(resource.id, metric), period, since, end, True, times, data)
    return point_documents(series, resource, 0, "points", telling(fleet))


def state(fleet: str, resource: Resource, at: int, action: str, before: str = "") -> Document:
    return state_document(StateSeen(resource, at, action, before), "states", telling(fleet))


def alert(
    fleet: str, resource: Resource, rule: str, at: int, seq: int, kind: TransitionKind = TransitionKind.FIRED
) -> Document:
    key = alert_key(rule, resource.scope, resource.id)
    why = Why.THRESHOLD_CROSSED if kind is TransitionKind.FIRED else Why.RECOVERED
    entry = HistoryEntry(key, seq, rule, resource.id, kind, why, at, at, 0.93, 0.97, ("oncall",))
    judged = Rule(rule, Kind.INSTANCE, Threshold(CPU, Comparison.GREATER, 0.9), severity=Severity.CRITICAL)
    return alert_document(entry, resource.scope, resource, judged, "alerts", telling(fleet))


def keep(url: str, documents: Iterable[Document], index: str = "nephoscope") -> Taken:
    """All of them, and to be found at once."""
    where = PublishElasticsearch(url, index=index, tags=("env",))
    client = Client(where, NoSecrets())
    sink = ElasticsearchSink(client, where, "tests", Now())
    sink.prepare(int(time.time()), minute())
    taken = sink.write_documents(documents, minute())
    client.ask("POST", f"/{index}-*/_refresh", deadline=minute())
    client.close()
    return taken
