"""The JSON Schema of nephoscope.yaml, for editors: drawn from the same rows that the check reads.

It knows shapes and words, not meanings: a metric's name or a unit is checked by `validate` alone. Draft 7, which
editors understand best.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nephoscope.catalog
from nephoscope.app.authoring.keys import Form, Key, Section
from nephoscope.app.authoring.shape import FILE

SCHEMA_FILE = Path(nephoscope.catalog.__path__[0]) / "nephoscope.schema.json"

_TEXT = {"type": "string", "minLength": 1}
_LOOSE = {"type": ["string", "number", "boolean"]}
"""A tag's value: YAML readers of editors make numbers and booleans of what we keep as text."""


def render_schema() -> str:
    """The schema as JSON text with a line feed at its end; the same for the same rows."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Generated: python -m nephoscope.app.authoring --schema",
        "title": FILE.name,
        **_section(FILE),
    }
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _section(section: Section) -> dict[str, Any]:
    required = [key.name for key in section.keys if key.required]
    return {
        "type": "object",
        "properties": {key.name: {"description": key.about, **_value(key)} for key in section.keys},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _value(key: Key) -> dict[str, Any]:
    return _FORMS[key.form](key)


def _text(key: Key) -> dict[str, Any]:
    if key.choices:
        return {"enum": list(key.choices)}
    return _TEXT | ({"pattern": key.pattern} if key.pattern else {})


def _one_or_many(item: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [item, {"type": "array", "items": item}]}


def _by_name(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value}


def _or_nothing(schema: dict[str, Any]) -> dict[str, Any]:
    """`aws:` with nothing behind it is a section in which everything is left out."""
    return schema | {"type": ["object", "null"]}


def _optional_section(key: Key) -> dict[str, Any]:
    section = _section(key.inside)
    return section if "required" in section else _or_nothing(section)


def _sections(key: Key) -> dict[str, Any]:
    items = [_section(key.inside), *([{"const": key.word}] if key.word else [])]
    return {"type": "array", "items": {"anyOf": items}, "minItems": 1}


def _rules(key: Key) -> dict[str, Any]:
    """A list, or the text of an !include, which may also stand in the list."""
    return {"anyOf": [{"type": "array", "items": {"anyOf": [_section(key.inside), _TEXT]}}, _TEXT]}


_FORMS: Mapping[Form, Callable[[Key], dict[str, Any]]] = {
    Form.TEXT: _text,
    Form.FLAG: lambda _: {"type": "boolean"},
    Form.TEXTS: lambda key: _one_or_many(_text(key)),
    Form.SECTION: _optional_section,
    Form.SECTIONS: _sections,
    Form.RULES: _rules,
    Form.NAMED: lambda key: _or_nothing(_by_name(_section(key.inside))),
    Form.TAGS: lambda _: _by_name(_one_or_many(_LOOSE)),
    Form.TEXT_BY_NAME: lambda _: _by_name(_LOOSE),
    Form.FIGURES: lambda _: _by_name(_by_name({"type": "number", "minimum": 0})),
    Form.ANY: lambda _: {},
}
