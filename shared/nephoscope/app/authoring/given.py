"""Rules that nobody wrote: the starter rules, and the one that watches whether we see anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files

from nephoscope.model.config import Channel
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Observation, Rule, Severity, Window

SCOPE_BLIND = "scope-blind"
"""Its name is taken."""

STARTER = "starter.yaml"


def starter_text() -> str:
    """The starter rules as a person would have written them: a list of rules in YAML."""
    return files(__package__).joinpath(STARTER).read_text(encoding="utf-8")


def default_channels(channels: Mapping[str, Channel]) -> tuple[str, ...]:
    """Who is told when a rule does not say: every channel that is not kept as a fallback, or all, where all are."""
    ordinary = tuple(name for name, channel in channels.items() if not channel.fallback)
    return ordinary or tuple(channels)


def scope_blind(after: int, channels: Iterable[Channel]) -> Rule:
    """Nothing can be read of a scope. Told to the fallback channels, where there are any, or to all."""
    everyone = tuple(channels)
    fallbacks = tuple(channel.name for channel in everyone if channel.fallback)
    return Rule(
        name=SCOPE_BLIND,
        on=Kind.SCOPE,
        when=Observation("sight", ("blind",)),
        window=Window(after, after),
        severity=Severity.CRITICAL,
        tell=fallbacks or tuple(channel.name for channel in everyone),
        summary="Nothing can be read there: the alerts of that scope stand still until it can.",
        origin="built-in",
    )
