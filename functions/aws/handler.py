"""The entrances on AWS Lambda: unpack the platform's event, call the core, return. Nothing is decided here.

collect   the schedule: one run for the slot that the schedule names
deliver   the schedule: send what is owed, whatever becomes of the runs
work      SQS: one scope of a run that was fanned out, a message each
widget    CloudWatch's custom widget: the HTML that the dashboard shows, and what is clicked there
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from nephoscope.app import run
from nephoscope.app.entrance import deadline_in, outside_of, run_said, slot_at, sweep_said
from nephoscope.app.outside import Outside
from nephoscope.app.report import RunReport
from nephoscope.model.time import Deadline

CONFIG = Path(__file__).with_name("config.json")

logger = Logger(service="nephoscope")
metrics = Metrics(namespace="nephoscope/functions", service="nephoscope")

Handler = Callable[[Any, Any], Any]


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
    logger.info("delivered", report=asdict(report))
    return sweep_said(report)


@entrance
def work(event: Any, context: Any) -> Any:
    """A message that failed comes back alone; the others are done."""
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

    from nephoscope.queues.message import parse_message

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

    html: str = pages.widget(outside_once(), event, context.invoked_function_arn)
    count_errors(0)
    return html


def told(report: RunReport) -> dict[str, Any]:
    """Log the run and answer with it. Raises NothingDeliveredError; a run that delivered anything is a good one."""
    count_errors(len(report.errors))
    logger.info("ran", report=report.as_dict())
    return run_said(report)


def outside_once() -> Outside:
    return outside_of(CONFIG)


def slot_of(event: Any, period: int, now: float) -> int:
    """EventBridge Scheduler writes the time in place of `<aws.scheduler.scheduled-time>`. Where that still stands
    there (an emulator), or nothing does, the clock decides."""
    return slot_at(event.get("scheduled_time") if isinstance(event, Mapping) else None, period, now)


def deadline_of(context: Any, share: int = 1) -> Deadline:
    """An equal share of the time that Lambda leaves us, less what leaving takes."""
    return deadline_in(context.get_remaining_time_in_millis() / 1000, share)
