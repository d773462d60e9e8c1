"""Keeping history on real servers, as their makers build them: Elasticsearch 8 and 9, OpenSearch 2."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from history_server import standing
from history_world import (
    MIDNIGHT,
    SCOPE,
    TELLING,
    TODAY,
    YESTERDAY,
    ask,
    clear,
    machine,
    open_sink,
    points,
    seconds,
    series,
    stored,
)
from nephoscope.localcloud.elastic.distribution import (
    ELASTICSEARCH_8,
    ELASTICSEARCH_9,
    OPENSEARCH_2,
)
from nephoscope.localcloud.elastic.server import ElasticServer
from nephoscope.model.alert import HistoryEntry, TransitionKind, Why
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.errors import DeliveryError
from nephoscope.model.history import Document, HistoryKind
from nephoscope.model.resource import State
from nephoscope.model.rule import Comparison, Rule, Severity, Threshold, Window
from nephoscope.model.time import DAY
from nephoscope.pipeline.documents import StateSeen, alert_document, point_documents, state_document
from nephoscope.sinks.elasticsearch.indices import templates
from nephoscope.sinks.elasticsearch.inspection import inspect
from nephoscope.sinks.elasticsearch.sink import ElasticsearchSink

METRICS = "nephoscope-metrics"
NOON = MIDNIGHT + DAY // 2


@pytest.fixture(scope="module", params=[ELASTICSEARCH_8, ELASTICSEARCH_9, OPENSEARCH_2], ids=lambda each: each.name)
def server(request: pytest.FixtureRequest) -> Iterator[ElasticServer]:
    with standing(ElasticServer(request.param)) as running:
        yield running


Opening = Callable[..., ElasticsearchSink]


@pytest.fixture
def opening(server: ElasticServer) -> Iterator[Opening]:
    """A sink of another function, with keys of the configuration; as at a cold start."""
    opened: list[ElasticsearchSink] = []

    def open_another(**more: Any) -> ElasticsearchSink:
        opened.append(open_sink(server.url, **more))
        return opened[-1]

    yield open_another
    for each in opened:
        each.close()


@pytest.fixture
def sink(opening: Opening) -> ElasticsearchSink:
    """Ready to take documents, on a server that has none."""
    opened = opening()
    clear(opened)
    opened.prepare(NOON, seconds(30))
    return opened


def write(sink: ElasticsearchSink, documents: list[Document]) -> tuple[int, dict[str, int], int, str]:
    taken = sink.write_documents(documents, seconds(20))
    return taken.taken, dict(taken.owed), taken.dead, taken.problem


# --- what stands there --------------------------------------------------------------------------------------------


def test_the_server_is_known_by_product_and_version(sink: ElasticsearchSink, server: ElasticServer) -> None:
    found = sink.client.server(seconds(5))
    assert found.product.lower() == server.distribution.product
    assert found.version == server.distribution.version


def test_a_point_says_in_full_what_it_is_of(sink: ElasticsearchSink) -> None:
    assert write(sink, list(points(1, 1))) == (1, {}, 0, "")
    (source,) = stored(sink, METRICS).values()
    assert source == {
        "@timestamp": "2026-11-26T00:00:00Z",
        "nephoscope": {"fleet": "acme"},
        "cloud": {
            "provider": "aws",
            "account": {"id": "111111111111"},
            "region": "eu-west-1",
            "availability_zone": "eu-west-1a",
            "resource_id": "i-00000000000000000",
        },
        "resource": {"kind": "instance", "id": "i-00000000000000000", "name": "web-0"},
        "host": {"id": "i-00000000000000000", "name": "web-0", "type": "m5.large"},
        "labels": {"env": "prod"},
        "metric": {"name": "cpu.utilization", "unit": "1", "period": 60, "value": 0.0},
    }


def test_fields_are_of_the_types_that_dashboards_need(sink: ElasticsearchSink) -> None:
    write(sink, list(points(1, 1)))
    (mapping,) = (each["mappings"] for each in ask(sink, "GET", f"/{METRICS}/_mapping").values())
    fields = mapping["properties"]
    assert fields["@timestamp"]["type"] == "date"
    assert fields["metric"]["properties"]["value"]["type"] == "double"
    assert fields["cloud"]["properties"]["account"]["properties"]["id"]["type"] == "keyword"
    assert fields["labels"]["properties"]["env"]["type"] == "keyword"
    assert mapping["_meta"] == {"owner": "nephoscope", "version": 1}


def test_a_documents_day_is_that_of_its_data_time(sink: ElasticsearchSink) -> None:
    write(sink, list(points(1, 2, start=MIDNIGHT - 60)))
    assert [len(stored(sink, f"{METRICS}-{day}")) for day in (YESTERDAY, TODAY)] == [1, 1]
    assert len(stored(sink, METRICS)) == 2, "the alias stands for both days"


def test_states_and_alerts_have_indices_of_their_own(sink: ElasticsearchSink) -> None:
    seen = StateSeen(machine(1), NOON, "state_changed", "stopped")
    rule = Rule("cpu-hot", machine(1).kind, Threshold("cpu.utilization", Comparison.GREATER, 0.9), Window(60, 60))
    entry = HistoryEntry(
        alert_key="k" * 32,
        seq=2,
        rule="cpu-hot",
        resource_id=machine(1).id,
        kind=TransitionKind.FIRED,
        why=Why.THRESHOLD_CROSSED,
        at=NOON,
        slot=NOON,
        value=0.95,
        worst=math.inf,
        told=("chat",),
    )
    documents = [
        state_document(seen, "states", TELLING),
        alert_document(entry, SCOPE, machine(1), rule, "alerts", TELLING),
    ]
    assert write(sink, documents) == (2, {}, 0, "")
    (state,) = stored(sink, f"nephoscope-states-{TODAY}").values()
    (alert,) = stored(sink, f"nephoscope-alerts-{TODAY}").values()
    assert state["event"] == {"kind": "state", "action": "state_changed"}
    assert state["state"] == {"name": str(State.RUNNING), "previous": "stopped"}
    assert alert["event"] == {
        "kind": "alert",
        "action": str(TransitionKind.FIRED),
        "reason": str(Why.THRESHOLD_CROSSED),
        "sequence": 2,
    }
    assert alert["alert"] == {
        "key": "k" * 32,
        "severity": str(Severity.WARNING),
        "value": 0.95,
        "told": ["chat"],
    }, "what is no number stays away"


def test_two_fleets_on_one_server_do_not_hide_each_others_alerts() -> None:
    def of(fleet: str) -> Document:
        telling = type(TELLING)(fleet, (), TELLING.catalog)
        entry = HistoryEntry(
            alert_key="k" * 32, seq=1, rule="r", resource_id="i-1", kind=TransitionKind.FIRED,
            why=Why.THRESHOLD_CROSSED, at=NOON, slot=NOON,
        )  # fmt: skip
        return alert_document(entry, SCOPE, None, None, "alerts", telling)

    assert of("acme").id != of("globex").id
    assert of("acme").id == of("acme").id


# --- again --------------------------------------------------------------------------------------------------------


def test_a_doubled_run_leaves_equal_documents(sink: ElasticsearchSink) -> None:
    documents = list(points(30, 40))
    first = sink.write_documents(documents, seconds(20))
    before = stored(sink, METRICS)
    second = sink.write_documents(reversed(documents), seconds(20))
    assert (first.taken, first.again) == (1200, 0)
    assert (second.taken, second.again, second.owed) == (1200, 1200, {}), "409 is as good as taken"
    assert stored(sink, METRICS) == before
    assert {document.id: json.loads(document.source) for document in documents} == before


def test_what_is_no_number_is_left_out(sink: ElasticsearchSink) -> None:
    odd = series(machine(1), [0.5, math.nan, math.inf, -math.inf, 0.25], MIDNIGHT)
    assert write(sink, list(point_documents(odd, machine(1), 0, "cpu", TELLING))) == (2, {}, 0, "")
    kept = {each["@timestamp"]: each["metric"]["value"] for each in stored(sink, METRICS).values()}
    assert kept == {"2026-11-26T00:00:00Z": 0.5, "2026-11-26T00:04:00Z": 0.25}


def test_names_and_tags_of_any_kind_are_kept_as_they_are(sink: ElasticsearchSink) -> None:
    odd = machine(1, name='we"b\\\n😀 {}', tags={"ENV": "päö\t*\x00?"})
    write(sink, list(point_documents(series(odd, [1.0], MIDNIGHT), odd, 0, "cpu", TELLING)))
    (source,) = stored(sink, METRICS).values()
    assert source["host"]["name"] == 'we"b\\\n😀 {}'
    assert source["labels"] == {"env": "päö\t*\x00?"}


# --- what stands in the way ---------------------------------------------------------------------------------------


def test_what_another_mapping_refuses_is_laid_aside_and_the_others_are_taken(sink: ElasticsearchSink) -> None:
    someone_made(sink, HistoryKind.METRICS)
    documents = list(points(1, 4, start=MIDNIGHT - 120))
    assert write(sink, documents) == (2, {}, 2, "")
    assert len(stored(sink, f"{METRICS}-{YESTERDAY}")) == 2
    letters = list(_dead(sink).values())
    assert {letter["document"]["id"] for letter in letters} == {each.id for each in documents[2:]}
    assert all("failed to parse field [host] of type [long]" in letter["error"]["reason"] for letter in letters)
    assert letters[0]["document"]["index"] == f"{METRICS}-{TODAY}"
    assert letters[0]["nephoscope"] == {"fleet": "acme"}
    sources = {letter["document"]["id"]: letter["document"]["source"] for letter in letters}
    assert sources == {each.id: each.source for each in documents[2:]}, "nothing of it is lost"
    write(sink, documents)
    assert len(_dead(sink)) == 2, "a second burial is none"


def someone_made(sink: ElasticsearchSink, kind: HistoryKind) -> None:
    """Today's index, before our template was there."""
    path = f"/_index_template/nephoscope-{kind}"
    ask(sink, "DELETE", path)
    ask(sink, "PUT", f"/nephoscope-{kind}-{TODAY}", {"mappings": {"properties": {"host": {"type": "long"}}}})
    ask(sink, "PUT", path, templates("nephoscope", 1, None)[f"nephoscope-{kind}"])


