"""A machine: what is known of it, its series with their thresholds, its alerts and what became of them, consoles."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from nephoscope.model.metric import Metric
from nephoscope.model.observation import FAILED_WORDS
from nephoscope.model.resource import Resource
from nephoscope.model.scope import Scope
from nephoscope.pipeline.links import links_for
from nephoscope.pipeline.looking.alerts import happening, open_on
from nephoscope.pipeline.looking.course import SPANS, Course, Read
from nephoscope.pipeline.looking.look import Look
from nephoscope.pipeline.need import rules_for
from nephoscope.pipeline.wording import clean, render_id, render_value
from nephoscope.views.web.figure import figure_of, written
from nephoscope.views.web.parts import (
    HAPPENED_HEADS,
    OPEN_HEADS,
    Asked,
    Child,
    Content,
    Head,
    address,
    aria,
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

SPAN = "3h"
HISTORY = 50


def named(asked: Asked) -> str:
    """The page's heading."""
    resource = _resource(asked)
    own_id = asked.query.get("id", "")
    return (
        clean(resource.name, 120) or clean(render_id(resource.id), 120) if resource else clean(render_id(own_id), 120)
    )


def _scope(asked: Asked) -> Scope | None:
    try:
        return Scope.from_key(asked.query.get("scope", ""))
    except ValueError:
        return None


def _resource(asked: Asked) -> Resource | None:
    scope, shown = _scope(asked), asked.seen.shown
    return shown.look.found(scope, asked.query.get("id", "")) if scope and shown else None


def _look(asked: Asked) -> tuple[Look, Resource] | None:
    resource = _resource(asked)
    return (asked.seen.shown.look, resource) if asked.seen.shown and resource else None


def facts(asked: Asked) -> Content:
    found = _look(asked)
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


# --- series -------------------------------------------------------------------------------------------------------


def span_of(asked: Asked) -> str:
    said = asked.query.get("span", SPAN)
    return said if said in SPANS else SPAN


def spans(asked: Asked) -> Component:
    """Which window is shown."""
    here = {key: value for key, value in asked.query.items() if key != "span"}
    now = span_of(asked)
    choices = [
        html.Li(link(span, address("/machine", **here, span=span), **(aria(current="true") if span == now else {})))
        for span in SPANS
    ]
    return html.Nav(html.Ul(choices, className="choices"), **aria(label="Window"))


def courses(asked: Asked) -> Content:
    """Asks the provider."""
    found = _look(asked)
    if found is None:
        return None
    look, one = found
    read = asked.doors.machine(look, one, span_of(asked))
    head = spans(asked)
    if read.problem:
        return section("Course", head, _unread(one, read))
    if not read.courses:
        return section("Course", head, html.P("No rule is on a metric of this machine, and no value of it is known."))
    note = f"read from {one.scope.cloud} at {written(read.at)} UTC"
    return section("Course", head, *(_course(one, look, each) for each in read.courses), note=note)


def _unread(one: Resource, read: Read) -> Component:
    text = f"{one.scope.cloud} could not be read: {read.problem}. What is remembered stands above and below."
    return html.P(foreign(text, 500), className="problem")


def _course(one: Resource, look: Look, course: Course) -> Component:
    metric = look.metrics.get(course.metric)
    to = links_for(one, metric).get("metric", "")
    drawn = [line for line in course.lines if line.points]
    graph = (
        dcc.Graph(figure=figure_of(course), config={"displayModeBar": False, "responsive": True}, className="graph")
        if drawn
        else html.P("No data in this window.", className="empty")
    )
    caption = html.Figcaption(
        [html.H3(course.metric), f" {course.newest}" if course.newest else "", " ", outward("in its console", to)]
    )
    limits = [
        html.Li([html.I(className="clears" if one.clears else "fires"), foreign(one.words, 200)])
        for one in course.limits
    ]
    notes = [html.P(foreign(note, 400), className="faint") for note in course.notes]
    return html.Figure(
        [caption, html.P(foreign(course.title, 300), className="faint"), graph,
         html.Ul(limits, className="limits") if limits else None, *notes, _points(course) if drawn else None],
        className="course",
    )  # fmt: skip


MOST_POINTS = 60


def _points(course: Course) -> Component:
    """What the graph says, for those who read it as a table: the newest points."""
    heads = [Head("Period begins"), Head("Value", number=True), *([Head("Of")] if len(course.lines) > 1 else [])]
    pairs = [
        (at, value, line.label) for line in course.lines for at, value in zip(line.times, line.values, strict=True)
    ]
    newest = sorted(pairs, key=lambda pair: -pair[0])[:MOST_POINTS]
    rows: list[Sequence[Content]] = [
        (
            f"{written(at)} UTC",
            "no point" if value is None else f"{value:.4g} {course.unit}",
            *([label] if len(heads) > 2 else []),
        )
        for at, value, label in newest
    ]
    body = table(f"{course.metric}: the newest points", heads, rows)
    return html.Details([html.Summary(f"The newest {len(rows)} periods as a table"), body])


# --- alerts -------------------------------------------------------------------------------------------------------


def alerts(asked: Asked) -> Content:
    found = _look(asked)
    if found is None:
        return None
    look, one = found
    rows = [open_row(alert, look.at) for alert in open_on(look, one)]
    if not rows:
        return section("Alerts", calm("✓ Nothing fires here."))
    return section("Alerts", table("Alerts that are open on this machine", *elsewhere(OPEN_HEADS, rows)))


def history(asked: Asked) -> Content:
    found = _look(asked)
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
    found = _look(asked)
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
