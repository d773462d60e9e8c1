"""Conditions on groups of resources: `avg(cpu.utilization) > 80 %`, `count(state is running) < 3`, and `by`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches

from nephoscope.app.authoring.document import Text
from nephoscope.app.authoring.findings import Findings, listed
from nephoscope.app.authoring.quantities import UnclearError, parse_quantity
from nephoscope.model.metric import Unit
from nephoscope.model.rule import Aggregate, Comparison, Condition, Observation, Threshold
from nephoscope.pipeline.partials import LABELS, TAG

FUNCTION = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*\((.*)\)\s*([<>=!≤≥]+)\s*(.*)", re.DOTALL)
_PERCENTILE = re.compile(r"p([1-9][0-9]?)")
FUNCTIONS = ("avg", "min", "max", "sum", "count")

_SHORT = {
    "region": "cloud_region",
    "account": "cloud_account_id",
    "cloud": "cloud_provider",
    "zone": "cloud_availability_zone",
    "type": "host_type",
}
"""What people write first, and what it is called."""


def parse_aggregate(
    found: re.Match[str], single: Callable[[str], Condition], comparison: Callable[[str], Comparison]
) -> Aggregate:
    """found: of FUNCTION. single: parses a condition on one resource. Raises UnclearError."""
    name, inner, sign, amount = found.groups()
    if name != "count" and name not in FUNCTIONS and not _PERCENTILE.fullmatch(name):
        raise UnclearError(f'unknown function "{name}"; there are {listed((*FUNCTIONS, "p1 to p99"))}')
    if name == "count":
        return _count(single(inner), comparison(sign), amount)
    # A threshold on the one resource is parsed for its metric, its unit and what is possible; a sum may be any size.
    probe = single(f"{inner} {sign} {amount}") if name != "sum" else _summed(single, inner, sign, amount)
    if not isinstance(probe, Threshold) or probe.over:
        raise UnclearError(f"{name}(...) is over a metric, such as {name}(cpu.utilization)")
    return Aggregate(name, probe.comparison, probe.value, metric=probe.metric)


def _summed(single: Callable[[str], Condition], inner: str, sign: str, amount: str) -> Condition:
    probe = single(f"{inner} {sign} {amount}")
    if isinstance(probe, Threshold) and amount.strip().endswith("%"):
        raise UnclearError(f"sum({probe.metric}) adds up shares of different machines; avg says what is meant")
    return probe


def _is_change(condition: Condition) -> bool:
    return isinstance(condition, Threshold) and condition.over > 0


def _count(counted: Condition, comparison: Comparison, amount: str) -> Aggregate:
    if isinstance(counted, Aggregate) or _is_change(counted):
        raise UnclearError("count(...) holds a condition on one resource, such as count(state is running)")
    try:
        value = parse_quantity(amount, Unit.COUNT)
    except UnclearError as unclear:
        raise UnclearError(f"count: {unclear}") from unclear
    never = comparison.holds(0, value) and comparison.holds(float("inf"), value)
    if never or not (comparison.holds(0, value) or comparison.holds(1e9, value)):
        verb = "always holds" if never else "can never hold"
        raise UnclearError(f"this {verb}: a count is never less than 0")
    return Aggregate("count", comparison, value, counted=counted)


def read_by(texts: Iterable[Text] | None, when: Condition | None, findings: Findings) -> tuple[str, ...]:
    """The labels that make the groups. Each is known, or `tag:NAME`."""
    found = list(texts or ())
    if found and when is not None and not isinstance(when, Aggregate):
        findings.problem(found[0].place, "by: groups need a figure over each, such as avg(cpu.utilization) > 80 %")
        return ()
    labels = []
    for text in found:
        if text.value in LABELS or (text.value.startswith(TAG) and len(text.value) > len(TAG)):
            labels.append(text.value)
            continue
        nearest = _SHORT.get(text.value) or next(iter(get_close_matches(text.value, LABELS, n=1)), "")
        guess = f"; did you mean {nearest}?" if nearest else f"; there are {listed((*LABELS, 'tag:NAME'))}"
        findings.problem(text.place, f'by: unknown label "{text.value}"{guess}')
    return _with_cloud(tuple(dict.fromkeys(labels)))


def _with_cloud(labels: tuple[str, ...]) -> tuple[str, ...]:
    """A region or an account is one of a cloud: messages and links need to know of which."""
    placed = {"cloud_region", "cloud_account_id"} & set(labels)
    return ("cloud_provider", *labels) if placed and "cloud_provider" not in labels else labels


def contradicts(when: Aggregate, clear: Condition) -> str:
    """What is wrong with the clear condition of a rule on groups; empty when it is on the same figure."""
    same = isinstance(clear, Aggregate) and (clear.function, clear.metric, clear.counted) == (
        when.function,
        when.metric,
        when.counted,
    )
    return "" if same else "it must be on the same figure as the rule"


def counts_what_is_seen(condition: Condition | None) -> bool:
    return isinstance(condition, Observation) or (isinstance(condition, Aggregate) and condition.seen)
