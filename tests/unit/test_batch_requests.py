"""Packing data for PutMetricData: nothing lost, nothing doubled, in time order, in the fewest requests."""

from __future__ import annotations

import json
from array import array
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.publish import Datum
from nephoscope.pipeline.batch import OversizePoint, Refusal, plan_batches, refusal_of, request_of, sort_out

NAMESPACE = "nephoscope"
LIMITS = load_catalog().limits["cloudwatch.put_metric_data"]
NOW = 1_795_435_200


def datum(name: str = "cpu.utilization", at: int = NOW, values: tuple[float, ...] = (1.0,), **changes: object) -> Datum:
    fields = {
        "name": name,
        "dimensions": (("fleet", "acme"),),
        "at": at,
        "unit": "Percent",
        "values": array("d", values),
        "counts": array("d", [1.0] * len(values)),
    }
    return Datum(**(fields | changes))  # type: ignore[arg-type]


data_strategy = st.lists(
    st.builds(
        datum,
        name=st.text(alphabet="abc.é", min_size=1, max_size=40),
        at=st.integers(min_value=NOW - 600, max_value=NOW),
        values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6).map(tuple),
    ),
    max_size=40,
)


def body_size(batch: tuple[Datum, ...]) -> int:
    """What botocore's JSON serializer writes: json.dumps with its defaults (a contract test holds that)."""
    return len(json.dumps({"Namespace": NAMESPACE, "MetricData": request_of(batch)}))


@settings(deadline=None)
@given(data_strategy, st.integers(min_value=800, max_value=4_000), st.integers(min_value=1, max_value=8))
def test_every_datum_stands_in_exactly_one_request_within_the_limits(
    data: list[Datum], request_bytes: int, metrics: int
) -> None:
    limits = {**LIMITS, "request_bytes": request_bytes, "metrics": metrics}
    batches = plan_batches(data, limits, NAMESPACE)
    assert sorted(map(id, data)) == sorted(id(one) for batch in batches for one in batch)
    times = [one.at for batch in batches for one in batch]
    assert times == sorted(times)
    for batch in batches:
        assert 1 <= len(batch) <= metrics
        assert body_size(batch) <= request_bytes
    for left, right in pairwise(batches):  # the next datum did not fit any more: no fewer requests in this order
        assert len(left) == metrics or body_size((*left, right[0])) > request_bytes


def test_a_thousand_data_are_one_request_and_one_more_is_two() -> None:
    assert [len(batch) for batch in plan_batches([datum()] * 1_000, LIMITS, NAMESPACE)] == [1_000]
    assert [len(batch) for batch in plan_batches([datum()] * 1_001, LIMITS, NAMESPACE)] == [1_000, 1]


def test_a_request_is_filled_to_the_last_byte() -> None:
    size = body_size((datum(), datum()))
    assert len(plan_batches([datum()] * 2, {**LIMITS, "request_bytes": size}, NAMESPACE)) == 1
    assert len(plan_batches([datum()] * 2, {**LIMITS, "request_bytes": size - 1}, NAMESPACE)) == 2


def test_nothing_needs_no_request() -> None:
    assert plan_batches([], LIMITS, NAMESPACE) == ()


def test_a_datum_that_is_too_large_alone_is_named() -> None:
    with pytest.raises(OversizePoint, match=r"cpu\.utilization: .* a request takes 100"):
        plan_batches([datum()], {**LIMITS, "request_bytes": 100}, NAMESPACE)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (datum(values=(1.0, float("nan"))), Refusal.NOT_A_NUMBER),
        (datum(values=(float("inf"),)), Refusal.NOT_A_NUMBER),
        (datum(values=(2.0**361,)), Refusal.NOT_A_NUMBER),
        (datum(values=()), Refusal.EMPTY),
        (datum(counts=array("d", [1.0, 2.0])), Refusal.EMPTY),
        (datum(counts=array("d", [0.0])), Refusal.COUNT_NOT_POSITIVE),
        (datum(values=tuple(map(float, range(151)))), Refusal.TOO_MANY_VALUES),
        (datum(dimensions=tuple((f"d{n}", "x") for n in range(31))), Refusal.BAD_DIMENSIONS),
        (datum(dimensions=(("fleet", ""),)), Refusal.BAD_DIMENSIONS),
        (datum(dimensions=(("fleet", "Zürich"),)), Refusal.BAD_DIMENSIONS),
        (datum(dimensions=((":fleet", "acme"),)), Refusal.BAD_DIMENSIONS),
        (datum(name=""), Refusal.BAD_NAME),
        (datum(name="x" * 256), Refusal.BAD_NAME),
        (datum(at=NOW - 14 * 86_400 - 1), Refusal.TOO_OLD),
        (datum(at=NOW + 7_201), Refusal.IN_THE_FUTURE),
    ],
)
def test_what_cloudwatch_would_refuse_is_known_before(bad: Datum, why: Refusal) -> None:
    assert refusal_of(bad, LIMITS, NAMESPACE, NOW) is why
    checked = sort_out([datum(), bad, datum()], LIMITS, NAMESPACE, NOW)
    assert len(checked.good) == 2
    assert checked.refused == {why: 1}


@pytest.mark.parametrize(
    "good",
    [
        datum(),
        datum(values=tuple(map(float, range(150)))),
        datum(values=(-(2.0**360), 2.0**360)),
        datum(dimensions=tuple((f"d{n}", "x") for n in range(30))),
        datum(at=NOW - 14 * 86_400),
        datum(at=NOW + 7_200),
    ],
)
def test_what_is_just_within_the_limits_is_let_through(good: Datum) -> None:
    assert refusal_of(good, LIMITS, NAMESPACE, NOW) is None
