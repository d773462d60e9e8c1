"""Text for people: numbers with units, durations, and what happened, in a sentence that is understood half asleep.

Names and tags are other people's text. Whatever is put into a sentence goes through `clean` first, so that a machine
called "x\\nAll is well" cannot write a line of its own.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from nephoscope.model.alert import Notification, Subject, TransitionKind, Why
from nephoscope.model.metric import Unit
from nephoscope.model.resource import Kind

NAME_LENGTH = 120
"""Code points of a foreign name within a sentence; a tag may hold 256."""

_SIGNIFICANT = 3
_MOST_SIGNIFICANT = 9
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_COUNTED = {Unit.OBJECTS: ("object", "objects"), Unit.CREDITS: ("credit", "credits")}
_JOINERS = "\u200c\u200d"  # scripts and emoji need these two of the invisible characters
_DURATIONS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


# --- foreign text -------------------------------------------------------------------------------------------------


def clean(text: str, limit: int | None = None) -> str:
    """One line of foreign text: no control characters, line breaks, direction overrides or lone surrogates; runs of
    blanks become one. At most `limit` code points."""
    line = " ".join("".join(map(_visible, text)).split())
    return line if limit is None else truncate(line, limit)


def _visible(character: str) -> str:
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cf":
            return character if character in _JOINERS else ""
        case "Cs":
            return "\ufffd"
    return character


def truncate(text: str, limit: int) -> str:
    """At most `limit` (>= 1) code points; what was cut ends with an ellipsis, never with half of a joined emoji."""
    if len(text) <= limit:
        return text
    return text[: limit - 1].rstrip(" " + _JOINERS) + "…"


# --- numbers ------------------------------------------------------------------------------------------------------


def render_value(value: float | None, unit: str, digits: int = _SIGNIFICANT) -> str:
    """A number of the catalog's unit (UCUM) as a person writes it: 0.934 "1" is `93.4 %`.

    digits: significant ones behind the point; whole numbers are never rounded away. Bytes are binary: `1.2 GiB`.
    """
    if value is None:
        return "no value"
    if not math.isfinite(value):
        return "not a number"
    return _RENDERERS.get(unit, _other(unit))(value, digits)


def render_pair(value: float, threshold: float, unit: str) -> tuple[str, str]:
    """Both numbers, with as many digits as it takes to tell them apart: never "90 %, above 90 %"."""
    for digits in range(_SIGNIFICANT, _MOST_SIGNIFICANT + 1):
        pair = render_value(value, unit, digits), render_value(threshold, unit, digits)
        if pair[0] != pair[1] or value == threshold:
            return pair
    return f"{value!r} {unit}".rstrip(), f"{threshold!r} {unit}".rstrip()


def render_duration(seconds: float) -> str:
    """The two largest parts, rounded down: `1 h 12 min`, `3 d 4 h`, `45 s`. Less than nothing is `0 s`."""
    left = max(0, int(seconds))
    parts: list[tuple[int, str]] = []
    for size, word in _DURATIONS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append((count, word))
    shown = [f"{count} {word}" for count, word in parts[:2] if count]
    return " ".join(shown) or "0 s"


def render_time(at: int) -> str:
    """2026-11-23 20:45 UTC. Seconds are shown only where there are some."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC" if moment.second else "%Y-%m-%d %H:%M UTC")


def _digits(number: float, digits: int) -> str:
    """Plain decimal notation with thousands apart; no trailing zeros, no `-0`."""
    if number == 0:
        return "0"
    if not math.isfinite(number):  # a fraction of 1e307 is no percentage any more
        return "∞" if number > 0 else "-∞"
    decimals = min(12, max(0, digits - 1 - math.floor(math.log10(abs(number)))))
    text = f"{number:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _percent(value: float, digits: int) -> str:
    return f"{_digits(value * 100, digits)} %"


def _bytes(value: float, digits: int) -> str:
    step = 0
    while abs(value) >= 1024 and step < len(_BINARY) - 1:
        value, step = value / 1024, step + 1
    if _digits(abs(value), digits) == "1,024" and step < len(_BINARY) - 1:  # 1023.9999 KiB is a MiB to a reader
        value, step = math.copysign(1, value), step + 1
    return f"{_digits(value, digits)} {_BINARY[step]}"


def _seconds(value: float, digits: int) -> str:
    if abs(value) < 1:
        return f"{_digits(value * 1000, digits)} ms" if value else "0 s"
    return f"{_digits(value, digits)} s" if value < 60 else render_duration(value)


def _counted(one: str, many: str) -> Callable[[float, int], str]:
    return lambda value, digits: f"{_digits(value, digits)} {one if value == 1 else many}"


def _other(unit: str) -> Callable[[float, int], str]:
    return lambda value, digits: f"{_digits(value, digits)} {clean(unit, 20)}".rstrip()


_RENDERERS: dict[str, Callable[[float, int], str]] = {
    Unit.FRACTION: _percent,
    Unit.BYTES: _bytes,
    Unit.BYTES_PER_SECOND: lambda value, digits: f"{_bytes(value, digits)}/s",
    Unit.SECONDS: _seconds,
    Unit.OPERATIONS_PER_SECOND: lambda value, digits: f"{_digits(value, digits)} operations/s",
    Unit.COUNT: _digits,
    **{unit: _counted(*words) for unit, words in _COUNTED.items()},
}


# --- what happened ------------------------------------------------------------------------------------------------

_CLOSED_BECAUSE: Mapping[Why, str] = {
    Why.RESOURCE_GONE: "the {kind} no longer exists",
    Why.RESOURCE_STOPPED: "the {kind} was stopped",
    Why.RULE_WITHDRAWN: "the rule no longer applies to it",
}

