"""Help that fits the terminal: prose is folded, a remark that has no room behind its example stands below it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from textwrap import wrap

CALL = "  nephoscope "
"""How a line of examples begins. Other indented lines, as of a story, stand as they are."""

_REMARK = re.compile(r"(?<=\S)\s{2,}(?=\S)")
_CONTINUED = " " * 20
"""A line so far inside goes on with the remark above it."""


class HelpText(argparse.RawDescriptionHelpFormatter):
    def _fill_text(self, text: str, width: int, indent: str) -> str:  # noqa: ARG002 - as argparse calls it
        return fold_help(text, width)


def fold_help(text: str, width: int) -> str:
    """Paragraphs stay apart. Calls are never broken: they are to be copied."""
    return "\n\n".join("\n".join(_paragraph(part.splitlines(), width)) for part in text.split("\n\n"))


def _paragraph(lines: list[str], width: int) -> Iterator[str]:
    prose: list[str] = []
    for line in _joined(lines):
        if line.startswith(" "):
            yield from wrap(" ".join(prose), width)
            prose = []
            yield from _example(line, width) if line.startswith(CALL) else [line]
        else:
            prose.append(line)
    yield from wrap(" ".join(prose), width, break_on_hyphens=False)


def _joined(lines: list[str]) -> list[str]:
    found: list[str] = []
    for line in lines:
        if line.startswith(_CONTINUED) and found and found[-1].startswith(CALL):
            found[-1] += f" {line.strip()}"
        else:
            found.append(line)
    return found


def _example(line: str, width: int) -> Iterator[str]:
    if len(line) <= width:
        yield line
        return
    call, *remark = _REMARK.split(line, maxsplit=1)
    yield call
    if remark:
        yield from wrap(remark[0], width, initial_indent=" " * 6, subsequent_indent=" " * 6)
