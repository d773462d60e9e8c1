"""What every message for people says, as pairs and links; how they are written is each format's own matter.

The texts are one line each and clean (no control characters, no line breaks), but not escaped: each format makes its
receiver's markup in them harmless.
"""

from __future__ import annotations

from collections.abc import Iterator

from nephoscope.model.alert import Notification, TransitionKind
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.pipeline.acting import render_life
from nephoscope.pipeline.wording import clean, render_id, render_lasted, render_status, render_time, render_value

SEVERITY_SIGNS = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵"}
LINK_WORDS = {"instance": "Instance", "bucket": "Bucket", "metric": "Metric", "dashboard": "Dashboard"}
MOST_URL = 2000
"""Characters of a link; a longer one is left out. Google's metric links are some 700 long."""


def title(n: Notification) -> str:
    """`🔴 CRITICAL cpu-hot`."""
    return f"{sign(n)} {render_status(n)} {clean(n.rule)}"


def sign(n: Notification) -> str:
    match n.kind:
        case TransitionKind.FIRED:
            return SEVERITY_SIGNS[n.severity]
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
    for word, url in found.items():
        safe = "".join(url.split())
        if safe.startswith(("https://", "http://")) and len(safe) <= longest:
            yield word, safe


def footer(n: Notification) -> str:
    """The fleet, and the message's id, by which it is found in the outbox and the history."""
    return f"nephoscope · {clean(n.fleet)} · {n.id}"
