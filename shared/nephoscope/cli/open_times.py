"""When alerts were open on the machines of a plot: as the alert memory tells it; of recorded history, as its replay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from nephoscope.app.outside import Outside
from nephoscope.catalog.loader import Catalog
from nephoscope.cli.call import Call
from nephoscope.model.alert import AlertRecord, AlertState
from nephoscope.model.config import Config
from nephoscope.model.errors import StoreError
from nephoscope.model.rule import Rule, Threshold
from nephoscope.pipeline.plotting.spans import Span, spans_of, spans_of_replay
from nephoscope.pipeline.plotting.tracks import Track
from nephoscope.pipeline.replay import Recording, replay, replayable, steps

MOST = 300
"""Alerts whose history is read: a query each."""

REPLAYED = 200
"""Series that are replayed while a person waits."""


def remembered_spans(call: Call, outside: Outside, tracks: Sequence[Track], begin: int, end: int) -> tuple[Span, ...]:
    """Of the rules on the tracks' metrics. A memory that does not answer costs only these, and that is said."""
    if not call.has_memory:
        return ()
    try:
        return tuple(_remembered(call, outside, tracks, begin, end))
    except StoreError as error:
        call.terminal.problem(f"no alerts are shown: {error}")
        return ()


def _remembered(call: Call, outside: Outside, tracks: Sequence[Track], begin: int, end: int) -> Iterator[Span]:
    rules = {rule.name: rule for rule in _on(outside.config.rules, {track.metric for track in tracks})}
    machines = {(track.resource.scope, track.resource.id) for track in tracks}
    found = [
        (scope, record)
        for scope in sorted({scope for scope, _ in machines})
        for record in outside.memory.read_alerts(scope).values()
        if record.rule in rules and (scope, record.resource_id) in machines and _lately(record, begin)
    ]
    if len(found) > MOST:
        call.terminal.note(f"of {len(found)} alerts the latest {MOST} are shown")
    for scope, record in sorted(found, key=lambda pair: -pair[1].since)[:MOST]:
        history = outside.memory.read_history(scope, record.alert_key)
        yield from spans_of(history, rules[record.rule].severity, scope, record.attributes, begin, end)


def _lately(record: AlertRecord, begin: int) -> bool:
    """What has been well since before is of no time that is shown."""
    return record.state is not AlertState.OK or record.since >= begin


def _on(rules: Iterable[Rule], metrics: set[str]) -> tuple[Rule, ...]:
    return tuple(rule for rule in rules if isinstance(rule.when, Threshold) and rule.when.metric in metrics)


def replayed_spans(
    call: Call,
    recordings: Sequence[Recording],
    config: Config,
    catalog: Catalog,
    tracks: Sequence[Track],
    begin: int,
    end: int,
) -> tuple[Span, ...]:
    """What the rules would have told, on the history of these machines alone."""
    rules = _on(config.rules, {track.metric for track in tracks})
    if not rules or len(tracks) > REPLAYED:
        return ()
    meant = replace(replayable(config), rules=rules)
    ids = {track.resource.id for track in tracks}
    few = [_only(recording, ids) for recording in recordings]
    with call.terminal.progress("replaying hours", steps(few, meant, catalog)) as bar:
        firings, _ = replay(few, meant, catalog, bar.step)
    return spans_of_replay(firings, {rule.name: rule.severity for rule in rules}, begin, end)


def _only(recording: Recording, ids: set[str]) -> Recording:
    return replace(
        recording,
        resources=tuple(resource for resource in recording.resources if resource.id in ids),
        stretches=tuple(stretch for stretch in recording.stretches if stretch.key.resource_id in ids),
    )
