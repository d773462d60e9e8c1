"""The one-line language of `when`, `clear` and `for`.

    when:   METRIC > NUMBER UNIT                    METRIC is a row of the catalog; also >= < <=
            ATTRIBUTE is [not] WORD [or WORD]...    what is seen: state, check.system, ...
            change(METRIC over 10 min) > NUMBER UNIT
            avg(METRIC) > NUMBER UNIT               of a group: also min, max, sum, p1 to p99
            count(CONDITION) < NUMBER               how many of a group: count(state is running)
    clear:  METRIC < NUMBER UNIT [for SPAN]
    for:    10 min | 3 of 5 min

Parsing and the questions that need only the text and the catalog; what several texts say together is in rules.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nephoscope.app.authoring.aggregates import FUNCTION, contradicts, parse_aggregate
from nephoscope.app.authoring.findings import did_you_mean, listed
from nephoscope.app.authoring.quantities import (
    WRITTEN,
    UnclearError,
    parse_keep,
    parse_quantity,
    parse_window,
    render_quantity,
)
from nephoscope.model.metric import Metric, Unit
from nephoscope.model.observation import OBSERVATIONS
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Aggregate, Comparison, Condition, Observation, Threshold, Window

_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\s*\(.*")
_JOINED = re.compile(r"[<>=].*\s(and|or)\s", re.DOTALL)
_GROUP_EXAMPLE = "avg(cpu.utilization) > 80 %, or count(state is running) < 3"
_CHANGE = re.compile(r"change\s*\((.*)\)\s*([<>=!≤≥]+)\s*(.*)", re.DOTALL)
_OVER = re.compile(r"\s*(\S+)\s+over\s+(.+?)\s*", re.DOTALL)
_SEEN = re.compile(r"(\S+)\s+is\s+(not\s+)?(.+)", re.DOTALL)
_MEASURED = re.compile(r"([^\s<>=!≤≥]+)\s*([<>=!≤≥]+)\s*(.*)", re.DOTALL)
_WITH_SPAN = re.compile(r"(.+?)\s+for\s+(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that conditions may use: the catalog's metrics, by name."""

    metrics: Mapping[str, Metric]

    def measured(self, kind: Kind) -> list[str]:
        return sorted(name for name, metric in self.metrics.items() if metric.on is kind)

    def seen(self, kind: Kind) -> list[str]:
        return list(OBSERVATIONS[kind])


def parse_condition(text: str, kind: Kind, words: Vocabulary) -> Condition:
    """A condition on this kind of resource. Raises UnclearError."""
    text = text.strip()
    if found := _CHANGE.fullmatch(text):
        return _change(found[1], found[2], found[3], kind, words)
    if found := FUNCTION.fullmatch(text):
        return parse_aggregate(found, lambda inner: parse_condition(inner, kind, words), _comparison)
    if _FUNCTION.match(text):
        raise UnclearError(f'"{text}" is no condition; write for example {_GROUP_EXAMPLE}')
    if _JOINED.search(text):
        raise UnclearError("one condition a rule; write a rule for each")
    if _WITH_SPAN.fullmatch(text):
        raise UnclearError("the time stands under `for`, not in `when`")
    if seen := _SEEN.fullmatch(text):
        return _observation(seen[1], seen[3], bool(seen[2]), kind, words)
    if measured := _MEASURED.fullmatch(text):
        return _threshold(measured[1], measured[2], measured[3], kind, words)
    example = "cpu.utilization > 90 %" if kind is Kind.INSTANCE else "size > 5 TiB"
    raise UnclearError(f'"{text}" is no condition; write for example {example}, or state is stopped')


def parse_clear(text: str, kind: Kind, words: Vocabulary) -> tuple[Condition, Window | None]:
    """A condition and the span it must hold, None where none is said. Raises UnclearError."""
    found = _WITH_SPAN.fullmatch(text.strip())
    if not found:
        return parse_condition(text, kind, words), None
    return parse_condition(found[1], kind, words), parse_window(found[2])


def _threshold(name: str, sign: str, amount: str, kind: Kind, words: Vocabulary) -> Threshold:
    metric = _metric(name, kind, words)
    comparison = _comparison(sign)
    try:
        value = parse_quantity(amount, metric.unit)
    except UnclearError as unclear:
        raise UnclearError(f"{name}: {unclear}") from unclear
    condition = Threshold(name, comparison, value)
    _check_possible(condition, metric)
    return condition


