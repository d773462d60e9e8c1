"""Sentences that stand in more than one console."""

from __future__ import annotations

import re

from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.bounds import CLOUD_NAMES, label_of
from nephoscope.pipeline.board.parts import Board, Limit, Panel

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~])")


def plain(text: str) -> str:
    """Any text so that Markdown shows it as it is, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def link(words: str, url: str) -> str:
    """A link in Markdown; just the words where there is no address."""
    return f"[{plain(words)}]({url.replace(')', '%29').replace('(', '%28')})" if url else plain(words)


def lacking(board: Board, cloud: Cloud) -> str:
    """`Not measured in Azure: CPU credit balance.`; empty where nothing is missing."""
    titles = board.lacking.get(cloud, ())
    return f"Not measured in {CLOUD_NAMES[cloud]}: {', '.join(titles)}." if titles else ""


def threshold_label(panel: Panel, limit: Limit) -> str:
    """`critical: cpu-hot (> 90 %)`, for lines that cannot have a colour of their own."""
    return f"{limit.severity}: {label_of(limit, panel.unit)}"


def sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)
