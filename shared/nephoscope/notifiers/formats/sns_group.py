"""What is published to an SNS topic for a group: the same three readings as for a single message (formats/sns.py).

People get the worst alerts, machines the group's CloudEvent with as many members as SNS's limit holds. SNS wants the
event once for each protocol, and each time quoted, so that is some thirty members; a webhook's own event holds more.
"""

from __future__ import annotations

from collections.abc import Iterator

from nephoscope.model.group import GroupMessage
from nephoscope.notifiers.formats import dump
from nephoscope.notifiers.formats.cloudevent import render_group_cloudevent
from nephoscope.notifiers.formats.sns import MACHINES, MOST_BYTES, SMS_LENGTH, SUBJECT_LENGTH, Publication, ascii_line
from nephoscope.notifiers.formats.telling import group_facts, group_headline, group_lines, group_links, more, own_links
from nephoscope.pipeline.group_wording import common, highest, kind_of, render_counts, render_group_status, render_rules
from nephoscope.pipeline.wording import clean, truncate

_LISTED, _LINE, _LINE_URL = 40, 300, 500
_SHARE = 8
"""The event stands in the message five times, and its quotes are quoted once more."""


def render_sns_group(message: GroupMessage, most_bytes: int = MOST_BYTES) -> Publication:
    """Never more than `most_bytes`."""
    m = message
    attributes = _attributes(m)
    room = most_bytes - sum(len(name) + len("String") + len(value.encode()) for name, value in attributes.items())
    body = next(text for text in _messages(m, room) if len(text.encode()) <= room)
    return Publication(render_group_subject_line(m), body, attributes, m.key, m.id)


def render_group_subject_line(message: GroupMessage) -> str:
    """`CRITICAL cpu-hot: 37 firing, 3 resolved (aws eu-west-1)`: printable ASCII, one line, begins with a letter."""
    m = message
    place = m.members[0].subject
    words = f"{render_group_status(m)} {render_rules(m.members)}: {render_counts(m.members)}"
    return ascii_line(f"{words} ({clean(place.cloud)} {clean(place.region)})")[:SUBJECT_LENGTH].rstrip()


def render_group_text(message: GroupMessage) -> str:
    """What an email shows: the headline, the worst alerts with the first of their links, then what they share."""
    m = message
    shown, others = group_lines(m, _LISTED)
    lines = [f"{render_group_status(m)}: {group_headline(m)}", ""]
    for n, line in shown:
        lines.append(truncate(line, _LINE))
        lines += [f"   {url}" for _, url in list(own_links(n, _LINE_URL))[:1]]
    lines += [more(others)] if others else []
    pairs = [*group_facts(m), *group_links(m, _LINE_URL), ("Message", m.id)]
    return "\n".join([*lines, "", *(f"{name + ':':<11}{truncate(text, _LINE_URL)}" for name, text in pairs)]) + "\n"


def _messages(m: GroupMessage, room: int) -> Iterator[str]:
    """From the most that may fit to what always fits."""
    text, sms = render_group_text(m), truncate(f"{render_group_status(m)} {group_headline(m)}", SMS_LENGTH)
    for share in (_SHARE, 2 * _SHARE, 4 * _SHARE):
        event = render_group_cloudevent(m, room // share)
        yield dump({"default": text, "sms": sms, **dict.fromkeys(MACHINES, dump(event))})
    yield dump({"default": truncate(text, _LINE_URL)})


def _attributes(m: GroupMessage) -> dict[str, str]:
    """The names that a single message has; what the members do not share is left out."""
    place = m.members[0].subject
    named = {
        "notification_id": m.id,
        "fleet": m.fleet,
        "rule": common(m, "rule"),
        "severity": highest(m.members),
        "kind": kind_of(m.members),
        "cloud": place.cloud,
        "account": place.account,
        "region": place.region,
    }
    return {name: text for name, value in named.items() if (text := clean(value, 256))}
