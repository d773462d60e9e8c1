"""What somebody who reads a message can do about it, and how often they were told already.

Commands are copied into a shell at three in the morning. So nothing of other people's text stands in them but what a
shell reads as it is: an id or a name with any other character is left out, and the command with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from nephoscope.model.alert import Notification, TransitionKind, Why
from nephoscope.model.resource import Kind
from nephoscope.pipeline.notices import DELIVERY_RULE
from nephoscope.pipeline.wording import render_duration

LETTERS = 10
"""Of an alert's key in a command: among ten thousand alerts two share them once in twenty thousand times, and then
the command line asks for more."""

_PLAIN = re.compile(r"[A-Za-z0-9/][A-Za-z0-9%+=:,./_-]{0,199}")

_AGAIN: Mapping[Why, str] = {
    Why.QUIET_OVER: "told after a quiet time",
    Why.REPEATED: "told again",
    Why.ESCALATED: "escalated",
}


def render_life(n: Notification) -> str:
    """Its place in the alert's life: `first told (episode 2, message 3)`, `told again; open for 2 h (episode 2, message
    7)`, `the end (...)`. Empty for what is no alert of a rule."""
    if not is_alert(n) or not n.episode:
        return ""
    told = _AGAIN.get(n.why, "first told") if n.kind is TransitionKind.FIRED else _OTHER[n.kind]
    open_for = f"; open for {render_duration(lasting)}" if (lasting := open_seconds(n)) and n.why in _AGAIN else ""
    return f"{told}{open_for} (episode {n.episode}, message {n.seq})"


def open_seconds(n: Notification) -> int | None:
    """For how long it had been open when it was told, in data time; None where its beginning is not known."""
    if n.fired_at is None:
        return None
    return max(0, (n.slot if n.firing and n.slot else n.at) - n.fired_at)


def ways(n: Notification) -> Iterator[tuple[str, str]]:
    """What to do, and the command that does it; none for a test and for what nephoscope tells of its own delivery."""
    if not is_alert(n):
        return
    letters = n.alert_key[:LETTERS]
    if n.kind is TransitionKind.FIRED:
        yield "Acknowledge", f"nephoscope ack {letters}"
    if n.firing and (options := _silencing(n)):
        yield "Silence", f"nephoscope silence add {options} --for 2h"
    yield "Timeline", f"nephoscope timeline {letters}"


def is_alert(n: Notification) -> bool:
    """Whether the memory holds an alert of this key, so that commands find it."""
    return n.rule != DELIVERY_RULE and n.why not in (Why.TEST, Why.MEMORY_UNAVAILABLE)


def _silencing(n: Notification) -> str:
    """The options that mean this alert and no other; empty where they could not be copied safely."""
    s = n.subject
    if s.kind is Kind.SCOPE:
        named = {"rule": n.rule, "account": s.account, "region": s.region}
    else:
        named = {"rule": n.rule, "resource": s.id}
    if not all(map(_PLAIN.fullmatch, named.values())):
        return ""
    return " ".join(f"--{option} {value}" for option, value in named.items())


_OTHER: Mapping[TransitionKind, str] = {
    TransitionKind.RESOLVED: "the end",
    TransitionKind.WENT_SILENT: "no data any more",
    TransitionKind.BACK: "data are back",
}
