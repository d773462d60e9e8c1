"""History that was read, kept in a file of JSON lines: one line a scope, a resource, a series."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dacite import Config as Casting
from dacite import DaciteError, from_dict

from nephoscope.model.errors import ConfigError, Problem
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import SeriesKey
from nephoscope.pipeline.replay import Recording, Stretch

_CASTING = Casting(cast=[Cloud, Kind, State])


def write_recordings(path: Path, recordings: Iterable[Recording]) -> None:
    """Raises OSError."""
    with path.open("w", encoding="utf-8") as file:
        for recording in recordings:
            for line in _lines(recording):
                file.write(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n")


def _lines(recording: Recording) -> Iterator[dict[str, Any]]:
    asked = [[resource, metric, period] for (resource, metric), period in recording.asked.items()]
    yield {"scope": recording.scope.key, "begin": recording.begin, "end": recording.end, "asked": asked}
    for resource in recording.resources:
        yield {"resource": {key: value for key, value in asdict(resource).items() if key != "scope"}}
    for stretch in recording.stretches:
        yield {
            "series": list(stretch.key[:2]),
            "attributes": [list(pair) for pair in stretch.key.attributes],
            "period": stretch.period,
            "window": [stretch.start, stretch.end],
            "unknown": [list(pair) for pair in stretch.unknown],
            "times": list(stretch.times),
            "values": [value if math.isfinite(value) else None for value in stretch.values],
        }


def read_recordings(path: Path) -> tuple[Recording, ...]:
    """Raises ConfigError with the line that cannot be understood; OSError."""
    found: list[Recording] = []
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            try:
                _take(json.loads(text), found)
            except (ValueError, KeyError, TypeError, IndexError, AttributeError, DaciteError) as error:
                said = f"not a line of a recording: {type(error).__name__}"
                raise ConfigError([Problem(str(path), number, 1, said)]) from error
    if not found:
        raise ConfigError([Problem(str(path), 1, 1, "no recording; nephoscope backtest --record FILE writes one")])
    return tuple(found)


def _take(line: dict[str, Any], found: list[Recording]) -> None:
    if "scope" in line:
        asked = {(resource, metric): int(period) for resource, metric, period in line["asked"]}
        scope = Scope.from_key(line["scope"])
        found.append(Recording(scope, int(line["begin"]), int(line["end"]), (), (), asked))
        return
    last = found[-1]
    if "resource" in line:
        resource = from_dict(Resource, {**line["resource"], "scope": asdict(last.scope)}, _CASTING)
        found[-1] = replace(last, resources=(*last.resources, resource))
    else:
        found[-1] = replace(last, stretches=(*last.stretches, _stretch(line)))


def _stretch(line: dict[str, Any]) -> Stretch:
    resource_id, metric = line["series"]
    start, end = line["window"]
    return Stretch(
        SeriesKey(resource_id, metric, tuple((name, value) for name, value in line["attributes"])),
        int(line["period"]),
        int(start),
        int(end),
        array("q", line["times"]),
        array("d", [math.nan if value is None else value for value in line["values"]]),
        tuple((int(begin), int(until)) for begin, until in line["unknown"]),
    )
