"""Google and Azure as doctor looks at them: through their readers alone, each call once in each scope.

A reader says which calls it made (usage) and which failed (gaps), both by the name of the permission. What can be read
only with a machine in hand (a metric) is read of one machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nephoscope.app.outside import Outside
from nephoscope.cli.call import Call
from nephoscope.cli.findings import Finding, Verdict
from nephoscope.cli.grants import Grant, grant_for
from nephoscope.cli.reading import SECONDS, each_scope
from nephoscope.model.errors import Reason
from nephoscope.model.memory import Progress
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap, Inventory, Readings, SeriesRequest
from nephoscope.model.time import MINUTE, Deadline, floor_to
from nephoscope.pipeline.need import plan_reads

_NOT_ENABLED = "not enabled"
"""A refusal that no role mends: the API is switched off, and the reader says how to switch it on."""

_NOBODY = re.compile(r"\b(credentials?|tokens?)\b", re.IGNORECASE)
"""Nor does one mend that this shell is nobody there."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One scope: what there is, and one reading of each metric's kind. readings None: there was nothing to read of."""

    inventory: Inventory
    readings: Readings | None


@dataclass(frozen=True, slots=True)
class CloudExamination:
    """unknown: the cloud does not know who asks."""

    findings: tuple[Finding, ...]
    grants: tuple[Grant, ...]
    unknown: bool


def examine_cloud(call: Call, outside: Outside, cloud: Cloud) -> CloudExamination:
    """Everything that a run reads of this cloud. Nothing is written."""
    deadline = call.deadline(SECONDS)
    reader = outside.readers[cloud]
    with call.terminal.progress(f"looking for scopes of {cloud}"):
        found = reader.read_scopes(outside.config, deadline)
    seen = each_scope(
        call, f"trying each call of {cloud}", found.scopes, lambda scope: _look(call, outside, scope, deadline)
    )
    gaps = [*found.gaps, *(gap for each in seen.values() for gap in _gaps(each))]
    findings = [*map(_of_gap, gaps), *_well(seen), *_untried(cloud, seen, gaps)]
    denied = [gap for gap in gaps if _is_missing(gap)]
    return CloudExamination(
        findings=tuple(dict.fromkeys(findings)),
        grants=tuple(dict.fromkeys(grant for grant in map(grant_for, denied) if grant.command)),
        unknown=any(gap.reason is Reason.DENIED and _NOBODY.search(gap.detail) for gap in gaps),
    )


def _look(call: Call, outside: Outside, scope: Scope, deadline: Deadline) -> Seen:
    reader = outside.readers[scope.cloud]
    inventory = reader.read_inventory(scope, outside.config, deadline)
    requests = _one_of_each(outside, scope, inventory.resources, int(call.clock.wall()))
    if not requests:
        return Seen(inventory, None)
    return Seen(inventory, reader.read_series(scope, outside.config, requests, deadline))


def _one_of_each(outside: Outside, scope: Scope, resources: Sequence[Resource], now: int) -> list[SeriesRequest]:
    """One metric of one resource for each place where the cloud keeps metrics, of those that rules need."""
    slot = floor_to(now, MINUTE)
    everything = plan_reads(resources, outside.config.rules, outside.catalog.metrics, Progress(scope), slot)
    return list({request.source.namespace: request for request in reversed(everything)}.values())


def _gaps(seen: Seen) -> Iterator[Gap]:
    yield from seen.inventory.gaps
    if seen.readings:
        yield from seen.readings.gaps


def _is_missing(gap: Gap) -> bool:
    """Whether a role would mend it."""
    mended_otherwise = _NOT_ENABLED in gap.detail or _NOBODY.search(gap.detail)
    return gap.reason is Reason.DENIED and not mended_otherwise


def _of_gap(gap: Gap) -> Finding:
    said = ": ".join(filter(None, (gap.reason, gap.detail)))
    if not _is_missing(gap):
        return Finding(gap.operation, str(gap.scope), Verdict.FAILED, said)
    role = grant_for(gap).role
    needs = f"needs {gap.operation}" + (f", as {role} has it" if role else "")
    return Finding(gap.operation, str(gap.scope), Verdict.MISSING, f"{said}; {needs}")


def _well(seen: Mapping[Scope, Seen]) -> Iterator[Finding]:
    """Calls that were answered. A listing serves several scopes: it went well in each that has no gap of it."""
    listings = sorted({action for each in seen.values() for action in each.inventory.usage.calls})
    for scope, each in seen.items():
        read = each.readings.usage.calls if each.readings else {}
        failed = {gap.operation for gap in _gaps(each)}
        for action in (*listings, *sorted(read)):
            if action not in failed:
                yield Finding(action, str(scope), Verdict.WELL)


def _untried(cloud: Cloud, seen: Mapping[Scope, Seen], gaps: Iterable[Gap]) -> Iterator[Finding]:
    """What nothing was there to be tried on."""
    if not seen and not any(gaps):
        said = "nothing is there: no resource, or `where` and `except` leave out all"
        yield Finding("metrics", str(cloud), Verdict.UNTRIED, said)
    for scope, each in seen.items():
        if each.readings is None and Kind.INSTANCE in each.inventory.complete:
            said = "no rule needs one of what is there now"
            yield Finding("metrics", str(scope), Verdict.UNTRIED, said)
