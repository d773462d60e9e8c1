"""Writing custom metrics to CloudWatch.

PutMetricData has no idempotency token: what is sent twice counts twice in Sum, SampleCount and percentiles. So
botocore's own retries are off, and a request is sent again only where CloudWatch cannot have taken it: throttled,
refused, too large, or never reached. After a read timeout or an internal fault nobody knows, so those data are counted
as refused, and a gap is shown rather than a double.
"""

from __future__ import annotations

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config as Boto
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.publish import Datum
from nephoscope.model.time import Deadline
from nephoscope.pipeline.batch import plan_batches, request_of, sort_out
from nephoscope.ports import Clock, Written
from nephoscope.sinks.errors import VendorError, delivery_error, reason_of

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

TRIES = 5
FIRST_WAIT = 0.2
"""Seconds before a throttled request's second try; doubled for each further one, with full jitter."""

_DIVISIBLE = frozenset({Reason.REJECTED, Reason.TOO_LARGE})
"""Refusals that one datum may have caused: the halves are tried, until it stands alone."""
_NOT_TAKEN = frozenset({"ServiceUnavailable", "503"})


@dataclass(slots=True)
class _Tally:
    requests: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    last: DeliveryError | None = None

    def written(self) -> Written:
        return Written(self.requests, self.accepted, dict(self.refused))


class CloudWatchSink:
    """A MetricSink over PutMetricData, for one namespace of one region."""

    def __init__(
        self,
        client: CloudWatchClient,
        namespace: str,
        clock: Clock,
        limits: Mapping[str, int],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """limits: the catalog's row `cloudwatch.put_metric_data`. sleep: between tries of a throttled request."""
        self._client = client
        self._namespace = namespace
        self._clock = clock
        self._sleep = sleep
        self._limits = limits

    def write_metrics(self, data: Sequence[Datum], deadline: Deadline) -> Written:
        """Publish in the fewest requests; one bad datum costs only itself.

        Returns what was taken, and the reasons for the rest. Raises DeliveryError when nothing was accepted of what
        was given.
        """
        tally = _Tally()
        checked = sort_out(data, self._limits, self._namespace, self._clock.wall())
        tally.refused.update({str(reason): number for reason, number in checked.refused.items()})
        waiting = deque(plan_batches(checked.good, self._limits, self._namespace))
        while waiting:
            self._write(waiting.popleft(), waiting, tally, deadline)
        if data and not tally.accepted:
            raise tally.last or DeliveryError(
                destination=self._destination, reason=Reason.REJECTED, detail=_listing(tally.refused)
            )
        return tally.written()

    def _write(
        self, batch: tuple[Datum, ...], waiting: deque[tuple[Datum, ...]], tally: _Tally, deadline: Deadline
    ) -> None:
        error = self._put(batch, tally, deadline)
        if error is None:
            tally.accepted += len(batch)
        elif error.reason in _DIVISIBLE and len(batch) > 1:
            middle = len(batch) // 2
            waiting.extendleft((batch[middle:], batch[:middle]))
        else:
            tally.refused[error.reason] += len(batch)
            tally.last = error

    def _put(self, batch: tuple[Datum, ...], tally: _Tally, deadline: Deadline) -> DeliveryError | None:
        """None when CloudWatch took the batch. Tried again only where it cannot have taken it."""
        request: Any = request_of(batch)
        wait = FIRST_WAIT
        for left in reversed(range(TRIES)):
            if deadline.remaining <= 0:
                return DeliveryError(destination=self._destination, reason=Reason.DEADLINE)
            tally.requests += 1
            try:
                self._client.put_metric_data(Namespace=self._namespace, MetricData=request)
            except (ClientError, BotoCoreError) as error:
                if not (left and _not_taken(error)):
                    return delivery_error(error, self._destination)
            else:
                return None
            self._sleep(min(random.uniform(0, wait), max(deadline.remaining, 0)))  # noqa: S311 - jitter, no secret
            wait *= 2
        raise AssertionError("the last try returns")

    @property
    def _destination(self) -> str:
        return f"CloudWatch metrics of {self._namespace}"


def open_sink(
    config: Config,
    settings: object,  # noqa: ARG001 - every factory of wiring's table has this shape
    clock: Clock,
    client: CloudWatchClient | None = None,
) -> CloudWatchSink:
    """The sink for the configured namespace and region. client: a ready one, for tests."""
    limits = load_catalog().overridden(config.limits, config.prices).limits["cloudwatch.put_metric_data"]
    return CloudWatchSink(client or open_client(config.publish.region), config.publish.namespace, clock, limits)


def open_client(region: str) -> CloudWatchClient:
    """A client that never sends anything twice by itself. botocore compresses PutMetricData bodies from 10 kB on."""
    once = Boto(retries={"total_max_attempts": 1, "mode": "standard"}, connect_timeout=3, read_timeout=10)
    return boto3.client("cloudwatch", region_name=region, config=once)


def _not_taken(error: VendorError) -> bool:
    if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in _NOT_TAKEN:
        return True
    return reason_of(error) is Reason.THROTTLED or isinstance(error, ConnectTimeoutError | EndpointConnectionError)


def _listing(refused: Counter[str]) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in sorted(refused.items()))
