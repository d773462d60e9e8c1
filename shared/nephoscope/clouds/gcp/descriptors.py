"""What a metric's descriptor promises: how often it is sampled, and how late a point may still come.

The catalog's row says the same of the usual case. What the descriptor says may only widen that: a point that is taken
for final too early is a false alarm, one that is taken for final too late only a slower one.
Source: https://docs.cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.metricDescriptors (metadata)
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from nephoscope.clouds.gcp.calls import Calls
from nephoscope.clouds.gcp.queries import metric_type
from nephoscope.model.errors import ReadError
from nephoscope.model.metric import Source
from nephoscope.ports import Clock

KEPT_SECONDS = 86_400.0
ASKED_AGAIN_SECONDS = 900.0
"""After a descriptor could not be had: the row's own figures serve meanwhile."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between samples, and from a sample to the moment when it is there for sure. 0 = not said."""

    period: int = 0
    delay: int = 0


class Descriptors:
    """By project and metric, kept for a warm function's life. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[Pace, float]] = {}
        self._lock = threading.Lock()

    def read(self, calls: Calls, source: Source) -> Pace:
        """The pace of a metric; the one of before, or none, where its descriptor cannot be read: no reason not to read
        the metric itself, for the catalog's row stands."""
        place = (calls.scope.account, metric_type(source))
        with self._lock:
            pace, until = self._kept.get(place, (Pace(), 0.0))
        if self._clock.monotonic() < until:
            return pace
        try:
            pace = parse_pace(calls.descriptor(f"projects/{place[0]}/metricDescriptors/{place[1]}"), pace)
            kept = KEPT_SECONDS
        except ReadError:
            kept = ASKED_AGAIN_SECONDS
        with self._lock:
            self._kept[place] = (pace, self._clock.monotonic() + kept)
        return pace


def parse_pace(descriptor: object, known: Pace = Pace()) -> Pace:
    """A google.api.MetricDescriptor's metadata. A delay that was longer before stays."""
    metadata = getattr(descriptor, "metadata", None)
    period = int(metadata.sample_period.seconds) if metadata is not None else 0
    delay = int(metadata.ingest_delay.seconds) if metadata is not None else 0
    return Pace(period, max(delay, known.delay))
