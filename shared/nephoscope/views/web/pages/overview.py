"""Is all well? Then what fires, then the fleet, then where we are blind."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from nephoscope.model.resource import StateGroup
from nephoscope.pipeline.board.bounds import CLOUD_NAMES
from nephoscope.pipeline.looking.answer import Answer, Level
from nephoscope.pipeline.looking.fleet import FleetRow, total
from nephoscope.pipeline.looking.shown import Shown
from nephoscope.views.web.pages.coverage import blind_list
from nephoscope.views.web.parts import (
    OPEN_HEADS,
    Asked,
    Child,
    Content,
    Head,
    address,
    ago,
    aria,
    badge,
    calm,
    foreign,
    link,
    open_row,
    section,
    table,
)

MOST_FIRING = 25
MARKS = {Level.WELL: "✓", Level.ATTENTION: "!", Level.WRONG: "✕", Level.UNKNOWN: "?"}


def answer(asked: Asked) -> Content:
    """The sentence at the top of every view that has one."""
    if asked.seen.shown is None:
        return _nothing(asked)
    return answer_box(asked.seen.shown.answer)


def answer_box(said: Answer) -> Component:
    others = html.Ul([html.Li(foreign(text, 400)) for text in said.others]) if said.others else None
    mark = html.Span(MARKS[said.level], className="mark", **aria(hidden="true"))
    return html.Div([mark, html.Div([html.P(said.sentence, className="sentence"), others])], className=said.level.value)


def _nothing(asked: Asked) -> Component:
    why = f"Nothing can be shown yet: {asked.seen.problem}." if asked.seen.problem else "The first look is under way."
    return html.Div(
        [html.Span("?", className="mark", **aria(hidden="true")), html.P(foreign(why, 500), className="sentence")],
        className=Level.UNKNOWN.value,
    )


def firing(asked: Asked) -> Content:
    shown = asked.seen.shown
    if shown is None:
        return None
    alerts = shown.open_alerts
    if not alerts:
        return section("What fires", calm("✓ Nothing fires.") if shown.look.places else html.P("Nothing is known yet."))
    rows = [open_row(alert, shown.look.at) for alert in alerts[:MOST_FIRING]]
    more = link(f"and {len(alerts) - MOST_FIRING:,} more", "/alerts") if len(alerts) > MOST_FIRING else None
    return section("What fires", table("Alerts that are open, the worst first", OPEN_HEADS, rows), more)


RARE = (StateGroup.CHANGING, StateGroup.GONE)
FLEET_HEADS = (
    Head("Region"),
    Head("Account", wide=True),
    Head("Machines", number=True),
    *(Head(group.value.capitalize(), number=True, wide=group in RARE) for group in StateGroup),
    Head("Buckets", number=True, wide=True),
    Head("Firing", number=True),
    Head("Seen", wide=True),
)


def fleet(asked: Asked) -> Content:
    shown = asked.seen.shown
    if shown is None or not shown.fleet:
        return None
    sums = total(shown.fleet)
    machines = sum(row.machines for row in shown.fleet)
    note = ", ".join(f"{sums[group]:,} {group}" for group in StateGroup if sums[group])
    rows = [cell for cloud in _clouds(shown) for cell in _cloud_rows(shown, cloud)]
    drawn = table("Machines by cloud, account and region", FLEET_HEADS, rows, className="fleet")
    return section("The fleet", drawn, note=f"{machines:,}: {note}" if note else "")


def _clouds(shown: Shown) -> Sequence[str]:
    return list(dict.fromkeys(row.cloud for row in shown.fleet))


def _cloud_rows(shown: Shown, cloud: str) -> list[Sequence[Content]]:
    rows = [row for row in shown.fleet if row.cloud == cloud]
    sums = total(rows)
    name = {str(one): text for one, text in CLOUD_NAMES.items()}.get(cloud, cloud)
    head: Sequence[Content] = (
        html.B(link(name, address("/machines", cloud=cloud))),
        "",
        html.B(f"{sum(row.machines for row in rows):,}"),
        *(html.B(f"{sums[group]:,}") for group in StateGroup),
        html.B(f"{sum(row.buckets for row in rows):,}"),
        html.B(_firing(sum(row.firing for row in rows))),
        "",
    )
    return [head, *(_row(row) for row in rows)]


def _row(row: FleetRow) -> Sequence[Content]:
    here = {"cloud": row.cloud, "account": row.account, "region": row.region}
    return (
        link(row.region, address("/machines", **here), className="indent"),
        foreign(row.account, 40),
        f"{row.machines:,}",
        *(_count(row.states[group], address("/machines", **here, state=group)) for group in StateGroup),
        f"{row.buckets:,}",
        _firing(row.firing),
        _seen(row),
    )


def _count(number: int, to: str) -> Child:
    return link(f"{number:,}", to) if number else html.Span("0", className="faint")


def _firing(number: int) -> Child:
    return badge(f"{number:,}", "critical") if number else html.Span("0", className="faint")


def _seen(row: FleetRow) -> Child:
    age = ago(row.seen_age)
    return html.Span([badge("blind", "warning"), f" {age}"]) if row.blind else html.Span(age, className="faint")


def coverage(asked: Asked) -> Content:
    shown = asked.seen.shown
    if shown is None or not shown.look.places:
        return None
    return section("Where we are blind", *blind_list(shown), html.P(link("All of the coverage", "/coverage")))


PARTS = {"answer": answer, "firing": firing, "fleet": fleet, "where-blind": coverage}
