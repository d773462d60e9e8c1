"""A rule's condition in the words in which a person would write it: `cpu.utilization > 90 % for 3 of 5 min`."""

from __future__ import annotations

from nephoscope.model.metric import Metric, Unit
from nephoscope.model.rule import Aggregate, Condition, Observation, Rule, Threshold, Window
from nephoscope.pipeline.wording import render_duration, render_value


def render_rule(rule: Rule, metric: Metric | None) -> str:
    """The firing condition with its window; for a rule that no longer exists only its name."""
    if isinstance(rule.when, Observation) or metric is not None or _counts(rule.when):
        return render_condition(rule.when, metric) + render_window(rule.window)
    return rule.name


def render_condition(condition: Condition, metric: Metric | None) -> str:
    """metric: the catalog's row of the condition's metric; without it a number has no unit."""
    if isinstance(condition, Observation):
        relation = "is not" if condition.negated else "is"
        return f"{condition.attribute} {relation} {' or '.join(condition.words)}"
    unit = Unit.COUNT if _counts(condition) else metric.unit if metric else ""
    threshold = render_value(condition.value, unit)
    return f"{_left(condition, metric)} {condition.comparison} {threshold}"


def _counts(condition: Condition) -> bool:
    return isinstance(condition, Aggregate) and condition.counted is not None


def _left(condition: Threshold | Aggregate, metric: Metric | None) -> str:
    return render_figure(condition, metric) if isinstance(condition, Aggregate) else render_measured(condition)


def render_measured(condition: Threshold) -> str:
    """`cpu.utilization`, `change(cpu.utilization over 10 min)`."""
    over = render_duration(condition.over)
    return f"change({condition.metric} over {over})" if condition.over else condition.metric


def render_figure(figure: Aggregate, metric: Metric | None) -> str:
    """`avg(cpu.utilization)`, `count(state is running)`. metric: of a counted threshold its own, for its unit."""
    inner = figure.metric if figure.counted is None else render_condition(figure.counted, metric)
    return f"{figure.function}({inner})"


def render_window(window: Window) -> str:
    """` for 10 min`, ` for 3 of 5 min`, or nothing where one point decides."""
    if not window.span:
        return ""
    if window.hold == window.span:
        return f" for {render_duration(window.span)}"
    if window.hold % 60 == 0 and window.span % 60 == 0:
        return f" for {window.hold // 60} of {window.span // 60} min"
    return f" for {window.hold} of {window.span} s"
