"""What every message for people says, as pairs and links; how they are written is each format's own matter.

The texts are one line each and clean (no control characters, no line breaks), but not escaped: each format makes its
receiver's markup in them harmless.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nephoscope.model.alert import Notification, TransitionKind
from nephoscope.model.group import GroupMessage, Message
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.pipeline.acting import render_life
from nephoscope.pipeline.group_wording import (
    common,
    common_link,
    highest,
    kind_of,
    newest,
    render_group_headline,
    render_group_status,
    render_labels,
    render_member,
    render_rules,
)
from nephoscope.pipeline.wording import clean, render_id, render_lasted, render_status, render_time, render_value

SEVERITY_SIGNS = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵"}
LINK_WORDS = {
    "instance": "Instance",
    "bucket": "Bucket",
    "metric": "Metric",
    "plot": "Plot",
    "dashboard": "Dashboard",
}
MOST_URL = 2000
"""Characters of a link; a longer one is left out. Google's metric links are some 700 long."""


def title(n: Notification) -> str:
    """`🔴 CRITICAL cpu-hot`."""
    return f"{sign(n)} {render_status(n)} {clean(n.rule)}"


def sign(n: Notification) -> str:
    return _sign(n.kind, n.severity)


def _sign(kind: TransitionKind, severity: Severity) -> str:
    match kind:
        case TransitionKind.FIRED:
            return SEVERITY_SIGNS[severity]
        case TransitionKind.RESOLVED | TransitionKind.BACK:
            return "✅"
        case TransitionKind.WENT_SILENT:
            return "⚪"


def facts(n: Notification) -> Iterator[tuple[str, str]]:
    """Label and text, at most nine; what stands first matters most."""
    s = n.subject
    yield "Rule", clean(n.condition) or clean(n.rule)
    yield "Severity", str(n.severity)
    if s.kind is not Kind.SCOPE:
        yield "Resource", clean(" ".join(filter(None, (render_id(s.id), s.type, s.state))))
    yield "Where", clean(f"{s.cloud} {s.account} {s.zone or s.region}")
    if n.value is not None:
        yield "Value", render_value(n.value, n.unit)
    if n.worst is not None:
        yield "Worst", render_value(n.worst, n.unit)
    yield "Since", render_time(n.at if n.fired_at is None else n.fired_at)
    if not n.firing and (lasted := render_lasted(n)):
        yield "Lasted", lasted
    if life := render_life(n):
        yield "Alert", life


def links(n: Notification, longest: int = MOST_URL) -> Iterator[tuple[str, str]]:
    """Word and address, the runbook first. What is no web address, or too long, is left out."""
    found = {"Runbook": n.runbook} | {word: n.links.get(name, "") for name, word in LINK_WORDS.items()}
    yield from _addresses(found, longest)


def _addresses(found: Mapping[str, str], longest: int) -> Iterator[tuple[str, str]]:
    for word, url in found.items():
        safe = "".join(url.split())
        if safe.startswith(("https://", "http://")) and len(safe) <= longest:
            yield word, safe


def footer(n: Message) -> str:
    """The fleet, and the message's id, by which it is found in the outbox and the history."""
    return f"nephoscope · {clean(n.fleet)} · {n.id}"


# --- the message of a group -----------------------------------------------------------------------------------------


def group_title(m: GroupMessage) -> str:
    """`🔴 CRITICAL cpu-hot`: of the whole group, so as grave as its gravest alert."""
    return f"{_sign(kind_of(m.members), highest(m.members))} {render_group_status(m)} {render_rules(m.members)}"


def group_headline(m: GroupMessage) -> str:
    """`cpu-hot: 37 firing, 3 resolved in aws eu-west-1`."""
    return render_group_headline(m.members, m.labels)


def group_in_short(m: GroupMessage) -> str:
    """`🔴 CRITICAL cpu-hot: 37 firing, 3 resolved in aws eu-west-1`: where only one line can be shown."""
    return f"{_sign(kind_of(m.members), highest(m.members))} {render_group_status(m)} {group_headline(m)}"


def group_facts(m: GroupMessage) -> Iterator[tuple[str, str]]:
    """Label and text: what all of them have in common, and since when the oldest of them is so."""
    place = m.members[0].subject
    if condition := common(m, "condition"):
        yield "Rule", clean(condition)
    yield "Severity", str(highest(m.members))
    yield "Where", clean(f"{place.cloud} {place.account} {place.region}")
    if labels := render_labels(m.labels):
        yield "Group", labels
    if fired := [n.fired_at for n in newest(m.members) if n.firing and n.fired_at is not None]:
        yield "Since", render_time(min(fired))


def group_lines(m: GroupMessage, most: int) -> tuple[list[tuple[Notification, str]], int]:
    """The worst alerts, `most` at most, each with its line; and how many more there are."""
    alerts = newest(m.members)
    shown = [(n, f"{sign(n)} {render_member(n, m)}") for n in alerts[:most]]
    return shown, len(alerts) - len(shown)


def more(number: int) -> str:
    return f"… and {number} more"


def group_links(m: GroupMessage, longest: int = MOST_URL) -> Iterator[tuple[str, str]]:
    """The runbook and the dashboard, where all members have the same."""
    yield from _addresses({"Runbook": common(m, "runbook"), "Dashboard": common_link(m, "dashboard")}, longest)


def own_links(n: Notification, longest: int = MOST_URL) -> Iterator[tuple[str, str]]:
    """An alert's own within a group: the machine, its metric, and that one's plot."""
    found = {LINK_WORDS[name]: n.links.get(name, "") for name in ("instance", "bucket", "metric", "plot")}
    yield from _addresses(found, longest)
