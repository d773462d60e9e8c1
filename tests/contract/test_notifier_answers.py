"""Every status from 100 to 599, and every way to write Retry-After. Expected outcomes follow ALERTS' delivery rules:
try again on 408, 425, 429 and 5xx; 3xx is a failure that is never followed; 410 switches off; other 4xx are for a
person to look at."""

from __future__ import annotations

import pytest

from nephoscope.model.errors import Reason
from nephoscope.notifiers.answers import LONGEST_WAIT, meaning_of, parse_retry_after

AGAIN = {408: Reason.TIMEOUT, 425: Reason.UNAVAILABLE, 429: Reason.THROTTLED, 504: Reason.TIMEOUT}
NAMED = {
    401: Reason.DENIED,
    403: Reason.DENIED,
    404: Reason.NOT_FOUND,
    407: Reason.DENIED,
    410: Reason.GONE,
    413: Reason.TOO_LARGE,
}
SUNDAY = 784_111_777.0  # RFC 9110's own example date: Sun, 06 Nov 1994 08:49:37 GMT


@pytest.mark.parametrize("status", range(100, 600))
def test_what_a_status_means(status: int) -> None:
    meaning = meaning_of(status)
    if 200 <= status < 300:
        assert (meaning.taken, meaning.reason) == (True, None)
    elif status in AGAIN or status >= 500:
        assert (meaning.taken, meaning.retryable) == (False, True)
        assert meaning.reason is AGAIN.get(status, Reason.UNAVAILABLE)
    elif status < 200:
        assert (meaning.reason, meaning.retryable) == (Reason.MALFORMED, True)
    elif status < 400:
        assert (meaning.reason, meaning.retryable) == (Reason.REDIRECTED, False)
    else:
        assert (meaning.reason, meaning.retryable) == (NAMED.get(status, Reason.REJECTED), False)


@pytest.mark.parametrize("number", [-1, 0, 99, 600, 999])
def test_what_is_no_status_is_no_answer(number: int) -> None:
    assert meaning_of(number).reason is Reason.MALFORMED
    assert meaning_of(number).retryable


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("-5", None),
        ("99999999999", LONGEST_WAIT),
        ("9" * 400, None),
        ("1e3", None),
        ("٣", None),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60.0),
        ("Sun Nov  6 08:50:37 1994", 60.0),
        ("Sun, 06 Nov 1994 08:40:00 GMT", 0.0),
        ("Sun, 06 Nov 2094 08:49:37 GMT", LONGEST_WAIT),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 99999 08:49:37 GMT", None),
    ],
)
def test_how_long_a_receiver_asks_to_wait(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text, SUNDAY) == seconds
