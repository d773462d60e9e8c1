"""Machines that run again after a stop: like new ones they have no points yet, and that is no news.

AWS and Google say when a machine was last started; Azure says only when it was made. What its state was before stands
in the last snapshot, which is read whenever the inventory has changed: a machine that did not run then and runs now was
started in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from nephoscope.model.config import Config
from nephoscope.model.memory import Remembered
from nephoscope.model.resource import Resource
from nephoscope.model.rule import Threshold
from nephoscope.model.series import Facts
from nephoscope.model.time import HOUR

SETTLED = HOUR
"""A point is judged when it is settled: its slot is no more than this later, where the run makes up for none."""


def find_starts(facts: Facts, remembered: Remembered, config: Config) -> Mapping[str, int]:
    """Resource id -> the slot at which it was first seen to run again; those of a listing that has holes included."""
    lasting = config.grace + _longest_window(config) + SETTLED
    known = {key: at for key, at in remembered.progress.started.items() if facts.slot - at < lasting}
    before = remembered.snapshot
    if before is None:
        return known
    halted = {resource.id for resource in before.resources if not resource.measured}
    again = {
        resource.id: facts.slot
        for resource in facts.inventory.resources
        if resource.id in halted and resource.measured and not _says_so(resource, before.slot)
    }
    return known | again


def with_starts(resources: Iterable[Resource], starts: Mapping[str, int]) -> tuple[Resource, ...]:
    """The same resources; those that were started again are as young as that."""
    return tuple(
        replace(resource, launched_at=max(resource.launched_at or 0, starts[resource.id]))
        if resource.id in starts
        else resource
        for resource in resources
    )


def _says_so(resource: Resource, since: int) -> bool:
    """Whether the provider itself tells of a start after `since`."""
    return resource.launched_at is not None and resource.launched_at >= since


def _longest_window(config: Config) -> int:
    return max((rule.window.span for rule in config.rules if isinstance(rule.when, Threshold)), default=0)
