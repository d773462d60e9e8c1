"""Questions to history: what is asked of the server, and what its answers mean. Bodies and answers as Elasticsearch's
reference has them: "Composite aggregation", "Percentiles aggregation" (keyed false), "Wildcard query"."""

from __future__ import annotations

import json
import math
from array import array
from itertools import pairwise
from typing import Any

import pytest

from nephoscope.model.question import Course, Question, Total
from nephoscope.model.time import DAY, HOUR
from nephoscope.pipeline.asking.answers import add_steps, labels_of, measured_of, survey_of, totals_of, worst_first
from nephoscope.pipeline.asking.bodies import slices_of, steps_body, totals_body
from nephoscope.pipeline.asking.fields import UnclearQuestionError, escaped, holds, parse_where
from nephoscope.pipeline.asking.life import Happened, shares_of, stays_of, strip_of
from nephoscope.pipeline.asking.question import ask, parse_statistic, step_of
from nephoscope.pipeline.asking.recordings import Gathering

BEGIN = 1_795_608_000  # 2026-11-25 12:00:00 UTC
KEY = ("aws", "111111111111", "eu-west-1", "i-1")


def question(by: str = "host", statistic: str = "avg", where: tuple[str, ...] = (), hours: int = 24) -> Question:
    return ask("acme", "cpu.utilization", statistic, by, where, BEGIN, BEGIN + hours * HOUR, 300)


def total(*key: str | None, name: str = "", value: float = 1.0) -> Total:
    return Total(key, name, 1, value, value, value, value, BEGIN)


# --- bodies -------------------------------------------------------------------------------------------------------


def test_a_search_of_steps_is_the_documented_body() -> None:
    assert steps_body(question(by="tag:Env", where=("region=eu-*", "cloud=aws"))) == {
        "size": 0,
        "_source": False,
        "track_total_hits": False,
        "query": {
            "bool": {
                "filter": [
                    {"term": {"nephoscope.fleet": {"value": "acme"}}},
                    {"term": {"metric.name": {"value": "cpu.utilization"}}},
                    {
                        "range": {
                            "@timestamp": {
                                "gte": "2026-11-25T12:00:00Z",
                                "lt": "2026-11-26T12:00:00Z",
                                "format": "strict_date_time_no_millis",
                            }
                        }
                    },
                    {"wildcard": {"cloud.region": {"value": "eu-*", "case_insensitive": False}}},
                    {"term": {"cloud.provider": {"value": "aws"}}},
                ]
            }
        },
        "aggs": {
            "groups": {
                "composite": {
                    "size": 10000,
                    "sources": [
                        {"at": {"date_histogram": {"field": "@timestamp", "fixed_interval": "300s"}}},
                        {"g0": {"terms": {"field": "labels.env", "missing_bucket": True}}},
                    ],
                },
                "aggs": {"value": {"avg": {"field": "metric.value"}}},
            }
        },
    }


def test_a_percentile_is_asked_of_the_server_in_smaller_pages() -> None:
    groups = steps_body(question(statistic="p99.9"))["aggs"]["groups"]
    assert groups["composite"]["size"] == 1000
    assert groups["aggs"] == {"value": {"percentiles": {"field": "metric.value", "percents": [99.9], "keyed": False}}}


def test_the_next_page_begins_after_the_key_of_the_last() -> None:
    after = {"g0": None, "g1": "a", "g2": "b", "g3": "c"}
    assert totals_body(question(), after)["aggs"]["groups"]["composite"]["after"] == after


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("web-*", "web-*"),
        ("what?*", "what\\?*"),
        ("back\\slash*", "back\\\\slash*"),
        ('"}},{"match_all":{}}*', '"}},{"match_all":{}}*'),
    ],
)
def test_only_a_star_is_more_than_itself(written: str, meant: str) -> None:
    assert escaped(written) == meant
    query = holds(parse_where(f"region={written}"))
    assert json.loads(json.dumps(query)) == {"wildcard": {"cloud.region": {"value": meant, "case_insensitive": False}}}


def test_a_value_without_a_star_is_a_term_whatever_is_in_it() -> None:
    assert holds(parse_where("tag:a.b=x=?\\")) == {"term": {"labels.a_b": {"value": "x=?\\"}}}


