"""YAML to a tree in which every text keeps its place and its letters.

YAML 1.1 turns `off` into false and `222222222222` into a number; here every scalar stays the text that was written, and
whoever knows what it should be decides. Anchors, aliases and merge keys (`<<`) are understood. The tree is built from
the parser's events, so that its depth and its size are bounded: an alias of an alias of an alias is not a way to fill
the memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn

import yaml

from nephoscope.app.authoring.findings import Findings, Place

DEEPEST = 20
"""Levels of nesting; a configuration needs eight."""

LARGEST = 100_000
"""Texts, lists and mappings in one file, each alias counted as what it stands for."""

INCLUDE = "!include"

_WHOLE = re.compile(r"[^\ud800-\udfff]*")
_STANDARD = "tag:yaml.org,2002:"
_STANDARD_TAGS = frozenset(f"{_STANDARD}{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq"))


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as it was written. bare: without quotes. include: it is the pattern of an `!include`."""

    value: str
    place: Place
    bare: bool = True
    include: bool = False

    @property
    def nothing(self) -> bool:
        return self.bare and self.value in ("", "~", "null")


@dataclass(frozen=True, slots=True)
class Items:
    nodes: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping; its keys are unique, in the order of the file, merged ones last. broken: the names that were written
    with a value of the wrong form, once reading.py has taken those out."""

    entries: tuple[tuple[Text, Node], ...]
    place: Place
    broken: frozenset[str] = frozenset()

    def get(self, name: str) -> Node | None:
        return next((node for key, node in self.entries if key.value == name), None)

    def key(self, name: str) -> Text | None:
        return next((key for key, _ in self.entries if key.value == name), None)

    def wrote(self, name: str) -> bool:
        return name in self.broken or self.key(name) is not None


Node = Text | Items | Keys


class _UnreadableError(Exception):
    """The file cannot be understood any further; the problem has been noted."""


def parse_document(text: str, file: str, findings: Findings) -> Node | None:
    """The one document of `text`; None when there is none or it is no YAML (the problem is noted).

    text: with or without a byte order mark, any line ends.
    """
    loader = yaml.SafeLoader("")
    try:
        loader = yaml.SafeLoader(text.removeprefix("\ufeff"))
        return _Builder(file, findings).build(loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
        findings.problem(place, f"not YAML: {_explain(error)}")
    except yaml.reader.ReaderError as error:
        findings.problem(_place_at(text, error.position, file), f"not YAML: the character #x{error.character:04x}")
    except (ValueError, OverflowError):  # the scanner hands any number of an escape to chr()
        mark = loader.get_mark()
        findings.problem(Place(file, mark.line + 1, mark.column + 1), "not YAML: an escape that names no character")
    except _UnreadableError:
        pass
    return None


def _explain(error: yaml.MarkedYAMLError) -> str:
    said = (error.problem or error.context or "it ends too early").strip()
    if r"'\t'" in said:
        return "a tab stands where YAML wants spaces"
    return f"{said} ({error.context})" if error.context and error.problem else said


def _place_at(text: str, position: int, file: str) -> Place:
    before = text[:position]
    return Place(file, before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1)


class _Builder:
    """One pass over the parser's events."""

    def __init__(self, file: str, findings: Findings) -> None:
        self._file = file
        self._findings = findings
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._size = 0
        self._events: Iterator[yaml.Event] = iter(())

    def build(self, loader: yaml.SafeLoader) -> Node | None:
        self._events = (
            event
            for event in iter(loader.get_event, None)
            if not isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent)
        )
        if next(self._events, None) is None:
            return None
        node = self._node(next(self._events), 1)
        further = next(self._events, None)
        if further is not None:
            self._stop(further, "a second document starts here; one file is one document")
        return node

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if depth > DEEPEST:
            self._stop(event, f"nested deeper than {DEEPEST} levels")
        before = self._size
        self._grow(event, 1)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        node = self._new(event, depth)
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            self._anchors[event.anchor] = node, self._size - before
        return node

    def _new(self, event: yaml.Event, depth: int) -> Node:
        include = self._tag(event)
        if isinstance(event, yaml.ScalarEvent):
            if not _WHOLE.fullmatch(event.value):
                self._stop(event, "a text with half of a character")
            return Text(event.value, self._place(event), event.style is None, include)
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(
                tuple(self._node(each, depth + 1) for each in self._until(yaml.SequenceEndEvent)), self._place(event)
            )
        return self._keys(event, depth)

    def _keys(self, event: yaml.Event, depth: int) -> Keys:
        entries: dict[str, tuple[Text, Node]] = {}
        merged: list[tuple[Text, Node]] = []
        for first in self._until(yaml.MappingEndEvent):
            key, value = self._node(first, depth + 1), self._node(next(self._events), depth + 1)
            if not isinstance(key, Text):
                self._findings.problem(key.place, "a key must be a text")
            elif key.value == "<<" and key.bare:
                merged += self._merged(value)
            elif key.value in entries:
                line = entries[key.value][0].place.line
                self._findings.problem(key.place, f'the key "{key.value}" stands twice; first in line {line}')
            else:
                entries[key.value] = key, value
        for key, value in merged:
            entries.setdefault(key.value, (key, value))
        return Keys(tuple(entries.values()), self._place(event))

    def _merged(self, value: Node) -> Iterable[tuple[Text, Node]]:
        """The entries that `<<: *one` or `<<: [*one, *two]` brings; the first to bring a key wins."""
        sources = value.nodes if isinstance(value, Items) else (value,)
        for source in sources:
            if isinstance(source, Keys):
                yield from source.entries
            else:
                self._findings.problem(source.place, "<< merges keys and values; this is something else")

    def _alias(self, event: yaml.AliasEvent) -> Node:
        known = self._anchors.get(event.anchor or "")
        if known is None:
            self._stop(event, f'"*{event.anchor}" refers to an anchor that no line before it defines')
        node, size = known
        self._grow(event, size)
        return node

    def _tag(self, event: yaml.Event) -> bool:
        """Whether the node is an include; notes every other tag that means something."""
        tag = getattr(event, "tag", None)
        if tag in (None, "!") or tag in _STANDARD_TAGS:
            return False
        if tag == INCLUDE and isinstance(event, yaml.ScalarEvent):
            return True
        shown = tag.replace(_STANDARD, "!!")
        self._findings.problem(self._place(event), f'the tag "{shown}" means nothing here; only !include FILE does')
        return False

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event

    def _grow(self, event: yaml.Event, by: int) -> None:
        self._size += by
        if self._size > LARGEST:
            self._stop(event, f"more than {LARGEST} texts, lists and mappings")

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return Place(self._file, mark.line + 1, mark.column + 1) if mark else Place(self._file, 1, 1)

    def _stop(self, event: yaml.Event, text: str) -> NoReturn:
        self._findings.problem(self._place(event), text)
        raise _UnreadableError
