"""One look at the alert memory: a handful of small reads a scope; its snapshot only where a run has written another."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from nephoscope.app.looking.outbox import entries_of
from nephoscope.app.looking.places import registered, watching
from nephoscope.app.outside import Outside
from nephoscope.app.watching import silent_functions
from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.memory import Snapshot
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.looking.look import Entry, Look, Place

AT_ONCE = 8
HISTORY = 100
"""Entries of the past that are read of each scope."""


class Reading:
    """Reads looks of one memory, and keeps the snapshots between them. One call at a time."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self._snapshots: dict[Scope, tuple[int, Snapshot | None, Mapping[str, Resource]]] = {}
        self._sentences = sentences_of(outside.config, outside.catalog)

    def read(self) -> Look:
        """Raises StoreError."""
        outside, config = self.outside, self.outside.config
        memory, clouds = outside.memory, tuple(config.gather.kinds)
        scopes, watchers = registered(outside), watching(outside)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            places = dict(zip((*scopes, *watchers), pool.map(self._place, (*scopes, *watchers)), strict=True))
            owed = [entry for found in pool.map(self._owed, places) for entry in found]
            unreadable = [text for found in pool.map(self._unreadable, places) for text in found]
            silences = dict(zip(clouds, pool.map(memory.read_silences, clouds), strict=True))
            states = [state for found in pool.map(memory.read_channel_states, clouds) for state in found.values()]
        return Look(
            at=int(outside.clock.wall()),
            fleet=config.fleet,
            every=config.gather.every,
            places=tuple(places[scope] for scope in scopes),
            watchers=tuple(places[scope] for scope in watchers),
            owed=tuple(sorted(owed, key=lambda entry: (entry.item.created_at, entry.id))),
            unreadable=tuple(unreadable),
            switched_off=tuple({state.name: (state.name, state.reason) for state in states if state.disabled}.values()),
            silent=tuple((cloud, int(seconds)) for cloud, seconds in silent_functions(outside)),
            silences=silences,
            windows=config.quiet,
            rules={rule.name: rule for rule in config.rules},
            metrics=outside.catalog.metrics,
            sentences=self._sentences,
        )

    def _place(self, scope: Scope) -> Place:
        memory = self.outside.memory
        progress = memory.read_progress(scope)
        known = self._snapshots.get(scope)
        if known is None or known[0] != progress.generation or known[1] is None:
            snapshot = memory.read_snapshot(scope) if progress.generation else None
            by_id = {one.id: one for one in snapshot.resources} if snapshot else {}
            known = self._snapshots[scope] = (progress.generation, snapshot, by_id)
        alerts = tuple(memory.read_alerts(scope).values())
        acknowledged = memory.read_acknowledged(scope) if alerts else {}
        history = memory.read_history(scope, limit=HISTORY)
        return Place(scope, progress, known[1], known[2], alerts, acknowledged, history)

    def _owed(self, scope: Scope) -> list[Entry]:
        return list(entries_of(self.outside, scope))

    def _unreadable(self, scope: Scope) -> list[str]:
        return [f"{scope}: {row.sk}: {row.problem}" for row in self.outside.memory.read_unreadable(scope)]


def sentences_of(config: Config, catalog: Catalog) -> Mapping[str, str]:
    """Each rule as it was understood, by name."""
    from nephoscope.app.authoring.explain import explain_rule  # noqa: PLC0415 - YAML only where needed

    kinds = config.gather.kinds

    def clouds_of(on: Kind) -> list[Cloud]:
        """Where its kind is gathered; a scope is on each."""
        return [cloud for cloud, known in kinds.items() if on in (*known, Kind.SCOPE)]

    return {rule.name: explain_rule(rule, catalog.metrics, clouds_of(rule.on)) for rule in config.rules}