def test_slices_cover_the_time_once_and_are_cut_at_steps() -> None:
    for groups in (0, 1, 7, 10_000):
        parts = list(slices_of(question(), groups))
        assert parts[0].begin == BEGIN
        assert parts[-1].end == BEGIN + DAY
        assert all(one.end == other.begin and one.end % 300 == 0 for one, other in pairwise(parts))
    assert len(list(slices_of(question(), 10_000))) == 288
    assert len(list(slices_of(question(), 10))) == 1


# --- what was asked -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "period", "wanted", "step"),
    [
        (1, 60, 0, 60),  # 60 steps
        (24, 60, 0, 300),  # 288
        (24, 300, 0, 300),
        (168, 60, 0, 3600),  # 168
        (24 * 365, 60, 0, 7 * DAY),  # a day would be 365 steps: weeks, 53 of them
        (1, 300, 60, 300),  # no finer than points
        (24, 420, 0, 840),  # an odd period: the first multiple of it from ten minutes on
        (24, 86_400, 0, 86_400),
    ],
)
def test_steps_are_few_enough_to_see_and_no_finer_than_points(hours: int, period: int, wanted: int, step: int) -> None:
    assert step_of(0, hours * HOUR, period, wanted) == step


@pytest.mark.parametrize("word", ["p0", "p100", "median", "", "p95x", "AVG"])
def test_what_is_no_statistic_is_refused(word: str) -> None:
    with pytest.raises(UnclearQuestionError, match="unknown statistic"):
        parse_statistic(word)


@pytest.mark.parametrize("by", ["", "state", "tag:", "zoen", "name"])
def test_what_is_no_word_is_refused(by: str) -> None:
    with pytest.raises(UnclearQuestionError, match="unknown word"):
        question(by=by)


# --- answers ------------------------------------------------------------------------------------------------------


def test_a_survey_of_nothing_is_nothing() -> None:
    empty = {"points": {"value": 0}, "period": {"value": None}, "unit": {"buckets": []}, "first": {"value": None}}
    assert survey_of(empty).points == survey_of({}).points == 0


def test_totals_have_the_newest_name_and_the_group_without_a_value() -> None:
    figures = {"count": 2, "min": 0.25, "max": 0.75, "avg": 0.5, "sum": 1.0}
    bucket = {
        "key": {"g0": None},
        "doc_count": 2,
        "figures": figures,
        "value": {"value": 0.5},
        "last": {"value": 1_795_608_000_000.0},
        "name": {"buckets": [{"key": "new"}]},
    }
    page = {"groups": {"after_key": {"g0": None}, "buckets": [bucket]}}
    (found,), after = totals_of(page, 1, 1)
    assert found == Total((None,), "new", 2, 0.5, 0.5, 0.75, 0.25, BEGIN)
    assert after == {"g0": None}, "a full page: there may be another"
    assert totals_of(page, 1, 2)[1] is None, "one that is not full is the last"


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ({"value": 0.5}, 0.5),
        ({"value": None}, math.nan),
        ({"value": "NaN"}, math.nan),
        ({"value": "Infinity"}, math.nan),
        ({"values": [{"key": 95.0, "value": 0.9}]}, 0.9),
        ({"values": [{"key": 95.0, "value": None}]}, math.nan),
    ],
)
def test_a_figure_is_a_number_or_none(answer: dict[str, Any], value: float) -> None:
    assert measured_of({"value": answer}) == pytest.approx(value, nan_ok=True)


def test_steps_go_to_their_groups_and_strangers_nowhere() -> None:
    course = Course("a", total("a"))
    buckets = [
        {"key": {"at": BEGIN * 1000, "g0": "a"}, "value": {"value": 0.5}},
        {"key": {"at": BEGIN * 1000, "g0": "b"}, "value": {"value": 0.75}},
        {"key": {"at": (BEGIN + 300) * 1000, "g0": "a"}, "value": {"value": None}},
    ]
    assert add_steps({"groups": {"buckets": buckets}}, 1, {("a",): course}, 10) is None
    assert (course.times, course.values) == (array("q", [BEGIN]), array("d", [0.5]))