def _change(inner: str, sign: str, amount: str, kind: Kind, words: Vocabulary) -> Threshold:
    """Of shares the difference of both: from 40 % to 55 % is 15 %."""
    found = _OVER.fullmatch(inner)
    if not found:
        raise UnclearError("change(...) needs a metric and a time: change(cpu.utilization over 10 min) > 30 %")
    metric = _metric(found[1], kind, words)
    try:
        condition = Threshold(metric.name, _comparison(sign), parse_quantity(amount, metric.unit), parse_keep(found[2]))
    except UnclearError as unclear:
        raise UnclearError(f"change({metric.name}): {unclear}") from unclear
    most = WRITTEN[metric.unit].most
    if condition.comparison.holds(-most, condition.value) == condition.comparison.holds(most, condition.value):
        verb = "always holds" if condition.comparison.holds(most, condition.value) else "can never hold"
        raise UnclearError(f"this {verb}: a change of {metric.name} lies between -100 % and 100 %")
    return condition


def _comparison(sign: str) -> Comparison:
    try:
        return Comparison({"≥": ">=", "≤": "<=", "=>": ">=", "=<": "<="}.get(sign, sign))
    except ValueError as error:
        raise UnclearError(f'unknown comparison "{sign}"; there are >, >=, < and <=') from error


def _metric(name: str, kind: Kind, words: Vocabulary) -> Metric:
    metric = words.metrics.get(name)
    if metric is not None and metric.on is kind:
        return metric
    if name in OBSERVATIONS[kind]:
        raise UnclearError(
            f"{name} is seen, not measured; write `{name} is` and {listed(OBSERVATIONS[kind][name], 'or')}"
        )
    if metric is not None:
        there = words.measured(kind)
        has = f"; {kind} has {listed(there)}" if len(there) <= 5 else ""
        raise UnclearError(f"{name} is a metric of {metric.on}, and this rule is on {kind}{has}")
    guess = did_you_mean(name, [*words.measured(kind), *words.seen(kind)])
    raise UnclearError(f'unknown metric "{name}" for {kind}{guess} (nephoscope metrics --catalog lists them)')


def _observation(name: str, said: str, negated: bool, kind: Kind, words: Vocabulary) -> Observation:
    known = OBSERVATIONS[kind]
    if name not in known:
        if name in words.metrics:
            raise UnclearError(f"{name} is measured, not seen; compare it with a number")
        guess = did_you_mean(name, [*known, *words.measured(kind)])
        raise UnclearError(f'unknown attribute "{name}" for {kind}{guess}')
    named = tuple(re.split(r"\s+or\s+|\s*,\s*", said.strip()))
    for word in named:
        if word not in known[name]:
            raise UnclearError(f'{name} is never "{word}"{_nearest_word(word, known[name])}')
    return Observation(name, named, negated)


def _nearest_word(word: str, known: tuple[str, ...]) -> str:
    guess = did_you_mean(word, known)
    return guess or f"; it is one of {listed(known, 'or')}"


def _check_possible(condition: Threshold, metric: Metric) -> None:
    """Refuse what can never hold, and what always does."""
    written = WRITTEN[metric.unit]
    least, most = written.least, written.most
    lowest, highest = (
        condition.comparison.holds(least, condition.value),
        condition.comparison.holds(most, condition.value),
    )
    if lowest != highest:
        return
    bounds = (
        f"{metric.name} lies between {render_quantity(least, metric.unit)} and {render_quantity(most, metric.unit)}"
    )
    if most == float("inf"):
        bounds = f"{metric.name} is never less than 0"
    raise UnclearError(f"this {'always holds' if lowest else 'can never hold'}: {bounds}")


def _over(condition: Condition) -> int:
    return condition.over if isinstance(condition, Threshold) else 0


def contradiction(when: Condition, clear: Condition, metrics: Mapping[str, Metric]) -> str:
    """What is wrong with a clear condition beside its rule's; empty when they fit.

    They fit when no value is bad and well at once: the two look in opposite directions and do not overlap.
    """
    if isinstance(when, Observation):
        return f"a rule on {when.attribute} is over when {when.attribute} is another; leave clear out"
    if isinstance(when, Aggregate) and (problem := contradicts(when, clear)):
        return problem
    if isinstance(clear, Observation) or clear.metric != when.metric or _over(clear) != _over(when):
        return f"it must be on {when.metric}, as the rule is"
    upward = when.comparison.upward
    if upward is clear.comparison.upward:
        return f"{when.comparison} is what is bad; what is well lies in the other direction: {'<' if upward else '>'}"
    beyond = clear.value > when.value if upward else clear.value < when.value
    both_at_once = when.comparison.holds(0, 0) and clear.comparison.holds(0, 0) and clear.value == when.value
    if beyond or both_at_once:
        bound = (
            f"{'less' if upward else 'more'} than"
            if when.comparison.holds(0, 0)
            else f"at {'most' if upward else 'least'}"
        )
        shown = render_quantity(when.value, metrics[when.metric].unit if when.metric else Unit.COUNT)
        return f"values would be bad and well at once; it must be {bound} {shown}"
    return ""
