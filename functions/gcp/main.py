"""The entrances on Google Cloud Functions: unpack the platform's event, call the core, return. Nothing is decided here.

collect   Cloud Scheduler (HTTP): one run for the slot that the schedule names
deliver   Cloud Scheduler (HTTP): send what is owed, whatever becomes of the runs
work      Pub/Sub (CloudEvent): one scope of a run that was fanned out
"""

from __future__ import annotations

import base64
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import functions_framework
from cloudevents.http import CloudEvent
from flask import Request, abort

from nephoscope.app import entrance
from nephoscope.model.errors import NephoscopeError

CONFIG = Path(__file__).with_name("config.json")

Answer = tuple[dict[str, Any], int]


class Line(logging.Formatter):
    """A line of JSON, which Cloud Logging reads: severity, and the text with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"severity": record.levelname, "message": super().format(record)})


logging.basicConfig(stream=sys.stdout, level=logging.INFO)
logging.getLogger().handlers[0].setFormatter(Line())
logger = logging.getLogger("nephoscope")


@functions_framework.http
def collect(request: Request) -> Answer:
    """The header is RFC 3339 in UTC. Source: Cloud Scheduler, "HTTP targets: request headers"."""
    return answered(lambda: entrance.collect(CONFIG, request.headers.get("X-CloudScheduler-ScheduleTime")))


@functions_framework.http
def deliver(request: Request) -> Answer:
    return answered(lambda: entrance.deliver(CONFIG))


@functions_framework.cloud_event
def work(event: CloudEvent) -> None:
    """A message that is none of ours would be none the next time either: it is logged and done with."""
    try:
        body = base64.b64decode(event.data["message"]["data"]).decode()
    except (LookupError, TypeError, ValueError):
        body = ""
    try:
        entrance.work(CONFIG, body)
    except ValueError as error:
        logger.error("no message of ours: %s", error)
    except NephoscopeError as error:
        logger.error("%s: %s", type(error).__name__, error)
        abort(500)


def answered(call: Callable[[], dict[str, Any]]) -> Answer:
    """What was done; or what went wrong, as a failure that Google counts."""
    try:
        return call(), 200
    except NephoscopeError as error:
        logger.error("%s: %s", type(error).__name__, error)
        return {"error": str(error)}, 500
