"""What a key of nephoscope.yaml is: a row of its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Form(StrEnum):
    """What a value looks like."""

    TEXT = "text"
    FLAG = "flag"
    TEXTS = "texts"  # one, or a list
    SECTION = "section"
    SECTIONS = "sections"  # a list of them
    RULES = "rules"  # a list of sections that may come from other files
    NAMED = "named"  # a section under each name that the user chooses
    TAGS = "tags"  # texts under each name
    TEXT_BY_NAME = "text by name"
    FIGURES = "figures"  # texts by name, under each name
    ANY = "any"  # of several forms; whoever reads it looks


@dataclass(frozen=True, slots=True)
class Key:
    """choices: the only words that are allowed. later: words of a later version. word: a text that may stand in place
    of one section of a list. pattern: of the text (a JSON Schema pattern); only for editors, the check says more."""

    name: str
    form: Form
    about: str
    required: bool = False
    choices: tuple[str, ...] = ()
    section: Section | None = None
    word: str = ""
    pattern: str = ""
    later: tuple[str, ...] = ()

    @property
    def inside(self) -> Section:
        """The section that the value is, or each of its values; one without keys where it has none."""
        return self.section or Section(self.name, ())


@dataclass(frozen=True, slots=True)
class Section:
    """name: as messages call it. later: keys of a later version and what they will do."""

    name: str
    keys: tuple[Key, ...]
    later: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(key.name for key in self.keys)

    def key(self, name: str) -> Key | None:
        return next((key for key in self.keys if key.name == name), None)
