"""The evaluator against a second one, written apart from it, straight from the documented rules.

The second one works on text: a window is a word of X (breaching), 0 (not breaching) and - (missing), oldest first, and
the rules are what the guide's prose says of such words. It shares nothing with pipeline/judge.py but the answers'
names. Source: Amazon CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data".
"""

from __future__ import annotations

import random
import re
from itertools import product

import pytest

from nephoscope.model.rule import Comparison, MissingData
from nephoscope.pipeline.judge import EXTRA_PERIODS, judge

TREATMENTS = [str(each) for each in MissingData]


def by_the_guide(window: str, m: int, n: int, treatment: str) -> str:
    """alarm, ok, insufficient or retain."""
    real = window.replace("-", "")
    if not real:
        return {"missing": "insufficient", "ignore": "retain", "breaching": "alarm", "notBreaching": "ok"}[treatment]
    # "the most recent" real points where there are enough; else all, and as few missing ones as must be filled in
    considered = real[-n:].rjust(n, "-")
    filled = considered.replace("-", {"breaching": "X", "notBreaching": "0"}.get(treatment, "-"))
    if filled.count("X") >= m:
        return "alarm"
    if "0" in considered or "-" not in filled:
        return "ok"
    # only breaching points, fewer than M: the premature alarm, which wants the oldest to be at least M periods old
    oldest_is_old = re.fullmatch(rf"-*X[-X]{{{m - 1},}}", window) is not None
    return "alarm" if treatment == "missing" and oldest_is_old else "retain"


def by_us(window: str, m: int, n: int, treatment: str) -> str:
    values = {"X": 95.0, "0": 10.0, "-": None}
    judged = judge([values[letter] for letter in window], m, n, lambda value: value > 90, MissingData(treatment))
    return str(judged.finding)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_both_say_the_same_of_every_window(n: int) -> None:
    """Every word over three letters of N + 2 periods, each M, each treatment: 59,076 judgements over all N."""
    count = 0
    for letters in product("X0-", repeat=n + EXTRA_PERIODS):
        window = "".join(letters)
        for m in range(1, n + 1):
            for treatment in TREATMENTS:
                assert by_us(window, m, n, treatment) == by_the_guide(window, m, n, treatment), (window, m, treatment)
                count += 1
    assert count == 3 ** (n + 2) * n * 4


def test_both_say_the_same_of_long_windows() -> None:
    draw = random.Random(20261126)  # noqa: S311 - it must repeat
    for _ in range(20_000):
        n = draw.randint(6, 60)
        m = draw.choice((1, n, draw.randint(1, n)))
        weights = draw.choice(((1, 1, 1), (8, 1, 1), (1, 1, 8), (1, 0, 3), (0, 1, 3)))
        window = "".join(draw.choices("X0-", weights, k=n + EXTRA_PERIODS))
        treatment = draw.choice(TREATMENTS)
        assert by_us(window, m, n, treatment) == by_the_guide(window, m, n, treatment), (window, m, n, treatment)


def test_the_second_evaluator_agrees_with_the_guides_own_examples() -> None:
    """Some rows of the guide's tables for 3 of 3 and 2 of 3, copied by hand: the judge of the judge."""
    assert by_the_guide("0-X-X", 3, 3, "missing") == "ok"
    assert by_the_guide("-----", 3, 3, "missing") == "insufficient"
    assert by_the_guide("0XX-X", 3, 3, "ignore") == "alarm"
    assert by_the_guide("--XX0", 2, 3, "breaching") == "alarm"
    assert by_the_guide("----X", 2, 3, "missing") == "retain"
    assert by_the_guide("--X--", 2, 3, "missing") == "alarm"
    assert by_the_guide("--X--", 2, 3, "ignore") == "retain"
    assert by_the_guide("--X--", 2, 3, "breaching") == "alarm"
    assert by_the_guide("--X--", 2, 3, "notBreaching") == "ok"


@pytest.mark.parametrize(
    ("comparison", "threshold", "breaching", "fine"),
    [
        (Comparison.LESS_OR_EQUAL, 0.0, (0.0, -0.0, -1.0), (5e-324, 1.0)),
        (Comparison.LESS, 0.0, (-5e-324, -1.0), (0.0, -0.0)),
        (Comparison.GREATER_OR_EQUAL, -0.0, (0.0, -0.0), (-5e-324,)),
        (Comparison.GREATER, -10.0, (-9.5, 0.0), (-10.0, -11.0)),
        (Comparison.LESS, -10.0, (-10.5,), (-10.0, -9.5, 0.0)),
    ],
)
def test_zeros_and_negative_thresholds(
    comparison: Comparison, threshold: float, breaching: tuple[float, ...], fine: tuple[float, ...]
) -> None:
    def breaches(value: float) -> bool:
        return comparison.holds(value, threshold)

    for value in breaching:
        judged = judge([value, value], 2, 2, breaches, MissingData.NOT_BREACHING)
        assert (judged.finding, judged.value) == ("alarm", value)
    for value in fine:
        assert judge([value, value], 2, 2, breaches, MissingData.NOT_BREACHING).finding == "ok"


def test_points_older_than_the_newest_n_do_not_count() -> None:
    assert by_us("XX000", 1, 3, "breaching") == "ok"
    assert by_us("00XXX", 3, 3, "notBreaching") == "alarm"
    assert by_us("X-0-0", 2, 3, "ignore") == "ok"  # fewer than N in the last three: older ones fill up
