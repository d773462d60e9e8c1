"""The examples of the configuration's reference, section by section: examples.yaml, in pieces of text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_OF = re.compile(r"# of: (\S+)\n")
_TOP = re.compile(r"^([a-z]+):", re.MULTILINE)
AROUND = "around"


@cache
def examples() -> Mapping[str, tuple[str, ...]]:
    """Name of a section -> its examples as a person would write them, in order; not yet whole files."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    text = files(__package__).joinpath("examples.yaml").read_text(encoding="utf-8")
    for document in text.split("---\n")[1:]:
        if of := _OF.match(document):
            found[of[1]].append(document[of.end() :])
    return {name: tuple(texts) for name, texts in found.items()}


def whole(example: str) -> str:
    """The example with whatever it leaves out of what each file needs: fleet, gather, the channels that it tells."""
    (around,) = examples()[AROUND]
    written = set(_TOP.findall(example))
    parts = re.split(r"^(?=[a-z])", around, flags=re.MULTILINE)
    return "".join(part for part in parts if part and part.partition(":")[0] not in written) + example
