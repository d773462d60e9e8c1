"""Read the rows of the catalog. Every mistake in them is reported at once, by row."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from dacite import Config as Casting
from dacite import DaciteError, from_dict

from nephoscope.model.config import Config, Gather
from nephoscope.model.errors import ConfigError, Problem
from nephoscope.model.metric import Metric, NoData, Shape, Source, Unit
from nephoscope.model.resource import Kind, State
from nephoscope.model.scope import Cloud

_CASTING = Casting(cast=[Cloud, Kind, Shape, Unit, NoData, State, float], strict=True)


AGGREGATES = ("avg", "sum", "min", "max")
"""What a log query can make of a period's values."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """metrics: by name. states: (cloud, vendor's word) -> ours. limits, prices: `service.thing` -> row."""

    metrics: Mapping[str, Metric]
    states: Mapping[tuple[Cloud, str], State]
    limits: Mapping[str, Mapping[str, int]]
    prices: Mapping[str, Mapping[str, float]]

    def state(self, cloud: Cloud, vendor_state: str | None) -> State:
        """Ours for a vendor's word; UNKNOWN for one without a row, and for none."""
        return self.states.get((cloud, vendor_state or ""), State.UNKNOWN)

    def metrics_on(self, kind: Kind) -> tuple[Metric, ...]:
        return tuple(metric for metric in self.metrics.values() if metric.on is kind)

    def limit(self, operation: str, name: str) -> int:
        return self.limits[operation][name]

    def cost(self, thing: str, quantity: float) -> float:
        """Dollars at list price for so many of a thing; free ones are not subtracted."""
        row = self.prices[thing]
        return quantity * row["usd"] / row["per"]

    def overridden(self, limits: Mapping[str, Mapping[str, int]], prices: Mapping[str, Mapping[str, float]]) -> Catalog:
        """The same catalog with a user's own figures in place of single values of its rows."""
        return replace(
            self,
            limits={thing: {**row, **limits.get(thing, {})} for thing, row in self.limits.items()},
            prices={thing: {**row, **prices.get(thing, {})} for thing, row in self.prices.items()},
        )

    def reachable(self, gather: Gather) -> Mapping[str, Metric]:
        """Every metric, with the sources to which the configuration leads."""
        return {name: _reached(metric, gather) for name, metric in self.metrics.items()}

    def configured(self, config: Config) -> Catalog:
        """The catalog as a configuration has it: its own figures, and nothing that it gives no way to read."""
        return replace(self.overridden(config.limits, config.prices), metrics=self.reachable(config.gather))


def _reached(metric: Metric, gather: Gather) -> Metric:
    sources = {cloud: source for cloud, source in metric.sources.items() if gather.reaches(source)}
    return metric if len(sources) == len(metric.sources) else replace(metric, sources=sources)


@cache
def load_catalog() -> Catalog:
    """The catalog in this package. Raises ConfigError with every mistake in its rows."""
    return parse_catalog({name: _text(name) for name in ("metrics", "states", "limits", "prices")})


def parse_catalog(texts: Mapping[str, str]) -> Catalog:
    """Catalog from TOML texts by table name (`metrics`, `states`, `limits`, `prices`); raises ConfigError."""
    problems: list[Problem] = []
    metrics: dict[str, Metric] = {}
    for number, row in enumerate(_toml("metrics", texts, problems).get("metric", []), start=1):
        try:
            metric = _metric(row)
        except (DaciteError, ValueError, TypeError) as error:
            problems.append(Problem("metrics.toml", number, 1, f"row {row.get('name', '?')}: {error}"))
            continue
        if metric.name in metrics:
            problems.append(Problem("metrics.toml", number, 1, f"row {metric.name}: the name stands twice"))
        metrics[metric.name] = metric
        problems += [Problem("metrics.toml", number, 1, f"row {metric.name}: {text}") for text in _odd(metric)]
    states = _states(_toml("states", texts, problems), problems)
    limits = _leaves(_toml("limits", texts, problems))
    prices = _leaves(_toml("prices", texts, problems))
    if problems:
        raise ConfigError(problems)
    return Catalog(metrics, states, limits, prices)


def _text(name: str) -> str:
    return files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")


def _toml(name: str, texts: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
    try:
        return tomllib.loads(texts[name])
    except tomllib.TOMLDecodeError as error:
        problems.append(Problem(f"{name}.toml", 1, 1, str(error)))
        return {}


def _metric(row: Mapping[str, Any]) -> Metric:
    clouds = {cloud: row[cloud] for cloud in Cloud if cloud in row}
    plain = {key: value for key, value in row.items() if key not in clouds}
    sources = {cloud: from_dict(Source, {"cloud": cloud, **table}, _CASTING) for cloud, table in clouds.items()}
    return from_dict(Metric, plain | {"sources": sources}, _CASTING)


def _odd(metric: Metric) -> Iterator[str]:
    if not metric.sources:
        yield "no cloud has it"
    for source in metric.sources.values():
        if source.offset and source.cloud is not Cloud.AZURE:
            yield f"{source.cloud}: only Azure's reader adds an offset"
        if source.scale == 0 or (source.scale < 0 and not source.offset):
            yield f"{source.cloud}: scale must be greater than zero (or less, where an offset turns the value round)"
        if source.period <= 0 or source.delay < 0:
            yield f"{source.cloud}: period must be greater than zero and delay not negative"
        if not source.page.startswith("https://"):
            yield f"{source.cloud}: page must be the vendor's https address"
        if source.attributes and not source.discover:
            yield f"{source.cloud}: attributes come only from discovered dimensions"
        if source.query:
            yield from _odd_query(source)


def _odd_query(source: Source) -> Iterator[str]:
    """Names out of a row are written into the query as they stand."""
    if source.cloud is not Cloud.AZURE:
        yield f"{source.cloud}: only Azure's metrics are kept in logs"
    if source.statistic not in AGGREGATES:
        yield f"{source.cloud}: the statistic of a query must be one of {', '.join(AGGREGATES)}"
    if not all(map(str.isidentifier, source.attributes)):
        yield f"{source.cloud}: attributes of a query must be names of columns"


def _states(tables: Mapping[str, Any], problems: list[Problem]) -> dict[tuple[Cloud, str], State]:
    states: dict[tuple[Cloud, str], State] = {}
    for cloud, kinds in tables.items():
        for word, ours in kinds["instance"].items():
            if word == "source":
                continue
            try:
                states[Cloud(cloud), word] = State(ours)
            except ValueError as error:
                problems.append(Problem("states.toml", 1, 1, f"{cloud}: {word}: {error}"))
    return states


def _leaves(tables: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{service}.{thing}": {key: value for key, value in row.items() if isinstance(value, int | float)}
        for service, things in tables.items()
        for thing, row in things.items()
    }
