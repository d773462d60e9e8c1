"""The words by which machines are chosen and put together: `region=eu-*`, `tag:env=prod`; by region, by tag:role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from nephoscope.model.resource import Resource
from nephoscope.pipeline.wording import clean

WORDS: Mapping[str, Callable[[Resource], str]] = {
    "region": lambda resource: resource.scope.region,
    "cloud": lambda resource: str(resource.scope.cloud),
    "zone": lambda resource: resource.zone,
    "type": lambda resource: resource.type,
    "account": lambda resource: resource.scope.account,
    "name": lambda resource: resource.name,
    "state": lambda resource: str(resource.state or ""),
}
TAG = "tag:"


@dataclass(frozen=True, slots=True)
class Choice:
    """word: one of WORDS, or tag:NAME. pattern: `*` stands for any part of it."""

    word: str
    pattern: str

    def holds(self, resource: Resource) -> bool:
        value = value_of(resource, self.word)
        return value is not None and fnmatchcase(value, self.pattern)


def is_word(word: str) -> bool:
    return word in WORDS or (word.startswith(TAG) and len(word) > len(TAG))


def value_of(resource: Resource, word: str) -> str | None:
    """None: it has no such tag. Raises KeyError for what is no word."""
    if word.startswith(TAG):
        return resource.tags.get(word.removeprefix(TAG))
    return WORDS[word](resource)


def label_of(resource: Resource, word: str) -> str:
    """What stands above the group that the resource belongs to."""
    value = value_of(resource, word)
    if value:
        return clean(value)
    return f"no {clean(word.removeprefix(TAG))}"


def is_named(resource: Resource, patterns: Sequence[str]) -> bool:
    """By name or id, `*` standing for any part; without patterns every one is."""
    names = (resource.name, resource.id)
    return not patterns or any(name in patterns or _like(name, patterns) for name in names)


def _like(name: str, patterns: Iterable[str]) -> bool:
    return any("*" in pattern and fnmatchcase(name, pattern) for pattern in patterns)
