"""Answers of ListTimeSeries -> series in the catalog's units, by the quick path and by the client's own objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud.monitoring_v3 import ListTimeSeriesRequest, ListTimeSeriesResponse
from google.protobuf import json_format

from canned_gcp import DESCRIBE, LIST, CannedGoogle, descriptor, page, series
from gcp_reading import (
    NOON,
    PROJECT,
    SCOPE,
    HandClock,
    config_for,
    in_seconds,
    open_quick_reader,
    open_session,
    request_for,
    shown,
)
from nephoscope.clouds.gcp.answers import Answers
from nephoscope.clouds.gcp.descriptors import Pace
from nephoscope.clouds.gcp.queries import plan_questions, render_filter, render_request
from nephoscope.model.series import Readings, Series, SeriesRequest

WIRE = Path(__file__).parent / "gcp"
CPU = request_for("cpu.utilization", "11")


@pytest.fixture
def google() -> Iterator[CannedGoogle]:
    with CannedGoogle() as canned:
        yield canned


def recorded() -> Any:
    text = (WIRE / "list_time_series.json").read_text(encoding="utf-8")
    return json_format.Parse(text, ListTimeSeriesResponse.pb()())


def read(google: CannedGoogle, *requests: SeriesRequest, **limits: int) -> Readings:
    reader = open_quick_reader(google, limits={"monitoring.time_series": limits})
    return reader.read_series(SCOPE, config_for(), requests, in_seconds())


def test_a_point_at_the_end_of_its_period_is_ours_at_its_start(google: CannedGoogle) -> None:
    google.answer(LIST, recorded())
    readings = read(google, CPU)
    assert readings.gaps == ()
    (series_of_11,) = readings.series
    assert shown(series_of_11) == [(-120, 0.125), (-60, 0.9775)]  # the point at 11:55 began before the window
    assert (series_of_11.start, series_of_11.end, series_of_11.complete) == (NOON - 300, NOON, True)
    assert readings.usage.units == {"monitoring.timeSeries.list": 2}, "what Google bills: the series that came"
    assert readings.usage.calls == {"monitoring.timeSeries.list": 1, "monitoring.metricDescriptors.get": 1}


def test_what_is_asked(google: CannedGoogle) -> None:
    google.answer(LIST, recorded())
    read(google, CPU, request_for("cpu.utilization", "12"))
    (asked,) = google.asked(LIST)
    request: ListTimeSeriesRequest = asked.parameters
    assert request.name == "projects/acme-web"
    assert asked.headers["x-goog-request-params"] == "name=projects/acme-web"
    assert request.filter == (
        'metric.type = "compute.googleapis.com/instance/cpu/utilization" AND resource.type = "gce_instance"'
        ' AND resource.labels.instance_id = one_of("11", "12")'
    )
    assert request.interval.start_time.timestamp() == NOON - 300
    assert request.interval.end_time.timestamp() == NOON
    assert request.aggregation.alignment_period.total_seconds() == 60
    assert request.aggregation.per_series_aligner.name == "ALIGN_MEAN"
    assert request.aggregation.cross_series_reducer.name == "REDUCE_NONE"
    assert (request.view.name, request.page_size) == ("FULL", 100_000)


def test_sums_over_networks_and_disks_are_made_by_google(google: CannedGoogle) -> None:
    google.answer(LIST, page(series("11", (NOON, 60_000), whole=True)))
    readings = read(google, request_for("network.receive", "11"))
    aggregation = google.asked(LIST)[0].parameters.aggregation
    assert (aggregation.per_series_aligner.name, aggregation.cross_series_reducer.name) == ("ALIGN_SUM", "REDUCE_SUM")
    assert list(aggregation.group_by_fields) == ["resource.labels.instance_id"]
    assert shown(readings.series[0]) == [(-60, 1000.0)]  # bytes of a minute, per second


def test_the_quick_path_reads_what_the_clients_own_objects_hold(google: CannedGoogle) -> None:
    google.answer(LIST, recorded())
    (question,) = plan_questions([CPU])
    request = render_request(question, PROJECT, render_filter(question, SCOPE.region, 2000), 100_000)
    session = open_session(google)
    quick = session.list_time_series(request, 5)
    (plain,) = session.client.list_time_series(request=request).pages
    assert type(quick) is not type(plain)
    assert series_of(quick) == series_of(plain)
    assert [len(each.times) for each in series_of(quick)] == [2]


def series_of(answer: Any) -> tuple[Series, ...]:
    answers = Answers(plan_questions([CPU])[0])
    answers.take(answer)
    return answers.series(Pace(), complete=True)


def test_a_series_goes_on_over_a_pages_end(google: CannedGoogle) -> None:
    google.answer(LIST, page(series("11", (NOON, 0.3)), nextPageToken="more"), page(series("11", (NOON - 60, 0.2))))
    readings = read(google, CPU)
    assert [shown(each) for each in readings.series] == [[(-120, 0.2), (-60, 0.3)]]
    assert [asked.parameters.page_token for asked in google.asked(LIST)] == ["", "more"]


def test_percent_becomes_a_fraction_and_each_device_a_series(google: CannedGoogle) -> None:
    found = [series("11", (NOON, 75.0), labels={"device": disk, "state": "used"}) for disk in ("sda1", "sdb")]
    google.answer(LIST, page(*found))
    google.answer(DESCRIBE, descriptor(delay=60))
    readings = read(google, request_for("filesystem.utilization", "11"), request_for("filesystem.utilization", "12"))
    assert 'metric.labels.state = "used"' in google.asked(LIST)[0].parameters.filter
    assert [(each.key.resource_id, each.key.attributes, shown(each)) for each in readings.series] == [
        ("11", (("system_device", "sda1"),), [(-60, 0.75)]),
        ("11", (("system_device", "sdb"),), [(-60, 0.75)]),
    ], "a machine without an agent has no such series"


def test_whole_numbers(google: CannedGoogle) -> None:
    bucket = series("x", (NOON, 7), whole=True)
    bucket["resource"] = {"type": "gcs_bucket", "labels": {"bucket_name": "logs", "location": "eu"}}
    google.answer(LIST, page(bucket))
    readings = read(google, request_for("objects", "logs", period=3600, start=NOON - 7200, end=NOON))
    assert [shown(each) for each in readings.series] == [[(-3600, 7.0)]]


def test_a_machine_that_was_started_anew_counts_anew(google: CannedGoogle) -> None:
    """Whole seconds, a level: nothing is summed or divided, and a fall is what it is."""
    google.answer(LIST, page(series("11", (NOON, 75), (NOON - 60, 15), (NOON - 120, 864_000), whole=True)))
    (uptime,) = read(google, request_for("uptime", "11")).series
    aggregation = google.asked(LIST)[0].parameters.aggregation
    assert (aggregation.per_series_aligner.name, aggregation.cross_series_reducer.name) == ("ALIGN_MIN", "REDUCE_NONE")
    assert shown(uptime) == [(-180, 864_000.0), (-120, 15.0), (-60, 75.0)]


def test_a_whole_answer_without_a_machine_says_that_it_has_no_point(google: CannedGoogle) -> None:
    google.answer(LIST, page())
    (absent,) = read(google, CPU).series
    assert (absent.complete, list(absent.times)) == (True, [])


def test_a_machine_that_was_renamed_is_one_series(google: CannedGoogle) -> None:
    before = series("11", (NOON - 60, 0.2), labels={"instance_name": "old"})
    after = series("11", (NOON, 0.3), labels={"instance_name": "new"})
    google.answer(LIST, page(before, after))
    assert [shown(each) for each in read(google, CPU).series] == [[(-120, 0.2), (-60, 0.3)]]


def test_many_machines_are_asked_for_by_region_in_one_call(google: CannedGoogle) -> None:
    google.answer(LIST, page(*(series(str(number), (NOON, 0.5)) for number in range(1000))))
    readings = read(google, *(request_for("cpu.utilization", str(number)) for number in range(1000)))
    (asked,) = google.asked(LIST)
    assert asked.parameters.filter.endswith(' AND resource.labels.zone = starts_with("europe-west1-")')
    assert len(readings.series) == 1000


def test_what_is_far_behind_has_a_question_of_its_own(google: CannedGoogle) -> None:
    google.answer(LIST, page())
    late = request_for("cpu.utilization", "12", start=NOON - 6 * 3600)
    read(google, CPU, late)
    first, second = google.asked(LIST)
    assert first.parameters.filter.endswith('one_of("12")') != second.parameters.filter.endswith('one_of("12")')


def test_a_longer_delay_in_the_descriptor_leaves_the_newest_periods_open(google: CannedGoogle) -> None:
    google.answer(LIST, page(series("11", *((NOON - back, 0.5) for back in (240, 180, 120, 60, 0)))))
    google.answer(DESCRIBE, descriptor(delay=360))
    (read_series,) = read(google, CPU).series
    assert read_series.end == NOON - 120  # 360 s instead of the row's 240: two periods less
    assert shown(read_series)[-1] == (-180, 0.5)
    (asked,) = google.asked(DESCRIBE)
    assert asked.parameters.name == (
        "projects/acme-web/metricDescriptors/compute.googleapis.com/instance/cpu/utilization"
    )


def test_a_shorter_delay_in_the_descriptor_changes_nothing(google: CannedGoogle) -> None:
    google.answer(LIST, page(series("11", (NOON, 0.5))))
    google.answer(DESCRIBE, descriptor(delay=60))
    assert read(google, CPU).series[0].end == NOON


def test_a_metric_that_is_sampled_more_rarely_than_the_row_says_has_no_absent_periods(google: CannedGoogle) -> None:
    google.answer(LIST, page(series("11", (NOON, 0.5))))
    google.answer(DESCRIBE, descriptor(sample=300))
    assert read(google, CPU).series[0].complete is False


def test_a_learned_delay_never_narrows(google: CannedGoogle) -> None:
    google.answer(LIST, page(series("11", (NOON, 0.5))))
    google.answer(DESCRIBE, descriptor(delay=360), descriptor(delay=240))
    clock = HandClock()
    reader = open_quick_reader(google, clock=clock)
    ends = []
    for _ in range(3):
        ends.append(reader.read_series(SCOPE, config_for(), [CPU], in_seconds()).series[0].end - NOON)
        clock.now += 50_000  # more than half a day
    assert ends == [-120, -120, -120]
    assert len(google.asked(DESCRIBE)) == 2, "descriptors are kept for a day"


def test_the_fixture_is_what_it_says() -> None:
    assert len(json.loads((WIRE / "list_time_series.json").read_text(encoding="utf-8"))["timeSeries"]) == 2