def _dead(sink: ElasticsearchSink) -> dict[str, dict[str, dict[str, str]]]:
    ask(sink, "POST", "/nephoscope-dead/_refresh")
    hits = ask(sink, "GET", "/nephoscope-dead/_search", size="100")["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("write", "blocked by: [FORBIDDEN/8/index write (api)]"),
        ("read_only_allow_delete", "blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark"),
    ],
)
def test_an_index_that_is_blocked_owes_its_own_documents_only(sink: ElasticsearchSink, block: str, reason: str) -> None:
    documents = [*points(1, 3, start=MIDNIGHT, lot="today"), *points(1, 3, start=MIDNIGHT - DAY, lot="yesterday")]
    write(sink, documents[:1])
    ask(sink, "PUT", f"/{METRICS}-{TODAY}/_settings", {f"index.blocks.{block}": True})
    taken, owed, dead, problem = write(sink, documents)
    assert (taken, owed, dead) == (3, {"today": 3}, 0)
    assert problem.startswith(f"{sink.client.name}: unavailable (index [{METRICS}-{TODAY}] {reason}")
    assert "\n" not in problem and "://" not in problem and "see" not in problem
    ask(sink, "PUT", f"/{METRICS}-{TODAY}/_settings", {f"index.blocks.{block}": None})
    assert write(sink, documents) == (6, {}, 0, "")
    assert len(stored(sink, METRICS)) == 6


