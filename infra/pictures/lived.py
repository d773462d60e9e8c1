"""A simulated fleet on three local clouds, watched for a while into an alert memory: what pictures are taken of."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.demo.cast import ACCOUNTS, REGIONS, make_fleets
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.localcloud.receivers import Receiver, Reply
from nephoscope.model.scope import Cloud
from nephoscope.model.time import MINUTE, Deadline, floor_to

CONFIG = """\
fleet: acme
gather:
  aws: {{regions: [{aws}], resources: [instance, bucket]}}
  gcp: {{projects: [{project}], resources: [instance, bucket]}}
  azure: {{subscriptions: ["{subscription}"], resources: [instance, bucket]}}
publish: {{cloudwatch: {{region: eu-central-1, dashboard: acme}}}}
rules:
  - {{name: cpu-hot, on: instance, when: cpu.utilization > 90 %, for: 3 of 5 min,
     clear: cpu.utilization < 80 % for 3 min, severity: critical, runbook: "https://wiki.example/cpu"}}
  - {{name: down, on: instance, where: {{tags: {{always-on: "true"}}}}, when: state is stopped, for: 5 min,
     severity: critical}}
  - {{name: check-failed, on: instance, when: check.instance is failed, for: 3 min, severity: warning, tell: [chat]}}
  - {{name: memory-high, on: instance, when: memory.utilization > 95 %, for: 10 min, severity: warning, tell: [chat]}}
  - {{name: few-web, on: instance, where: {{tags: {{role: web}}}}, by: [cloud_region],
     when: count(state is running) < 3, severity: warning, tell: [chat]}}
tell:
  chat: {{webhook: "{chat}", format: slack, allow: [http, private]}}
  oncall: {{webhook: "{oncall}", format: json, allow: [http, private]}}
"""


@dataclass(frozen=True, slots=True)
class Lived:
    """folder: holds nephoscope.yaml and nephoscope.sqlite. environment: what a command needs to see these clouds."""

    folder: Path
    environment: Mapping[str, str]
    aws: LocalAws


class Told:
    """A clock that is told the time; seconds that pass are real ones."""

    now = 0.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return time.monotonic()


@contextmanager
def lived(folder: Path, instances: int = 160, minutes: int = 36) -> Iterator[Lived]:
    """The story has just ended; what goes on in it goes on. The channel `oncall` answers 503 from the middle on."""
    start = floor_to(int(time.time()), MINUTE) - (minutes + 1) * MINUTE
    fleets = make_fleets(1, instances, minutes, start)
    with ExitStack() as standing:
        receiver = standing.enter_context(Receiver())
        aws = standing.enter_context(LocalAws(fleets[Cloud.AWS], with_ministack=False))
        clouds = (
            aws,
            standing.enter_context(LocalGcp(fleets[Cloud.GCP])),
            standing.enter_context(LocalAzure(fleets[Cloud.AZURE])),
        )
        environment = {key: value for cloud in clouds for key, value in cloud.environment().items()}
        standing.enter_context(_environment(environment))
        config = CONFIG.format(
            aws=", ".join(REGIONS[Cloud.AWS]),
            project=ACCOUNTS[Cloud.GCP],
            subscription=ACCOUNTS[Cloud.AZURE],
            chat=receiver.webhook_url("chat"),
            oncall=receiver.webhook_url("oncall"),
        )
        (folder / "nephoscope.yaml").write_text(config, encoding="utf-8")
        _live(folder, clouds, receiver, start, minutes)
        for cloud in clouds:
            cloud.set_time(None)
        yield Lived(folder, environment, aws)


def _live(folder: Path, clouds: Any, receiver: Receiver, start: int, minutes: int) -> None:
    from nephoscope.app.authoring.compile import compile_file  # noqa: PLC0415 - after the environment is set
    from nephoscope.app.outside import open_outside  # noqa: PLC0415
    from nephoscope.app.run import collect  # noqa: PLC0415
    from nephoscope.app.settings import Settings  # noqa: PLC0415

    clock = Told()
    settings = Settings.from_environment({**os.environ, "NEPHOSCOPE_STORE": "sqlite"})
    settings = _stored(settings, folder / "nephoscope.sqlite")
    outside = open_outside(compile_file(folder / "nephoscope.yaml", os.environ).config, settings, clock)
    for minute in range(1, minutes + 2):
        slot = start + minute * MINUTE
        clock.now = slot + 20
        for cloud in clouds:
            cloud.set_time(slot + 20)
        if minute == minutes // 2:
            receiver.script("oncall", [Reply(503)] * 500)
        collect(outside, slot, Deadline(time.monotonic() + 55, time.monotonic))


def _stored(settings: Any, path: Path) -> Any:
    from dataclasses import replace  # noqa: PLC0415 - as above

    return replace(settings, table=str(path), home_region="eu-central-1")


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
