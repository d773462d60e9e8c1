"""Messages that are owed, and those that were given up."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from nephoscope.model.alert import Owed
from nephoscope.pipeline.looking.look import Entry
from nephoscope.pipeline.wording import render_duration, render_headline
from nephoscope.views.web.parts import Asked, Content, Head, badge, calm, foreign, moment, section, table

HEADS = (
    Head("Status"),
    Head("Channel"),
    Head("Message"),
    Head("Owed since"),
    Head("Tries", number=True),
    Head("Next try", wide=True),
    Head("Last failure"),
    Head("Id", wide=True),
)
ID = 16


def given_up(asked: Asked) -> Content:
    entries = [entry for entry in _entries(asked) if entry.dead]
    if not entries:
        return None
    drawn = table("Messages that were given up", HEADS, [_row(entry, _now(asked)) for entry in entries])
    hint = html.P(["`nephoscope outbox replay ID` sends one again; `drop` lets it go."], className="faint")
    return section("Given up", drawn, hint, note=f"{sum(entry.notifications for entry in entries):,}")


def owed(asked: Asked) -> Content:
    if asked.seen.shown is None:
        return None
    entries = [entry for entry in _entries(asked) if not entry.dead]
    if not entries:
        return section("Owed", calm("✓ Nothing is owed to anybody."))
    drawn = table("Messages that are owed, the oldest first", HEADS, [_row(entry, _now(asked)) for entry in entries])
    return section("Owed", drawn, note=f"{sum(entry.notifications for entry in entries):,}")


def _entries(asked: Asked) -> tuple[Entry, ...]:
    return asked.seen.shown.look.owed if asked.seen.shown else ()


def _now(asked: Asked) -> int:
    return asked.seen.shown.look.at if asked.seen.shown else 0


def _row(entry: Entry, now: int) -> Sequence[Content]:
    item = entry.item
    waits = item.status is Owed.READY and item.next_at > now
    count = f"{len(entry.members)} in one message: " if item.group is not None else ""
    return (
        badge(str(item.status), "critical" if entry.dead else "info"),
        foreign(item.notification.channel),
        [count, foreign(render_headline(item.notification), 200)],
        moment(item.created_at, now),
        str(item.attempts),
        f"in {render_duration(item.next_at - now)}" if waits else "" if entry.dead else "now",
        foreign(item.last.replace("_", " "), 200) if item.last else "–",
        html.Code(entry.id[:ID]),
    )


PARTS = {"given-up": given_up, "owed": owed}
