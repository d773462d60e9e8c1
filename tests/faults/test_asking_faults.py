"""Asking for history of a server that answers in part, late or not at all: an error in words, never figures that lack a
part. What a real server will not do on demand is done by a fake; the answers have the real one's form.

Source: Elasticsearch API, "Search": `timed_out` and `_shards.failed` of an answer with status 200.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from history_world import MIDNIGHT, Plain, seconds
from nephoscope.localcloud.elastic.fake import FakeElastic, Fault, refused
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.history import HistoryKind
from nephoscope.model.time import HOUR
from nephoscope.pipeline.asking.question import ask as question
from nephoscope.sinks.elasticsearch.asking import ElasticsearchAsking
from nephoscope.sinks.elasticsearch.client import Client

BUSY = refused(429, "es_rejected_execution_exception", "rejected execution of search")
WANTED = question("acme", "cpu.utilization", "avg", "host", (), MIDNIGHT, MIDNIGHT + HOUR, 0)


def answered(**more: Any) -> Fault:
    """A search that came to an end, with what else it says."""
    return Fault(200, json.dumps({"timed_out": False, "_shards": {"failed": 0}, **more}).encode())


@pytest.fixture
def fake() -> Iterator[FakeElastic]:
    with FakeElastic() as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    """Seconds that were slept."""
    return []


@pytest.fixture
def reader(fake: FakeElastic, waits: list[float]) -> Iterator[ElasticsearchAsking]:
    found = ElasticsearchAsking(Client(PublishElasticsearch(url=fake.url), Plain()), "nephoscope", waits.append)
    yield found
    found.close()


WAYS: dict[str, Callable[[ElasticsearchAsking], object]] = {
    "survey": lambda reader: reader.read_survey(WANTED, seconds(10)),
    "metrics": lambda reader: reader.read_metrics("acme", seconds(10)),
    "totals": lambda reader: reader.read_totals(WANTED, seconds(10)),
    "pages": lambda reader: list(reader.read_pages(HistoryKind.METRICS, {"query": {"match_all": {}}}, seconds(10))),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    ("part", "said"),
    [
        (answered(timed_out=True), "partial (the search was cut short by its time)"),
        (
            answered(_shards={"failed": 2, "failures": [{"reason": {"reason": "node left"}}]}),
            "partial (2 shards did not answer: node left)",
        ),
        (answered(_shards={"failed": 1}), "partial (1 shards did not answer)"),
    ],
)
def test_a_part_of_an_answer_is_none(
    fake: FakeElastic, reader: ElasticsearchAsking, way: Callable[[ElasticsearchAsking], object], part: Fault, said: str
) -> None:
    reader.client.server(seconds(10))
    fake.faults.append(part)
    with pytest.raises(DeliveryError) as caught:
        way(reader)
    assert str(caught.value) == f"{reader.client.name}: {said}"
    assert caught.value.reason is Reason.PARTIAL


def test_a_later_page_that_is_cut_short_is_an_error_too_and_the_scroll_is_let_go(
    fake: FakeElastic, reader: ElasticsearchAsking
) -> None:
    hits = {"hits": [{"_source": {}}] * 2}
    fake.faults += [answered(_scroll_id="CANARY", hits=hits), answered(_scroll_id="CANARY", timed_out=True)]
    pages = reader.read_pages(HistoryKind.METRICS, {"size": 2}, seconds(10))
    assert len(next(pages)) == 2
    with pytest.raises(DeliveryError, match="cut short"):
        next(pages)
    assert [(each.method, json.loads(each.body)) for each in fake.asked[2:]] == [("DELETE", {"scroll_id": ["CANARY"]})]


def test_what_was_read_stands_where_the_scroll_may_not_be_ended(fake: FakeElastic, reader: ElasticsearchAsking) -> None:
    """OpenSearch's own role of readers may not."""
    fake.faults += [
        answered(_scroll_id="one", hits={"hits": [{"_source": {"a": 1}}]}),
        refused(403, "security_exception", "no permissions for [indices:data/read/scroll/clear]"),
    ]
    pages = list(reader.read_pages(HistoryKind.METRICS, {"size": 2}, seconds(10)))
    assert pages == [[{"_source": {"a": 1}}]]
    assert [each.method for each in fake.asked] == ["POST", "DELETE"]


def test_a_server_that_is_busy_is_asked_again(
    fake: FakeElastic, reader: ElasticsearchAsking, waits: list[float]
) -> None:
    fake.faults += [BUSY, BUSY, answered(aggregations={"metrics": {"buckets": []}})]
    assert reader.read_metrics("acme", seconds(30)) == ()
    assert waits == [0.5, 1.0]


def test_one_that_stays_busy_is_said_to_be(fake: FakeElastic, reader: ElasticsearchAsking, waits: list[float]) -> None:
    fake.always = BUSY
    with pytest.raises(DeliveryError, match="throttled"):
        reader.read_metrics("acme", seconds(30))
    assert (waits, len(fake.asked)) == ([0.5, 1.0, 2.0], 4)


def test_it_is_not_asked_again_where_no_time_is_left_for_it(
    fake: FakeElastic, reader: ElasticsearchAsking, waits: list[float]
) -> None:
    fake.always = BUSY
    with pytest.raises(DeliveryError, match="throttled"):
        reader.read_metrics("acme", seconds(0.8))
    assert waits == []
