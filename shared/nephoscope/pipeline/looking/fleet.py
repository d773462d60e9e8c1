"""The fleet in sums: by cloud, account and region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nephoscope.model.resource import Kind, StateGroup
from nephoscope.pipeline.looking.coverage import Coverage
from nephoscope.pipeline.looking.look import Place


@dataclass(frozen=True, slots=True)
class FleetRow:
    """states: state group -> instances. seen_age: seconds since these were read; None: never."""

    cloud: str
    account: str
    region: str
    machines: int
    states: Mapping[StateGroup, int]
    buckets: int
    firing: int
    seen_age: int | None
    blind: bool


def fleet_rows(coverage: Iterable[Coverage]) -> tuple[FleetRow, ...]:
    """A row for each scope, in the order of clouds, accounts and regions."""
    rows = [_row(one) for one in coverage]
    return tuple(sorted(rows, key=lambda row: (row.cloud, row.account, row.region)))


def _row(one: Coverage) -> FleetRow:
    scope, place = one.place.scope, one.place
    buckets = sum(resource.kind is Kind.BUCKET for resource in place.machines)
    return FleetRow(
        cloud=scope.cloud,
        account=scope.account,
        region=scope.region,
        machines=one.machines - buckets,
        states=states_of(place),
        buckets=buckets,
        firing=len(place.open_alerts),
        seen_age=one.seen_age,
        blind=bool(one.blind),
    )


def states_of(place: Place) -> Mapping[StateGroup, int]:
    found = Counter(one.state.group for one in place.machines if one.kind is Kind.INSTANCE and one.state)
    return {group: found[group] for group in StateGroup}


def total(rows: Iterable[FleetRow]) -> Mapping[StateGroup, int]:
    sums: Counter[StateGroup] = Counter()
    for row in rows:
        sums.update(row.states)
    return {group: sums[group] for group in StateGroup}
