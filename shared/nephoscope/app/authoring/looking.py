"""On which clouds a condition can hold at all: a metric or a status check may be missing on one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nephoscope.model.metric import Metric
from nephoscope.model.observation import ONLY_ON
from nephoscope.model.rule import Aggregate, Condition, Observation, Threshold
from nephoscope.model.scope import Cloud


def clouds_looking(condition: Condition, clouds: Iterable[Cloud], metrics: Mapping[str, Metric]) -> tuple[Cloud, ...]:
    """Those among the clouds that know what the condition is about, in their order."""
    single = _single(condition)
    if isinstance(single, Observation):
        known: Iterable[Cloud] = ONLY_ON.get(single.attribute, tuple(Cloud))
    else:
        known = metrics[single].sources
    return tuple(cloud for cloud in clouds if cloud in known)


def _single(condition: Condition) -> Observation | str:
    """What is looked at of each resource: what is seen, or a metric's name."""
    if isinstance(condition, Aggregate):
        return condition.counted if isinstance(condition.counted, Observation) else condition.reads
    return condition.metric if isinstance(condition, Threshold) else condition


def subject_of(condition: Condition) -> str:
    """`cpu.utilization`, `check.system`."""
    single = _single(condition)
    return single.attribute if isinstance(single, Observation) else single
