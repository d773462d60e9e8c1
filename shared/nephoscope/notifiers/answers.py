"""What an HTTP answer means for the message: taken, try again, or not. The table of every status from 100 to 599.

Only 2xx is "taken". Source of the rules: Standard Webhooks 1.0.0, "Delivery success and failure"; RFC 9110 section 15.
A redirect is never followed: nobody has checked the address that it names. 410 is the receiver's wish never to be
called again. Other 4xx are about the message or the channel's settings: the same again would be refused again, and a
person has to look; delivery tries those slowly until their age is up.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from nephoscope.model.errors import Reason

LONGEST_WAIT = 3600.0
"""Seconds: what a receiver asks beyond this is cut, so that a wrong header does not hold an alert back for a day."""

_SECONDS = re.compile(r"\d{1,18}(\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Meaning:
    """reason None: the receiver has taken the message. retryable: whether the same may succeed soon."""

    reason: Reason | None
    retryable: bool = False

    @property
    def taken(self) -> bool:
        return self.reason is None


_NO_ANSWER = Meaning(Reason.MALFORMED, retryable=True)

_BY_CLASS = {
    1: _NO_ANSWER,  # an interim answer where a final one was due
    2: Meaning(None),
    3: Meaning(Reason.REDIRECTED),
    4: Meaning(Reason.REJECTED),
    5: Meaning(Reason.UNAVAILABLE, retryable=True),
}

_BY_STATUS = {
    401: Meaning(Reason.DENIED),
    403: Meaning(Reason.DENIED),
    404: Meaning(Reason.NOT_FOUND),
    407: Meaning(Reason.DENIED),
    408: Meaning(Reason.TIMEOUT, retryable=True),
    410: Meaning(Reason.GONE),
    413: Meaning(Reason.TOO_LARGE),
    425: Meaning(Reason.UNAVAILABLE, retryable=True),
    429: Meaning(Reason.THROTTLED, retryable=True),
    504: Meaning(Reason.TIMEOUT, retryable=True),
}


def meaning_of(status: int) -> Meaning:
    """For any number; what is no status at all is no answer."""
    return _BY_STATUS.get(status) or _BY_CLASS.get(status // 100, _NO_ANSWER)


def parse_retry_after(text: str | None, wall: float) -> float | None:
    """Seconds to wait, 0 to LONGEST_WAIT; None where nothing sensible was said. `text` is seconds (some receivers
    write fractions) or an HTTP date, which is compared with `wall` (clock, epoch seconds). Source: RFC 9110, 10.2.3."""
    if text is None:
        return None
    text = text.strip()
    seconds = float(text) if _SECONDS.fullmatch(text) else _until(text, wall)
    if seconds is None or not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _until(text: str, wall: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - wall
    except (ValueError, TypeError, OverflowError):
        return None
