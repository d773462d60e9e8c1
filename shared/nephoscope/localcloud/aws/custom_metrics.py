"""PutMetricData: checked as CloudWatch checks it, kept as it keeps it.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html and API_MetricDatum.html
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nephoscope.localcloud.aws.datum import Datum, parse_data
from nephoscope.localcloud.aws.streams import MetricKey
from nephoscope.localcloud.aws.summary import Summary


@dataclass(slots=True)
class CustomStream:
    key: MetricKey
    first_put: float
    unit: str
    points: dict[int, Summary] = field(default_factory=dict)
    period: int = 60

    def stored(self, start: int, end: int, now: float) -> Iterator[tuple[int, Summary]]:
        """Put points can be read at once."""
        for at in sorted(at for at in self.points if start <= at < end and at <= now + 7200):
            yield at, self.points[at]

    def active(self, since: float, now: float) -> bool:
        return any(since <= at <= now + 7200 for at in self.points)


class CustomMetrics:
    """What was put, by account and region. Safe to use from every thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: dict[tuple[str, str], dict[MetricKey, CustomStream]] = {}
        self.version = 0
        """Counts the changes: what was worked out of an older one is out of date."""

    def clear(self) -> None:
        with self._lock:
            self._streams.clear()
            self.version += 1

    def put(self, account: str, region: str, params: Mapping[str, Any], now: float) -> int:
        """All of a request, or nothing of it; the number of data that were taken. Raises AwsError."""
        data = parse_data(params, now)
        with self._lock:
            self.version += 1
            streams = self._streams.setdefault((account, region), {})
            for datum in data:
                stream = streams.setdefault(datum.key, CustomStream(datum.key, now, datum.unit))
                place = datum.at - datum.at % datum.resolution
                stream.period = min(stream.period, datum.resolution)
                _take_in(stream.points.setdefault(place, Summary()), datum)
        return len(data)

    def find(self, account: str, region: str, key: MetricKey) -> CustomStream | None:
        with self._lock:
            return self._streams.get((account, region), {}).get(key)

    def named(self, account: str, region: str, namespace: str = "", name: str = "") -> Sequence[CustomStream]:
        with self._lock:
            return [
                stream
                for key, stream in self._streams.get((account, region), {}).items()
                if namespace in ("", key.namespace) and name in ("", key.name)
            ]


def _take_in(summary: Summary, datum: Datum) -> None:
    for value, times in datum.weights:
        summary.add(value, times)
    if datum.statistics:
        summary.add_set(*datum.statistics)
