"""What the dashboard's custom widget shows: the stored snapshots, with the alerts as they are this minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nephoscope.app.outside import Outside
from nephoscope.app.scopes import registered
from nephoscope.model.alert import OPEN_STATES
from nephoscope.model.memory import Snapshot
from nephoscope.model.scope import Scope
from nephoscope.pipeline.snapshot import firing_line
from nephoscope.views.widget import render_widget


def widget(outside: Outside, event: Mapping[str, Any]) -> str:
    """The widget's HTML (or its Markdown documentation). Asks no cloud, only the store. Raises StoreError."""
    scopes = registered(outside, outside.config.gather.kinds)
    found = {scope: _snapshot(outside, scope) for scope in scopes}
    snapshots = [_with_alerts(outside, scope, snapshot) for scope, snapshot in found.items() if snapshot]
    unseen = [scope for scope, snapshot in found.items() if snapshot is None]
    now = int(outside.clock.wall())
    return render_widget(event, snapshots, outside.config, outside.catalog, now, unseen)


def _snapshot(outside: Outside, scope: Scope) -> Snapshot | None:
    """Of groups there is nothing to show but their alerts."""
    if scope.is_fleet:
        return Snapshot(scope, outside.memory.read_progress(scope).slot)
    return outside.memory.read_snapshot(scope)


def _with_alerts(outside: Outside, scope: Scope, snapshot: Snapshot) -> Snapshot:
    """A snapshot is up to five minutes old; an alert is not shown late."""
    rules = {rule.name: rule for rule in outside.config.rules}
    records = outside.memory.read_alerts(scope).values()
    firing = tuple(firing_line(one, rules.get(one.rule)) for one in records if one.state in OPEN_STATES)
    return replace(snapshot, firing=firing)
