"""The readers of stored records beside dacite, the library that does the same one value at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest
from dacite import Config as Casting
from dacite import DaciteError, from_dict
from hypothesis import given, settings
from hypothesis import strategies as st

from nephoscope.model.alert import AlertRecord, AlertState, HistoryEntry, OutboxItem, Owed, TransitionKind, Why
from nephoscope.model.beat import Beat
from nephoscope.model.memory import ChannelState, Progress, RegisteredScope
from nephoscope.model.quiet import Acknowledgement, Silence
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.model.scope import Cloud
from nephoscope.stores.records import encode
from nephoscope.stores.shapes import ShapeError, read

CASTING = Casting(cast=[AlertState, TransitionKind, Why, Owed, Kind, Severity, Cloud, float])
RECORDS = (
    AlertRecord,
    OutboxItem,
    HistoryEntry,
    Progress,
    RegisteredScope,
    ChannelState,
    Silence,
    Acknowledgement,
    Beat,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda each: st.lists(each, max_size=2) | st.dictionaries(st.text(max_size=5), each, max_size=2),
    max_leaves=4,
)


def listed_as_tuples(value: Any) -> Any:
    """dacite takes tuples only for tuples."""
    if isinstance(value, dict):
        return {key: listed_as_tuples(each) for key, each in value.items()}
    return tuple(map(listed_as_tuples, value)) if isinstance(value, list) else value


def by_dacite(kind: type, data: object) -> object:
    return from_dict(kind, listed_as_tuples(data), CASTING)


@pytest.mark.parametrize("kind", RECORDS)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_what_is_stored_is_read_as_dacite_reads_it(kind: type, data: st.DataObject) -> None:
    stored = json.loads(json.dumps(encode(data.draw(st.from_type(kind))), default=dict))
    assert read(kind, stored) == by_dacite(kind, stored)


@pytest.mark.parametrize("kind", RECORDS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_what_dacite_refuses_is_refused(kind: type, data: st.DataObject) -> None:
    """One field of a record becomes something else, or is gone. Stricter than dacite is allowed, laxer is not."""
    stored = json.loads(json.dumps(encode(data.draw(st.from_type(kind))), default=dict))
    name = data.draw(st.sampled_from(sorted(stored)))
    if data.draw(st.booleans()):
        stored[name] = data.draw(JSON)
    else:
        del stored[name]
    try:
        expected = by_dacite(kind, stored)
    except (DaciteError, ValueError, TypeError, OverflowError):
        with pytest.raises((ShapeError, OverflowError)):
            read(kind, stored)
        return
    try:
        assert read(kind, stored) == expected
    except ShapeError as error:
        assert str(error).startswith(name)


class Mood(StrEnum):
    GOOD = "good"


@dataclass(frozen=True)
class Inner:
    number: float
    mood: Mood = Mood.GOOD


@dataclass(frozen=True)
class Outer:
    inner: Inner
    pair: tuple[str, int] = ("", 0)
    many: tuple[Inner, ...] = ()
    maybe: int | None = None
    free: Any = None
    by_name: dict[str, Inner] = field(default_factory=dict)


def test_every_kind_of_field() -> None:
    data = {
        "inner": {"number": 3, "mood": "good", "unheard": []},
        "pair": ["a", 1],
        "many": [{"number": 0.5}],
        "maybe": None,
        "free": [{"a": [1]}],
        "by_name": {"x": {"number": -0.0}},
    }
    read_back = read(Outer, data)
    assert read_back == Outer(Inner(3.0), ("a", 1), (Inner(0.5),), None, ({"a": (1,)},), {"x": Inner(-0.0)})
    assert type(read_back.inner.number) is float


@pytest.mark.parametrize(
    ("data", "way"),
    [
        ({}, "inner"),
        ({"inner": []}, "inner.Inner"),
        ({"inner": {}}, "inner.number"),
        ({"inner": {"number": "3"}}, "inner.number"),
        ({"inner": {"number": True}}, "inner.number"),
        ({"inner": {"number": 1, "mood": "bad"}}, "inner.mood"),
        ({"inner": {"number": 1, "mood": []}}, "inner.mood"),
        ({"inner": {"number": 1}, "pair": ["a"]}, "pair"),
        ({"inner": {"number": 1}, "pair": "ab"}, "pair"),
        ({"inner": {"number": 1}, "many": [{}]}, "many.number"),
        ({"inner": {"number": 1}, "maybe": 1.5}, "maybe"),
        ({"inner": {"number": 1}, "maybe": True}, "maybe"),
        ({"inner": {"number": 1}, "by_name": [1]}, "by_name"),
    ],
)
def test_what_is_wrong_is_named_by_the_way_to_it(data: dict[str, object], way: str) -> None:
    with pytest.raises(ShapeError, match=f"^{way}$"):
        read(Outer, data)


def test_a_record_may_only_have_fields_of_kinds_that_json_knows() -> None:
    @dataclass
    class Odd:
        bag: set[str]

    with pytest.raises(TypeError, match="no reader"):
        read(Odd, {"bag": []})
