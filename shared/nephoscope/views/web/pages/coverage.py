"""What is seen of each scope, and where nobody can see anything."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from nephoscope.pipeline.looking.coverage import Coverage, roughly, skipped
from nephoscope.pipeline.looking.shown import Shown
from nephoscope.pipeline.wording import clean
from nephoscope.views.web.parts import Asked, Child, Content, Head, ago, badge, calm, foreign, section, table

HEADS = (
    Head("Scope"),
    Head("Last run", number=True),
    Head("Machines seen", number=True),
    Head("Read", number=True, wide=True),
    Head("Listed", number=True),
    Head("Sight"),
)


def blind(asked: Asked) -> Content:
    shown = asked.seen.shown
    if shown is None:
        return None
    return section("Where we are blind", *blind_list(shown))


def blind_list(shown: Shown) -> Sequence[Child]:
    found = [(one.place.name, text) for one in shown.coverage for text in one.blind]
    found += [(str(cloud), f"its functions have been silent for {roughly(s)}") for cloud, s in shown.look.silent]
    if not shown.look.places:
        return [html.P("No scope has been seen yet.")]
    if not found:
        return [calm("✓ Nowhere: each scope was run and read on time.")]
    return [html.Ul([html.Li([html.B(foreign(name)), ": ", foreign(text, 300)]) for name, text in found])]


def scopes(asked: Asked) -> Content:
    shown = asked.seen.shown
    if shown is None or not shown.coverage:
        return None
    return section("Scopes", table("Coverage of each scope", HEADS, [_row(one) for one in shown.coverage]))


def _row(one: Coverage) -> Sequence[Content]:
    fresh, discovered = one.place.snapshot.coverage if one.place.snapshot else (0, 0)
    return (
        foreign(one.place.name),
        ago(one.run_age),
        f"{one.seen:,} of {one.machines:,}",
        f"{fresh:,} of {discovered:,}",
        ago(one.seen_age),
        badge("blind" if not one.seen else "partial", "warning") if one.blind else badge("clear", "ok"),
    )


def lately(asked: Asked) -> Content:
    """What was made up for, and what nobody is told by."""
    shown = asked.seen.shown
    if shown is None:
        return None
    look = shown.look
    lines = list(skipped(look))
    lines += [f"channel {clean(name, 60)} is switched off: {clean(reason, 120)}" for name, reason in look.switched_off]
    lines += [clean(text, 300) for text in look.unreadable]
    if not lines:
        return None
    return section("Worth knowing", html.Ul([html.Li(foreign(text, 400)) for text in lines]))


PARTS = {"blind": blind, "scopes": scopes, "lately": lately}
