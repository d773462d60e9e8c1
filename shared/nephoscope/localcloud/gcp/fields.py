"""The `fields` parameter: a partial answer, so that no more is sent than was asked for.

`a,b/c` picks members, `a(b,c)` several of one, `*` each member of a map. A list is passed through to its items. What
names no field that the answer can have is refused, as a typing error would otherwise look like an empty project.
Source: https://cloud.google.com/compute/docs/api/how-tos/performance#partial-response
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nephoscope.localcloud.gcp.call import invalid

Tree = dict[str, "Tree"]
Known = Mapping[str, Any]
"""Name -> what may stand below it; `*` is any name; None: whatever."""

_WORD = re.compile(r"[\w*.\-]+|[/,()]")


def select(answer: Any, mask: str, known: Known) -> Any:
    """What the mask keeps of an answer; all of it where the mask is empty or `*`. Raises GoogleError."""
    if not mask:
        return answer
    tree = _parse(mask)
    _check(tree, known, mask)
    return _pick(answer, tree)


def _parse(mask: str) -> Tree:
    words = _WORD.findall(mask)
    if "".join(words) != re.sub(r"\s", "", mask):
        raise invalid(f"Invalid field selection {mask}")
    rest = iter([*words, ""])
    tree, ended = _list(rest, mask)
    if ended:
        raise invalid(f"Invalid field selection {mask}")
    return tree


def _list(words: Iterator[str], mask: str) -> tuple[Tree, str]:
    """Selections up to `)` or the end, and which of them it was."""
    tree: Tree = {}
    while True:
        place, word = tree, next(words)
        while True:
            if word in ("", "/", ",", "(", ")"):
                raise invalid(f"Invalid field selection {mask}")
            place, word = place.setdefault(word, {}), next(words)
            if word != "/":
                break
            word = next(words)
        if word == "(":
            inner, ended = _list(words, mask)
            if ended != ")":
                raise invalid(f"Invalid field selection {mask}")
            place.update(inner)
            word = next(words)
        if word != ",":
            return tree, word


def _check(tree: Tree, known: Known, mask: str) -> None:
    for name, inner in tree.items():
        if name == "*":
            below = known.get("*", ...)
        elif name in known or "*" in known:
            below = known.get(name, known.get("*"))
        else:
            raise invalid(f"Invalid field selection {name}")
        if inner and isinstance(below, Mapping):
            _check(inner, below, mask)


def _pick(content: Any, tree: Tree) -> Any:
    if not tree:
        return content
    if isinstance(content, list):
        return [_pick(item, tree) for item in content]
    if not isinstance(content, Mapping):
        return content
    kept = {}
    for name, value in content.items():
        inner = tree.get(name, tree.get("*"))
        if inner is not None and (picked := _pick(value, inner)) not in ({}, []):
            kept[name] = picked
    return kept
