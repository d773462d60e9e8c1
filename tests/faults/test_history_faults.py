"""What a server of history does when it is not well, on a fake that does it on request: too much to do, slow, cut off,
something else altogether. Documents are taken once, owed or laid aside; nothing waits beyond the run's time.

Backoff goes by a virtual clock; only what a socket waits for is real.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from alert_records import VirtualClock
from history_world import MIDNIGHT, TODAY, YESTERDAY, Plain, open_sink, points, seconds
from nephoscope.localcloud.elastic.fake import FakeElastic, Fault, overfull, refused
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.errors import DeliveryError
from nephoscope.model.history import Document
from nephoscope.model.time import DAY, Deadline
from nephoscope.sinks.elasticsearch import bulk
from nephoscope.sinks.elasticsearch.client import Client
from nephoscope.sinks.elasticsearch.sink import ElasticsearchSink

METRICS = f"nephoscope-metrics-{TODAY}"
BUSY = refused(429, "es_rejected_execution_exception", "rejected execution of coordinating operation")
AWAY = Fault(503, b"<html><body><h1>503 Service Unavailable</h1></body></html>")


class World:
    """A fake, and a sink whose waits are counted and take no time."""

    def __init__(self, fake: FakeElastic, **more: object) -> None:
        self.fake = fake
        self.clock = VirtualClock()
        self.waits: list[float] = []
        where = PublishElasticsearch(url=fake.url)
        self.sink = ElasticsearchSink(Client(where, Plain()), where, "acme", self.clock, self._sleep)
        self.name = self.sink.client.name

    def _sleep(self, wait: float) -> None:
        self.waits.append(wait)
        self.clock.sleep(wait)

    def deadline(self, count: float = 60) -> Deadline:
        return Deadline(self.clock.monotonic() + count, self.clock.monotonic)

    @property
    def ids(self) -> set[str]:
        return set(self.fake.documents.get(METRICS, {}))


@pytest.fixture
def world() -> Iterator[World]:
    with FakeElastic() as fake:
        made = World(fake)
        yield made
        made.sink.close()


DOCUMENTS = list(points(4, 25))
IDS = {each.id for each in DOCUMENTS}


# --- too much to do -----------------------------------------------------------------------------------------------


def test_what_finds_a_full_queue_is_sent_again_alone(world: World) -> None:
    world.fake.fails(overfull(3, 50, 99), overfull(1))
    taken = world.sink.write_documents(DOCUMENTS, world.deadline())
    assert (taken.taken, taken.again, taken.owed, taken.problem) == (100, 0, {}, "")
    assert world.fake.bulks() == [100, 3, 1]
    assert world.ids == IDS
    assert len(world.waits) == 2 and world.waits[0] <= 0.5 and world.waits[1] <= 1.0


def test_a_server_that_is_busy_is_asked_again_until_the_time_is_up(world: World) -> None:
    world.fake.always = BUSY
    taken = world.sink.write_documents(DOCUMENTS, world.deadline(60))
    assert (taken.taken, taken.owed) == (0, {"cpu": 100})
    assert taken.problem == (f"{world.name}: throttled (POST /_bulk: rejected execution of coordinating operation)")
    assert len(world.waits) >= 5, "not only a few tries: it is alive"
    assert sum(world.waits) < 60, "never beyond the deadline"
    assert max(world.waits) <= 15


def test_a_busy_server_that_recovers_has_everything(world: World) -> None:
    world.fake.fails(*[BUSY] * 6)
    taken = world.sink.write_documents(DOCUMENTS, world.deadline(300))
    assert (taken.taken, taken.owed, taken.problem) == (100, {}, "")


def test_retry_after_is_obeyed(world: World) -> None:
    world.fake.fails(refused(429, "es_rejected_execution_exception", "busy", headers={"Retry-After": "7"}))
    assert world.sink.write_documents(DOCUMENTS, world.deadline()).owed == {}
    (wait,) = world.waits
    assert wait == 7


def test_a_wait_that_is_longer_than_what_is_left_is_not_begun(world: World) -> None:
    world.fake.fails(refused(429, "es_rejected_execution_exception", "busy", headers={"Retry-After": "3600"}))
    taken = world.sink.write_documents(DOCUMENTS, world.deadline())
    assert (taken.owed, world.waits) == ({"cpu": 100}, [])


def test_single_items_of_a_busy_server_are_owed_when_the_time_is_up(world: World) -> None:
    world.fake.fails(*[overfull(0)] * 40)
    taken = world.sink.write_documents(DOCUMENTS, world.deadline(20))
    assert (taken.taken, taken.owed) == (99, {"cpu": 1})
    assert taken.problem == f"{world.name}: throttled ({METRICS}: rejected execution of primary operation)"
    assert sum(world.waits) < 20


# --- away, slow, cut off ------------------------------------------------------------------------------------------


def test_a_server_that_is_away_is_left_after_four_tries(world: World) -> None:
    world.fake.always = AWAY
    many = points(1, 25_000)
    taken = world.sink.write_documents(many, world.deadline(3600))
    assert len(world.fake.bulks()) == 4 and len(set(world.fake.bulks())) == 1, "no other body is tried"
    assert taken.owed == {"cpu": 25_000}
    assert taken.problem == f"{world.name}: unavailable (POST /_bulk: status 503)"


def test_a_gateway_that_stumbles_costs_a_try(world: World) -> None:
    world.fake.fails(AWAY, Fault(502, b"<html>"), Fault(504, b""))
    taken = world.sink.write_documents(DOCUMENTS, world.deadline())
    assert (taken.taken, taken.owed, taken.problem, taken.requests) == (100, {}, "", 4)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(cut=40),
        Fault(drop=1),
        Fault(body=b'{"errors": false, "items": "many"}'),
        Fault(body=b'{"errors": false, "items": [{"index": {}}]}'),
        Fault(body=b"[]"),
        Fault(body=b"<html>Welcome!</html>"),
        Fault(body=b"\xff\xfe"),
        Fault(body=b"\x00", headers={"Content-Encoding": "gzip"}),
        Fault(reset=True),
    ],
    ids=["cut off", "an item missing", "no list", "other items", "a list", "a page", "no text", "not packed", "reset"],
)
def test_an_answer_that_is_none_after_all_was_taken(world: World, fault: Fault) -> None:
    """The next try finds each document there: 409, which is as good."""
    world.fake.fails(fault)
    taken = world.sink.write_documents(DOCUMENTS, world.deadline())
    assert (taken.taken, taken.again, taken.owed, taken.problem) == (100, 100, {}, "")
    assert world.ids == IDS


def test_a_reset_before_anything_was_taken(world: World) -> None:
    world.fake.fails(Fault(reset=True, stores=False))
    taken = world.sink.write_documents(DOCUMENTS, world.deadline())
    assert (taken.taken, taken.again, taken.owed) == (100, 0, {})


def test_an_answer_that_stays_cut_off_says_so(world: World) -> None:
    world.fake.always = Fault(cut=40)
    taken = world.sink.write_documents(DOCUMENTS, world.deadline())
    assert (taken.taken, taken.owed) == (0, {"cpu": 100})
    assert taken.problem == f"{world.name}: unavailable (the answer was cut off)"


@pytest.mark.parametrize("fault", [Fault(pause=3.0), Fault(drip=0.1)], ids=["no answer", "a byte now and then"])
def test_an_answer_that_comes_too_late_does_not_hold_the_run(fault: Fault) -> None:
    with FakeElastic() as fake:
        fake.always = fault
        sink = open_sink(fake.url)
        began = time.monotonic()
        taken = sink.write_documents(DOCUMENTS, seconds(1.0))
        assert time.monotonic() - began < 1.6
        assert (taken.taken, taken.owed) == (0, {"cpu": 100})
        assert taken.problem.startswith(f"{sink.client.name}: ")
        fake.always = None
        time.sleep(2.5 if fault.pause else 0)
        assert sink.write_documents(DOCUMENTS, seconds(5)).owed == {}
        assert set(fake.documents[METRICS]) == IDS
        sink.close()


def test_a_server_that_is_not_there_is_no_error() -> None:
    sink = open_sink("http://127.0.0.1:9")
    taken = sink.write_documents(DOCUMENTS, seconds(0.9))
    assert taken.owed == {"cpu": 100}
    assert taken.problem == "Elasticsearch at 127.0.0.1:9: unavailable (the connection was refused)"


def test_a_connection_that_was_let_go_is_opened_anew_without_a_wait(world: World) -> None:
    assert world.sink.write_documents(DOCUMENTS[:1], world.deadline()).taken == 1
    world.fake.fails(Fault(reset=True, stores=False))
    taken = world.sink.write_documents(DOCUMENTS, world.deadline())
    assert (taken.taken, taken.requests, world.waits) == (100, 1, [])


def test_connections_are_kept_between_bodies(world: World) -> None:
    world.sink.prepare(MIDNIGHT, world.deadline())
    assert world.sink.write_documents(points(1, 30_000), world.deadline()).taken == 30_000
    assert world.fake.connections == 1


def test_a_server_of_old_http_is_understood() -> None:
    with FakeElastic(old_http=True) as fake:
        sink = open_sink(fake.url)
        sink.prepare(MIDNIGHT, seconds(5))
        assert sink.write_documents(points(1, 15_000), seconds(20)).taken == 15_000
        assert fake.connections == len(fake.asked), "each has one of its own"
        sink.close()


# --- too large ----------------------------------------------------------------------------------------------------


def test_a_body_that_is_too_large_is_halved_and_the_size_remembered(world: World) -> None:
    world.fake.most = 600_000
    taken = world.sink.write_documents(points(1, 20_000), world.deadline())
    assert (taken.taken, taken.owed, taken.dead) == (20_000, {}, 0)
    refused_bodies = [each for each in world.fake.asked if len(each.body) > world.fake.most]
    assert len(refused_bodies) <= 8, "only of the first bodies"
    world.fake.asked.clear()
    world.sink.write_documents(points(1, 5_000), world.deadline())
    assert all(len(each.body) <= world.fake.most for each in world.fake.asked)


def test_one_document_that_is_too_large_by_itself_is_laid_aside(world: World) -> None:
    world.fake.most = 20_000
    large = DOCUMENTS[7]._replace(source=json.dumps({"@timestamp": "2026-11-26T00:00:00Z", "a": "x" * 30_000}))
    taken = world.sink.write_documents([*DOCUMENTS[:7], large, *DOCUMENTS[8:]], world.deadline())
    assert (taken.taken, taken.dead) == (99, 0), "its grave is too small as well, so it is owed"
    assert taken.owed == {"cpu": 1}
    world.fake.most = 50_000
    huge = large._replace(source=json.dumps({"a": "x" * 300_000}))
    world.fake.most = 250_000
    taken = world.sink.write_documents([*DOCUMENTS[:7], huge, *DOCUMENTS[8:]], world.deadline())
    assert (taken.taken, taken.dead, taken.owed) == (99, 1, {})
    (letter,) = world.fake.documents["nephoscope-dead"].values()
    said = json.loads(letter)
    assert said["error"]["reason"].endswith("bytes are more than the server takes (status 413)")
    assert said["document"]["length"] == len(huge.source)
    assert len(said["document"]["source"]) == 100_000


# --- refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (refused(401, "security_exception", "unable to authenticate"), "denied (POST /_bulk: unable to authenticate)"),
        (Fault(403, b"<html>forbidden</html>"), "denied (POST /_bulk: status 403)"),
        (Fault(302, headers={"Location": "http://10.0.0.1/"}), "redirected (POST /_bulk: status 302)"),
        (Fault(404, b"<html>nothing here</html>"), "not_found (POST /_bulk: status 404)"),
        (refused(400, "illegal_argument_exception", "no\nthanks"), "rejected (POST /_bulk: no thanks)"),
    ],
)
def test_what_is_refused_altogether_is_asked_once(world: World, fault: Fault, said: str) -> None:
    world.fake.always = fault
    taken = world.sink.write_documents(points(1, 25_000), world.deadline())
    assert taken.problem == f"{world.name}: {said}"
    assert (taken.requests, taken.owed, taken.dead, world.waits) == (1, {"cpu": 25_000}, 0, [])


def test_an_index_that_is_denied_is_said_once(world: World) -> None:
    """As for a key that may write metrics of today only."""
    why = "action [indices:data/write/bulk[s]] is unauthorized for API key id [x] on indices [a]"
    denied = Fault(items={0: (403, {"type": "security_exception", "reason": why})})
    world.fake.fails(denied)
    ours = list(points(20, 1_000, lot="today"))
    theirs = list(points(20, 1_000, start=MIDNIGHT - DAY, lot="yesterday"))
    taken = world.sink.write_documents([theirs[0], *ours, *theirs[1:]], world.deadline())
    assert taken.taken == 20_000, "the other index takes its own"
    assert taken.owed == {"yesterday": 20_000}
    assert taken.problem == f"{world.name}: denied (nephoscope-metrics-{YESTERDAY}: {why})"


def test_a_grave_that_cannot_be_dug_leaves_the_document_owed(world: World) -> None:
    parse = {"type": "document_parsing_exception", "reason": "failed to parse"}
    world.fake.fails(Fault(items={5: (400, parse)}), AWAY)
    taken = world.sink.write_documents(DOCUMENTS, world.deadline())
    assert (taken.taken, taken.dead, taken.owed) == (99, 0, {"cpu": 1})
    assert taken.problem == f"{world.name}: unavailable (POST /_bulk: status 503)"
    world.fake.fails(Fault(items={5: (400, parse)}))
    taken = world.sink.write_documents(DOCUMENTS, world.deadline())
    assert (taken.taken, taken.dead, taken.owed) == (99, 1, {})


def test_a_shard_that_does_not_come_is_left_and_the_other_days_go_on(world: World) -> None:
    away = {"type": "unavailable_shards_exception", "reason": "[a][0] primary shard is not active Timeout: [10s]"}
    world.fake.fails(*[Fault(items={0: (503, away)})] * 4)
    first, *others = DOCUMENTS
    alone = first._replace(at=MIDNIGHT - DAY, lot="alone")
    taken = world.sink.write_documents([alone, *others], world.deadline())
    assert (taken.taken, taken.owed) == (99, {"alone": 1})
    assert world.fake.bulks() == [100, 1, 1, 1]


# --- time ---------------------------------------------------------------------------------------------------------


def test_the_rest_of_a_stream_is_owed_without_being_read(world: World) -> None:
    world.fake.always = AWAY
    read = 0

    def stream() -> Iterator[Document]:
        nonlocal read
        for each in points(1, 1_000_000):
            read += 1
            yield each

    taken = world.sink.write_documents(stream(), world.deadline(), lots=("cpu", "network", "alerts"))
    (body,) = set(world.fake.bulks())
    assert read == body + 1, "the first body, and the one that did not fit into it"
    assert taken.owed == {"cpu": body, "network": 0, "alerts": 0}


def test_nothing_is_sent_after_the_deadline(world: World) -> None:
    taken = world.sink.write_documents(DOCUMENTS, world.deadline(0))
    assert (world.fake.asked, taken.owed) == ([], {"cpu": 100})
    assert taken.problem == f"{world.name}: deadline (the time of this run was up)"


def test_nothing_to_send_asks_nothing(world: World) -> None:
    assert world.sink.write_documents([], world.deadline()).requests == 0
    assert world.fake.asked == []


# --- who answers --------------------------------------------------------------------------------------------------

NEEDED = "Elasticsearch 8 or 9, or OpenSearch 2 or 3, is needed"
NEITHER = f"what answers there is neither Elasticsearch nor OpenSearch: {NEEDED}"


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ({"number": "7.17.29"}, f"rejected (Elasticsearch 7.17.29 is not supported: {NEEDED})"),
        ({"number": "10.0.0"}, f"rejected (Elasticsearch 10.0.0 is not supported: {NEEDED})"),
        (
            {"number": "1.3.20", "distribution": "opensearch"},
            f"rejected (OpenSearch 1.3.20 is not supported: {NEEDED})",
        ),
        ({}, f"rejected ({NEITHER})"),
    ],
)
def test_what_is_not_supported_is_named(version: dict[str, str], said: str) -> None:
    with FakeElastic(version=version) as fake:
        sink = open_sink(fake.url)
        with pytest.raises(DeliveryError) as caught:
            sink.prepare(MIDNIGHT, seconds(5))
        assert str(caught.value) == f"{sink.client.name}: {said}"
        assert [each.method for each in fake.asked] == ["GET"], "nothing is written to what we do not know"
        sink.close()


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ([Fault(body=b"<html>nginx</html>")], f"rejected ({NEITHER})"),
        ([Fault(404), Fault(404)], f"rejected ({NEITHER})"),
        ([AWAY], "unavailable (GET /: status 503)"),
        ([refused(401, "security_exception", "missing authentication credentials")],
         "denied (GET /: missing authentication credentials)"),
        ([Fault(301, headers={"Location": "https://elsewhere.test/"})], "redirected (GET /: status 301)"),
    ],
)  # fmt: skip
def test_what_answers_in_its_place_is_said(world: World, faults: list[Fault], said: str) -> None:
    world.fake.fails(*faults)
    with pytest.raises(DeliveryError) as caught:
        world.sink.prepare(MIDNIGHT, world.deadline())
    assert str(caught.value) == f"{world.name}: {said}"


def test_a_role_that_may_not_ask_who_it_is_may_write(world: World) -> None:
    world.fake.fails(Fault(403), Fault(403))
    world.sink.prepare(MIDNIGHT, world.deadline())
    assert world.sink.write_documents(DOCUMENTS, world.deadline()).taken == 100


# --- addresses ----------------------------------------------------------------------------------------------------


def test_a_server_behind_a_path(world: World) -> None:
    with FakeElastic(prefix="/search/history") as fake:
        sink = open_sink(fake.url)
        sink.prepare(MIDNIGHT, seconds(5))
        assert sink.write_documents(DOCUMENTS, seconds(5)).taken == 100
        assert {each.path.startswith("/search/history/") for each in fake.asked} == {True}
        sink.close()


def test_a_server_with_an_address_of_six_colons() -> None:
    try:
        fake = FakeElastic(host="::1")
    except OSError:
        pytest.skip("no IPv6 on this machine's loopback")
    with fake:
        sink = open_sink(fake.url)
        assert sink.write_documents(DOCUMENTS, seconds(5)).taken == 100
        assert sink.client.name == f"Elasticsearch at [::1]:{fake.port}"
        assert fake.asked[0].headers["host"] == f"[::1]:{fake.port}"
        sink.close()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h",
        "h:9200",
        "http://",
        "http://u:CANARY@h",
        "http://[::1",
        "http://h:99999",
        "http://h:0",
        "http://a..b:1",
    ],
)
def test_an_address_out_of_a_secret_that_is_none(url: str) -> None:
    sink = open_sink("${env:URL}", Plain(URL=url))
    taken = sink.write_documents(DOCUMENTS, seconds(5))
    assert taken.owed == {"cpu": 100}
    assert taken.problem == ("Elasticsearch at ${env:URL}: rejected (its url is no http(s)://HOST:PORT without a user)")


def test_what_no_header_can_hold_is_no_key() -> None:
    sink = open_sink("http://127.0.0.1:9", Plain(KEY="CANARY\nX-Evil: 1"), api_key="${env:KEY}")
    taken = sink.write_documents(DOCUMENTS, seconds(5))
    assert taken.problem == "Elasticsearch at 127.0.0.1:9: secret_missing (${env:KEY} is no API key)"


def test_a_long_answer_is_unpacked_and_a_too_long_one_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from nephoscope.sinks.elasticsearch import connection

    ask: Callable[[], object] = lambda: world.sink.client.ask("GET", "/_long", deadline=world.deadline())  # noqa: E731
    world.fake.fails(Fault(body=json.dumps(["x" * 3_000_000]).encode()))
    assert ask() == ["x" * 3_000_000]
    monkeypatch.setattr(connection, "ANSWER_BYTES", 1_000_000)
    world.fake.fails(Fault(body=json.dumps(["x" * 3_000_000]).encode()))
    with pytest.raises(DeliveryError, match=r"malformed \(the answer is too long"):
        ask()


def test_the_servers_own_patience_is_less_than_ours() -> None:
    from nephoscope.sinks.elasticsearch.connection import ANSWER_SECONDS

    assert bulk.SERVER_SECONDS < ANSWER_SECONDS
