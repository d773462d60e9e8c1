"""The meaning of `page`: where people reach what `nephoscope web` serves, so that messages can lead there."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from nephoscope.app.authoring.document import Text
from nephoscope.app.authoring.findings import Findings

LONGEST = 200
"""Characters; the address of one machine is added, and a message's link has 2,000."""

_EXPECTED = "expected the address at which people reach `nephoscope web`, as https://nephoscope.example"


def read_page(text: Text | None, findings: Findings) -> str:
    """Without a slash at its end; empty where nothing is said, or what is said is none."""
    if text is None:
        return ""
    if wrong := _wrong(text.value):
        findings.problem(text.place, f"page: {wrong}")
        return ""
    host = urlsplit(text.value).hostname or ""
    if _is_own(host):
        findings.warning(text.place, f"page: {host} is each reader's own machine: links in messages will not lead here")
    return text.value.rstrip("/")


def _wrong(value: str) -> str:
    """What is wrong with it. A name and a password are not repeated."""
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return _EXPECTED
    if not known or any(each.isspace() or not each.isprintable() for each in value):
        return _EXPECTED
    if parts.username is not None:
        return "holds a name or a password, which would stand in every message"
    if parts.query or parts.fragment:
        return "the address of a page only, without ? and #"
    return f"has more than {LONGEST} characters" if len(value) > LONGEST else ""


def _is_own(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost" or host.endswith(".localhost")
