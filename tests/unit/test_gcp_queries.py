"""How requests become questions: few of them, each billed for no more than it must be."""

from __future__ import annotations

from nephoscope.catalog.loader import load_catalog
from nephoscope.clouds.gcp.queries import FURTHER_PERIODS, plan_questions, render_filter, render_request
from nephoscope.model.scope import Cloud
from nephoscope.model.series import SeriesRequest

NOON = 1_795_435_200
METRICS = load_catalog().metrics


def request(metric: str, resource: str = "1", *, back: int = 5, end: int = NOON, period: int = 60) -> SeriesRequest:
    source = METRICS[metric].sources[Cloud.GCP]
    return SeriesRequest(resource, metric, source, period, end - back * period, end)


def test_a_metric_of_a_thousand_machines_is_one_question() -> None:
    (question,) = plan_questions([request("cpu.utilization", str(number)) for number in range(1000)])
    assert (question.start, question.end, len(question.ids)) == (NOON - 300, NOON, 1000)


def test_metrics_and_ends_are_asked_for_apart() -> None:
    asked = [request("cpu.utilization"), request("network.receive"), request("cpu.utilization", "2", end=NOON - 60)]
    assert len(plan_questions(asked)) == 3


def test_windows_that_begin_apart_share_a_question_up_to_an_hour() -> None:
    near = [request("cpu.utilization", "1"), request("cpu.utilization", "2", back=5 + FURTHER_PERIODS)]
    far = [request("cpu.utilization", "1"), request("cpu.utilization", "2", back=6 + FURTHER_PERIODS)]
    (shared,) = plan_questions(near)
    assert shared.start == NOON - 60 * 65
    assert [question.ids for question in plan_questions(far)] == [("2",), ("1",)], "what is left over comes first"


def test_nothing_to_ask() -> None:
    assert plan_questions([]) == ()


def test_a_filter_that_is_too_long_names_the_region() -> None:
    (question,) = plan_questions([request("cpu.utilization", "1234567890123456789"), request("cpu.utilization", "2")])
    named = render_filter(question, "europe-west1", 2000)
    assert named.endswith('resource.labels.instance_id = one_of("1234567890123456789", "2")')
    assert render_filter(question, "europe-west1", len(named)) == named
    assert render_filter(question, "europe-west1", len(named) - 1).endswith(
        'AND resource.labels.zone = starts_with("europe-west1-")'
    )


def test_a_buckets_filter_names_its_place_and_a_name_cannot_break_out() -> None:
    (question,) = plan_questions([request("size", 'a"b\\c', period=3600)])
    assert render_filter(question, "eu", 2000).endswith('resource.labels.bucket_name = one_of("a\\"b\\\\c")')
    assert render_filter(question, "eu", 10).endswith('resource.labels.location = "eu"')


def test_a_sum_keeps_what_a_series_is_known_by() -> None:
    (question,) = plan_questions([request("objects", "logs", period=3600)])
    asked = render_request(question, "acme-web", "f", 100_000)
    assert list(asked.aggregation.group_by_fields) == ["resource.labels.bucket_name"]
    (plain,) = plan_questions([request("size", "logs", period=3600)])
    assert list(render_request(plain, "acme-web", "f", 9).aggregation.group_by_fields) == []
