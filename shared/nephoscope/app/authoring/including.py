"""`rules: !include rules/*.yaml`: rules from other files, each keeping its own file, line and column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from glob import glob
from pathlib import Path

from nephoscope.app.authoring.document import Items, Node, Text, parse_document
from nephoscope.app.authoring.findings import Findings, Place
from nephoscope.app.authoring.reading import describe


def include_rules(node: Node, beside: Path, findings: Findings) -> Items:
    """The list of rules, every `!include` in it replaced by what it brings.

    beside: the folder that patterns start from. A pattern is a file, a glob, or a folder, whose *.yaml and *.yml are
    meant; files come in the order of their names.
    """
    nodes = node.nodes if isinstance(node, Items) else (node,)
    found = [rule for each in nodes for rule in _expanded(each, beside, findings)]
    return Items(tuple(found), node.place)


def _expanded(node: Node, beside: Path, findings: Findings) -> Iterator[Node]:
    if not (isinstance(node, Text) and node.include):
        yield node
        return
    paths = matching(beside, node.value)
    if not paths:
        findings.problem(node.place, f"!include {node.value}: no such file")
    for path in paths:
        yield from _rules_in(path, findings)


def matching(beside: Path, pattern: str) -> list[Path]:
    """The files that a pattern names, in order; empty when there are none."""
    if not pattern.strip("/"):
        return []
    try:
        named = beside / pattern
        if named.is_dir():
            return sorted(path for path in named.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
        if named.is_file():
            return [named]
        found = glob(pattern, root_dir=beside, recursive=True)  # noqa: PTH207 - Path.glob refuses what starts with /
        return sorted(beside / name for name in found if (beside / name).is_file())
    except OSError:  # a name that is too long, a folder that may not be looked into
        return []


def _rules_in(path: Path, findings: Findings) -> Iterator[Node]:
    text = read_text(path, findings)
    node = parse_document(text, str(path), findings) if text is not None else None
    if node is None or (isinstance(node, Text) and node.nothing):
        return
    if not isinstance(node, Items):
        findings.problem(node.place, f"expected a list of rules, found {describe(node)}")
        return
    for each in node.nodes:
        if isinstance(each, Text) and each.include:
            findings.problem(each.place, "an included file includes no other")
        else:
            yield each


def read_text(path: Path, findings: Findings) -> str | None:
    """The text of a file; what cannot be read, or is not UTF-8, is noted."""
    start = Place(str(path), 1, 1)
    try:
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        findings.problem(start, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        findings.problem(replace(start, line=line), f"not UTF-8: the byte #x{data[error.start]:02x}")
    return None
