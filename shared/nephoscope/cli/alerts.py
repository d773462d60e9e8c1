"""Alerts by the name that a person gives them: the first letters of their key, or a rule and a resource; the rule alone
where it has but one alert."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nephoscope.app.outside import Outside
from nephoscope.cli.call import CallError
from nephoscope.cli.memory import places
from nephoscope.model.alert import AlertRecord, AlertState
from nephoscope.model.scope import Scope
from nephoscope.pipeline.wording import clean, render_id

SHORTEST = 6
"""Letters of a key that are shown; more where two alerts share them."""

_LISTED = "nephoscope status lists the alerts that are open, each with its letters."


@dataclass(frozen=True, slots=True)
class Known:
    """An alert that is remembered. names: of its resource, as far as the last snapshot tells."""

    scope: Scope
    record: AlertRecord
    names: tuple[str, ...]

    def is_meant(self, word: str, resource: str) -> bool:
        record = self.record
        if resource:
            return record.rule == word and resource in (record.resource_id, render_id(record.resource_id), *self.names)
        return record.rule == word or record.alert_key.startswith(word.lower())


def find_alert(outside: Outside, word: str, resource: str = "", *, open_only: bool = False) -> Known:
    """The one that is meant. open_only: tombstones of what is well again do not count. Raises CallError."""
    found = [known for known in remembered(outside) if known.is_meant(word, resource)]
    found = [known for known in found if known.record.state is not AlertState.OK or not open_only]
    meant = clean(f"{word} {resource}".strip())
    if not found:
        raise CallError(f'no alert {"that is open " if open_only else ""}is called "{meant}"', _LISTED)
    if len(found) > 1:
        each = ", ".join(sorted(known.record.alert_key[: SHORTEST + 4] for known in found)[:5])
        raise CallError(f'{len(found)} alerts are called "{meant}": {each}', _LISTED)
    return found[0]


def remembered(outside: Outside) -> Iterator[Known]:
    """Every alert of every scope, tombstones included."""
    for scope in places(outside):
        records = outside.memory.read_alerts(scope)
        snapshot = outside.memory.read_snapshot(scope) if records else None
        names = {resource.id: (resource.name,) for resource in (snapshot.resources if snapshot else ())}
        for record in records.values():
            yield Known(scope, record, names.get(record.resource_id, ()))
