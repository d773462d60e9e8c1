"""The meaning of `tell`: who is told, and how."""

from __future__ import annotations

import re
from collections.abc import Mapping

from nephoscope.app.authoring.document import Keys, Text
from nephoscope.app.authoring.findings import Findings, did_you_mean, listed
from nephoscope.app.authoring.patterns import NAME
from nephoscope.app.authoring.reading import flag_of, text_of, texts_of
from nephoscope.app.authoring.references import check_address, check_reference, check_topic
from nephoscope.app.authoring.values import check_text, duration_of, value_of
from nephoscope.model.config import Channel
from nephoscope.model.time import DAY, HOUR, MINUTE
from nephoscope.pipeline.grouping import FIELDS, LABEL, TAG

_FOR_WEBHOOKS = ("format", "secret", "allow")
_NOT_FOR_PAGERDUTY = ("format", "secret")
_MEDIA = ("sns", "webhook", "pagerduty")

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
"""Where events go; for an account of the EU service region the channel names the address beside its key, as `webhook`.
Source: PagerDuty support, "Service Regions"."""


def read_channels(keys: Keys | None, findings: Findings) -> Mapping[str, Channel]:
    """Channels by name, in the order of the file."""
    entries = keys.entries if keys else ()
    return {name.value: read_channel(name, node, findings) for name, node in entries if isinstance(node, Keys)}


def read_channel(name: Text, keys: Keys, findings: Findings) -> Channel:
    """One channel; what is wrong of it is noted and left at its default."""
    if not re.fullmatch(NAME, name.value):
        findings.problem(name.place, f'channel: "{name.value}" may have letters, digits and . _ - only, 64 at most')
    _check_medium(name, keys, findings)
    allow = {text.value for text in texts_of(keys, "allow") or ()}
    sns, webhook = text_of(keys, "sns"), text_of(keys, "webhook")
    check_text(sns, "sns", check_topic, findings)
    check_text(
        webhook,
        "webhook",
        lambda t: check_address(t, allow_http="http" in allow, allow_private="private" in allow),
        findings,
    )
    check_text(text_of(keys, "secret"), "secret", check_reference, findings)
    paged = text_of(keys, "pagerduty")
    check_text(paged, "pagerduty", check_reference, findings)
    return Channel(
        name=name.value,
        sns=value_of(sns),
        webhook=value_of(webhook, PAGERDUTY if paged else ""),
        format="pagerduty" if paged else value_of(text_of(keys, "format"), "json"),
        key=value_of(paged),
        secret=value_of(text_of(keys, "secret")),
        fallback=flag_of(keys, "fallback"),
        allow_http="http" in allow,
        allow_private="private" in allow,
        max_age=duration_of(keys, "max_age", DAY, findings, most=14 * DAY),
        repeat=duration_of(keys, "repeat", 0, findings, most=30 * DAY),
        group_by=_group_by(name, keys, findings),
        group_wait=duration_of(keys, "group_wait", MINUTE, findings, most=HOUR),
        group_interval=duration_of(keys, "group_interval", 5 * MINUTE, findings, most=DAY),
    )


def _group_by(name: Text, keys: Keys, findings: Findings) -> tuple[str, ...] | None:
    """None where nothing is grouped; what it is grouped by in the order of the file, each once."""
    texts = texts_of(keys, "group_by")
    if texts is None:
        for word in ("group_wait", "group_interval"):
            if not keys.wrote("group_by") and (key := keys.key(word)):
                findings.problem(key.place, f'channel "{name.value}": {word} is for a channel with group_by')
        return None
    if keys.wrote("pagerduty") and (key := keys.key("group_by")):
        findings.problem(
            key.place, f'channel "{name.value}": PagerDuty has an incident for each alert; none is grouped'
        )
    for text in texts:
        if problem := _unfit_label(text.value):
            findings.problem(text.place, f"group_by: {problem}")
    return tuple(dict.fromkeys(text.value for text in texts))


def _unfit_label(label: str) -> str:
    """What is wrong with a word of group_by; empty where nothing is."""
    for prefix in (TAG, LABEL):
        if label.startswith(prefix):
            return "" if label.removeprefix(prefix) else f'"{label}" names no {prefix[:-1]}'
    if label in FIELDS:
        return ""
    known = [*FIELDS, f"{TAG}NAME", f"{LABEL}NAME"]
    return f'unknown label "{label}"{did_you_mean(label, known) or f"; there are {listed(known)}"}'


def _check_medium(name: Text, keys: Keys, findings: Findings) -> None:
    """One of sns, webhook and pagerduty; the last may name another address than its usual one."""
    media = [medium for medium in _MEDIA if keys.wrote(medium)]
    if media == ["webhook", "pagerduty"]:
        media = ["pagerduty"]
    if len(media) != 1:
        found = " and ".join(media)
        both = f"{found} both; one channel is one of them" if media else "neither sns, webhook nor pagerduty"
        findings.problem(keys.place if media else name.place, f'channel "{name.value}" has {both}')
        return
    (medium,) = media
    unfit = {"sns": _FOR_WEBHOOKS, "pagerduty": _NOT_FOR_PAGERDUTY}.get(medium, ())
    what = {"sns": "an SNS topic has none", "pagerduty": "PagerDuty has its own"}.get(medium, "")
    for word in unfit:
        if key := keys.key(word):
            findings.problem(key.place, f'channel "{name.value}": {word} is for webhooks; {what}')
