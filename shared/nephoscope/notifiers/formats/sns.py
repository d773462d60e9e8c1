"""What is published to an SNS topic: a subject, a text for people, JSON for machines, attributes for filters.

One Publish serves all subscribers: `MessageStructure=json` gives people (email, SMS) text and machines (http, https,
sqs, lambda, firehose) the same CloudEvent as a webhook of format `json`.
Source: SNS API reference, Publish. The documents differ on the subject (ASCII up to 100 characters that begins with a
letter, number or punctuation; UTF-8 of less than 100 without line breaks): ours keeps to both. The message and its
attributes together hold at most 262,144 bytes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from nephoscope.model.alert import Notification
from nephoscope.model.resource import Kind
from nephoscope.notifiers.formats import dump
from nephoscope.notifiers.formats.cloudevent import render_cloudevent
from nephoscope.pipeline.acting import render_life, ways
from nephoscope.pipeline.wording import (
    clean,
    render_headline,
    render_lasted,
    render_status,
    render_time,
    render_value,
    truncate,
)

SUBJECT_LENGTH = 99
SMS_LENGTH = 140
MOST_BYTES = 262_144
MACHINES = ("http", "https", "sqs", "lambda", "firehose")
_FOREIGN_LENGTH = 500
_ASCII = str.maketrans({"–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "·": "-"})


@dataclass(frozen=True, slots=True)
class Publication:
    """The arguments of Publish, but for the topic. group, deduplication: sent to FIFO topics only."""

    subject: str
    message: str
    attributes: dict[str, str]
    group: str
    deduplication: str


def render_sns(notification: Notification, most_bytes: int = MOST_BYTES) -> Publication:
    """Never more than `most_bytes`: where tags and labels are too much, they are left out, and the event says so."""
    n = notification
    attributes = _attributes(n)
    room = most_bytes - sum(len(name) + len("String") + len(value.encode()) for name, value in attributes.items())
    message = next(text for text in _messages(n) if len(text.encode()) <= room)
    return Publication(render_subject_line(n), message, attributes, n.alert_key, n.id)


def render_subject_line(notification: Notification) -> str:
    """`CRITICAL cpu-hot: web-1 93.4 % (aws eu-west-1)`: printable ASCII, one line, begins with a letter."""
    n = notification
    who = n.subject.name or n.subject.id if n.subject.kind is not Kind.SCOPE else n.subject.account
    what = render_value(n.value, n.unit) if n.firing and n.value is not None else ""
    lasted = render_lasted(n)
    after = f"after {lasted}" if lasted and not n.firing else ""
    where = f"({n.subject.cloud} {n.subject.region})"
    words = (f"{render_status(n)} {clean(n.rule, 40)}:", clean(who, 40), what, after, where)
    return ascii_line(" ".join(filter(None, words)))[:SUBJECT_LENGTH].rstrip()


def render_text(notification: Notification) -> str:
    """What an email shows: the headline, then the facts, a line each; last the links, for they are long."""
    n = notification
    lines = [f"{render_status(n)}: {render_headline(n)}", ""]
    lines += [f"{name + ':':<13}{clean(value, _FOREIGN_LENGTH)}" for name, value in _facts(n) if value]
    return "\n".join(lines) + "\n"


def _facts(n: Notification) -> Iterator[tuple[str, str]]:
    s = n.subject
    yield "Rule", f"{n.rule} ({n.severity})" + (f": {n.condition}" if n.condition else "")
    yield "Summary", n.summary
    if s.kind is not Kind.SCOPE:
        yield "Resource", " ".join(filter(None, (s.kind, s.id, s.name, s.type, s.state)))
    yield "Where", " ".join(filter(None, (s.cloud, s.account, s.zone or s.region)))
    yield "Value", "" if n.value is None else render_value(n.value, n.unit)
    yield "Worst", "" if n.worst is None else render_value(n.worst, n.unit)
    yield "Since", render_time(n.at if n.fired_at is None else n.fired_at)
    yield "Until", "" if n.firing else render_time(n.at)
    yield "Alert", render_life(n)
    yield "Runbook", n.runbook
    yield from ways(n)
    for name, url in sorted(n.links.items()):
        yield name.capitalize(), url if len(url) <= _FOREIGN_LENGTH else ""
    yield "Message", n.id


def _messages(n: Notification) -> Iterator[str]:
    """From the whole to what always fits."""
    yield _message(n, render_cloudevent(n))
    event = render_cloudevent(replace(n, labels={}, subject=replace(n.subject, tags={})))
    event["data"]["left_out"] = ["labels", "tags"]
    yield _message(n, event)
    text = truncate(render_text(n), _FOREIGN_LENGTH)
    yield dump({"default": text})


def _message(n: Notification, event: dict[str, Any]) -> str:
    headline = truncate(f"{render_status(n)} {clean(n.rule)}: {render_headline(n)}", SMS_LENGTH)
    machines = dict.fromkeys(MACHINES, dump(event))
    return dump({"default": render_text(n), "sms": headline, **machines})


def _attributes(n: Notification) -> dict[str, str]:
    """For subscription filter policies; SNS takes no empty value, and SQS no more than ten."""
    named = {
        "notification_id": n.id,
        "fleet": n.fleet,
        "rule": n.rule,
        "severity": n.severity,
        "kind": n.kind,
        "resource_kind": n.subject.kind,
        "cloud": n.subject.cloud,
        "account": n.subject.account,
        "region": n.subject.region,
    }
    return {name: text for name, value in named.items() if (text := clean(value, 256))}


def ascii_line(text: str) -> str:
    """Accents fall off their letters; what has no likeness in ASCII becomes `?`, once for a run of them."""
    plain = unicodedata.normalize("NFKD", text.translate(_ASCII))
    kept = "".join(character for character in plain if not unicodedata.combining(character))
    marked = "".join(character if " " <= character <= "~" else "\ufffd" for character in kept)
    return "?".join(part for part in _runs(marked))


def _runs(marked: str) -> Iterator[str]:
    pieces = marked.split("\ufffd")
    for index, piece in enumerate(pieces):
        if piece or index in (0, len(pieces) - 1):
            yield piece