def test_no_two_groups_are_called_the_same() -> None:
    twins = [total(*KEY[:3], "i-1", name="twin"), total(*KEY[:3], "i-2", name="twin"), total(*KEY, name="web")]
    assert labels_of(twins, "host") == ("twin (i-1)", "twin (i-2)", "web")
    assert labels_of([total(None), total("no env"), total("prod")], "tag:env") == ("no env", "no env #2", "prod")


def test_the_worst_is_the_highest_or_where_low_is_bad_the_lowest() -> None:
    low, high = total("a", value=0.1), total("b", value=0.9)
    assert worst_first([low, high]) == [high, low]
    assert worst_first([high, low], upward=False) == [low, high]


# --- a machine's life ---------------------------------------------------------------------------------------------


def seen(at: int, what: str, before: str = "", action: str = "state_changed") -> Happened:
    return Happened(at, "state", action, what, before)


def test_states_last_until_the_next_that_was_seen() -> None:
    events = [seen(200, "stopped", "running"), seen(300, "running", "stopped"), seen(350, "running", action="seen")]
    stays = stays_of(events, None, 100, 500)
    assert [(each.state, each.begin, each.end) for each in stays] == [
        ("running", 100, 200), ("stopped", 200, 300), ("running", 300, 500),
    ]  # fmt: skip
    assert shares_of(stays) == {"running": 300, "stopped": 100}
    assert strip_of(stays, 100, 500, 4) == ("running", "stopped", "running", "running")


def test_before_it_was_first_seen_nobody_knows_and_after_it_is_gone() -> None:
    events = [seen(200, "running", action="first_seen"), seen(300, "running", action="gone")]
    assert [each.state for each in stays_of(events, None, 100, 400)] == ["", "running", "gone"]
    assert [each.state for each in stays_of([], seen(50, "stopped"), 100, 400)] == ["stopped"]


# --- for a replay -------------------------------------------------------------------------------------------------


def hit(at: str, value: float, resource: str = "i-1", name: str = "web") -> dict[str, Any]:
    cloud = {"provider": "aws", "account": {"id": "1"}, "region": "eu-west-1", "availability_zone": "eu-west-1a"}
    own = {"kind": "instance", "id": resource, "name": name}
    metric = {"name": "cpu.utilization", "period": 60, "value": value}
    return {"_source": {"@timestamp": at, "cloud": cloud, "resource": own, "labels": {"env": "x"}, "metric": metric}}


def test_points_are_put_in_order_and_what_was_not_kept_is_unknown() -> None:
    gathering = Gathering({"env": "Env"})
    gathering.add([hit("2026-11-25T12:01:00Z", 0.2, name="new"), hit("2026-11-25T12:00:00Z", 0.1)])
    gathering.add([hit("2026-11-25T12:20:00Z", 0.3, "i-2")])
    (recording,) = gathering.recordings(BEGIN, BEGIN + 1800)
    first, second = sorted(recording.stretches, key=lambda each: each.key)
    assert list(zip(first.times, first.values, strict=True)) == [(BEGIN, 0.1), (BEGIN + 60, 0.2)]
    hole = (BEGIN + 120, BEGIN + 1200)  # neither had a point
    assert first.unknown == (hole, (BEGIN + 120, BEGIN + 1800))
    assert second.unknown == ((BEGIN, BEGIN + 1200), hole, (BEGIN + 1260, BEGIN + 1800))
    assert [(each.name, dict(each.tags)) for each in recording.resources] == [
        ("new", {"Env": "x"}),
        ("web", {"Env": "x"}),
    ]


def test_of_two_points_of_one_time_the_later_one_counts() -> None:
    gathering = Gathering({})
    at = "2026-11-25T12:00:00Z"
    gathering.add([hit(at, 0.1), hit("2026-11-25T12:01:00Z", 0.2), hit(at, 0.3)])
    assert gathering.last == BEGIN + 120
    (recording,) = gathering.recordings(BEGIN, BEGIN + 1800)
    (stretch,) = recording.stretches
    assert list(zip(stretch.times, stretch.values, strict=True)) == [(BEGIN, 0.3), (BEGIN + 60, 0.2)]
