"""A real server with the product's own documents in it, for the tests of asking."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from history_server import standing
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.elastic.distribution import Distribution
from nephoscope.localcloud.elastic.server import ElasticServer
from nephoscope.model.config import Config, Gather, PublishCloudWatch, PublishElasticsearch
from nephoscope.model.history import Document
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.secret import Secret
from nephoscope.model.series import Series, SeriesKey
from nephoscope.model.time import Deadline
from nephoscope.pipeline.documents import Telling, point_documents
from nephoscope.sinks.elasticsearch.client import Client
from nephoscope.sinks.elasticsearch.sink import ElasticsearchSink

NOON = 1_795_694_400  # 2026-11-26 12:00:00 UTC
EU = Scope(Cloud.AWS, "111111111111", "eu-west-1")
US = Scope(Cloud.AWS, "111111111111", "us-east-1")
TAGS = ("Env", "team")


class Plain:
    def read_secret(self, reference: str) -> Secret:
        return Secret(reference)


class Now:
    """The wall stands at noon; everything else is real."""

    def wall(self) -> float:
        return float(NOON)

    def monotonic(self) -> float:
        return time.monotonic()


def soon(seconds: float = 120) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


@dataclass(frozen=True)
class Running:
    """A server, and a way to put documents into it."""

    server: ElasticServer

    def config(self, fleet: str = "acme", **more: object) -> Config:
        where = PublishElasticsearch(url=self.server.url, tags=TAGS, keep=0, **more)  # type: ignore[arg-type]
        return Config(fleet, Gather({}), PublishCloudWatch("eu-central-1", "acme"), history=where)

    def write(self, documents: Iterable[Document], fleet: str = "acme") -> None:
        config = self.config(fleet)
        assert config.history is not None
        client = Client(config.history, Plain())
        sink = ElasticsearchSink(client, config.history, fleet, Now())
        sink.prepare(NOON, soon())
        taken = sink.write_documents(documents, soon())
        assert (taken.owed, taken.dead, taken.problem) == ({}, 0, "")
        client.ask("POST", "/nephoscope-*/_refresh", deadline=soon())
        client.close()


@contextmanager
def running(distribution: Distribution) -> Iterator[Running]:
    with standing(ElasticServer(distribution)) as server:
        yield Running(server)


def machine(
    number: int, name: str = "", scope: Scope = EU, tags: Mapping[str, str] | None = None, zone: str = "eu-west-1a"
) -> Resource:
    return Resource(
        scope, Kind.INSTANCE, f"i-{number:08x}", name, "m5.large", zone, State.RUNNING, tags=dict(tags or {})
    )


def points(
    resource: Resource,
    values: Mapping[int, float],
    *,
    metric: str = "cpu.utilization",
    period: int = 300,
    fleet: str = "acme",
    attributes: tuple[tuple[str, str], ...] = (),
) -> Iterator[Document]:
    """values: data time -> value."""
    times = sorted(values)
    series = Series(
        SeriesKey(resource.id, metric, attributes),
        period,
        times[0],
        times[-1] + period,
        True,
        array("q", times),
        array("d", [values[at] for at in times]),
    )
    return point_documents(series, resource, 0, "lot", Telling(fleet, TAGS, load_catalog()))
