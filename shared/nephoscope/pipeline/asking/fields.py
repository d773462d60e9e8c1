"""The words of a question, and the fields of documents that they mean.

The words are those of `nephoscope plot --where`, so that one is learned and both are known. A value is only ever a JSON
value of a term or wildcard query: nothing of it is read as a query language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nephoscope.model.question import Where
from nephoscope.pipeline.documents import attribute_field, label_of

HOST = "host"
NONE = "none"
TAG, ATTRIBUTE = "tag:", "attribute:"

FIELDS: Mapping[str, str] = {
    "region": "cloud.region",
    "cloud": "cloud.provider",
    "zone": "cloud.availability_zone",
    "type": "host.type",
    "account": "cloud.account.id",
    "name": "resource.name",
    "kind": "resource.kind",
}
BY: tuple[str, ...] = (HOST, *(word for word in FIELDS if word != "name"), NONE)
"""What history is put together by, beside tag:NAME and attribute:NAME."""

WHERE: tuple[str, ...] = (HOST, *FIELDS)
"""What it is chosen by, beside the same two."""

HOST_FIELDS = ("cloud.provider", "cloud.account.id", "cloud.region", "resource.id")
"""An id is unique in its scope only. resource.id, not host.id: buckets have one, too."""

NAME, AT, VALUE = "resource.name", "@timestamp", "metric.value"


class UnclearQuestionError(ValueError):
    """What was asked cannot be. known: the words that could have stood there instead."""

    def __init__(self, text: str, word: str = "", known: Sequence[str] = ()) -> None:
        self.word = word
        self.known = tuple(known)
        super().__init__(text)


def parse_where(text: str) -> Where:
    """`region=eu-*`. Raises UnclearQuestionError."""
    word, equals, pattern = text.partition("=")
    check_word(word, WHERE)
    if not equals:
        raise UnclearQuestionError(f'"{text}" has no value: it is written {word}=VALUE')
    return Where(word, pattern)


def check_word(word: str, known: Sequence[str]) -> None:
    """Raises UnclearQuestionError."""
    tagged = any(word.startswith(each) and len(word) > len(each) for each in (TAG, ATTRIBUTE))
    if not tagged and word not in known:
        raise UnclearQuestionError(f'unknown word "{word}"', word, (*known, "tag:NAME", "attribute:NAME"))


def group_fields(by: str) -> tuple[str, ...]:
    """The fields whose values together make a group; none for NONE."""
    if by == HOST:
        return HOST_FIELDS
    return () if by == NONE else (field_of(by),)


def field_of(word: str) -> str:
    """Raises KeyError for what is no word."""
    if word.startswith(TAG):
        return f"labels.{label_of(word.removeprefix(TAG))}"
    if word.startswith(ATTRIBUTE):
        return f"attributes.{attribute_field(word.removeprefix(ATTRIBUTE))}"
    return FIELDS[word]


def holds(where: Where) -> dict[str, Any]:
    """The query of one choice. A host is meant by its id or its name."""
    if where.word == HOST:
        either = [_matches(field, where.pattern) for field in ("resource.id", NAME)]
        return {"bool": {"should": either, "minimum_should_match": 1}}
    return _matches(field_of(where.word), where.pattern)


def _matches(field: str, pattern: str) -> dict[str, Any]:
    if "*" not in pattern:
        return {"term": {field: {"value": pattern}}}
    return {"wildcard": {field: {"value": escaped(pattern), "case_insensitive": False}}}


def escaped(pattern: str) -> str:
    """Of Lucene's signs (`*`, `?`, and `\\` that takes their meaning away) a person's `*` alone keeps its meaning.
    Source: Lucene, WildcardQuery; Elasticsearch, Wildcard query."""
    return pattern.replace("\\", "\\\\").replace("?", "\\?")
