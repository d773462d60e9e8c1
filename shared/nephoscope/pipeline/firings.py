"""Alerts as spells from a beginning to an end, and a rule's spells in sum: how noisy it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from nephoscope.model.alert import OPEN_STATES, Transition, TransitionKind
from nephoscope.model.scope import Scope
from nephoscope.pipeline.changes import Change


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert from its beginning to its end. end None: it was open when history ended. worst: catalog's unit."""

    rule: str
    scope: Scope
    resource_id: str
    name: str
    attributes: tuple[tuple[str, str], ...]
    begin: int
    end: int | None
    worst: float | None


@dataclass(frozen=True, slots=True)
class Noise:
    """One rule's firings in sum. Durations in seconds, those that are open taken to the end of history. silent: times
    that its data stopped."""

    rule: str
    fired: int
    resolved: int
    silent: int
    resources: int
    median: float
    longest: int


def firings_of(changes: Sequence[Change]) -> tuple[Firing, ...]:
    begun: dict[str, Firing] = {}
    ended: list[Firing] = []
    for change in changes:
        transition = change.transition
        if transition is None:
            continue
        key = transition.alert_key
        if _opens(transition):
            begun[key] = _begin(change, transition)
        elif key in begun and transition.kind is TransitionKind.RESOLVED:
            ended.append(replace(begun.pop(key), end=transition.at, worst=transition.worst))
        elif key in begun:
            begun[key] = replace(begun[key], worst=transition.worst)
    return tuple(sorted([*ended, *begun.values()], key=lambda firing: (firing.begin, firing.rule, firing.name)))


def _opens(transition: Transition) -> bool:
    return transition.after in OPEN_STATES and transition.before not in OPEN_STATES


def _begin(change: Change, transition: Transition) -> Firing:
    return Firing(
        rule=change.rule.name,
        scope=change.resource.scope,
        resource_id=change.resource.id,
        name=change.resource.name,
        attributes=change.commit.record.attributes,
        begin=transition.at,
        end=None,
        worst=transition.worst,
    )


def silent_of(changes: Sequence[Change]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for change in changes:
        if change.transition is not None and change.transition.kind is TransitionKind.WENT_SILENT:
            found[change.rule.name] = found.get(change.rule.name, 0) + 1
    return found


def sum_up(rules: Sequence[str], firings: Sequence[Firing], silent: Mapping[str, int], end: int) -> tuple[Noise, ...]:
    """A line a rule, the noisiest first; rules that never fired are there, too. end: of history."""
    lines = [_noise(rule, [each for each in firings if each.rule == rule], silent.get(rule, 0), end) for rule in rules]
    return tuple(sorted(lines, key=lambda noise: (-noise.fired, -noise.longest, noise.rule)))


def _noise(rule: str, firings: Sequence[Firing], silent: int, end: int) -> Noise:
    lasted = [(end if each.end is None else each.end) - each.begin for each in firings]
    return Noise(
        rule=rule,
        fired=len(firings),
        resolved=sum(each.end is not None for each in firings),
        silent=silent,
        resources=len({(each.scope, each.resource_id) for each in firings}),
        median=median(lasted) if lasted else 0.0,
        longest=max(lasted, default=0),
    )
