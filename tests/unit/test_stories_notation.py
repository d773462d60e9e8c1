"""The notation of values in stories; what each word is follows from the notation's own description."""

from __future__ import annotations

import pytest

from nephoscope.app.authoring.quantities import UnclearError
from nephoscope.app.stories.notation import parse_course
from nephoscope.model.metric import Unit
from nephoscope.pipeline.judge import UNKNOWN


@pytest.mark.parametrize(
    ("text", "unit", "samples"),
    [
        ("10 95 _ 95x3", Unit.FRACTION, (0.1, 0.95, None, 0.95, 0.95, 0.95)),
        ("95 x3", Unit.FRACTION, (0.95, 0.95, 0.95)),
        ("_x2 ? x2 0", Unit.FRACTION, (None, None, UNKNOWN, UNKNOWN, 0.0)),
        ("95%x2 0.5%", Unit.FRACTION, (0.95, 0.95, 0.005)),
        ("1KiB 2MBx2", Unit.BYTES, (1024.0, 2e6, 2e6)),
        ("10MiB/s", Unit.BYTES_PER_SECOND, (10 * 2.0**20,)),
        ("200ms 3", Unit.SECONDS, (0.2, 3.0)),
        ("12 7/s", Unit.OPERATIONS_PER_SECOND, (12.0, 7.0)),
        ("3x2 -1", Unit.COUNT, (3.0, 3.0, -1.0)),
    ],
)
def test_words_and_their_samples(text: str, unit: Unit, samples: tuple[object, ...]) -> None:
    parsed = parse_course(text, unit)
    assert [type(each) for each in parsed] == [type(each) for each in samples]
    assert [each for each in parsed if isinstance(each, float)] == pytest.approx(
        [each for each in samples if isinstance(each, float)]
    )


def test_a_unit_said_once_is_that_of_all_bare_numbers() -> None:
    assert parse_course("1 2GiB", Unit.BYTES, "MiB") == (2.0**20, 2.0**31)


@pytest.mark.parametrize(
    ("text", "unit", "said"),
    [
        ("", Unit.FRACTION, "no value; write for example 10 95x3 _ 20"),
        ("x3 95", Unit.FRACTION, '"x3" repeats a value, and none stands before it'),
        ("95x0", Unit.FRACTION, '"95x0" is no value at all; leave it out'),
        ("hot", Unit.FRACTION, '"hot" is no value; write a number, _ for no point or ? for unknown'),
        (
            "1 95xx",
            Unit.FRACTION,
            '"95xx" is no value; write a number, _ for no point or ? for unknown, 95x3 for three',
        ),
        ("95MiB", Unit.FRACTION, '"MiB" is not its unit; write 95 with %'),
        ("7", Unit.BYTES, "7 has no unit; write 7 with B, KiB, MiB, GiB, TiB, PiB, kB, MB, GB, TB or PB"),
        ("1x20000 1", Unit.FRACTION, "more than 20000 values"),
        ("1x999999999999", Unit.FRACTION, "more than 20000 values"),
    ],
)
def test_what_is_no_value_is_refused_with_what_would_be(text: str, unit: Unit, said: str) -> None:
    with pytest.raises(UnclearError) as refused:
        parse_course(text, unit)
    assert str(refused.value) == said
