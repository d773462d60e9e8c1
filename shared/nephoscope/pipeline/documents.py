"""What is kept, as documents: one for each point, each change of a resource's state, each transition of an alert.

A document says in full what it is of, in OpenTelemetry's and Elastic Common Schema's words, so that it is understood by
itself when the machine is long gone. Its id is a digest of what it is of and when: the same fact, sent by any run any
number of times, is one document.
"""

from __future__ import annotations

import hashlib
import json
import math
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nephoscope.catalog.loader import Catalog
from nephoscope.model.alert import HistoryEntry
from nephoscope.model.history import Document, HistoryKind
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Rule
from nephoscope.model.scope import Scope
from nephoscope.model.series import Series
from nephoscope.model.time import iso


@dataclass(frozen=True, slots=True)
class Telling:
    """How documents of one fleet are made. tags: names of those that stand with each."""

    fleet: str
    tags: tuple[str, ...]
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class StateSeen:
    """A resource's state as a run has seen it. action: first_seen, state_changed, restarted, seen (once a day) or
    gone. before: the state until then, empty where none was known."""

    resource: Resource
    at: int
    action: str
    before: str = ""


# --- points -------------------------------------------------------------------------------------------------------


def point_documents(series: Series, resource: Resource, since: int, lot: str, telling: Telling) -> Iterator[Document]:
    """A document for each point from `since` on (data time). What is no number is none: JSON has no NaN."""
    key = series.key
    metric = telling.catalog.metrics.get(key.metric)
    about = _about(resource, telling)
    if key.attributes:
        about["attributes"] = {_field(name): value for name, value in key.attributes}
    measured = {"name": key.metric, "unit": str(metric.unit) if metric else "", "period": series.period}
    head = f'{_line(about)[:-1]},"metric":{_line(measured)[:-1]},"value":'
    digest = _digest(telling.fleet, resource.scope.key, key.resource_id, key.metric, *map(list, key.attributes))
    times, values = series.times, series.values
    for index in range(_first(times, since), len(times)):
        at, value = times[index], values[index]
        if math.isfinite(value):
            yield Document(
                HistoryKind.METRICS, at, f"{digest}{at:08x}", f'{head}{value!r}}},"@timestamp":"{iso(at)}"}}', lot
            )


def _first(times: Sequence[int], since: int) -> int:
    """New points stand at the end: looked for from there."""
    index = len(times)
    while index and times[index - 1] >= since:
        index -= 1
    return index


# --- states -------------------------------------------------------------------------------------------------------


def state_document(seen: StateSeen, lot: str, telling: Telling) -> Document:
    resource = seen.resource
    state = {
        "name": str(resource.state or ""),
        "vendor": resource.vendor_state or "",
        "previous": seen.before,
        "launched_at": iso(resource.launched_at) if resource.launched_at else None,
    }
    source = {
        "@timestamp": iso(seen.at),
        **_about(resource, telling),
        "event": {"kind": "state", "action": seen.action},
        "state": {name: value for name, value in state.items() if value},
    }
    name = _digest(telling.fleet, resource.scope.key, resource.id, "state")
    return Document(HistoryKind.STATES, seen.at, f"{name}{seen.at:08x}", _line(source), lot)


# --- alerts -------------------------------------------------------------------------------------------------------


def alert_document(
    entry: HistoryEntry, scope: Scope, resource: Resource | None, rule: Rule | None, lot: str, telling: Telling
) -> Document:
    """resource, rule: None where they are no longer there; the entry's own words stand for them."""
    about = _about(resource, telling) if resource else _about_place(scope, entry.resource_id, telling)
    alert = {
        "key": entry.alert_key,
        "severity": str(rule.severity) if rule else "",
        "value": entry.value,
        "worst": entry.worst,
        "told": list(entry.told),
        "muted": entry.muted,
    }
    source = {
        "@timestamp": iso(entry.at),
        **about,
        "event": {
            "kind": "alert",
            "action": str(entry.kind),
            "reason": str(entry.why),
            "sequence": entry.seq,
        },
        "rule": {"name": entry.rule},
        "alert": {name: value for name, value in alert.items() if _says(value)},
    }
    name = _digest(telling.fleet, scope.key, entry.alert_key, entry.seq)
    return Document(HistoryKind.ALERTS, entry.at, f"{name}{entry.at:08x}", _line(source), lot)


def _says(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is not None and value not in ("", [])


# --- what all of them say -----------------------------------------------------------------------------------------


def _about(resource: Resource, telling: Telling) -> dict[str, object]:
    """host.* of machines alone; cloud.resource_id and resource.* of everything."""
    about = _about_place(resource.scope, resource.id, telling)
    if resource.zone:
        about["cloud"] = {**_cloud(resource.scope, resource.id), "availability_zone": resource.zone}
    named = {"name": resource.name} if resource.name else {}
    about["resource"] = {"kind": str(resource.kind), "id": resource.id, **named}
    if resource.kind is Kind.INSTANCE:
        about["host"] = {"id": resource.id, "name": resource.name or resource.id}
        if resource.type:
            about["host"] |= {"type": resource.type}  # type: ignore[operator]
    if labels := kept_tags(resource.tags, telling.tags):
        about["labels"] = labels
    return about


def _about_place(scope: Scope, resource_id: str, telling: Telling) -> dict[str, object]:
    return {
        "nephoscope": {"fleet": telling.fleet},
        "cloud": _cloud(scope, resource_id),
        "resource": {"id": resource_id},
    }


def _cloud(scope: Scope, resource_id: str) -> dict[str, object]:
    return {
        "provider": str(scope.cloud),
        "account": {"id": scope.account},
        "region": scope.region,
        "resource_id": resource_id,
    }


def kept_tags(tags: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Label -> value of the tags that are kept. Clouds differ in the case of names (Google has small letters only), so
    `Env` is found under `env`; one that is written exactly so comes first."""
    folded = {name.lower(): value for name, value in tags.items()}
    found = {name: tags.get(name, folded.get(name.lower())) for name in names}
    return {label_of(name): value for name, value in found.items() if value}


def label_of(tag: str) -> str:
    """The field under `labels.` in which a tag stands: small letters, and no dot, which would make a field within a
    field."""
    return _field(tag.lower())


def _field(name: str) -> str:
    return name.replace(".", "_").strip() or "_"


def _digest(*parts: object) -> str:
    """16 characters that no two series of a fleet share."""
    text = json.dumps(parts, separators=(",", ":"))
    return urlsafe_b64encode(hashlib.blake2b(text.encode(), digest_size=12).digest()).decode()


def _line(source: Mapping[str, object]) -> str:
    return json.dumps(source, separators=(",", ":"))
