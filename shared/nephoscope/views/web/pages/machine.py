"""A machine: what is known of it, its series with their thresholds, its alerts and what became of them, consoles."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from nephoscope.model.metric import Metric
from nephoscope.model.observation import FAILED_WORDS
from nephoscope.model.resource import Resource
from nephoscope.pipeline.links import links_for
from nephoscope.pipeline.looking.alerts import happening, open_on
from nephoscope.pipeline.looking.look import Look
from nephoscope.pipeline.need import rules_for
from nephoscope.pipeline.wording import render_value
from nephoscope.views.web.pages.course import courses
from nephoscope.views.web.pages.which import found_in
from nephoscope.views.web.parts import (
    HAPPENED_HEADS,
    OPEN_HEADS,
    Asked,
    Child,
    Content,
    badge,
    calm,
    elsewhere,
    foreign,
    happened_row,
    link,
    moment,
    open_row,
    outward,
    section,
    table,
)

HISTORY = 50


def facts(asked: Asked) -> Content:
    found = found_in(asked)
    if found is None:
        if asked.seen.shown is None:
            return None
        return html.P(
            ["No machine of this id is in the newest listing of its scope: it is gone, or was never here. ",
             link("All machines", "/machines")]
        )  # fmt: skip
    look, one = found
    scope = one.scope
    said: list[tuple[str, Content]] = [
        ("State", _state(one)),
        ("Id", html.Code(foreign(one.id, 400))),
        ("Type", foreign(one.type) if one.type else str(one.kind)),
        ("Where", [scope.cloud.value, " ", foreign(scope.account), " ", foreign(one.zone or scope.region)]),
        ("Launched", moment(one.launched_at, look.at) if one.launched_at is not None else None),
        ("Tags", _tags(one)),
        ("Newest values", _values(look, one)),
        ("Look there", _links(one)),
    ]
    rows = [html.Div([html.Dt(name), html.Dd(_in(content))]) for name, content in said if content is not None]
    return html.Dl(rows, className="facts")


def _in(content: Content) -> Content:
    return content if content is None or isinstance(content, str | Component) else list(content)


def _state(one: Resource) -> Content:
    words: list[Child] = [badge(str(one.state or "unknown"), f"state-{one.state or 'unknown'}")]
    if one.vendor_state and one.vendor_state != one.state:
        words += [" ", html.Span(foreign(one.vendor_state, 60), className="faint")]
    for name, word in sorted(one.observations.items()):
        if name != "state":
            words += [" ", badge(f"{name} {word}", "critical" if word in FAILED_WORDS else "plain")]
    return words


def _tags(one: Resource) -> Content:
    if not one.tags:
        return None
    return html.Ul(
        [html.Li([foreign(key, 300), " = ", foreign(value, 300)]) for key, value in sorted(one.tags.items())],
        className="tags",
    )


def _values(look: Look, one: Resource) -> Content:
    place = next((place for place in look.places if place.scope == one.scope), None)
    values = place.snapshot.values if place and place.snapshot else {}
    known = [(name, of[one.id]) for name, of in sorted(values.items()) if one.id in of]
    if not known:
        return None
    return html.Ul(
        [
            html.Li([f"{name} ", html.B(render_value(value, _unit(look.metrics.get(name)))), " ", moment(at)])
            for name, (at, value) in known
        ],
        className="values",
    )


def _unit(metric: Metric | None) -> str:
    return metric.unit if metric else ""


def _links(one: Resource) -> Content:
    names = {"instance": "The machine in its console", "bucket": "The bucket in its console"}
    links = [outward(names[name], to) for name, to in links_for(one).items() if name in names]
    return html.Ul([html.Li(each) for each in links if each], className="links") if any(links) else None


# --- alerts -------------------------------------------------------------------------------------------------------


def alerts(asked: Asked) -> Content:
    found = found_in(asked)
    if found is None:
        return None
    look, one = found
    rows = [open_row(alert, look.at) for alert in open_on(look, one)]
    if not rows:
        return section("Alerts", calm("✓ Nothing fires here."))
    return section("Alerts", table("Alerts that are open on this machine", *elsewhere(OPEN_HEADS, rows)))


def history(asked: Asked) -> Content:
    found = found_in(asked)
    if found is None:
        return None
    look, one = found
    entries = [
        entry
        for place in look.places
        if place.scope == one.scope
        for entry in place.history
        if entry.resource_id == one.id
    ][:HISTORY]
    if not entries:
        return section("What happened", html.P("Nothing lately."))
    rows = [happened_row(happening(look, one.scope, entry)) for entry in entries]
    return section("What happened", table("History of alerts on this machine", *elsewhere(HAPPENED_HEADS, rows)))


def rules(asked: Asked) -> Content:
    """What watches it, each rule as it was understood."""
    found = found_in(asked)
    if found is None:
        return None
    look, one = found
    own = rules_for(one, look.rules.values())
    if not own:
        return section("Rules", html.P("No rule is on this machine: nobody will be told, whatever happens to it."))
    return section("Rules", html.Ul([html.Li(foreign(look.sentences.get(rule.name, rule.name), 600)) for rule in own]))


PARTS = {"facts": facts, "alerts": alerts, "courses": courses, "history": history, "rules": rules}
LATE = ("courses",)
"""Asks a provider, and so comes after the others."""