def test_a_closed_index_owes_until_it_is_opened(sink: ElasticsearchSink) -> None:
    documents = list(points(1, 3))
    write(sink, documents[:1])
    ask(sink, "POST", f"/{METRICS}-{TODAY}/_close")
    name = sink.client.name
    assert write(sink, documents) == (
        0, {"cpu": 3}, 0, f"{name}: unavailable ({METRICS}-{TODAY}: index closed: closed)"
    )  # fmt: skip
    ask(sink, "POST", f"/{METRICS}-{TODAY}/_open", wait_for_active_shards="1")
    assert write(sink, documents) == (3, {}, 0, "")


def test_a_cluster_that_makes_no_more_shards_owes_and_does_not_bury(sink: ElasticsearchSink) -> None:
    ask(sink, "PUT", "/_cluster/settings", {"persistent": {"cluster.max_shards_per_node": 1}})
    write(sink, list(points(1, 1, start=MIDNIGHT - DAY)))
    taken, owed, dead, problem = write(sink, list(points(1, 2)))
    ask(sink, "PUT", "/_cluster/settings", {"persistent": {"cluster.max_shards_per_node": None}})
    assert (taken, owed, dead) == (0, {"cpu": 2}, 0)
    assert f"{METRICS}-{TODAY}" in problem and "maximum" in problem and "://" not in problem


def test_an_index_that_vanishes_is_made_again_as_it_should_be(sink: ElasticsearchSink) -> None:
    documents = list(points(2, 50))

    def vanishing() -> Iterator[Document]:
        yield from documents[:50]
        sink.write_documents(documents[:50], seconds(10))
        ask(sink, "DELETE", f"/{METRICS}-{TODAY}")
        yield from documents[50:]

    taken = sink.write_documents(vanishing(), seconds(20))
    assert (taken.taken, taken.owed) == (100, {})
    assert len(stored(sink, METRICS)) == 100, "found by the alias, so the template was obeyed"


