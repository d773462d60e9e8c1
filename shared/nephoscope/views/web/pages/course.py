"""A machine's course: a graph for each metric, with the thresholds of the rules that are on it."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from nephoscope.model.resource import Resource
from nephoscope.pipeline.links import links_for
from nephoscope.pipeline.looking.course import SPANS, Course, Read
from nephoscope.pipeline.looking.look import Look
from nephoscope.views.web.figure import figure_of, written
from nephoscope.views.web.pages.which import found_in
from nephoscope.views.web.parts import Asked, Content, Head, address, aria, foreign, link, outward, section, table

SPAN = "3h"


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
    found = found_in(asked)
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
