"""What the entrances of all platforms do alike; each adds how its platform says things.

The configuration stands beside the entrance's file, the run's time is the scheduled one, a share of the time is kept
for leaving in order, and a run that delivered nothing to anybody is a failure that the platform's own alarm counts.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from nephoscope.app import run
from nephoscope.app.config import load_config
from nephoscope.app.deliver import DeliveryReport
from nephoscope.app.outside import Outside, SystemClock, open_outside
from nephoscope.app.report import RunReport
from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.model.config import Config
from nephoscope.model.errors import ConfigError, NephoscopeError, Problem, ReadError
from nephoscope.model.secret import Secret
from nephoscope.model.time import DAY, Deadline, floor_to
from nephoscope.ports import Clock, ScopeQueue

MARGIN_SECONDS = 2.0
"""What is kept of the function's time for leaving in order: the log, the metrics, the answer."""

SWEEP_SECONDS = 55
"""The sweeper is called each minute, whatever the runs' period is: longer, and it would meet itself."""

logger = logging.getLogger("nephoscope")


class NothingDeliveredError(NephoscopeError):
    """Nothing of this run reached anybody. The platform counts it as an error, and its alarm tells."""


# --- every platform ----------------------------------------------------------------------------------------------


def read_config(path: Path) -> Config:
    """The configuration that was compiled into the package. Raises ConfigError."""
    try:
        return load_config(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError as error:
        text = "not in the package: the builder compiles it from nephoscope.yaml (make package)"
        raise ConfigError([Problem(path.name, 1, 1, text)]) from error


@cache
def outside_of(config: Path) -> Outside:
    """Opened at the first event and kept while the function is warm. Raises ConfigError."""
    return open_outside(read_config(config), Settings.from_environment(), SystemClock())


def slot_at(said: object, period: int, now: float) -> int:
    """The time that the run is for: the scheduled one (RFC 3339), else the clock's; floored to the period.

    Where the platform said nothing that is a time, or one that lies far ahead (a slip of the hand: it would hold up
    every run until then), the clock decides.
    """
    try:
        at = datetime.fromisoformat(said if isinstance(said, str) else "")
    except ValueError:
        return floor_to(int(now), period)
    seconds = at.replace(tzinfo=at.tzinfo or UTC).timestamp()
    return floor_to(int(seconds if seconds < now + DAY else now), period)


def deadline_in(seconds: float, share: int = 1) -> Deadline:
    """An equal share of the seconds that the platform leaves us, less what leaving takes."""
    return Deadline(time.monotonic() + max(0.0, seconds - MARGIN_SECONDS) / max(1, share), time.monotonic)


def run_said(report: RunReport) -> dict[str, Any]:
    """What the run answers. Raises NothingDeliveredError; a run that delivered anything is a good one."""
    if report.failed:
        raise NothingDeliveredError("; ".join([*report.errors, *(each.error for each in report.scopes if each.error)]))
    return report.as_dict()


def sweep_said(report: DeliveryReport) -> dict[str, Any]:
    """What the sweeper answers. Raises NothingDeliveredError."""
    if report.errors and not report.sent:
        raise NothingDeliveredError("; ".join(report.errors))
    return asdict(report)


# --- platforms outside AWS, whose functions must first be let in --------------------------------------------------


def collect(config: Path, said: object, queue: ScopeQueue | None = None) -> dict[str, Any]:
    """One run for the slot that the platform's schedule said. queue: in place of the deployment's own."""
    outside, refused = _entered(config)
    outside = replace(outside, queue=queue) if queue else outside
    slot = slot_at(said, outside.config.gather.every, outside.clock.wall())
    return _logged(run.collect(outside, slot, deadline_in(outside.settings.timeout)), refused)


def work(config: Path, message: str) -> dict[str, Any]:
    """One scope of a run that was fanned out. Raises ValueError for what is no message of ours."""
    from nephoscope.queues.message import parse_message  # noqa: PLC0415 - a scheduled run fans out, and reads none

    scope, slot = parse_message(message)
    outside, refused = _entered(config)
    return _logged(run.work(outside, scope, slot, deadline_in(outside.settings.timeout)), refused)


def deliver(config: Path) -> dict[str, Any]:
    """Send what is owed, whatever becomes of the runs."""
    outside, refused = _entered(config)
    if refused:
        raise NothingDeliveredError("; ".join(refused))
    report = run.sweep(outside, deadline_in(min(outside.settings.timeout, SWEEP_SECONDS)))
    logger.info("delivered %s", _line(asdict(report)))
    return sweep_said(report)


def _logged(report: RunReport, refused: Sequence[str]) -> dict[str, Any]:
    report = replace(report, errors=(*refused, *report.errors))
    logger.info("ran %s", _line(report.as_dict()))
    return run_said(report)


def _entered(config: Path) -> tuple[Outside, list[str]]:
    """The outside, and what stood in the way into AWS. A refusal is no reason not to look at the own cloud."""
    refused = []
    logging.getLogger("botocore").setLevel(logging.ERROR)  # what it warns of reaches the report, without its stack
    try:
        enter(Settings.from_environment(), SystemClock())
    except ReadError as error:
        refused = [str(error)]
    return outside_of(config), refused


def enter(settings: Settings, clock: Clock) -> None:
    """Be let into AWS by a token of this platform's identity, where the deployment says so. Raises ReadError."""
    if not settings.aws_audience:
        return
    from nephoscope.app.federation import enter_aws  # noqa: PLC0415 - a Lambda is there already

    def admit(token: Secret) -> None:
        wire("admission", "aws")(settings.aws_role, settings.home_region)(token)

    os.environ.setdefault("AWS_DEFAULT_REGION", settings.home_region)  # boto3 reads no AWS_REGION
    here = settings.clouds[0]  # a function of another cloud gathers the cloud that it runs in
    identity = wire("identity", here)(settings)
    enter_aws(identity, settings.aws_audience, Path(settings.aws_token_file), clock, admit)


def _line(said: Mapping[str, Any]) -> str:
    return json.dumps(said, separators=(",", ":"), default=str)
