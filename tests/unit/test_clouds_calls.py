"""How every cloud is called: so many tries for a reason, waits that the deadline and the vendor bound, and a count that
is what was sent. A vendor of the test's own stands for all three."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nephoscope.clouds.calls import Border, PacedCalls
from nephoscope.clouds.gaps import gap_error
from nephoscope.clouds.limiter import Limiter, Limiters
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import Deadline

SCOPE = Scope(Cloud.GCP, "acme-web", "europe-west1")
LIST = "things.list"


class VendorError(Exception):
    def __init__(self, reason: Reason, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait


class Hand:
    """A clock that moves only while somebody sleeps; waits: those between two tries of a call."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def take_turns(self, seconds: float) -> None:
        """How a limiter waits."""
        self.now += seconds


@pytest.fixture
def hand() -> Hand:
    return Hand()


def calls_of(hand: Hand, seconds: float = 1000.0) -> tuple[PacedCalls, Limiter]:
    border = Border(
        (VendorError,),
        lambda error, scope, action: gap_error(scope, action, error.args[0], "told so"),
        lambda error: error.wait if isinstance(error, VendorError) else 0.0,
    )
    limiters = Limiters(lambda _: 100.0, hand, hand.take_turns)
    deadline = Deadline(hand.now + seconds, hand.monotonic)
    calls = PacedCalls(SCOPE, border, lambda action: limiters.at(SCOPE, action), deadline, hand.sleep)
    return calls, limiters.at(SCOPE, LIST)


def failing(*failures: Exception) -> tuple[Callable[[float], str], list[float]]:
    """Fails in this way, then answers; and the seconds that each try was given."""
    left, given = list(failures), []

    def send(seconds: float) -> str:
        given.append(seconds)
        if left:
            raise left.pop(0)
        return "an answer"

    return send, given


@pytest.mark.parametrize(
    ("reason", "tries"),
    [(Reason.THROTTLED, 8), (Reason.UNAVAILABLE, 3), (Reason.TIMEOUT, 2), (Reason.DENIED, 1), (Reason.REJECTED, 1)],
)
def test_so_many_tries_for_a_reason(hand: Hand, reason: Reason, tries: int) -> None:
    calls, _ = calls_of(hand)
    send, given = failing(*[VendorError(reason)] * 10)
    with pytest.raises(ReadError) as failed:
        calls.perform(LIST, send)
    assert (failed.value.reason, failed.value.operation, failed.value.region) == (reason, LIST, "europe-west1")
    assert (len(given), len(hand.waits)) == (tries, tries - 1)
    assert calls.usage.calls == {LIST: tries}
    assert calls.usage.units == {}


def test_an_answer_after_failures_is_billed_once(hand: Hand) -> None:
    calls, _ = calls_of(hand)
    send, _ = failing(VendorError(Reason.UNAVAILABLE), VendorError(Reason.UNAVAILABLE))
    assert calls.perform(LIST, send, units=500) == "an answer"
    assert (calls.usage.calls, calls.usage.units) == ({LIST: 3}, {LIST: 500})


def test_a_wait_is_as_long_as_the_vendor_says_and_else_some_seconds_at_most(hand: Hand) -> None:
    calls, _ = calls_of(hand)
    send, _ = failing(VendorError(Reason.THROTTLED, wait=17.0), *[VendorError(Reason.THROTTLED)] * 6)
    calls.perform(LIST, send)
    assert hand.waits[0] == 17.0
    assert all(0 <= wait <= 5.0 for wait in hand.waits[1:])


def test_a_throttle_slows_the_place_down(hand: Hand) -> None:
    calls, limiter = calls_of(hand)
    send, _ = failing(VendorError(Reason.THROTTLED))
    calls.perform(LIST, send)
    assert limiter.pace == 55.0  # halved, and a twentieth of the documented pace given back


def test_a_wait_past_the_deadline_is_not_begun(hand: Hand) -> None:
    calls, _ = calls_of(hand, seconds=10.0)
    send, given = failing(VendorError(Reason.THROTTLED, wait=9.8))
    with pytest.raises(ReadError) as failed:
        calls.perform(LIST, send)
    assert (failed.value.reason, len(given), hand.waits) == (Reason.THROTTLED, 1, [])


def test_with_no_time_left_nothing_is_sent(hand: Hand) -> None:
    calls, _ = calls_of(hand, seconds=0.2)
    send, given = failing()
    with pytest.raises(ReadError) as failed:
        calls.perform(LIST, send)
    assert (failed.value.reason, given, calls.usage.calls) == (Reason.DEADLINE, [], {})


def test_a_timeout_at_the_deadline_is_our_own_time_running_out(hand: Hand) -> None:
    calls, _ = calls_of(hand, seconds=10.0)

    def send(seconds: float) -> str:
        hand.now += seconds
        raise VendorError(Reason.TIMEOUT)

    with pytest.raises(ReadError) as failed:
        calls.perform(LIST, send)
    assert failed.value.reason is Reason.DEADLINE


def test_a_fault_of_our_own_is_not_translated(hand: Hand) -> None:
    calls, _ = calls_of(hand)
    send, _ = failing(KeyError("ours"))
    with pytest.raises(KeyError, match="ours"):
        calls.perform(LIST, send)


def test_pages_are_followed_to_the_last(hand: Hand) -> None:
    calls, _ = calls_of(hand)
    pages = {"": ("one", "2"), "2": ("two", "3"), "3": ("three", None)}
    found = calls.follow(LIST, pages.__getitem__, lambda page: page[1])
    assert [text for text, _ in found] == ["one", "two", "three"]


def test_a_page_that_names_itself_as_the_next_is_an_error_after_it_was_seen(hand: Hand) -> None:
    calls, _ = calls_of(hand)
    pages = {"": ("one", "2"), "2": ("two", "2")}
    found = calls.follow(LIST, pages.__getitem__, lambda page: page[1])
    assert [next(found)[0], next(found)[0]] == ["one", "two"]
    with pytest.raises(ReadError, match="names itself"):
        next(found)


def test_places_have_paces_of_their_own(hand: Hand) -> None:
    limiters = Limiters({"list": 10.0, "get": 20.0}.__getitem__, hand, hand.sleep)
    limiters.at("here", "list").throttled()
    assert limiters.at("here", "list").pace == 5.0
    assert limiters.at("there", "list").pace == 10.0
    assert limiters.at("here", "get").pace == 20.0
