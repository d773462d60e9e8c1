"""The pace of calls: as documented at first, slower after a throttle, and slowly back."""

from __future__ import annotations

import pytest

from nephoscope.clouds.limiter import Limiter
from nephoscope.model.time import Deadline


class Watch:
    """A clock that moves only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def in_seconds(self, seconds: float) -> Deadline:
        return Deadline(self.now + seconds, self.monotonic)


@pytest.fixture
def watch() -> Watch:
    return Watch()


def seconds_for(calls: int, limiter: Limiter, watch: Watch) -> float:
    started = watch.now
    assert all(limiter.acquire(watch.in_seconds(1000)) for _ in range(calls))
    return watch.now - started


def test_a_burst_of_a_second_then_the_pace(watch: Watch) -> None:
    limiter = Limiter(10, watch, watch.sleep)
    assert seconds_for(10, limiter, watch) == 0
    assert seconds_for(20, limiter, watch) == pytest.approx(2.0)


def test_a_throttle_halves_the_pace_and_success_gives_it_back(watch: Watch) -> None:
    limiter = Limiter(20, watch, watch.sleep)
    limiter.throttled()
    assert limiter.pace == 10
    assert seconds_for(10, limiter, watch) == pytest.approx(1.0)
    for _ in range(10):
        limiter.succeeded()
    assert limiter.pace == 20


def test_the_pace_never_falls_to_nothing(watch: Watch) -> None:
    limiter = Limiter(20, watch, watch.sleep)
    for _ in range(50):
        limiter.throttled()
    assert limiter.pace == 0.5


def test_a_turn_after_the_deadline_is_refused_at_once_and_costs_no_token(watch: Watch) -> None:
    limiter = Limiter(1, watch, watch.sleep)
    assert limiter.acquire(watch.in_seconds(10))
    before = watch.now
    assert not limiter.acquire(watch.in_seconds(0.5))
    assert watch.now == before
    assert limiter.acquire(watch.in_seconds(1.5))
    assert watch.now == pytest.approx(before + 1.0)
