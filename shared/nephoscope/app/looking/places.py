"""Everywhere that an alert or a message may lie, for those who look at a memory."""

from __future__ import annotations

from nephoscope.app.outside import Outside
from nephoscope.model.beat import watch_scope
from nephoscope.model.scope import Scope


def registered(outside: Outside) -> tuple[Scope, ...]:
    """The scopes that runs have seen, sorted. Raises StoreError."""
    return tuple(sorted(row.scope for row in outside.memory.read_registry()))


def watching(outside: Outside) -> tuple[Scope, ...]:
    """Where each cloud's functions keep what they tell of the others'; empty where there are no others."""
    functions = outside.config.gather.functions
    return tuple(watch_scope(cloud) for cloud in functions) if len(functions) > 1 else ()


def places(outside: Outside) -> tuple[Scope, ...]:
    """Both. Raises StoreError."""
    return (*registered(outside), *watching(outside))
