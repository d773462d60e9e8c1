"""What the dashboard's custom widget shows: the stored snapshots, with the alerts as they are this minute; and the one
thing that can be done there, to acknowledge an alert.

Whoever may see the widget may call its function, and so may acknowledge. CloudWatch does not say who that was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nephoscope.app.outside import Outside
from nephoscope.app.scopes import registered
from nephoscope.model.alert import OPEN_STATES, AlertRecord
from nephoscope.model.memory import Snapshot
from nephoscope.model.quiet import Acknowledgement
from nephoscope.model.scope import Scope
from nephoscope.pipeline.snapshot import firing_line
from nephoscope.views.acknowledging import ACTION
from nephoscope.views.widget import render_widget

DASHBOARD = "dashboard"
"""Who has acknowledged it, as far as anybody knows."""


def widget(outside: Outside, event: Mapping[str, Any], endpoint: str = "") -> str:
    """The widget's HTML (or its Markdown documentation), after what the event asks to be done. Asks no cloud, only the
    store. endpoint: the ARN of the function that answers. Raises StoreError."""
    said = _act(outside, event) if event.get("action") and not event.get("describe") else ""
    scopes = registered(outside, outside.config.gather.kinds)
    found = {scope: _snapshot(outside, scope) for scope in scopes}
    snapshots = [_with_alerts(outside, scope, snapshot) for scope, snapshot in found.items() if snapshot]
    unseen = [scope for scope, snapshot in found.items() if snapshot is None]
    now = int(outside.clock.wall())
    return render_widget(event, snapshots, outside.config, outside.catalog, now, unseen, endpoint=endpoint, said=said)


def _act(outside: Outside, event: Mapping[str, Any]) -> str:
    """What became of it, in a sentence."""
    if event["action"] != ACTION:
        return f"There is no action {event['action']!r}; nothing was done."
    if _asks_by_itself(event):
        return "The widget's own parameters ask for an action, with each refresh; nothing was done."
    key = str(event.get("alert") or "")
    for scope in registered(outside, outside.config.gather.kinds):
        if record := outside.memory.read_alerts(scope).get(key):
            return _acknowledge(outside, scope, record, event.get("episode"))
    return "There is no such alert any more; nothing was done."


def _asks_by_itself(event: Mapping[str, Any]) -> bool:
    """An action is a click's; in the dashboard's body it would be done whenever somebody looks."""
    context = event.get("widgetContext")
    params = context.get("params") if isinstance(context, Mapping) else None
    return isinstance(params, Mapping) and "action" in params


def _acknowledge(outside: Outside, scope: Scope, record: AlertRecord, episode: object) -> str:
    """The page may be old: only the episode that it showed is meant, and who was first is not overwritten."""
    what = f"{record.rule} on {record.resource_id}"
    if record.state not in OPEN_STATES:
        return f"{what} has ended; nothing was done."
    if episode != record.episode:
        return f"{what} has ended and fired again since this page was drawn; nothing was done."
    before = outside.memory.read_acknowledged(scope).get(record.alert_key)
    if before is not None and before.episode == record.episode:
        return f"{what} was acknowledged by {before.by or 'somebody'} already."
    said = Acknowledgement(record.alert_key, record.episode, DASHBOARD, int(outside.clock.wall()))
    outside.memory.acknowledge(scope, said)
    return f"{what} is acknowledged: no repeats and no escalation until it ends."


def _snapshot(outside: Outside, scope: Scope) -> Snapshot | None:
    """Of groups there is nothing to show but their alerts."""
    if scope.is_fleet:
        return Snapshot(scope, outside.memory.read_progress(scope).slot)
    return outside.memory.read_snapshot(scope)


def _with_alerts(outside: Outside, scope: Scope, snapshot: Snapshot) -> Snapshot:
    """A snapshot is up to five minutes old; an alert is not shown late."""
    rules = {rule.name: rule for rule in outside.config.rules}
    records = [one for one in outside.memory.read_alerts(scope).values() if one.state in OPEN_STATES]
    seen = outside.memory.read_acknowledged(scope) if records else {}
    firing = tuple({**firing_line(one, rules.get(one.rule)), **_seen(one, seen.get(one.alert_key))} for one in records)
    return replace(snapshot, firing=firing)


def _seen(record: AlertRecord, ack: Acknowledgement | None) -> dict[str, object]:
    by = (ack.by or "somebody") if ack is not None and ack.episode == record.episode else ""
    return {"episode": record.episode, "acknowledged": by}
