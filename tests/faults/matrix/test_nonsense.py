"""Numbers that are none, on the wire: GetMetricData's JSON with NaN, infinities, nulls, strings and values of another
unit. What is no number is unknown, never a value and never absent; a unit that is not the catalog's is read as it is
asked for (the request names none), so a share beyond all bounds is a value and breaches.
Source: Amazon CloudWatch API reference, GetMetricData, MetricDataResult."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from aws_reading import NOON, SCOPE, config_for, in_seconds, open_quick_reader, request_for
from canned_aws import JSON, CannedAws, Reply, Request
from nephoscope.model.errors import Reason

CPU = "cpu.utilization"


def read(requests):
    return open_quick_reader(sleep=lambda _: None).read_series(SCOPE, config_for(), requests, in_seconds())


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch):
    with CannedAws() as canned:
        monkeypatch.setenv("AWS_ENDPOINT_URL", canned.url)
        yield canned


def saying(raw: str):
    """Two points: 20 percent, and what is written here."""

    def answer(request: Request) -> Reply:
        (query,) = request.parameters["MetricDataQueries"]
        times = [NOON - 600, NOON - 300]
        result = {"Id": query["Id"], "Label": "x", "Timestamps": times, "Values": [20.0, "@"], "StatusCode": "Complete"}
        body = json.dumps({"MetricDataResults": [result], "Messages": []}).replace('"@"', raw)
        return Reply(body.encode(), content_type=JSON)

    return answer


NO_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999"]


@pytest.mark.parametrize("raw", [*NO_NUMBERS, '"NaN"', '"Infinity"', "null", '"95 %"', '""', "[]", "{}"])
def test_aws_gives_no_number_for_what_is_none(aws: CannedAws, raw: str) -> None:
    aws.answer("GetMetricData", saying(raw))
    readings = read([request_for(CPU, "i-1")])
    values = [value for series in readings.series for value in series.values]
    assert [value for value in values if math.isfinite(value)] in ([pytest.approx(0.2)], [])


@pytest.mark.parametrize("raw", ['"NaN"', '"Infinity"', "null", '"95 %"', '""', "[]", "{}"])
def test_what_cannot_be_read_as_a_number_is_a_gap(aws: CannedAws, raw: str) -> None:
    aws.answer("GetMetricData", saying(raw))
    assert [gap.reason for gap in read([request_for(CPU, "i-1")]).gaps] == [Reason.MALFORMED]


@pytest.mark.parametrize("raw", NO_NUMBERS)
def test_what_is_no_number_is_unknown_and_not_absent(aws: CannedAws, raw: str) -> None:
    aws.answer("GetMetricData", saying(raw))
    (series,) = read([request_for(CPU, "i-1")]).series
    assert len(series.times) == 2 or not series.complete


def test_a_share_beyond_all_bounds_is_still_a_number(aws: CannedAws) -> None:
    aws.answer("GetMetricData", saying("95000.0"))
    (series,) = read([request_for(CPU, "i-1")]).series
    assert list(series.values) == pytest.approx([0.2, 950.0])
