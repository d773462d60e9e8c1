"""Pages of the custom widget on what is wrong: the answer in a sentence, the open alerts, and where we are blind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nephoscope.model.memory import Snapshot
from nephoscope.model.resource import StateGroup
from nephoscope.model.rule import Rule, Threshold
from nephoscope.model.scope import Scope
from nephoscope.pipeline.board.bounds import title_of
from nephoscope.pipeline.conditions import render_rule
from nephoscope.pipeline.wording import clean, render_duration, render_pair, render_value
from nephoscope.views.acknowledging import acknowledge_cell
from nephoscope.views.markup import Html, isolated, join, link, tag
from nephoscope.views.widget_asked import Asked
from nephoscope.views.widget_cells import NAME, ago, cut, lasting, named, place

ROWS = 100
"""Rows of a table at most: a widget is read, not scrolled through; and Lambda's answer stays far below its 6 MB."""

SEVERITIES = ("critical", "warning", "info")
SIGNS = {"critical": "✖", "warning": "▲", "info": "●"}
_STATES = {"lost": "no data any more", "recovering": "recovering"}

_Open = tuple[Snapshot, Mapping[str, object]]


# --- the answer --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """look: `well`, `warning`, `critical` or `unknown`. headline: is all well? detail: what that rests on."""

    look: str
    headline: str
    detail: str


def answer(asked: Asked) -> Html:
    """One line that a person reads first."""
    said = answer_of(asked)
    sign = {"well": "✔", "unknown": "?", **SIGNS}[said.look]
    headline = tag("strong", tag("span", sign, class_="sign", aria_hidden="true"), f" {said.headline}")
    return tag("div", headline, tag("span", said.detail, class_="detail"), class_=f"answer {said.look}")


def answer_of(asked: Asked) -> Answer:
    """What does not see may not say that all is well: nothing read, or read too long ago, comes before everything."""
    if not asked.snapshots:
        return Answer("unknown", "Nobody knows yet", "no run has written anything")
    opened = _opened(asked)
    stale, blind = asked.stale, _missing(asked)
    detail = f"{_machines(asked)}. {_read(asked)}"
    if len(stale) == len(asked.snapshots):
        age = render_duration(asked.now - max(one.slot for one in stale))
        return Answer("unknown", f"Not known: nothing was read for {age}", f"{detail} {_firing(opened)}")
    if opened:
        worst = _severity(opened[0][1])
        blindness = f"; and not everything can be seen: {_places(blind)}" if blind else ""
        return Answer(worst, f"{_firing(opened)}{blindness}", detail)
    if blind:
        return Answer("warning", f"Nothing is firing, but not everything can be seen: {_places(blind)}", detail)
    return Answer("well", "All is well", f"Nothing is firing. {detail}")


def _firing(opened: Sequence[_Open]) -> str:
    if not opened:
        return "Nothing was firing."
    counts = Counter(_severity(line) for _, line in opened)
    shown = ", ".join(f"{counts[one]:,} {one}" for one in SEVERITIES if counts[one])
    loose = sum(not line.get("acknowledged") for _, line in opened)
    seen = (
        "none acknowledged" if loose == len(opened) else f"{loose:,} not acknowledged" if loose else "all acknowledged"
    )
    alerts = "1 alert is" if len(opened) == 1 else f"{len(opened):,} alerts are"
    return f"{alerts} firing: {shown}; {seen}"


def _machines(asked: Asked) -> str:
    counts: Counter[str] = Counter()
    for one in asked.snapshots:
        counts.update(one.counts)
    shown = [f"{counts[str(group)]:,} {group}" for group in StateGroup if counts[str(group)]]
    return f"Machines: {', '.join(shown) or 'none'}"


def _read(asked: Asked) -> str:
    regions = sum(not one.scope.is_fleet for one in asked.snapshots)
    newest = max(one.slot for one in asked.snapshots)
    return f"{regions:,} region{'' if regions == 1 else 's'} read, last {ago(asked.now - newest)}."


def _places(blind: Sequence[tuple[Scope, str]]) -> str:
    scopes = list(dict.fromkeys(str(scope) for scope, _ in blind))
    return clean(scopes[0], NAME) + (f" and {len(scopes) - 1:,} more" if len(scopes) > 1 else "")


# --- alerts ------------------------------------------------------------------------------------------------------