def test_where_the_server_makes_no_index_by_itself_we_do(sink: ElasticsearchSink) -> None:
    ask(sink, "PUT", "/_cluster/settings", {"persistent": {"action.auto_create_index": "false"}})
    assert write(sink, list(points(2, 3, start=MIDNIGHT - 60))) == (6, {}, 0, "")
    assert len(stored(sink, METRICS)) == 6
    someone_made(sink, HistoryKind.STATES)
    state = state_document(StateSeen(machine(1), NOON, "seen"), "states", TELLING)
    assert write(sink, [state]) == (0, {}, 1, "")
    assert len(_dead(sink)) == 1, "the index of the dead as well"


def test_an_index_in_the_aliass_place_owes(sink: ElasticsearchSink) -> None:
    ask(sink, "PUT", f"/{METRICS}")
    taken, owed, dead, problem = write(sink, list(points(1, 2)))
    assert (taken, owed, dead) == (0, {"cpu": 2}, 0)
    assert METRICS in problem and "alias" in problem


# --- templates ----------------------------------------------------------------------------------------------------


def prepared(opening: Opening) -> str:
    try:
        opening().prepare(NOON, seconds(20))
    except DeliveryError as error:
        return str(error)
    return ""


def test_a_template_of_somebody_else_stays_as_it_is(sink: ElasticsearchSink, opening: Opening) -> None:
    ask(sink, "DELETE", f"/_index_template/{METRICS}")
    theirs = {"index_patterns": ["theirs-*"], "priority": 7}
    ask(sink, "PUT", f"/_index_template/{METRICS}", theirs)
    assert f"the index template {METRICS} is somebody else's; it stays as it is" in prepared(opening)
    (found,) = ask(sink, "GET", f"/_index_template/{METRICS}")["index_templates"]
    assert found["index_template"]["index_patterns"] == ["theirs-*"]


def test_a_template_that_would_win_over_ours_is_named(sink: ElasticsearchSink, opening: Opening) -> None:
    ask(sink, "PUT", "/_index_template/greedy", {"index_patterns": ["nepho*"], "priority": 500})
    said = f"another index template claims {METRICS}-{TODAY} with a higher priority than ours"
    assert said in prepared(opening)


def test_a_template_of_the_same_priority_is_named(sink: ElasticsearchSink, opening: Opening) -> None:
    ask(sink, "DELETE", f"/_index_template/{METRICS}")
    ask(sink, "PUT", "/_index_template/equal", {"index_patterns": ["nepho*"], "priority": 150})
    assert prepared(opening) == "", "one of lower priority is in nobody's way"
    ask(sink, "DELETE", f"/_index_template/{METRICS}")
    ask(sink, "DELETE", "/_index_template/equal")
    for name in ("nephoscope-states", "nephoscope-alerts", "nephoscope-dead"):
        ask(sink, "DELETE", f"/_index_template/{name}")
    ask(sink, "PUT", "/_index_template/equal", {"index_patterns": ["nepho*"], "priority": 200})
    said = prepared(opening)
    assert "rejected" in said and "equal" in said and "same priority [200]" in said and "\n" not in said


def test_a_template_is_changed_with_the_configuration_and_not_by_an_older_release(
    sink: ElasticsearchSink, opening: Opening
) -> None:
    opening(shards=2).prepare(NOON, seconds(20))
    (found,) = ask(sink, "GET", f"/_index_template/{METRICS}")["index_templates"]
    assert found["index_template"]["template"]["settings"]["index"]["number_of_shards"] == "2"
    newer = templates("nephoscope", 2, None)[METRICS] | {"_meta": {"owner": "nephoscope", "version": 2}, "version": 2}
    ask(sink, "PUT", f"/_index_template/{METRICS}", newer)
    opening(shards=1).prepare(NOON, seconds(20))
    (found,) = ask(sink, "GET", f"/_index_template/{METRICS}")["index_templates"]
    assert found["index_template"]["version"] == 2, "two releases side by side do not take turns"


def test_a_template_that_somebody_deletes_is_there_again_within_the_hour(sink: ElasticsearchSink) -> None:
    ask(sink, "DELETE", f"/_index_template/{METRICS}")
    sink.prepare(NOON + 3599, seconds(20))
    assert ask(sink, "GET", f"/_index_template/{METRICS}", missing_ok=True) is None, "a warm function asks for nothing"
    sink.prepare(NOON + 3600, seconds(20))
    assert ask(sink, "GET", f"/_index_template/{METRICS}", missing_ok=True) is not None


