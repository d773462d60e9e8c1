"""Packing data into the fewest PutMetricData requests, and saying beforehand which of them would be refused.

The size that counts is that of the JSON which botocore writes, before it is compressed; it is computed here to the
byte (a test compares it with what botocore sends).
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html; catalog/limits.toml.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from nephoscope.model.errors import NephoscopeError
from nephoscope.model.publish import Datum

_LARGEST = 2.0**360
_NAME_CHARACTERS = 255
_DIMENSION_CHARACTERS = 1024


class OversizePoint(NephoscopeError):  # noqa: N818 - the vendor's limit is on a point; the root says it is an error
    """One datum alone is larger than a request may be."""

    def __init__(self, datum: Datum, size: int, limit: int) -> None:
        self.datum = datum
        super().__init__(f"{datum.name}: {size} bytes alone, a request takes {limit}")


class Refusal(StrEnum):
    """Why CloudWatch would not take a datum."""

    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"  # NaN, infinity, beyond 2^360
    COUNT_NOT_POSITIVE = "count_not_positive"
    TOO_MANY_VALUES = "too_many_values"
    BAD_DIMENSIONS = "bad_dimensions"  # more than 30; or one empty, too long, not ASCII, its name led by a colon
    BAD_NAME = "bad_name"
    TOO_OLD = "too_old"
    IN_THE_FUTURE = "in_the_future"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Sorted:
    """good: what may be sent, in the order given. refused: how many of the others for which reason."""

    good: tuple[Datum, ...]
    refused: Mapping[Refusal, int] = field(default_factory=dict)


def sort_out(data: Iterable[Datum], limits: Mapping[str, int], namespace: str, now: float) -> Sorted:
    """Take out what CloudWatch would refuse, so that one bad datum costs only itself. now: clock, epoch seconds."""
    good: list[Datum] = []
    refused: dict[Refusal, int] = {}
    for datum in data:
        refusal = refusal_of(datum, limits, namespace, now)
        if refusal is None:
            good.append(datum)
        else:
            refused[refusal] = refused.get(refusal, 0) + 1
    return Sorted(tuple(good), refused)


def refusal_of(datum: Datum, limits: Mapping[str, int], namespace: str, now: float) -> Refusal | None:
    """The first reason for which CloudWatch would not take this datum; None where it would."""
    checks = {
        Refusal.EMPTY: not datum.values or len(datum.values) != len(datum.counts),
        Refusal.NOT_A_NUMBER: not all(math.isfinite(value) and abs(value) <= _LARGEST for value in datum.values),
        Refusal.COUNT_NOT_POSITIVE: not all(0 < count < math.inf for count in datum.counts),
        Refusal.TOO_MANY_VALUES: len(datum.values) > limits["values"],
        Refusal.BAD_NAME: not 0 < len(datum.name) <= _NAME_CHARACTERS,
        Refusal.BAD_DIMENSIONS: len(datum.dimensions) > limits["dimensions"] or not _dimensions_fit(datum),
        Refusal.TOO_OLD: datum.at < now - limits["past_seconds"],
        Refusal.IN_THE_FUTURE: datum.at > now + limits["future_seconds"],
    }
    first = next((refusal for refusal, true in checks.items() if true), None)
    if first is None and _envelope(namespace) + _size(datum) > limits["request_bytes"]:
        return Refusal.TOO_LARGE
    return first


def plan_batches(data: Sequence[Datum], limits: Mapping[str, int], namespace: str) -> tuple[tuple[Datum, ...], ...]:
    """Pack data into the fewest requests that PutMetricData accepts.

    data: any order, may be empty. Returns requests in time order; every datum stands in exactly one. In time order,
    filling each request before the next is begun cannot be beaten.
    Raises OversizePoint when a single datum exceeds limits["request_bytes"].
    """
    batches: list[list[Datum]] = []
    room = 0
    for datum in sorted(data, key=lambda datum: datum.at):
        size = _size(datum)
        if _envelope(namespace) + size > limits["request_bytes"]:
            raise OversizePoint(datum, _envelope(namespace) + size, limits["request_bytes"])
        if not batches or size + len(_COMMA) > room or len(batches[-1]) == limits["metrics"]:
            batches.append([])
            room = limits["request_bytes"] - _envelope(namespace) + len(_COMMA)
        batches[-1].append(datum)
        room -= size + len(_COMMA)
    return tuple(map(tuple, batches))


def request_of(data: Sequence[Datum]) -> list[dict[str, object]]:
    """The MetricData of one PutMetricData call."""
    return [
        {
            "MetricName": datum.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in datum.dimensions],
            "Timestamp": datum.at,
            "Values": list(datum.values),
            "Counts": list(datum.counts),
            "Unit": datum.unit,
        }
        for datum in data
    ]


_COMMA = ", "


def _envelope(namespace: str) -> int:
    return len(json.dumps({"Namespace": namespace, "MetricData": []}))


def _size(datum: Datum) -> int:
    return len(json.dumps(request_of([datum])[0]))


def _dimensions_fit(datum: Datum) -> bool:
    return all(
        _fits(name, _NAME_CHARACTERS) and not name.startswith(":") and _fits(value, _DIMENSION_CHARACTERS)
        for name, value in datum.dimensions
    )


def _fits(text: str, most: int) -> bool:
    return text.isascii() and bool(text.strip()) and len(text) <= most
