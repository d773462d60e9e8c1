"""A real server, or who sends, ends in the middle of a bulk: after the next write of the same documents every one is
there, exactly once, as it was sent."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from history_server import standing
from history_world import MIDNIGHT, ask, open_sink, points, seconds, stored
from nephoscope.localcloud.elastic.distribution import NotStartedError
from nephoscope.localcloud.elastic.server import ElasticServer
from nephoscope.model.errors import DeliveryError
from nephoscope.model.history import Document
from nephoscope.sinks.elasticsearch.sink import ElasticsearchSink

METRICS = "nephoscope-metrics"
MACHINES, EACH = 12, 1_000
SMALL = 700_000
"""Bytes of a body: so there are ten of them, and the middle is no edge."""


@pytest.fixture(scope="module")
def server() -> Iterator[ElasticServer]:
    with standing(ElasticServer()) as running:
        yield running


@pytest.fixture
def sink(server: ElasticServer) -> Iterator[ElasticsearchSink]:
    opened = open_sink(server.url)
    for name in ask(opened, "GET", "/_mapping"):
        ask(opened, "DELETE", f"/{name}")
    opened.prepare(MIDNIGHT, seconds(30))
    yield in_small_bodies(opened)
    opened.close()


def in_small_bodies(sink: ElasticsearchSink) -> ElasticsearchSink:
    sink.bodies.most = SMALL
    return sink


def send_all(url: str) -> None:
    """A process of its own: as a function sends."""
    sink = in_small_bodies(open_sink(url))
    sink.write_documents(points(MACHINES, EACH), seconds(60))


def in_the_middle(sink: ElasticsearchSink) -> None:
    """Waits until some of the documents are there; the rest is on its way."""
    while True:
        with suppress(DeliveryError):  # an index that is just being made answers nothing yet
            ask(sink, "POST", f"/{METRICS}/_refresh", missing_ok=True)
            found = ask(sink, "GET", f"/{METRICS}/_count", missing_ok=True)
            if found and found["count"] > 0:
                return
        time.sleep(0.02)


def assert_all_there_once(sink: ElasticsearchSink) -> None:
    expected = {each.id: json.loads(each.source) for each in points(MACHINES, EACH)}
    assert len(expected) == MACHINES * EACH
    assert stored(sink, METRICS) == expected


def test_who_sends_is_killed(server: ElasticServer, sink: ElasticsearchSink) -> None:
    sender = multiprocessing.get_context("spawn").Process(target=send_all, args=(server.url,))
    sender.start()
    in_the_middle(sink)
    os.kill(sender.pid or 0, signal.SIGKILL)
    sender.join()
    assert sender.exitcode == -signal.SIGKILL, "it was not done yet"
    ask(sink, "POST", f"/{METRICS}/_refresh")
    before = ask(sink, "GET", f"/{METRICS}/_count")["count"]
    assert 0 < before < MACHINES * EACH
    taken = sink.write_documents(points(MACHINES, EACH), seconds(60))
    assert (taken.taken, taken.owed) == (MACHINES * EACH, {})
    assert taken.again >= before
    assert_all_there_once(sink)


@pytest.mark.parametrize("way", ["kill", "stop"])
def test_the_server_ends_and_comes_again(server: ElasticServer, sink: ElasticsearchSink, way: str) -> None:
    half = threading.Event()
    ended = threading.Event()

    def stream() -> Iterator[Document]:
        for position, each in enumerate(points(MACHINES, EACH)):
            if position == MACHINES * EACH // 2:
                half.set()
            yield each

    def end() -> None:
        half.wait(60)
        server.kill() if way == "kill" else server.stop()
        ended.set()

    ending = threading.Thread(target=end)
    ending.start()
    taken = sink.write_documents(stream(), seconds(8))
    assert ended.wait(60)
    ending.join()
    assert taken.taken < MACHINES * EACH
    assert taken.taken + taken.owed["cpu"] == MACHINES * EACH, "each is taken or owed"
    assert taken.problem.startswith(f"{sink.client.name}: ") and "\n" not in taken.problem
    server.start()
    again = sink.write_documents(points(MACHINES, EACH), seconds(60))
    assert (again.taken, again.owed, again.problem) == (MACHINES * EACH, {}, "")
    assert again.again >= taken.taken, "what was taken outlives it"
    assert_all_there_once(sink)


def test_a_server_that_is_here_and_does_not_start_is_no_reason_to_skip(server: ElasticServer) -> None:
    """Or one wrong line of its settings would take a room of tests away without a failure."""
    with pytest.raises(NotStartedError, match="did not start"), standing(ElasticServer(settings={"no.such": 1})):
        pytest.fail("it is up")