_AGAIN: Mapping[Why, str] = {
    Why.QUIET_OVER: "still so after a quiet time",
    Why.REPEATED: "still so",
    Why.ESCALATED: "still so, and not acknowledged",
    Why.FLAPPING: "comes and goes, more is told when it has settled",
    Why.SETTLED: "no longer comes and goes, and is so",
}

_OURS: Mapping[Why, str] = {
    Why.DELIVERY_GIVEN_UP: "a message could not be delivered and was given up",
    Why.CHANNEL_DISABLED: "a channel was switched off, because its receiver asked never to be called again",
    Why.MEMORY_UNAVAILABLE: "the alert memory is unavailable: alerts cannot be told one by one",
}
"""What nephoscope tells of itself."""


def render_headline(notification: Notification) -> str:
    """One sentence: what is wrong, where, the number against the threshold, since when; for an end also how long it
    lasted and the worst. One line, never empty."""
    marked = "This is a test, nothing is wrong. " if notification.why is Why.TEST else ""
    return f"{marked}{render_subject(notification.subject)}: {_event(notification)}"


def render_subject(subject: Subject) -> str:
    """`web-1 (i-0abc, aws eu-west-1)`; without a name the id stands first; a scope is its own place."""
    place = clean(f"{subject.cloud} {subject.region}")
    if subject.kind is Kind.SCOPE:
        return clean(f"{subject.cloud} {subject.account} {subject.region}")
    if subject.kind is Kind.GROUP:
        return clean(subject.name, NAME_LENGTH)
    name, own_id = clean(subject.name, NAME_LENGTH), clean(render_id(subject.id), NAME_LENGTH)
    if name and name != own_id:
        return f"{name} ({own_id}, {place})"
    return f"{own_id} ({place})"


def render_id(resource_id: str) -> str:
    """A provider's id as people read it: Azure's are long addresses, of which `group/name` is left; the subscription
    stands beside it everywhere."""
    _, found, rest = resource_id.partition("/resourcegroups/")
    if not found:
        return resource_id
    group, _, things = rest.partition("/providers/")
    return "/".join([group, *things.split("/")[2::2]])


def render_status(notification: Notification) -> str:
    """What stands first where there is room for a word or two: `CRITICAL`, `RESOLVED`, `NO DATA`, `DATA BACK`,
    `TEST CRITICAL`."""
    word = _status(notification)
    return f"TEST {word}" if notification.why is Why.TEST else word


def _status(notification: Notification) -> str:
    match notification.kind:
        case TransitionKind.FIRED:
            return notification.severity.upper()
        case TransitionKind.RESOLVED:
            return "RESOLVED"
        case TransitionKind.WENT_SILENT:
            return "NO DATA"
        case TransitionKind.BACK:
            return "DATA BACK"


def render_lasted(notification: Notification) -> str:
    """How long it has lasted until now, in data time; empty where its beginning is not known."""
    if notification.fired_at is None:
        return ""
    return render_duration(notification.at - notification.fired_at)


def _event(n: Notification) -> str:
    if n.why in _OURS:
        return ". ".join(filter(None, (_OURS[n.why], clean(n.summary))))
    match n.kind:
        case TransitionKind.FIRED:
            again = f"{_AGAIN[n.why]}: " if n.why in _AGAIN else ""
            return f"{again}{_condition(n)}, since {render_time(n.at if n.fired_at is None else n.fired_at)}"
        case TransitionKind.RESOLVED:
            return _ending(n)
        case TransitionKind.WENT_SILENT:
            return f"no data for {_measured(n)} since {render_time(n.at)}"
        case TransitionKind.BACK:
            value = "" if n.value is None else f" ({render_value(n.value, n.unit)})"
            return f"data for {_measured(n)} is back{value}{_after(n)}"


def _condition(n: Notification) -> str:
    """`cpu.utilization is 93.4 %, above 90 %`; for what is seen rather than measured, the rule's own words."""
    if not n.metric or n.value is None:
        return _own_words(n)
    if n.threshold is None or not math.isfinite(n.value):
        return f"{_measured(n)} is {render_value(n.value, n.unit)}"
    value, threshold = render_pair(n.value, n.threshold, n.unit)
    side = "above" if n.value > n.threshold else "below" if n.value < n.threshold else "at the threshold of"
    return f"{_measured(n)} is {value}, {side} {threshold}"


def _ending(n: Notification) -> str:
    worst = "" if n.worst is None else f"; worst was {render_value(n.worst, n.unit)}"
    if n.why is Why.SETTLED:
        return f"is well and no longer comes and goes{_after(n)}{worst}"
    if n.why in _CLOSED_BECAUSE:
        because = _CLOSED_BECAUSE[n.why].format(kind=n.subject.kind)
        return f"closed{_after(n)}, because {because}{worst}"
    if n.metric and n.value is not None:
        return f"{_measured(n)} is back to {render_value(n.value, n.unit)}{_after(n)}{worst}"
    return f"recovered, no longer: {_own_words(n)}{_after(n)}{worst}"


def _after(n: Notification) -> str:
    lasted = render_lasted(n)
    return f" after {lasted}" if lasted else ""


def _measured(n: Notification) -> str:
    attributes = ", ".join(f"{clean(key)} {clean(value, 60)}" for key, value in sorted(n.subject.attributes.items()))
    return clean(n.metric or n.condition or n.rule) + (f" [{attributes}]" if attributes else "")


def _own_words(n: Notification) -> str:
    return clean(n.condition) or f"rule {clean(n.rule)} holds"
