"""Plain JSON values to a record, by a reader that is made once for each record from the types of its fields.

dacite does the same, and looks every type up anew for every value: 0.7 ms for a message, and a sweeper that comes back
to 10,000 owed messages has better things to do for seven seconds of each minute. `tests/unit/test_shapes.py` holds the
two together.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Reader = Callable[[Any], Any]
T = TypeVar("T")


class ShapeError(ValueError):
    """A value is not what the record has there. The text is the way to it (`notification.kind`), never the value."""


def read(kind: type[T], data: object) -> T:
    """What `kind` does not know is passed over, what is missing has its default. Raises ShapeError."""
    record: T = reader(cast(Hashable, kind))(data)
    return record


@cache
def reader(hint: Any) -> Reader:
    """Raises TypeError for a type that no record may have: a programmer's mistake, found by the first test."""
    origin, arguments = get_origin(hint), get_args(hint)
    if is_dataclass(hint):
        return _record(hint)
    if origin in (Union, types.UnionType):
        return _either(arguments)
    if origin is tuple:
        return _tuple(arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(reader(arguments[1]))
    if hint in (Any, object):
        return _frozen
    if isinstance(hint, type):
        return _word(hint) if issubclass(hint, Enum) else _plain(hint)
    raise TypeError(f"no reader for {hint}")


def _record(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    known = {field.name: reader(hints[field.name]) for field in fields(kind) if field.init}
    needed = {field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}

    def read_record(data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise ShapeError(kind.__name__)
        values = {}
        for name, each in known.items():
            if name in data:
                try:
                    values[name] = each(data[name])
                except ShapeError as error:
                    raise ShapeError(f"{name}.{error}" if error.args[0] else name) from None
        if missing := needed - values.keys():
            raise ShapeError(min(missing))
        return kind(**values)

    return read_record


def _either(kinds: tuple[Any, ...]) -> Reader:
    """A kind or None, the only choice that a record leaves."""
    (one,) = (reader(kind) for kind in kinds if kind is not type(None))
    return lambda value: None if value is None else one(value)


def _tuple(kinds: tuple[Any, ...]) -> Reader:
    if kinds[-1] is Ellipsis:
        one = reader(kinds[0])
        return lambda values: tuple([one(value) for value in _listed(values)])
    each = [reader(kind) for kind in kinds]

    def read_tuple(values: Any) -> Any:
        if len(_listed(values)) != len(each):
            raise ShapeError("")
        return tuple([one(value) for one, value in zip(each, values, strict=True)])

    return read_tuple


def _listed(values: Any) -> Any:
    if not isinstance(values, list | tuple):
        raise ShapeError("")
    return values


def _mapping(one: Reader) -> Reader:
    def read_mapping(values: Any) -> Any:
        if not isinstance(values, Mapping):
            raise ShapeError("")
        return {key: one(value) for key, value in values.items()}

    return read_mapping


def _word(kind: type[Enum]) -> Reader:
    known = {member.value: member for member in kind}

    def read_word(value: Any) -> Any:
        try:
            return known[value]
        except (KeyError, TypeError):
            raise ShapeError("") from None

    return read_word


def _plain(kind: type) -> Reader:
    """JSON has one kind of number: 90 is taken where 90.0 is meant. A truth is no number."""
    if kind is float:

        def read_number(value: Any) -> Any:
            if type(value) is float:
                return value
            if type(value) is int:
                return float(value)
            raise ShapeError("")

        return read_number

    def read_plain(value: Any) -> Any:
        if type(value) is not kind:
            raise ShapeError("")
        return value

    return read_plain


def _frozen(value: Any) -> Any:
    """JSON has lists where the records have tuples."""
    if isinstance(value, Mapping):
        return {key: _frozen(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    return value
