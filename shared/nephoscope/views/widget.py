"""The custom widget's answer: what changes with each run, from the snapshots, as HTML for CloudWatch's dashboard.

CloudWatch asks the function with the widget's `params` and a `widgetContext` (width, theme), shows the HTML it gets,
and takes out scripts, `<iframe>` and `<use>`. `{"describe": true}` asks for documentation in Markdown.
Source: AmazonCloudWatch user guide, "Details about custom widgets" and "Interactivity in the custom widget".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.memory import Snapshot
from nephoscope.model.metric import Metric
from nephoscope.model.resource import Kind, Resource, StateGroup
from nephoscope.model.rule import Rule, Threshold
from nephoscope.model.scope import Scope
from nephoscope.pipeline.dashboard.metric_section import title_of
from nephoscope.pipeline.links import links_for
from nephoscope.pipeline.need import metrics_of
from nephoscope.pipeline.wording import clean, render_duration, render_id, render_time, render_value
from nephoscope.views.acknowledging import acknowledge_cell
from nephoscope.views.markup import Html, join, link, table, tag

ROWS = 100
"""Rows of a table at most: a widget is read, not scrolled through; and Lambda's answer stays far below its 6 MB."""
WORST_ROWS = 10
STALE = 900
"""Seconds after which a snapshot is called old: it is written every five minutes."""
NARROW = 640
"""Pixels below which tables keep only their first columns."""
_NAME = 80

DESCRIPTION = """## nephoscope

What changes with every run, from what nephoscope remembers of each scope. Asks no cloud.

### Parameters
| name | meaning |
|---|---|
| `page` | `alerts` (firing now), `worst` (machines), `states` (by region), `gaps` (where we are blind) |
| `metric` | on `worst`: only this metric, e.g. `cpu.utilization` |

On `alerts` each alert has a button: acknowledged, it is not repeated and not escalated until it ends.

### Example
``` yaml
page: worst
metric: cpu.utilization
```
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the pages are made of. unseen: registered scopes without a snapshot. endpoint: this function's ARN."""

    snapshots: Sequence[Snapshot]
    unseen: Sequence[Scope]
    config: Config
    catalog: Catalog
    now: int
    wide: bool
    metric: str = ""
    endpoint: str = ""


def render_widget(
    event: Mapping[str, Any],
    snapshots: Sequence[Snapshot],
    config: Config,
    catalog: Catalog,
    now: int,
    unseen: Sequence[Scope] = (),
    *,
    endpoint: str = "",
    said: str = "",
) -> str:
    """The widget's HTML, or its documentation in Markdown where the event asks for `describe`.

    now: epoch seconds, for the age of what is shown. unseen: scopes that are registered and have no snapshot yet.
    endpoint: the ARN of the function that answers, which its buttons call; empty = it has none. said: what became of
    what somebody did. An unknown page is said to be one; nothing in the event can make this raise.
    """
    if event.get("describe"):
        return DESCRIPTION
    context = event.get("widgetContext")
    width = context.get("width") if isinstance(context, Mapping) else None
    wide = not isinstance(width, int | float) or width >= NARROW
    asked = _Asked(snapshots, unseen, config, catalog, now, wide, str(event.get("metric") or ""), endpoint)
    dark = isinstance(context, Mapping) and context.get("theme") == "dark"
    page = _PAGES.get(str(event.get("page") or "alerts"))
    if page is None:
        return tag("p", f"There is no page {event.get('page')!r}. Pages: {', '.join(_PAGES)}.")
    answer = tag("p", clean(said, 300), class_="said") if said else ""
    look = "nephoscope dark" if dark else "nephoscope"
    return join([_STYLE, tag("div", answer, page(asked), _age(asked), class_=look)])


# --- pages -------------------------------------------------------------------------------------------------------


def _alerts(asked: _Asked) -> Html:
    lines = [(snapshot, line) for snapshot in asked.snapshots for line in snapshot.firing]
    if not lines:
        return tag("p", "✓ Nothing is firing.", class_="calm")
    order = {"critical": 0, "warning": 1, "info": 2}
    lines.sort(key=lambda pair: str(pair[1].get("since")), reverse=True)
    lines.sort(key=lambda pair: order.get(str(pair[1].get("severity")), 3))
    heads = ["Severity", "Rule", "Resource", "Value", "Seen by", "Since", "Where"]
    rules = {rule.name: rule for rule in asked.config.rules}
    return _cut(asked, heads, [_alert_row(asked, rules, *pair) for pair in lines[:ROWS]], len(lines), narrow=5)


