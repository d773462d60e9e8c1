"""The entrances on Azure Functions: unpack the platform's event, call the core, return. Nothing is decided here.

collect   timer: one run for the slot that the schedule names; many scopes are fanned out through the queue
deliver   timer, each minute: send what is owed, whatever becomes of the runs
work      queue: one scope of a run that was fanned out
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, List  # noqa: UP035 - the platform's worker does not know list[str]

import azure.functions as func

from nephoscope.app import entrance
from nephoscope.model.scope import Scope
from nephoscope.model.time import HOUR, MINUTE
from nephoscope.queues.message import render_message

CONFIG = Path(__file__).with_name("config.json")
QUEUE: Mapping[str, Any] = {"queue_name": "work", "connection": "AzureWebJobsStorage"}
"""In the storage account that the host itself uses; infra/azure makes it."""
EARLY = 5.0
"""Seconds that a timer may fire ahead of its time."""

logging.getLogger("azure.core.pipeline.policies.http_logging_policy").setLevel(logging.WARNING)  # a page a request
app = func.FunctionApp()


def schedule(every: int) -> str:
    """NCRONTAB with seconds: 60 -> `0 */1 * * * *`. A period that does not divide the hour fires each minute; runs for
    a slot that was done already do nothing."""
    minutes = every // MINUTE
    if every == HOUR:
        return "0 0 * * * *"
    return f"0 */{minutes if HOUR % every == 0 else 1} * * * *"


class Fanned:
    """ports.ScopeQueue over the function's own output: the platform puts it on the queue when the function returns."""

    def __init__(self, messages: func.Out[List[str]]) -> None:  # noqa: UP006
        self._messages = messages

    def send_scopes(self, scopes: Collection[Scope], slot: int) -> None:
        self._messages.set([render_message(scope, slot) for scope in sorted(scopes)])


@app.timer_trigger(arg_name="timer", schedule=schedule(entrance.read_config(CONFIG).gather.every))
@app.queue_output(arg_name="messages", **QUEUE)
def collect(timer: func.TimerRequest, messages: func.Out[List[str]]) -> None:  # noqa: UP006
    entrance.collect(CONFIG, scheduled(timer, time.time()), Fanned(messages))


@app.timer_trigger(arg_name="timer", schedule=schedule(MINUTE))
def deliver(timer: func.TimerRequest) -> None:
    entrance.deliver(CONFIG)


@app.queue_trigger(arg_name="message", **QUEUE)
def work(message: func.QueueMessage) -> None:
    """One that is none of ours fails, and after five tries stands in the queue's `-poison` sister."""
    entrance.work(CONFIG, message.get_body().decode())


def scheduled(timer: func.TimerRequest, now: float) -> Any:
    """The time that this invocation was planned for, None where it is not told.

    The status is that of before the invocation, so its `Next` is this one (the WebJobs SDK's TimerListener hands it out
    before it writes it anew). It is believed within the last hour: after a longer sleep the clock says better.
    """
    status: Mapping[str, Any] = getattr(timer, "schedule_status", None) or {}
    said = status.get("Next")
    due = entrance.slot_at(said, 1, now)
    return said if now - HOUR <= due <= now + EARLY else None
