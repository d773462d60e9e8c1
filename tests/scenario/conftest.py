"""Alert stories: a fleet of made-up machines lived through minute by minute, by the pure plan alone.

A story says what the provider would answer; the storyteller asks for exactly what the plan wants to read, decides,
remembers what would be written, and keeps what people would be told.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.errors import Reason
from nephoscope.model.memory import Progress, Remembered
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Facts, Gap, Inventory, Readings, Series, SeriesKey
from nephoscope.pipeline.need import plan_reads
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.plan import plan

START = 1_790_000_400  # a whole hour
SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")


def machine(name="web-1", *, state=State.RUNNING, fine=True, **more):
    observations = {"state": str(state), "check.system": "ok"} | more.pop("observations", {})
    return Resource(SCOPE, Kind.INSTANCE, f"i-{name}", name, state=state, fine=fine, observations=observations, **more)


@dataclass
class Story:
    """values: (resource id, metric) -> {minute: value}, minutes are the periods' starts. blind: minutes in which
    nothing can be read. unread: minutes in which metrics cannot be read."""

    rules: tuple
    machines: dict
    values: dict = field(default_factory=dict)
    blind: frozenset = frozenset()
    unread: frozenset = frozenset()
    channels: dict = field(default_factory=dict)
    routes: tuple = ()
    quiet: tuple = ()
    scope: Scope = SCOPE
    config: Config | None = None
    remembered: Remembered = field(default_factory=lambda: Remembered(Progress(SCOPE)))
    told: list = field(default_factory=list)
    plans: list = field(default_factory=list)
    reads: list = field(default_factory=list)

    def hears(self, channel):
        """(minute, kind, why) of what this channel was told."""
        return [
            (round((message.slot - START) / 60), message.kind.value, message.why.value)
            for decided in self.plans
            for change in decided.changes
            for message in change.commit.notifications
            if message.channel == channel
        ]

    def say(self, **said):
        """What people say between two runs: silences, acknowledged."""
        self.remembered = replace(self.remembered, **said)
        return self

    def run(self, *minutes):
        for minute in minutes:
            self._run(minute)
        return self

    @property
    def states(self):
        return {(r.rule, r.resource_id): r.state.value for r in self.remembered.alerts.values()}

    def _run(self, minute):
        slot = START + 60 * minute
        catalog, config = load_catalog(), self.config or self._config()
        present = [m for m in (one(minute) if callable(one) else one for one in self.machines.values()) if m]
        inventory = Inventory(tuple(present), complete=frozenset({Kind.INSTANCE}))
        if minute in self.blind:
            inventory = Inventory(
                gaps=(Gap(self.scope, "ec2:DescribeInstances", Reason.DENIED, affected=("instance",)),)
            )
        requests = plan_reads(inventory.resources, config.rules, catalog.metrics, self.remembered.progress, slot)
        self.reads.append((minute, len(requests)))
        facts = Facts(self.scope, slot, inventory, self._readings(requests, minute))
        stamp = Stamp("acme", slot, f"run-{minute}", slot, catalog.metrics)
        decided = plan(facts, requests, self.remembered, config, catalog, stamp)
        self.plans.append(decided)
        alerts = {c.commit.record.alert_key: c.commit.record for c in decided.changes}
        self.remembered = replace(
            self.remembered,
            progress=decided.progress,
            alerts={**self.remembered.alerts, **alerts},
            snapshot=decided.snapshot or self.remembered.snapshot,
        )
        for change in decided.changes:
            for message in change.commit.notifications:
                self.told.append((minute, message.rule, message.subject.name, message.kind.value, message.why.value))

    def _readings(self, requests, minute):
        if minute in self.unread:
            return Readings(gaps=(Gap(self.scope, "cloudwatch:GetMetricData", Reason.THROTTLED),) if requests else ())
        return Readings(tuple(map(self._series, requests)))

    def _series(self, request):
        points = self.values.get((request.resource_id, request.metric), {})
        at = sorted(
            (START + 60 * minute, value)
            for minute, value in points.items()
            if request.start <= START + 60 * minute < request.end
        )
        return Series(
            SeriesKey(request.resource_id, request.metric),
            request.period,
            request.start,
            request.end,
            times=array("q", [t for t, _ in at]),
            values=array("d", [v for _, v in at]),
        )

    def _config(self):
        return Config(
            "acme",
            Gather(60, GatherAws(("eu-west-1",))),
            PublishCloudWatch("eu-west-1", "acme", distributions=("cpu.utilization",)),
            tuple(self.rules),
            self.channels,
            self.routes,
            self.quiet,
        )


@pytest.fixture
def story():
    return Story


@pytest.fixture
def a_machine():
    return machine
