"""On which clouds a condition can hold at all: a metric or a status check may be missing on one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nephoscope.model.metric import Metric
from nephoscope.model.observation import ONLY_ON
from nephoscope.model.rule import Condition, Threshold
from nephoscope.model.scope import Cloud


def clouds_looking(condition: Condition, clouds: Iterable[Cloud], metrics: Mapping[str, Metric]) -> tuple[Cloud, ...]:
    """Those among the clouds that know what the condition is about, in their order."""
    if isinstance(condition, Threshold):
        known: Iterable[Cloud] = metrics[condition.metric].sources
    else:
        known = ONLY_ON.get(condition.attribute, tuple(Cloud))
    return tuple(cloud for cloud in clouds if cloud in known)


def subject_of(condition: Condition) -> str:
    """`cpu.utilization`, `check.system`."""
    return condition.metric if isinstance(condition, Threshold) else condition.attribute
