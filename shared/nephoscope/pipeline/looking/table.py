"""The table of all machines, as it travels to the page: columns, for their names are then said once and not with each
of twenty thousand rows, and a word that many rows share is written once and referred to by its number."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nephoscope.model.metric import Metric
from nephoscope.model.observation import FAILED_WORDS
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.pipeline.looking.look import Look, Place
from nephoscope.pipeline.need import metrics_of
from nephoscope.pipeline.wording import clean as clean_any
from nephoscope.pipeline.wording import render_id

SHARED = ("state", "cloud", "account", "region", "zone", "type")
"""Columns in which many rows say the same."""
PLAIN = ("scope", "id", "name", "shown_id", *SHARED, "failed", "alerts", "tags")
METRICS_SHOWN = 4
DIGITS = 4
"""Significant digits of a value that travels; it is shown with three."""

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class MetricColumn:
    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class MachineTable:
    """rows: by `scope|id`, in the order of places; each has the columns of PLAIN and then a value for each metric.
    token: a digest of all of it."""

    metrics: tuple[MetricColumn, ...] = ()
    rows: Mapping[str, Row] = field(default_factory=dict)
    token: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return (*PLAIN, *(f"value:{metric.name}" for metric in self.metrics))


def machine_table(look: Look) -> MachineTable:
    metrics = tuple(MetricColumn(metric.name, str(metric.unit)) for metric in _shown_metrics(look))
    rows = {f"{place.scope.key}|{row[1]}": row for place in look.places for row in _rows(place, metrics)}
    digest = hashlib.sha256(repr((metrics, list(rows.items()))).encode("utf-8", "surrogatepass"))
    return MachineTable(metrics, rows, digest.hexdigest()[:16])


def same_machines(look: Look, before: Look) -> bool:
    """Whether both give the same table: the very same snapshots, and the same alerts on them."""
    return len(look.places) == len(before.places) and all(
        one.scope == other.scope
        and one.snapshot is other.snapshot
        and [alert.resource_id for alert in one.open_alerts] == [alert.resource_id for alert in other.open_alerts]
        for one, other in zip(look.places, before.places, strict=True)
    )


def _shown_metrics(look: Look) -> Iterator[Metric]:
    """Those of instances that rules are on and values are known of; a table has room for a few."""
    known = {name for place in look.places if place.snapshot for name in place.snapshot.values}
    wanted = sorted(metrics_of(look.rules.values()) & known) + sorted(known)
    names = [name for name in dict.fromkeys(wanted) if name in look.metrics and look.metrics[name].on is Kind.INSTANCE]
    return (look.metrics[name] for name in names[:METRICS_SHOWN])


def _rows(place: Place, metrics: Sequence[MetricColumn]) -> Iterator[Row]:
    if place.snapshot is None:
        return
    scope, firing = place.scope, Counter(record.resource_id for record in place.open_alerts)
    values = [place.snapshot.values.get(metric.name, {}) for metric in metrics]
    for one in place.machines:
        yield (
            scope.key,
            one.id,
            clean(one.name) or clean(render_id(one.id)),
            clean(render_id(one.id)) if one.name not in ("", one.id) else "",
            str(one.state or (State.UNKNOWN if one.kind is Kind.INSTANCE else "")),
            scope.cloud.value,
            scope.account,
            scope.region,
            clean(one.zone),
            clean(one.type) or ("" if one.kind is Kind.INSTANCE else str(one.kind)),
            _failed(one),
            firing.get(one.id, 0),
            tags_words(one),
            *(_value(known.get(one.id)) for known in values),
        )


def clean(text: str, limit: int | None = None) -> str:
    """Most names are plain, and there are a hundred thousand of them."""
    if limit is None and text.isascii() and text.isprintable() and "  " not in text and text == text.strip():
        return text
    return clean_any(text, limit)


def _failed(one: Resource) -> str:
    """What failed of it; the provider's own word where ours says nothing."""
    failed = [f"{name} {word}" for name, word in sorted(one.observations.items()) if word in FAILED_WORDS]
    if one.state is State.UNKNOWN and one.vendor_state:
        failed.append(clean(one.vendor_state, 60))
    return ", ".join(failed)


def tags_words(one: Resource) -> str:
    return " ".join(clean(f"{key}={value}") for key, value in sorted(one.tags.items()) if value != one.name)


def _value(known: tuple[int, float] | None) -> float | None:
    if known is None or not math.isfinite(known[1]):
        return None
    return float(f"{known[1]:.{DIGITS}g}")


# --- how it travels -----------------------------------------------------------------------------------------------


def whole(table: MachineTable) -> str:
    """All rows, as JSON."""
    return _written(table, list(table.rows), {"token": table.token, "whole": True})


def changed(table: MachineTable, before: MachineTable) -> str:
    """What differs from a table that the page has: rows that are new or other, and the keys of those that are gone."""
    if table.metrics != before.metrics:
        return whole(table)
    keys = [key for key, row in table.rows.items() if before.rows.get(key) != row]
    gone = [key for key in before.rows if key not in table.rows]
    return _written(table, keys, {"token": table.token, "whole": False, "gone": gone})


def _written(table: MachineTable, keys: Sequence[str], head: Mapping[str, object]) -> str:
    rows = [table.rows[key] for key in keys]
    columns: dict[str, object] = {
        name: list(each) for name, each in zip(table.columns, _turned(table, rows), strict=True)
    }
    words = {}
    for name in ("scope", *SHARED):
        words[name], columns[name] = _shared(columns[name])  # type: ignore[arg-type]
    metrics = [[f"value:{metric.name}", metric.name, metric.unit] for metric in table.metrics]
    body = {**head, "metrics": metrics, "count": len(keys), "words": words, "columns": columns}
    return json.dumps(body, separators=(",", ":"))


def _turned(table: MachineTable, rows: Sequence[Row]) -> Iterable[tuple[object, ...]]:
    return zip(*rows, strict=True) if rows else (() for _ in table.columns)


def _shared(column: Sequence[str]) -> tuple[list[str], list[int]]:
    """The distinct words, and for each row the number of its word."""
    numbers = {word: number for number, word in enumerate(dict.fromkeys(column))}
    return list(numbers), [numbers[word] for word in column]
