"""A secret shows itself nowhere where text is made of it; the one way out is `reveal`."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from dataclasses import asdict, dataclass

import pytest

from nephoscope.model.secret import Secret

CANARY = "CANARY-value"
SECRET = Secret(CANARY)


@dataclass(frozen=True)
class Holder:
    key: Secret


def raised() -> str:
    try:
        raise ValueError(f"refused {SECRET}", SECRET)
    except ValueError as error:
        return "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    "text",
    [
        str(SECRET),
        repr(SECRET),
        f"{SECRET}",
        f"{SECRET:>40}",
        f"{SECRET!r}",
        "{}".format(SECRET),  # noqa: UP032 - each way of its own
        "%s" % SECRET,  # noqa: UP031
        repr([SECRET, {"key": SECRET}]),
        repr(Holder(SECRET)),
        raised(),
        json.dumps({"key": SECRET}, default=str),
        logging.LogRecord("x", logging.INFO, "x", 1, "key %s", (SECRET,), None).getMessage(),
    ],
)
def test_no_text_shows_it(text: str) -> None:
    assert CANARY not in text
    assert "***" in text


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy, lambda one: asdict(Holder(one)), json.dumps])
def test_it_is_not_copied_into_anything_that_is_kept(way: object) -> None:
    with pytest.raises(TypeError):
        way(SECRET)  # type: ignore[operator]


def test_it_has_no_attribute_that_a_careless_dump_would_find() -> None:
    assert not hasattr(SECRET, "__dict__")
    assert SECRET.reveal() == CANARY
    assert Secret(CANARY) == SECRET != Secret("another")
