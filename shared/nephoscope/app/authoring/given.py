"""Rules that nobody wrote: the starter rules, and those that watch whether we see anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from importlib.resources import files

from nephoscope.model.config import Channel, Gather
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Observation, Rule, Severity, Window
from nephoscope.pipeline.digest import MEMORY_RULE
from nephoscope.pipeline.notices import DELIVERY_RULE
from nephoscope.pipeline.watching import WATCH_RULE
from nephoscope.pipeline.zones import ZONE_DOWN

SCOPE_BLIND = "scope-blind"

TAKEN = (SCOPE_BLIND, WATCH_RULE, DELIVERY_RULE, MEMORY_RULE, ZONE_DOWN.name)
"""Names that no rule of a person may have."""

STARTER = "starter.yaml"


def starter_text() -> str:
    """The starter rules as a person would have written them: a list of rules in YAML."""
    return files(__package__).joinpath(STARTER).read_text(encoding="utf-8")


def default_channels(channels: Mapping[str, Channel]) -> tuple[str, ...]:
    """Who is told when a rule does not say: every channel that is not kept as a fallback, or all, where all are."""
    ordinary = tuple(name for name, channel in channels.items() if not channel.fallback)
    return ordinary or tuple(channels)


def scope_blind(after: int, channels: Iterable[Channel]) -> Rule:
    """Nothing can be read of a scope."""
    return Rule(
        name=SCOPE_BLIND,
        on=Kind.SCOPE,
        when=Observation("sight", ("blind",)),
        window=Window(after, after),
        severity=Severity.CRITICAL,
        tell=_last_resort(channels),
        summary="Nothing can be read there: the alerts of that scope stand still until it can.",
        origin="built-in",
    )


def functions_silent(channels: Iterable[Channel]) -> Rule:
    """Another cloud's functions have stopped. When that is so is not for a window to say: pipeline/watching.py."""
    return Rule(
        name=WATCH_RULE,
        on=Kind.SCOPE,
        when=Observation("heartbeat", ("missing",)),
        severity=Severity.CRITICAL,
        tell=_last_resort(channels),
        summary="The functions of that cloud have stopped: its alerts are not evaluated.",
        origin="built-in",
    )


def given_rules(blind_after: int, gather: Gather, channels: Collection[Channel]) -> tuple[Rule, ...]:
    """Those that watch nephoscope itself. Functions that are alone have nobody to watch them but their provider."""
    blind = scope_blind(blind_after, channels)
    return (blind, functions_silent(channels)) if len(gather.functions) > 1 else (blind,)


def _last_resort(channels: Iterable[Channel]) -> tuple[str, ...]:
    """The fallback channels, where there are any, or all."""
    everyone = tuple(channels)
    fallbacks = tuple(channel.name for channel in everyone if channel.fallback)
    return fallbacks or tuple(channel.name for channel in everyone)
