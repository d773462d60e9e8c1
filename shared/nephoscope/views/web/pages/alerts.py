"""Alerts now, and what happened lately."""

from __future__ import annotations

from dash import dcc, html

from nephoscope.model.quiet import Silence
from nephoscope.pipeline.looking.alerts import HAPPENED
from nephoscope.pipeline.wording import render_time
from nephoscope.views.web.parts import (
    HAPPENED_HEADS,
    OPEN_HEADS,
    Asked,
    Child,
    Content,
    calm,
    foreign,
    happened_row,
    open_row,
    section,
    table,
)

HINT = "`nephoscope ack RULE MACHINE` stops repeats; `nephoscope explain RULE MACHINE` says why it fires."


def search(asked: Asked) -> Content:
    """Both tables are narrowed to rows that have every word; the browser does it."""
    field = dcc.Input(id="words", type="search", value=asked.query.get("q", ""), autoComplete="off", debounce=False)
    return html.Div([html.Label("Search in alerts", htmlFor="words"), field], className="controls", role="search")


def now(asked: Asked) -> Content:
    shown = asked.seen.shown
    if shown is None:
        return None
    alerts = shown.open_alerts
    if not alerts:
        return section("Now", calm("✓ Nothing fires.") if shown.look.places else html.P("Nothing is known yet."))
    rows = [open_row(alert, shown.look.at) for alert in alerts]
    drawn = table("Alerts that are open, the worst first", OPEN_HEADS, rows, className="searched")
    return section("Now", drawn, html.P(HINT, className="faint"), note=f"{len(alerts):,} open")


def past(asked: Asked) -> Content:
    shown = asked.seen.shown
    if shown is None:
        return None
    if not shown.happened:
        return section("Lately", html.P("Nothing has happened yet that is remembered; history is kept for 90 days."))
    rows = [happened_row(one) for one in shown.happened]
    note = f"the newest {HAPPENED}" if len(rows) == HAPPENED else f"{len(rows):,}, the newest first"
    return section(
        "Lately", table("What happened, the newest first", HAPPENED_HEADS, rows, className="searched"), note=note
    )


def quiet(asked: Asked) -> Content:
    """Silences that hold or will."""
    shown = asked.seen.shown
    if shown is None:
        return None
    said = {one.id: one for each in shown.look.silences.values() for one in each if one.ends > shown.look.at}
    if not said:
        return None
    return section("Silences", html.Ul([html.Li(_silence(one)) for one in said.values()]))


def _silence(one: Silence) -> Content:
    words: list[Child] = [html.B(foreign(one.id, 40)), f" until {render_time(one.ends)}"]
    if one.by:
        words += [", by ", foreign(one.by, 60)]
    if one.why:
        words += [": ", foreign(one.why, 200)]
    return words


PARTS = {"now": now, "quiet": quiet, "past": past}
