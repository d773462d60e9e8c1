"""A rule's own sentence with its blanks filled in: `{resource} at {value} in {region}`.

Plain: a short list of names, no formats, no expressions, filled in once. What is put in is never read again, so a tag
that is called `{tag:password}` stays what it is; each value is one clean line, and every format makes its receiver's
markup in the whole harmless, as everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from nephoscope.model.alert import Notification
from nephoscope.pipeline.wording import NAME_LENGTH, clean, render_id, render_value

TAG = "tag:"
NOTHING = "none"
"""Stands where there is nothing to put in: "owner: none" is understood, "owner: " looks like a fault."""

_BLANK = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Blank:
    """name: between the braces, or None for a brace that belongs to no pair."""

    name: str | None


def blanks_in(text: str) -> Iterator[Blank]:
    """In the order in which they stand; `{{` and `}}` are braces as they are."""
    for match in _BLANK.finditer(text):
        if match[0] not in ("{{", "}}"):
            yield Blank(match[1])


def is_known(name: str) -> bool:
    return name in NAMES or (name.startswith(TAG) and len(name) > len(TAG))


def render_summary(template: str, n: Notification) -> str:
    """The sentence for this message. What is no placeholder stays as it was written."""

    def filled(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        name = match[1]
        if name is None or not is_known(name):
            return match[0]
        text = n.subject.tags.get(name.removeprefix(TAG), "") if name.startswith(TAG) else NAMES[name](n)
        return clean(text, NAME_LENGTH) or NOTHING

    return _BLANK.sub(filled, template)


def _value(n: Notification) -> str:
    """Of what is seen rather than measured: the state."""
    return n.subject.state if n.value is None else render_value(n.value, n.unit)


def _threshold(n: Notification) -> str:
    return n.condition if n.threshold is None else render_value(n.threshold, n.unit)


NAMES: Mapping[str, Callable[[Notification], str]] = {
    "resource": lambda n: n.subject.name or render_id(n.subject.id),
    "id": lambda n: render_id(n.subject.id),
    "value": _value,
    "threshold": _threshold,
    "region": lambda n: n.subject.region,
    "zone": lambda n: n.subject.zone,
    "account": lambda n: n.subject.account,
    "cloud": lambda n: n.subject.cloud,
    "type": lambda n: n.subject.type,
    "severity": lambda n: n.severity,
    "rule": lambda n: n.rule,
}
