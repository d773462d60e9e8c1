"""One datum of PutMetricData, and every reason to refuse it.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nephoscope.localcloud.aws.call import AwsError, combination, invalid_value, missing
from nephoscope.localcloud.aws.protocol import parse_time
from nephoscope.localcloud.aws.streams import MetricKey

METRICS = 1000
REQUEST_BYTES = 1_000_000
VALUES = 150
DIMENSIONS = 30
PAST_SECONDS = 14 * 86_400
FUTURE_SECONDS = 2 * 3600
_LARGEST = 2.0**360
_NAMESPACE = re.compile(r"[^:][0-9A-Za-z.\-_/#:]{0,254}")
_SIZES = ("Bytes", "Bits", *(size + what for size in ("Kilo", "Mega", "Giga", "Tera") for what in ("bytes", "bits")))
_PLAIN_UNITS = ("None", "Percent", "Count", "Count/Second", "Seconds", "Microseconds", "Milliseconds")
_UNITS = frozenset({*_PLAIN_UNITS, *_SIZES, *(f"{size}/Second" for size in _SIZES)})


@dataclass(frozen=True, slots=True)
class Datum:
    """at: seconds. weights: (value, how often). statistics: count, sum, least, most of a statistic set."""

    key: MetricKey
    at: int
    unit: str
    resolution: int
    weights: tuple[tuple[float, float], ...]
    statistics: tuple[float, float, float, float] | None


def parse_data(params: Mapping[str, Any], now: float) -> Sequence[Datum]:
    """Everything in a request. Raises AwsError for the first thing that CloudWatch would refuse."""
    namespace = params.get("Namespace")
    if not namespace:
        raise missing("The parameter Namespace is required.")
    if not _NAMESPACE.fullmatch(namespace):
        raise invalid_value("The value for parameter Namespace is invalid.")
    if namespace.startswith("AWS/"):
        raise invalid_value('The value AWS/ for parameter Namespace is invalid: it must not start with "AWS/".')
    rows = [*params.get("MetricData", []), *_of_entities(params)]
    if not rows:
        raise missing("The parameter MetricData is required.")
    if len(rows) > METRICS:
        raise invalid_value(f"The collection MetricData must not have a size greater than {METRICS}.")
    return [_datum(namespace, row, f"MetricData.member.{place}", now) for place, row in enumerate(rows, start=1)]


def _of_entities(params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for entity in params.get("EntityMetricData", []) for row in entity.get("MetricData", [])]


def _datum(namespace: str, row: Mapping[str, Any], path: str, now: float) -> Datum:
    name = row.get("MetricName")
    if not name:
        raise missing(f"The parameter {path}.MetricName is required.")
    if len(name) > 255:
        raise invalid_value(f"The parameter {path}.MetricName must be shorter than 256 characters.")
    unit = row.get("Unit", "None")
    if unit not in _UNITS:
        raise invalid_value(f"The parameter {path}.Unit must be a value in the set {sorted(_UNITS)}.")
    resolution = int(row.get("StorageResolution", 60))
    if resolution not in (1, 60):
        raise invalid_value(f"The parameter {path}.StorageResolution must be 1 or 60.")
    key = MetricKey(namespace, name, _dimensions(row.get("Dimensions", []), path))
    weights, statistics = _values(row, path)
    return Datum(key, _time(row, path, now), unit, resolution, weights, statistics)


def _time(row: Mapping[str, Any], path: str, now: float) -> int:
    at = parse_time(row["Timestamp"]) if "Timestamp" in row else now
    if not now - PAST_SECONDS <= at <= now + FUTURE_SECONDS:
        raise invalid_value(
            f"The parameter {path}.Timestamp must specify a time no more than two weeks in the past and no more than "
            "two hours in the future."
        )
    return int(at)


def _dimensions(rows: Sequence[Mapping[str, str]], path: str) -> tuple[tuple[str, str], ...]:
    if len(rows) > DIMENSIONS:
        raise invalid_value(f"The collection {path}.Dimensions must not have a size greater than {DIMENSIONS}.")
    for place, row in enumerate(rows, start=1):
        for part, longest in (("Name", 255), ("Value", 1024)):
            text = row.get(part, "")
            where = f"{path}.Dimensions.member.{place}.{part}"
            if not text.strip():
                raise invalid_value(f"The parameter {where} must not be empty.")
            if len(text) > longest or not text.isascii() or not text.isprintable():
                raise invalid_value(f"The parameter {where} must be ASCII and no longer than {longest} characters.")
        if row["Name"].startswith(":"):
            raise invalid_value(f"The parameter {path}.Dimensions.member.{place}.Name must not start with a colon.")
    pairs = sorted((row["Name"], row["Value"]) for row in rows)
    if len({name for name, _ in pairs}) < len(pairs):
        raise invalid_value(f"The collection {path}.Dimensions names one dimension twice.")
    return tuple(pairs)


_Weights = tuple[tuple[float, float], ...]


def _values(row: Mapping[str, Any], path: str) -> tuple[_Weights, tuple[float, float, float, float] | None]:
    """Exactly one of Value, Values and StatisticValues."""
    given = [part for part in ("Value", "Values", "StatisticValues") if part in row]
    if len(given) > 1:
        both = " and ".join(given)
        raise combination(
            f"The parameters {both} of {path} are mutually exclusive and you have specified more than one."
        )
    if not given:
        raise missing(f"At least one of {path}.Value, {path}.Values and {path}.StatisticValues is required.")
    if given == ["Value"]:
        return ((_number(row["Value"], f"{path}.Value"), 1.0),), None
    if given == ["Values"]:
        return _distribution(row, path), None
    return (), _statistics(row["StatisticValues"], f"{path}.StatisticValues")


def _distribution(row: Mapping[str, Any], path: str) -> _Weights:
    values = row["Values"]
    counts = row.get("Counts", [1] * len(values))
    if not 1 <= len(values) <= VALUES:
        raise invalid_value(f"The collection {path}.Values must have a size between 1 and {VALUES}.")
    if len(counts) != len(values):
        raise invalid_value(f"The collections {path}.Values and {path}.Counts must have the same size.")
    pairs = tuple(
        (_number(value, f"{path}.Values.member.{place}"), _number(count, f"{path}.Counts.member.{place}"))
        for place, (value, count) in enumerate(zip(values, counts, strict=True), start=1)
    )
    if any(count < 0 for _, count in pairs) or not any(count for _, count in pairs):
        raise invalid_value(f"The collection {path}.Counts must hold counts of zero or more, and not only zeros.")
    return tuple((value, count) for value, count in pairs if count)


def _statistics(row: Mapping[str, Any], path: str) -> tuple[float, float, float, float]:
    parts = ("SampleCount", "Sum", "Minimum", "Maximum")
    if absent := [part for part in parts if part not in row]:
        raise missing(f"The parameter {path}.{absent[0]} is required.")
    count, total, least, most = (_number(row[part], f"{path}.{part}") for part in parts)
    if count <= 0 or least > most:
        raise invalid_value(f"The parameter {path} must have samples, and a Minimum not above its Maximum.")
    return count, total, least, most


def _number(value: Any, path: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise AwsError("SerializationException", f"{path} is not a number") from error
    if not math.isfinite(number) or abs(number) > _LARGEST:
        raise invalid_value(
            f"The value {value} for parameter {path} is invalid: NaN, Infinity and values beyond 2^360."
        )
    return number