def alerts(asked: Asked) -> Html:
    """The open alerts, the most severe first, and of these the newest."""
    opened = _opened(asked)
    if not opened:
        return _calm(asked, "Nothing is firing.", "Nothing was firing when it was last looked.")
    heads = ["Severity", "What", "Machine", "For", "Acknowledged", "Where"]
    return cut(heads, [_alert_row(asked, *one) for one in opened[:ROWS]], len(opened))


def _calm(asked: Asked, well: str, before: str) -> Html:
    """Only who has just looked may say that it is calm. before: what is said of long ago."""
    if not asked.snapshots:
        return tag("p", "Not known.")
    if len(asked.stale) == len(asked.snapshots):
        return tag("p", before)
    return tag("p", f"✔ {well}", class_="calm")


def _opened(asked: Asked) -> list[_Open]:
    lines = [(snapshot, line) for snapshot in asked.snapshots for line in snapshot.firing]
    lines.sort(key=lambda one: str(one[1].get("since")), reverse=True)
    lines.sort(key=lambda one: SEVERITIES.index(_severity(one[1])))
    return lines


def _severity(line: Mapping[str, object]) -> str:
    word = str(line.get("severity"))
    return word if word in SEVERITIES else "info"


def _alert_row(asked: Asked, snapshot: Snapshot, line: Mapping[str, object]) -> Sequence[object]:
    own_id = str(line.get("resource_id"))
    resource = next((one for one in snapshot.resources if one.id == own_id), None)
    rule = asked.rule(line.get("rule"))
    machine = named(resource, asked.metric_of(rule)) if resource else isolated(clean(own_id, NAME))
    short = clean((resource.name if resource else "") or own_id, NAME)
    severity = _severity(line)
    return (
        tag("span", SIGNS[severity], " ", severity, class_=f"badge {severity}"),
        _what(asked, rule, line),
        machine,
        lasting(asked.now, line.get("since")),
        _acknowledged(line, acknowledge_cell(line, short, asked.endpoint)),
        place(snapshot.scope),
    )


def _acknowledged(line: Mapping[str, object], cell: object) -> Html:
    """By whom; or that nobody has, with the button where the console has one."""
    return join([cell] if line.get("acknowledged") else [tag("div", "not yet", class_="faint"), cell])


def _what(asked: Asked, rule: Rule | None, line: Mapping[str, object]) -> Html:
    """What is wrong, the number against its threshold; under it the rule, and what to do."""
    name = isolated(clean(str(line.get("rule")), NAME))
    condition = _condition(asked, rule, line.get("value"))
    below: list[object] = [name] if condition else []
    state = str(line.get("state"))
    if state in _STATES:
        below.append(tag("b", _STATES[state]))
    attributes = line.get("attributes")
    if isinstance(attributes, Mapping) and attributes:
        below.append(isolated(clean(", ".join(f"{key} {value}" for key, value in attributes.items()), NAME)))
    if rule and rule.runbook:
        below.append(link("runbook", rule.runbook))
    return join([condition or name, tag("div", join(below, " · "), class_="faint") if below else ""])


def _condition(asked: Asked, rule: Rule | None, value: object) -> object:
    """`CPU utilization 97.3 %, above 90 %`; of what is seen rather than measured, the rule's own words."""
    metric = asked.metric_of(rule)
    if rule is None:
        return ""
    if metric is None or not isinstance(value, int | float):
        return clean(render_rule(rule, metric), NAME)
    if not isinstance(rule.when, Threshold) or rule.when.over:
        return join([clean(render_rule(rule, metric), NAME), ": ", tag("b", render_value(float(value), metric.unit))])
    shown, limit = render_pair(float(value), rule.when.value, metric.unit)
    side = "above" if value > rule.when.value else "below" if value < rule.when.value else "at"
    return join([f"{title_of(metric)} ", tag("b", shown), f", {side} {limit}"])


# --- where we are blind ------------------------------------------------------------------------------------------


def gaps(asked: Asked) -> Html:
    """What could not be read, and why."""
    missing = _missing(asked)
    if not missing:
        return _calm(asked, "Every read of every scope succeeded.", "")
    rows = [(place(scope), isolated(clean(words, 300))) for scope, words in missing[:ROWS]]
    return cut(["Where", "Missing"], rows, len(missing))


def _missing(asked: Asked) -> list[tuple[Scope, str]]:
    missing: list[tuple[Scope, str]] = []
    for one in asked.snapshots:
        missing += [(one.scope, gap.removeprefix(f"{one.scope}: ")) for gap in one.gaps]
    missing += [(one.scope, f"nothing new for {render_duration(asked.now - one.slot)}") for one in asked.stale]
    return missing + [(scope, "registered, and never read yet") for scope in asked.unseen]
