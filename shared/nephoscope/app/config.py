"""The compiled configuration: plain JSON in the artifact, and back to `Config`.

The functions import this module and no validator: what a person wrote was checked when it was compiled. A condition is
a metric's threshold, an observation or an aggregate of a group; in JSON each stands under its own word, so that none is
ever taken for another: `{"threshold": {...}}`, `{"observation": {...}}`, `{"aggregate": {...}}`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, NoReturn

from dacite import Config as Casting
from dacite import DaciteError, from_dict

from nephoscope.model.config import Config
from nephoscope.model.errors import ConfigError, Problem
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Aggregate, Comparison, Condition, MissingData, Observation, Rule, Severity, Threshold

_CASTING = Casting(cast=[Kind, Comparison, MissingData, Severity, tuple, float], strict=True)

_CONDITIONS: dict[str, type[Condition]] = {
    "threshold": Threshold,
    "observation": Observation,
    "aggregate": Aggregate,
}


def load_config(text: str, file: str = "config.json") -> Config:
    """The configuration out of its compiled form. Raises ConfigError (in `file`) for anything `dump_config` could
    not have written: it was made by another version, or by hand."""
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
        rules = tuple(_load_rule(rule) for rule in data.pop("rules"))
        return from_dict(Config, {**data, "rules": rules}, _CASTING)
    except (DaciteError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        text = f"not a compiled configuration of this version: {type(error).__name__}: {error}"
        raise ConfigError([Problem(file, 1, 1, text)]) from error


def dump_config(config: Config) -> str:
    """Compiled plain JSON: sorted keys, indented, a line feed at its end; equal configurations give equal texts."""
    data = asdict(config)
    data["rules"] = [_dump_rule(rule) for rule in config.rules]
    return json.dumps(data, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _dump_rule(rule: Rule) -> dict[str, Any]:
    return asdict(rule) | {"when": _dump_condition(rule.when), "clear": _dump_condition(rule.clear)}


def _load_rule(data: dict[str, Any]) -> Rule:
    conditions = {"when": _load_condition(data["when"]), "clear": _load_condition(data["clear"])}
    return from_dict(Rule, data | conditions, _CASTING)


def _dump_condition(condition: Condition | None) -> dict[str, Any] | None:
    if condition is None:
        return None
    word = next(word for word, kind in _CONDITIONS.items() if isinstance(condition, kind))
    return {word: asdict(condition)}


def _load_condition(data: dict[str, Any] | None) -> Condition | None:
    if data is None:
        return None
    ((word, fields),) = data.items()
    return from_dict(_CONDITIONS[word], fields, _CASTING)


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
