"""Cells of the custom widget's tables: names with links, places, values over bars, ages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nephoscope.model.metric import Metric
from nephoscope.model.resource import Resource
from nephoscope.model.rule import Rule, Threshold
from nephoscope.model.scope import Scope
from nephoscope.model.time import MINUTE, floor_to
from nephoscope.pipeline.board.bounds import CLOUD_NAMES
from nephoscope.pipeline.links import links_for
from nephoscope.pipeline.wording import clean, render_duration, render_id, render_value
from nephoscope.views.markup import Html, isolated, join, link, table, tag

NAME = 80
"""Code points of a foreign name in a table."""

_SHORT_ID = 16


def cut(heads: Sequence[str], rows: Sequence[Sequence[object]], of: int = 0) -> Html:
    """The table, and a word on the rows that are left out."""
    shown = table(heads, rows)
    return join([shown, tag("p", f"and {of - len(rows):,} more", class_="faint")]) if of > len(rows) else shown


def named(resource: Resource, metric: Metric | None, below: str = "") -> Html:
    """The resource's name with links to its console page and its metric; under it the id, and what else is known."""
    links = links_for(resource, metric)
    own = links.get("instance") or links.get("bucket") or ""
    name, own_id = clean(resource.name, NAME), clean(render_id(resource.id), NAME)
    parts: list[object] = [link(isolated(name or own_id), own)]
    if "metric" in links:
        parts += [" ", link("graph", links["metric"], f"graph of {name or own_id}")]
    shown = [isolated(own_id)] if name and name != resource.id else []
    shown += [isolated(clean(below, NAME))] if below else []
    return join([*parts, tag("div", join(shown, " · "), class_="faint")]) if shown else join(parts)


def place(scope: Scope) -> Html:
    """`AWS eu-west-1`, and under it the account; the middle of a long one is left out, and shown when pointed at."""
    if scope.is_fleet:
        return Html("several places")
    account = scope.account
    short = account if len(account) <= _SHORT_ID else f"{account[:8]}…{account[-4:]}"
    where = tag("span", CLOUD_NAMES[scope.cloud], " ", isolated(clean(scope.region, NAME)), class_="place")
    title = account if short != account else None
    return join([where, tag("div", isolated(clean(short, NAME)), class_="faint", title=title)])


def bar(value: float, metric: Metric, limits: Sequence[tuple[Rule, Threshold]]) -> Html:
    """The value, over a bar where it is a share of something, with a mark at each threshold; in words what is over."""
    text = render_value(value, metric.unit)
    broken = [rule.name for rule, limit in limits if limit.comparison.holds(value, limit.value)]
    words = tag("b", text, class_="over-text", title=f"fires {', '.join(broken)}") if broken else tag("span", text)
    if metric.unit != "1":
        return words
    filled = tag("i", style=f"width:{_percent(value)}", class_="over" if broken else "")
    marks = [tag("u", style=f"left:{_percent(limit.value)}") for _, limit in limits]
    return join([tag("span", filled, *marks, class_="bar", aria_hidden="true"), " ", words])


def lasting(now: int, since: object) -> Html:
    """`1 h 12 min`, with the moment when pointed at; what is no time is shown as it is."""
    moment = at(since)
    if moment is None:
        return isolated(clean(str(since), 40))
    words = render_duration(now - moment if now - moment < MINUTE else floor_to(now - moment, MINUTE))
    return tag("span", words, class_="place", title=f"since {str(since).replace('T', ' ').replace('Z', ' UTC')}")


def at(since: object) -> int | None:
    """Epoch seconds of an ISO time; None where it is none."""
    try:
        moment = datetime.fromisoformat(str(since))
    except ValueError:
        return None
    return int(moment.timestamp()) if moment.tzinfo else None


def ago(seconds: float) -> str:
    """The largest part alone: `11 min ago`; what is less than a minute is now."""
    if seconds < MINUTE:
        return "just now"
    count, unit = render_duration(seconds).split(" ")[:2]
    return f"{count} {unit} ago"


def _percent(share: float) -> str:
    return f"{min(max(share, 0.0), 1.0) * 100:.0f}%"
