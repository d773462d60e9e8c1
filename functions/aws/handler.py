"""The entrances on AWS Lambda: unpack the platform's event, call the core, return. Nothing is decided here.

collect   the schedule: one run for the slot that the schedule names
deliver   the schedule: send what is owed, whatever becomes of the runs
work      SQS: one scope of a run that was fanned out, a message each
widget    CloudWatch's custom widget: the HTML that the dashboard shows
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache, wraps
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from nephoscope.app import run
from nephoscope.app.config import load_config
from nephoscope.app.outside import Outside, SystemClock, open_outside
from nephoscope.app.report import RunReport
from nephoscope.app.settings import Settings
from nephoscope.model.config import Config
from nephoscope.model.errors import ConfigError, NephoscopeError, Problem
from nephoscope.model.time import DAY, Deadline, floor_to

MARGIN_SECONDS = 2.0
"""What is kept of the function's time for leaving in order: the log, the metrics, the answer."""

CONFIG = Path(__file__).with_name("config.json")

logger = Logger(service="nephoscope")
metrics = Metrics(namespace="nephoscope/functions", service="nephoscope")

Handler = Callable[[Any, Any], Any]


class NothingDeliveredError(NephoscopeError):
    """Nothing of this run reached anybody. Lambda counts it as an error, and its alarm tells."""


def entrance(handler: Handler) -> Handler:
    """The log carries the request's id; the function's own figures (cold start, errors) go out as EMF."""

    @wraps(handler)
    def counted(event: Any, context: Any) -> Any:
        try:
            return handler(event, context)
        except Exception:
            count_errors(1)
            raise

    measured = metrics.log_metrics(counted, capture_cold_start_metric=True)
    wrapped: Handler = logger.inject_lambda_context(measured)
    return wrapped


def count_errors(number: int) -> None:
    metrics.add_metric("Errors", MetricUnit.Count, number)


@entrance
def collect(event: Any, context: Any) -> dict[str, Any]:
    outside = outside_once()
    slot = slot_of(event, outside.config.gather.every, outside.clock.wall())
    return told(run.collect(outside, slot, deadline_of(context)))


@entrance
def deliver(event: Any, context: Any) -> dict[str, Any]:
    report = run.sweep(outside_once(), deadline_of(context))
    count_errors(len(report.errors))
    said = asdict(report)
    logger.info("delivered", report=said)
    if report.errors and not report.sent:
        raise NothingDeliveredError("; ".join(report.errors))
    return said


@entrance
def work(event: Any, context: Any) -> Any:
    """A message that failed comes back alone; the others are done."""
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

    from nephoscope.queues.sqs import parse_message

    left = len(event["Records"])

    def one_scope(record: Any) -> None:
        nonlocal left
        deadline, left = deadline_of(context, share=left), left - 1
        scope, slot = parse_message(record.body)
        told(run.work(outside_once(), scope, slot, deadline))

    return process_partial_response(event, one_scope, BatchProcessor(EventType.SQS), context)


@entrance
def widget(event: Any, context: Any) -> str:
    from nephoscope.app import pages

    html: str = pages.widget(outside_once(), event)
    count_errors(0)
    return html


def told(report: RunReport) -> dict[str, Any]:
    """Log the run and answer with it. Raises NothingDeliveredError; a run that delivered anything is a good one."""
    said = report.as_dict()
    count_errors(len(report.errors))
    logger.info("ran", report=said)
    if report.failed:
        raise NothingDeliveredError("; ".join([*report.errors, *(each.error for each in report.scopes if each.error)]))
    return said


@cache
def outside_once() -> Outside:
    """Opened at the first event and kept while the function is warm."""
    return open_outside(read_config(CONFIG), Settings.from_environment(), SystemClock())


def read_config(path: Path) -> Config:
    """The configuration that was compiled into the package. Raises ConfigError."""
    try:
        return load_config(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError as error:
        text = "not in the package: the builder compiles it from nephoscope.yaml (make package)"
        raise ConfigError([Problem(path.name, 1, 1, text)]) from error


def slot_of(event: Any, period: int, now: float) -> int:
    """The time that the run is for: the scheduled one, else the clock's; floored to the period.

    EventBridge Scheduler writes the time in place of `<aws.scheduler.scheduled-time>`. Where it still stands there (an
    emulator), nothing does, or a time lies far ahead (a slip of the hand: it would hold up every run until then), the
    clock decides.
    """
    said = event.get("scheduled_time") if isinstance(event, Mapping) else None
    try:
        at = datetime.fromisoformat(said or "")
    except (TypeError, ValueError):
        return floor_to(int(now), period)
    seconds = at.replace(tzinfo=at.tzinfo or UTC).timestamp()
    return floor_to(int(seconds if seconds < now + DAY else now), period)


def deadline_of(context: Any, share: int = 1) -> Deadline:
    """An equal share of the time that Lambda leaves us, less what leaving takes."""
    seconds = context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    return Deadline(time.monotonic() + max(0.0, seconds) / max(1, share), time.monotonic)