def _alert_row(
    asked: _Asked, rules: Mapping[str, Rule], snapshot: Snapshot, line: Mapping[str, object]
) -> Sequence[object]:
    severity = str(line.get("severity"))
    rule = rules.get(str(line.get("rule")))
    metric = _metric_of(asked.catalog, rule)
    own_id = str(line.get("resource_id"))
    resource = next((one for one in snapshot.resources if one.id == own_id), None)
    attributes = line.get("attributes")
    device = ", ".join(f"{key} {value}" for key, value in attributes.items()) if isinstance(attributes, Mapping) else ""
    return (
        tag("span", severity, class_=f"badge {severity if severity in _SEVERITIES else 'info'}"),
        clean(str(line.get("rule")), _NAME),
        join([_named(resource, metric) if resource else clean(own_id, _NAME), f" {clean(device, _NAME)}".rstrip()]),
        _value(line.get("value"), metric, line.get("state")),
        acknowledge_cell(line, clean((resource.name if resource else "") or own_id, _NAME), asked.endpoint),
        clean(str(line.get("since")), 40).replace("T", " ").replace("Z", " UTC"),
        _place(snapshot.scope),
    )


def _worst(asked: _Asked) -> Html:
    names = sorted(metrics_of(asked.config.rules) | {name for one in asked.snapshots for name in one.values})
    shown = [name for name in names if name in asked.catalog.metrics and asked.metric in ("", name)]
    tables = [html for name in shown if (html := _worst_of(asked, asked.catalog.metrics[name]))]
    return join(tables) if tables else tag("p", "No values yet.")


def _worst_of(asked: _Asked, metric: Metric) -> Html | None:
    limits = [rule.when for rule in asked.config.rules if _is_on(rule, metric)]
    upward = all(isinstance(limit, Threshold) and limit.comparison.upward for limit in limits)
    found = [
        (value, at, snapshot, resource)
        for snapshot in asked.snapshots
        for resource in snapshot.resources
        for at, value in [snapshot.values.get(metric.name, {}).get(resource.id, (0, None))]
        if value is not None
    ]
    if not found:
        return None
    found.sort(key=lambda one: one[0], reverse=upward)
    rows = [
        (
            _named(resource, metric),
            _bar(value, metric, limits),
            resource.type,
            clean(str(resource.state or resource.vendor_state or "unknown"), 40),
            _place(snapshot.scope),
            f"{render_duration(asked.now - at)} ago",
        )
        for value, at, snapshot, resource in found[:WORST_ROWS]
    ]
    heads = [
        "Machine" if metric.on is Kind.INSTANCE else "Bucket",
        title_of(metric),
        "Type",
        "State",
        "Where",
        "Period",
    ]
    return join([tag("h4", f"{title_of(metric)}: the {'highest' if upward else 'lowest'}"), _cut(asked, heads, rows)])


def _states(asked: _Asked) -> Html:
    heads = ["Region", "Account", *(str(group) for group in StateGroup), "Data"]
    ranked = sorted(asked.snapshots, key=lambda one: (-sum(one.counts.values()), one.scope))
    rows = [
        (
            f"{one.scope.cloud} {one.scope.region}",
            one.scope.account,
            *(f"{one.counts.get(str(group), 0):,}" for group in StateGroup),
            _coverage(one.coverage),
        )
        for one in ranked[:ROWS]
    ]
    sums = [f"{sum(one.counts.get(str(group), 0) for one in ranked):,}" for group in StateGroup]
    total = (tag("b", "all"), "", *(tag("b", each) for each in sums), "")
    return _cut(asked, heads, [total, *rows], len(ranked) + 1) if rows else tag("p", "No scope has been seen yet.")


def _gaps(asked: _Asked) -> Html:
    missing: list[tuple[Scope, str]] = []
    for one in asked.snapshots:
        missing += [(one.scope, gap) for gap in one.gaps]
        if asked.now - one.slot > STALE:
            missing.append((one.scope, f"nothing new for {render_duration(asked.now - one.slot)}"))
    missing += [(scope, "registered, and never read yet") for scope in asked.unseen]
    if not missing:
        return tag("p", "✓ Every read of every scope succeeded.", class_="calm")
    rows = [(_place(scope), clean(words, 300)) for scope, words in missing[:ROWS]]
    return _cut(asked, ["Where", "What is missing, and why"], rows, len(missing))


_PAGES: Mapping[str, Callable[[_Asked], Html]] = {
    "alerts": _alerts,
    "worst": _worst,
    "states": _states,
    "gaps": _gaps,
}