def test_an_index_that_was_made_without_our_template_is_told_and_can_be_moved(
    sink: ElasticsearchSink, opening: Opening
) -> None:
    """The template is gone at midnight, and the first document makes the day's index. The page for operators moves the
    documents by _reindex, which these builds do not have: here they are carried over one by one."""
    day = f"{METRICS}-{TODAY}"
    said = f"made without our template, so that nobody finds what is in it: {day}"
    ask(sink, "DELETE", f"/_index_template/{METRICS}")
    assert write(sink, list(points(2, 3))) == (6, {}, 0, "")
    assert METRICS not in ask(sink, "GET", "/_alias").get(day, {}).get("aliases", {})
    sink.prepare(NOON + 3600, seconds(20))
    taken, owed, dead, problem = write(sink, list(points(2, 4)))
    assert (taken, owed, dead, problem) == (8, {}, 0, said), "it is taken all the same, and told"
    found = inspect(sink.client, PublishElasticsearch(url=""), NOON, seconds(10))
    assert found.strangers == (day,)

    ask(sink, "POST", f"/{day}/_refresh")
    hits = ask(sink, "POST", f"/{day}/_search", {"size": 100})["hits"]["hits"]
    carried = {hit["_id"]: hit["_source"] for hit in hits}
    ask(sink, "DELETE", f"/{day}")
    for name, source in carried.items():
        ask(sink, "PUT", f"/{day}/_doc/{name}", source)
    assert stored(sink, METRICS) == carried and len(carried) == 8
    another = opening()
    another.prepare(NOON, seconds(20))
    assert write(another, list(points(2, 4))) == (8, {}, 0, "")
    assert inspect(sink.client, PublishElasticsearch(url=""), NOON, seconds(10)).strangers == ()


# --- retention ----------------------------------------------------------------------------------------------------


def test_only_our_own_days_that_are_over_are_deleted(sink: ElasticsearchSink, opening: Opening) -> None:
    for day in (0, 1, 2, 3):
        write(sink, list(points(1, 1, start=MIDNIGHT - day * DAY)))
    ask(sink, "PUT", f"/{METRICS}-2020.01.01", {"mappings": {}})  # matches our template, so it is ours
    ask(sink, "DELETE", f"/{METRICS}-2020.01.01")
    ask(sink, "DELETE", f"/_index_template/{METRICS}")
    foreign = (f"{METRICS}-2020.02.02", f"{METRICS}-2020.02.30", "nephoscope-metrics-old", "other-2020.01.01")
    for name in foreign:
        ask(sink, "PUT", f"/{name}")
    ask(sink, "POST", f"/{METRICS}-2026.11.23/_close")
    keeping = opening(keep=DAY)
    keeping.prepare(NOON, seconds(20))
    left = set(ask(sink, "GET", "/_mapping", expand_wildcards="open,closed"))
    assert left == {*foreign, f"{METRICS}-{TODAY}", f"{METRICS}-{YESTERDAY}"}
    assert opening(keep=0).tidy(NOON + 10_000 * DAY, seconds(20)) == (), "forever"


def test_a_day_ends_for_keeping_when_all_of_it_is_old_enough(sink: ElasticsearchSink, opening: Opening) -> None:
    write(sink, list(points(1, 1)))
    keeping = opening(keep=DAY)
    assert keeping.tidy(MIDNIGHT + 2 * DAY - 1, seconds(20)) == ()
    assert keeping.tidy(MIDNIGHT + 2 * DAY, seconds(20)) == (f"{METRICS}-{TODAY}",)


def test_old_days_that_cannot_be_deleted_keep_nothing_from_being_written(
    sink: ElasticsearchSink, opening: Opening
) -> None:
    write(sink, list(points(1, 1, start=MIDNIGHT - 9 * DAY)))
    ask(sink, "PUT", f"/{METRICS}-2026.11.17/_settings", {"index.blocks.read_only": True})
    keeping = opening(keep=DAY)
    keeping.prepare(NOON, seconds(20))
    taken, owed, _, problem = write(keeping, list(points(1, 1)))
    ask(sink, "PUT", f"/{METRICS}-2026.11.17/_settings", {"index.blocks.read_only": None})
    assert (taken, owed) == (1, {})
    assert problem.startswith("days older than is kept are still there: ")
    assert f"DELETE /{METRICS}-2026.11.17" in problem


def test_every_kind_has_a_template(sink: ElasticsearchSink) -> None:
    names = {each["name"] for each in ask(sink, "GET", "/_index_template/nephoscope-*")["index_templates"]}
    assert names == {*(f"nephoscope-{kind}" for kind in HistoryKind), "nephoscope-dead"}
