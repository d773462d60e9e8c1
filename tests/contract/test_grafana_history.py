"""Every query of Grafana's dashboard of history, sent as Grafana sends it to a real Elasticsearch 8 that holds what the
product itself has written there; two fleets on one server, one of which has a name that would be Lucene's notation, and
Grafana's, were it not quoted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml

from nephoscope.localcloud.elastic.server import ElasticServer
from nephoscope.model.alert import TransitionKind
from nephoscope.model.config import Config, PublishElasticsearch
from nephoscope.model.history import Document
from nephoscope.model.resource import Kind, State
from nephoscope.model.time import DAY, HOUR, MINUTE
from nephoscope.pipeline.board import history_board
from nephoscope.pipeline.board.kept import metrics_kept
from nephoscope.pipeline.consoles.grafana_history import render_history
from nephoscope.pipeline.consoles.grafana_history_source import render_source
from nephoscope.pipeline.consoles.grafana_history_targets import Product, quoted
from tests.console_boards import CATALOG, ODD, everything, odd
from tests.grafana_asks import body_of, lines_in, rows_in, search
from tests.history_server import standing
from tests.kept_day import MIDNIGHT, NOON, US, alert, bucket, keep, machine, points, state

HOSTILE = f'{ODD}" OR nephoscope.fleet:* OR "${{region}}[[region]] AND \\'
ALL = {"account": "*", "region": "*"}
EU_1, EU_2, US_1 = machine("web-1", env="prod"), machine("web-2"), machine('db*"1', US)
HISTORY = PublishElasticsearch("http://127.0.0.1:1")


def config(fleet: str) -> Config:
    base = everything() if fleet == "all" else odd()
    return replace(base, fleet=fleet, history=HISTORY)


def hostile() -> Iterator[Document]:
    """An hour of points every five minutes: 0.2 and 0.6 in Europe, 0.9 in America, where one point is 1."""
    yield from points(HOSTILE, EU_1, [0.2] * 12)
    yield from points(HOSTILE, EU_2, [0.6] * 12)
    yield from points(HOSTILE, US_1, [0.9] * 11 + [1.0])
    yield state(HOSTILE, EU_1, MIDNIGHT + MINUTE, "seen")
    yield state(HOSTILE, US_1, MIDNIGHT + MINUTE, "seen")
    yield state(HOSTILE, machine("web-2", state=State.STOPPED), NOON, "state_changed", "running")
    yield state(HOSTILE, EU_2, NOON + HOUR, "state_changed", "stopped")
    for hour in (2, 3):
        yield state(HOSTILE, US_1, NOON + hour * HOUR, "restarted", "running")
    for number in range(3):
        yield alert(HOSTILE, US_1, "cpu-hot", NOON + number * HOUR, 2 * number)
        yield alert(HOSTILE, US_1, "cpu-hot", NOON + number * HOUR + MINUTE, 2 * number + 1, TransitionKind.RESOLVED)
    yield alert(HOSTILE, EU_1, ODD, NOON, 0)


def other() -> Iterator[Document]:
    """Another fleet's, far from the first's values: a machine and a bucket with a point of each metric there is."""
    for metric in metrics_kept(config("all"), CATALOG):
        yield from points("all", machine("z") if metric.on is Kind.INSTANCE else bucket("y"), [0.5], metric.name)
    for action in ("first_seen", "restarted", "gone", "state_changed"):
        yield state("all", machine("z"), NOON + len(action), action)
    yield alert("all", machine("z"), "cpu-hot", NOON, 0)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with standing(ElasticServer()) as server:
        taken = keep(server.url, [*hostile(), *other()])
        assert (taken.owed, taken.dead) == ({}, 0), taken.problem
        yield server.url


def panels(fleet: str) -> list[dict[str, Any]]:
    drawn: Any = render_history(history_board(config(fleet), CATALOG))
    return [panel for panel in drawn["panels"] if panel.get("targets")]


def index() -> str:
    (source,) = yaml.safe_load(render_source(HISTORY, Product.ELASTICSEARCH))
    return str(source["jsonData"]["index"])


def asked(url: str, panel: dict[str, Any], chosen: dict[str, Any] | None = None) -> tuple[dict[str, Any], Any]:
    """(the query, its answer) of yesterday and today."""
    (target,) = panel["targets"]
    body = body_of(target, MIDNIGHT, MIDNIGHT + 2 * DAY - 1, panel.get("interval", "60s"), chosen or ALL)
    return target, search(url, index(), body)


def panel_called(title: str, fleet: str = HOSTILE) -> dict[str, Any]:
    (found,) = [panel for panel in panels(fleet) if panel["title"] == title]
    return found


def lines(url: str, title: str, chosen: dict[str, Any] | None = None) -> dict[str, dict[int, float]]:
    return lines_in(*asked(url, panel_called(title), chosen))


def rows(url: str, title: str) -> list[list[Any]]:
    return rows_in(*asked(url, panel_called(title)))


# --- all of them -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fleet", [HOSTILE, "all"], ids=["hostile", "all"])
def test_the_server_understands_every_query_and_has_an_answer(url: str, fleet: str) -> None:
    shown = panels(fleet)
    assert len(shown) >= 11
    for panel in shown:
        target, answer = asked(url, panel)
        assert "error" not in answer, (panel["title"], answer)
        assert answer["_shards"]["failed"] == 0
        if target["bucketAggs"]:
            assert rows_in(target, answer), panel["title"]
        else:
            assert answer["hits"]["hits"], panel["title"]


def test_three_aliases_are_asked_and_one_without_documents_is_no_error(url: str) -> None:
    assert index() == "nephoscope-metrics,nephoscope-states,nephoscope-alerts"
    target, _ = asked(url, panel_called("The latest changes"))
    answer = search(url, f"{index()},nephoscope-not-there", body_of(target, MIDNIGHT, NOON, "60s", ALL))
    assert [hit["_source"]["host"]["name"] for hit in answer["hits"]["hits"]] == ["web-2"]


# --- what was ----------------------------------------------------------------------------------------------------


def test_a_line_for_each_region_has_the_average_of_its_machines(url: str) -> None:
    found = lines(url, "CPU utilization: average, by region")
    assert found.keys() == {"eu-west-1", "us-east-1"}
    assert found["eu-west-1"] == pytest.approx({NOON + n * 300: 0.4 for n in range(12)})
    assert found["us-east-1"] == pytest.approx({NOON + n * 300: 0.9 if n < 11 else 1.0 for n in range(12)})


def test_a_line_for_each_region_has_what_19_in_20_are_below(url: str) -> None:
    found = lines(url, "CPU utilization: 19 in 20 are below, by region")
    assert found["us-east-1"][NOON] == pytest.approx(0.9)
    assert 0.55 <= found["eu-west-1"][NOON] <= 0.6, "of 0.2 and 0.6"


def test_the_worst_machines_come_first_with_their_figures(url: str) -> None:
    found = rows(url, "CPU utilization: the 10 machines highest on average")
    assert [row[0] for row in found] == [US_1.name, "web-2", "web-1"]
    assert [row[1] for row in found] == pytest.approx([(11 * 0.9 + 1) / 12, 0.6, 0.2])
    assert [row[3] for row in found] == pytest.approx([1.0, 0.6, 0.2])


def test_a_chosen_region_and_account_are_all_that_is_shown(url: str) -> None:
    title = "CPU utilization: average, by region"
    assert lines(url, title, {"account": ["111111111111", "x"], "region": "*"}).keys() == {"eu-west-1"}
    assert lines(url, title, {"account": "*", "region": ["us-east-1"]}).keys() == {"us-east-1"}
    assert lines(url, title, {"account": ['1" OR *'], "region": "*"}) == {}


# --- the life of machines ----------------------------------------------------------------------------------------


def test_a_machine_is_counted_in_each_state_that_it_was_in_within_a_day(url: str) -> None:
    found = lines(url, "Seen in each state, by day")
    assert found == {"running": {MIDNIGHT: 3.0}, "stopped": {MIDNIGHT: 1.0}}


def test_what_happened_to_machines_is_counted_and_that_they_are_there_is_not(url: str) -> None:
    found = lines(url, "What happened to machines")
    hours = {name: {(at - NOON) // HOUR: value for at, value in line.items()} for name, line in found.items()}
    assert hours == {"state_changed": {0: 1.0, 1: 1.0}, "restarted": {2: 1.0, 3: 1.0}}
    assert rows(url, "Restarted most often") == [[US_1.name, 2.0]]


def test_the_latest_changes_come_first_and_have_the_columns_that_are_shown(url: str) -> None:
    panel = panel_called("The latest changes")
    _, answer = asked(url, panel)
    hits = [hit["_source"] for hit in answer["hits"]["hits"]]
    assert [hit["event"]["action"] for hit in hits] == ["restarted", "restarted", "state_changed", "state_changed"]
    fields = set(flat(hits[2])) | set(flat(hits[0]))
    assert set(panel["transformations"][0]["options"]["include"]["names"]) <= fields


# --- what was told -----------------------------------------------------------------------------------------------


def test_alerts_are_counted_as_they_fire_by_rule_and_day(url: str) -> None:
    assert lines(url, "Fired, by rule and day") == {"cpu-hot": {MIDNIGHT: 3.0}, ODD: {MIDNIGHT: 1.0}}


def test_rules_that_fired_most_come_first_with_what_they_fired_on(url: str) -> None:
    found = rows(url, "Rules that fired most often, and on what")
    assert found == [["cpu-hot", US_1.id, 3.0], [ODD, EU_1.id, 1.0]]


def test_the_latest_alerts_have_the_columns_that_are_shown(url: str) -> None:
    panel = panel_called("The latest alerts")
    _, answer = asked(url, panel)
    hits = [hit["_source"] for hit in answer["hits"]["hits"]]
    assert len(hits) == 7
    assert hits[0]["event"]["action"] == "resolved"
    wanted = set(panel["transformations"][0]["options"]["include"]["names"])
    assert wanted - set(flat(hits[0])) == {"alert.muted"}, "which stands only where nobody was told"


# --- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fleet", [HOSTILE, "all"], ids=["hostile", "all"])
def test_a_variable_offers_the_values_of_its_own_fleet(url: str, fleet: str) -> None:
    drawn: Any = render_history(history_board(config(fleet), CATALOG))
    found = {}
    for variable in drawn["templating"]["list"]:
        if variable["type"] == "query":
            wanted = json.loads(variable["query"])
            body = {
                "size": 0,
                "query": {"bool": {"filter": [{"query_string": {"query": wanted["query"]}}]}},
                "aggs": {"1": {"terms": {"field": wanted["field"], "size": wanted["size"]}}},
            }
            answer = search(url, index(), body)
            found[variable["name"]] = {bucket["key"] for bucket in answer["aggregations"]["1"]["buckets"]}
    both = {"account": {"111111111111", "222222222222"}, "region": {"eu-west-1", "us-east-1"}}
    assert found == (both if fleet == HOSTILE else {"account": {"111111111111"}, "region": {"eu-west-1"}})


@pytest.mark.parametrize(
    "name",
    [
        "web-1",
        'db*"1',
        "a b",
        "*",
        "a\\",
        "x OR y",
        "$region",
        "${region}",
        "[[region]]",
        "ü東",
        "a:b/c~^?",
        "-x",
        "\\u0024",
    ],
)
def test_a_quoted_name_finds_itself_and_nothing_else(url: str, name: str) -> None:
    fleet = f"quoted {name}"
    keep(url, [*points(fleet, EU_1, [0.1]), *points(f"{fleet} 2", EU_1, [0.1])], index="names")
    found = search(url, "names-metrics", {"query": {"query_string": {"query": f"nephoscope.fleet:{quoted(fleet)}"}}})
    assert [hit["_source"]["nephoscope"]["fleet"] for hit in found["hits"]["hits"]] == [fleet]
    assert "$" not in quoted(fleet), "or Grafana puts something else there"
    assert "[[" not in quoted(fleet)


def flat(source: dict[str, Any], before: str = "") -> Iterator[str]:
    for name, value in source.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{name}.")
        else:
            yield before + name