# --- parts -------------------------------------------------------------------------------------------------------


def _cut(asked: _Asked, heads: Sequence[str], rows: Sequence[Sequence[object]], of: int = 0, narrow: int = 4) -> Html:
    """The table, with fewer columns where there is little room, and a word on the rows that are left out."""
    columns = len(heads) if asked.wide else narrow
    shown = table(heads[:columns], (row[:columns] for row in rows))
    return join([shown, tag("p", f"and {of - len(rows):,} more", class_="faint")]) if of > len(rows) else shown


def _named(resource: Resource, metric: Metric | None) -> Html:
    """The resource's name with links to its console page and its metric."""
    links = links_for(resource, metric)
    own = links.get("instance") or links.get("bucket") or ""
    name = clean(resource.name, _NAME)
    parts: list[object] = [link(name or render_id(resource.id), own)]
    if name and name != resource.id:
        parts.append(tag("span", f" {clean(render_id(resource.id), _NAME)}", class_="faint"))
    if "metric" in links:
        parts += [" ", link("graph", links["metric"])]
    return join(parts)


def _value(value: object, metric: Metric | None, state: object) -> str:
    if isinstance(value, int | float) and metric:
        return render_value(float(value), metric.unit)
    return clean(str(state or ""), 40)


def _bar(value: float, metric: Metric, limits: Iterable[object]) -> Html:
    """The value, over a bar where it is a share of something."""
    text = render_value(value, metric.unit)
    if metric.unit != "1":
        return tag("span", text)
    over = any(isinstance(limit, Threshold) and limit.comparison.holds(value, limit.value) for limit in limits)
    filled = tag("i", style=f"width:{min(max(value, 0.0), 1.0) * 100:.0f}%", class_="over" if over else "")
    return join([tag("span", filled, class_="bar"), f" {text}"])


def _coverage(coverage: tuple[int, int]) -> Html:
    fresh, known = coverage
    return tag("span", f"{fresh:,} of {known:,} fresh", class_="" if fresh == known else "over-text")


def _place(scope: Scope) -> str:
    return f"{scope.cloud} {scope.account} {scope.region}"


def _age(asked: _Asked) -> Html:
    """From when the oldest part is: a page that is not of now must say so."""
    if not asked.snapshots:
        return tag("p", "No run has written anything yet.", class_="faint")
    oldest = min(one.slot for one in asked.snapshots)
    age = asked.now - oldest
    words = f"As of {render_time(oldest)}, {render_duration(age)} ago."
    return tag("p", f"⚠ {words}" if age > STALE else words, class_="over-text" if age > STALE else "faint")


def _metric_of(catalog: Catalog, rule: Rule | None) -> Metric | None:
    return catalog.metrics.get(rule.when.metric) if rule and isinstance(rule.when, Threshold) else None


def _is_on(rule: Rule, metric: Metric) -> bool:
    return isinstance(rule.when, Threshold) and rule.when.metric == metric.name


_SEVERITIES = ("critical", "warning", "info")

_STYLE = Html(
    "<style>"
    ".nephoscope{font-size:13px;line-height:1.45}"
    ".nephoscope table{border-collapse:collapse;width:100%}"
    ".nephoscope th{text-align:left;font-weight:600;opacity:.75;padding:2px 8px 2px 0}"
    ".nephoscope td{padding:3px 8px 3px 0;border-top:1px solid rgba(128,128,128,.25);vertical-align:top}"
    ".nephoscope cwdb-action{display:none}.nephoscope .said{margin:0 0 6px;font-weight:600}"
    ".nephoscope .btn{white-space:nowrap}"
    ".nephoscope h4{margin:10px 0 2px;font-size:13px}"
    ".nephoscope .faint{opacity:.6}.nephoscope .calm{color:#1d8102;font-weight:600}"
    ".nephoscope .over-text{color:#d13212;font-weight:600}"
    ".nephoscope.dark .calm{color:#6cc04a}.nephoscope.dark .over-text{color:#ff7566}"
    ".nephoscope .badge{display:inline-block;border-radius:3px;padding:0 6px;color:#fff;background:#0073bb}"
    ".nephoscope .badge.critical{background:#d13212}.nephoscope .badge.warning{background:#b35c00}"
    ".nephoscope .bar{display:inline-block;width:72px;height:8px;background:rgba(128,128,128,.25);border-radius:4px}"
    ".nephoscope .bar i{display:block;height:8px;border-radius:4px;background:#1f77b4}"
    ".nephoscope .bar i.over{background:#d62728}"
    "</style>"
)
