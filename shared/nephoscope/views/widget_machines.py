"""Pages of the custom widget on machines: which fare worst by each metric, and how many are where, in which state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from nephoscope.model.memory import Snapshot
from nephoscope.model.metric import Metric
from nephoscope.model.resource import Kind, Resource, State, StateGroup
from nephoscope.model.rule import Rule, Threshold
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.bounds import CLOUD_NAMES, title_of
from nephoscope.pipeline.dashboard.tables import worst_rows
from nephoscope.pipeline.need import metrics_of
from nephoscope.pipeline.wording import clean, render_value
from nephoscope.views.markup import Html, isolated, tag
from nephoscope.views.widget_alerts import ROWS
from nephoscope.views.widget_asked import Asked
from nephoscope.views.widget_cells import ago, bar, cut, named, place

_Found = tuple[float, int, Snapshot, Resource]


# --- the worst ---------------------------------------------------------------------------------------------------


def worst(asked: Asked) -> Html:
    """A table for each metric that rules read, side by side where there is room."""
    names = sorted(metrics_of(asked.config.rules) | {name for one in asked.snapshots for name in one.values})
    shown = [asked.catalog.metrics[name] for name in names if name in asked.catalog.metrics]
    found = [(metric, _found(asked, metric)) for metric in shown if asked.metric in ("", metric.name)]
    found = [(metric, values) for metric, values in found if values]
    if not found:
        return tag("p", "No values yet.", class_="faint")
    return tag("div", *(_worst_of(asked, *one, worst_rows(len(found))) for one in found), class_="side")


def _found(asked: Asked, metric: Metric) -> list[_Found]:
    return [
        (value, at, snapshot, resource)
        for snapshot in asked.snapshots
        for resource in snapshot.resources
        for at, value in [snapshot.values.get(metric.name, {}).get(resource.id, (0, None))]
        if value is not None
    ]


def _worst_of(asked: Asked, metric: Metric, found: list[_Found], most: int) -> Html:
    limits = asked.limits_on(metric)
    upward = not limits or any(limit.comparison.upward for _, limit in limits)
    shown = sorted(found, key=lambda one: one[0], reverse=upward)[:most]
    rows = [
        (
            named(resource, metric, _kind(resource)),
            bar(value, metric, limits),
            place(snapshot.scope),
        )
        for value, _, snapshot, resource in shown
    ]
    heads = ["Machine" if metric.on is Kind.INSTANCE else "Bucket", title_of(metric), "Where"]
    title = f"{title_of(metric)}: the {'highest' if upward else 'lowest'}"
    return tag("section", tag("h4", title), _fires(metric, limits, shown, asked.now), cut(heads, rows))


def _fires(metric: Metric, limits: Sequence[tuple[Rule, Threshold]], shown: Sequence[_Found], now: int) -> Html:
    """How old the values are, and from where on somebody is told."""
    ages = [ago(now - max(at for _, at, *_ in shown)), ago(now - min(at for _, at, *_ in shown))]
    measured = f"Measured {ages[0]}" if ages[0] == ages[1] else f"Measured {ages[1]} or later"
    fires = [f"{rule.name} fires {limit.comparison} {render_value(limit.value, metric.unit)}" for rule, limit in limits]
    return tag("p", isolated(clean("; ".join([measured, *fires]), 200)), class_="faint")


def _kind(resource: Resource) -> str:
    """Its type, and its state where it does not simply run."""
    state = resource.state or resource.vendor_state
    if resource.kind is not Kind.INSTANCE or not state or state is State.RUNNING:
        return resource.type
    return f"{resource.type} · {state}"


# --- by cloud and region -----------------------------------------------------------------------------------------


def states(asked: Asked) -> Html:
    """A row for each account and region under its cloud's sum, the largest first; what is amiss is said in the row."""
    scopes = [one for one in asked.snapshots if not one.scope.is_fleet]
    if not scopes:
        return tag("p", "No scope has been seen yet.", class_="faint")
    heads = ["Region", "Account", "Alerts", *(str(group) for group in StateGroup), "Data"]
    clouds = [cloud for cloud in Cloud if any(one.scope.cloud is cloud for one in scopes)]
    rows = [_sum("all", scopes)]
    for cloud in clouds:
        own = [one for one in scopes if one.scope.cloud is cloud]
        rows += [_sum(CLOUD_NAMES[cloud], own)] if len(clouds) > 1 else []
        rows += [_scope_row(one) for one in sorted(own, key=lambda one: (-sum(one.counts.values()), one.scope))]
    return tag("div", cut(heads, rows[:ROWS], len(rows)), class_="counts")


def _scope_row(one: Snapshot) -> Sequence[object]:
    short = clean(one.scope.account, 40)
    return (
        tag("span", CLOUD_NAMES[one.scope.cloud], " ", isolated(clean(one.scope.region, 60))),
        isolated(short),
        _alerts(len(one.firing)),
        *(_count(one.counts.get(str(group), 0)) for group in StateGroup),
        _coverage([one]),
    )


def _sum(title: str, scopes: Sequence[Snapshot]) -> Sequence[object]:
    counts: Counter[str] = Counter()
    for one in scopes:
        counts.update(one.counts)
    return (
        tag("b", title),
        "",
        _alerts(sum(len(one.firing) for one in scopes)),
        *(tag("b", _count(counts[str(group)])) for group in StateGroup),
        _coverage(scopes),
    )


def _count(number: int) -> object:
    return f"{number:,}" if number else tag("span", "0", class_="faint")


def _alerts(number: int) -> Html:
    return tag("b", f"{number:,}", class_="over-text") if number else tag("span", "0", class_="faint")


def _coverage(scopes: Iterable[Snapshot]) -> Html:
    fresh, known = (sum(one.coverage[part] for one in scopes) for part in (0, 1))
    if fresh == known:
        return tag("span", f"all {known:,} fresh" if known else "none", class_="" if known else "faint")
    return tag("span", f"{fresh:,} of {known:,} fresh", class_="over-text")
