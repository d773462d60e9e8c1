"""The evaluator against the documented tables of CloudWatch, and against what no table says."""

import json
from itertools import product
from pathlib import Path

import pytest

from nephoscope.model.rule import MissingData
from nephoscope.pipeline.judge import UNKNOWN, Finding, judge

FACTS = json.loads((Path(__file__).parent / "facts/cloudwatch_missing_data.json").read_text())
WORDS = {"ALARM": "alarm", "OK": "ok", "INSUFFICIENT_DATA": "insufficient", "RETAIN": "retain"}
CASES = [(row, treatment) for row in FACTS["rows"] for treatment in row["expected"]]


def hot(value: float) -> bool:
    return value > 90


def samples(pattern: str) -> list:
    letters = {"X": 95.0, "0": 10.0, "-": None, "?": UNKNOWN}
    return [letters[letter] for letter in pattern.split()]


def test_all_forty_checks_are_there():
    assert len(CASES) == 40


@pytest.mark.parametrize(
    ("row", "treatment"), CASES, ids=[f"{r['pattern']}, {r['datapoints_to_alarm']} of 3, {t}" for r, t in CASES]
)
def test_agrees_with_the_documented_tables(row, treatment):
    judgement = judge(
        samples(row["pattern"]), row["datapoints_to_alarm"], row["evaluation_periods"], hot, MissingData(treatment)
    )
    assert judgement.finding == WORDS[row["expected"][treatment]]


@pytest.mark.parametrize("pattern", ["- - - - X", "- - - X -"])
def test_a_burst_younger_than_m_periods_does_not_alarm(pattern):
    """The guide's prose: with `missing`, 3 of 3, these two must not go to ALARM."""
    assert judge(samples(pattern), 3, 3, hot, MissingData.MISSING).finding is Finding.RETAIN


def test_a_breaching_zero_is_a_value():
    judgement = judge([0.0, 0.0, 0.0], 3, 3, lambda value: value < 1, MissingData.MISSING)
    assert (judgement.finding, judgement.value) == (Finding.ALARM, 0.0)


def test_negative_thresholds_exist():
    assert judge([-5.0], 1, 1, lambda value: value < -4, MissingData.IGNORE).finding is Finding.ALARM


@pytest.mark.parametrize(
    ("pattern", "m", "expected"),
    [
        ("0 0 X ? X", 2, Finding.ALARM),  # two breaches are there, whatever stands in between
        ("0 0 0 ? 0", 2, Finding.OK),  # two breaches can no longer be reached
        ("0 0 X ? 0", 2, Finding.UNKNOWN),  # the unknown point would decide
        ("? ? ? ? ?", 1, Finding.UNKNOWN),
        ("? 0 0 0 0", 3, Finding.OK),
        ("X X - ? -", 2, Finding.UNKNOWN),
    ],
)
def test_unknown_never_guesses(pattern, m, expected):
    assert judge(samples(pattern), m, 3, hot, MissingData.BREACHING).finding is expected


@pytest.mark.parametrize("treatment", MissingData)
@pytest.mark.parametrize("m", [1, 2, 3])
def test_a_finding_beside_unknowns_holds_for_every_content_of_them(treatment, m):
    """Exhaustive over 4^5 windows: replace each unknown by a breach, a good point or nothing; the finding stands."""
    for letters in product("X0-?", repeat=5):
        if "?" not in letters:
            continue
        finding = judge(samples(" ".join(letters)), m, 3, hot, treatment).finding
        if finding is Finding.UNKNOWN:
            continue
        for fill in product("X0-", repeat=letters.count("?")):
            content = iter(fill)
            known = " ".join(next(content) if letter == "?" else letter for letter in letters)
            assert judge(samples(known), m, 3, hot, treatment).finding is finding, (letters, known)


def test_the_number_that_decided_is_the_newest_breaching_one():
    judgement = judge([91.0, 97.0, 50.0], 2, 3, hot, MissingData.IGNORE)
    assert (judgement.finding, judgement.value, judgement.breaching) == (Finding.ALARM, 97.0, 2)
    assert not judgement.newest_breaches
