"""Writing dashboards to CloudWatch: only what differs from what stands there, and none of ours left over.

A dashboard that grew past CloudWatch's limits is split into `name`, `name-2`, `name-3` ...; when it shrinks, the parts
that are no longer in the list are deleted. They are found by asking for the next number until there is none, which
needs no permission beyond our own dashboards' (ListDashboards cannot be narrowed to them).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config as Boto
from botocore.exceptions import BotoCoreError, ClientError

from nephoscope.model.config import Config
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.publish import Dashboard
from nephoscope.model.time import Deadline
from nephoscope.sinks.errors import delivery_error, reason_of

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient


class CloudWatchDashboards:
    """A DashboardSink. What was seen to stand there is remembered for this process's life, so that a warm function
    asks nothing in the many runs in which nothing changed."""

    def __init__(self, client: CloudWatchClient, name: str) -> None:
        self._client = client
        self._name = name
        self._standing: dict[str, str] = {}

    def write_dashboards(self, dashboards: Sequence[Dashboard], deadline: Deadline) -> int:
        """Write those that differ, delete our parts that are no longer listed; returns how many changed.

        Raises DeliveryError with CloudWatch's validation messages: at the first dashboard that it refused, or at the
        end where it took them all and warned that something in them may not be drawn.
        """
        wanted = {dashboard.name: _text(dashboard.body) for dashboard in dashboards}
        if wanted == self._standing:
            return 0
        warnings: list[Any] = []
        changed = sum(self._write(name, text, warnings, deadline) for name, text in wanted.items())
        changed += self._delete_after(len(wanted), deadline)
        self._standing = wanted
        if warnings:
            raise DeliveryError(
                destination=_called(self._name), reason=Reason.REJECTED, detail=_listing(warnings), retryable=False
            )
        return changed

    def _write(self, name: str, text: str, warnings: list[Any], deadline: Deadline) -> bool:
        self._in_time(name, deadline)
        if self._read(name) == json.loads(text):
            return False
        try:
            answer = self._client.put_dashboard(DashboardName=name, DashboardBody=text)
        except (ClientError, BotoCoreError) as error:
            raise _refused(error, name) from error
        warnings += answer.get("DashboardValidationMessages", [])
        return True

    def _delete_after(self, parts: int, deadline: Deadline) -> int:
        """Delete `name-N` for each N above the parts that we have now; returns how many there were."""
        left_over = []
        number = max(parts, 1) + 1
        while self._read(part := f"{self._name}-{number}") is not None:
            self._in_time(part, deadline)
            left_over.append(part)
            number += 1
        if left_over:
            try:
                self._client.delete_dashboards(DashboardNames=left_over)
            except (ClientError, BotoCoreError) as error:
                raise delivery_error(error, _called(left_over[0])) from error
        return len(left_over)

    def _read(self, name: str) -> object | None:
        """The body that stands there; None where there is no such dashboard."""
        try:
            return json.loads(self._client.get_dashboard(DashboardName=name)["DashboardBody"])  # type: ignore[no-any-return]
        except (ClientError, BotoCoreError) as error:
            if reason_of(error) is Reason.NOT_FOUND:
                return None
            raise delivery_error(error, _called(name)) from error

    def _in_time(self, name: str, deadline: Deadline) -> None:
        if deadline.remaining <= 0:
            raise DeliveryError(destination=_called(name), reason=Reason.DEADLINE)


def open_dashboards(
    config: Config,
    settings: object,  # noqa: ARG001 - every factory of wiring's table has this shape
    client: CloudWatchClient | None = None,
) -> CloudWatchDashboards:
    """The writer of the configured dashboard. client: a ready one, for tests."""
    return CloudWatchDashboards(client or _open_client(config.publish.region), config.publish.dashboard)


def _open_client(region: str) -> CloudWatchClient:
    patient = Boto(retries={"total_max_attempts": 4, "mode": "standard"}, connect_timeout=3, read_timeout=20)
    return boto3.client("cloudwatch", region_name=region, config=patient)


def _text(body: dict[str, object]) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def _called(name: str) -> str:
    return f"CloudWatch dashboard {name}"


def _refused(error: ClientError | BotoCoreError, name: str) -> DeliveryError:
    """DashboardInvalidInputError carries the messages in the error's own body."""
    ours = delivery_error(error, _called(name))
    body: Any = error.response if isinstance(error, ClientError) else {}
    messages = body.get("dashboardValidationMessages") or body.get("DashboardValidationMessages")
    if not messages:
        return ours
    return DeliveryError(
        destination=ours.destination, reason=ours.reason, detail=_listing(messages), status=ours.status
    )


def _listing(messages: Sequence[Any]) -> str:
    """The first few messages with their places; a broken body can bring hundreds."""
    shown = [f"{one.get('DataPath', '?')}: {one.get('Message', '')}" for one in messages[:5]]
    more = [f"and {len(messages) - 5} more"] if len(messages) > 5 else []
    return "; ".join(shown + more)
