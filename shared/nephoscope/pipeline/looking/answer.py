"""Is all well? In one sentence, for somebody who was just woken up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.pipeline.looking.coverage import Coverage, roughly
from nephoscope.pipeline.looking.look import Look
from nephoscope.pipeline.wording import clean, render_duration

NAMED = 3
"""Places that are named at most."""


class Level(StrEnum):
    WELL = "well"
    ATTENTION = "attention"  # nothing fires that is critical, and something needs a look
    WRONG = "wrong"
    UNKNOWN = "unknown"  # nothing is remembered: nobody can say


@dataclass(frozen=True, slots=True)
class Answer:
    """sentence: the answer. others: what else needs a look, the worst first. firing: alerts that are open."""

    level: Level
    sentence: str
    others: tuple[str, ...] = ()
    firing: int = 0


def answer(look: Look, coverage: Sequence[Coverage]) -> Answer:
    if not look.places:
        return Answer(Level.UNKNOWN, "Nobody can say yet: no run has been remembered.")
    severities = Counter(_severity(look, record.rule) for _, record in look.opened())
    firing = severities.total()
    others = (*_blind(coverage, look.every), *_elsewhere(look, coverage))
    seen = _seen(coverage)
    if not firing and not others:
        return Answer(Level.WELL, f"All is well: {seen}, nothing fires.")
    fires = f"{_number(firing, 'alert fires', 'alerts fire')}: {_counted(severities)}" if firing else "Nothing fires"
    wrong = bool(severities[Severity.CRITICAL]) or any(one.blind for one in coverage)
    return Answer(Level.WRONG if wrong else Level.ATTENTION, f"{fires}; {seen}.", others, firing)


def _severity(look: Look, name: str) -> Severity:
    rule = look.rules.get(name)
    return rule.severity if rule else Severity.WARNING


def _counted(severities: Counter[Severity]) -> str:
    order = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
    return ", ".join(f"{severities[each]} {each}" for each in order if severities[each])


def _seen(coverage: Sequence[Coverage]) -> str:
    seen, machines = sum(one.seen for one in coverage), sum(one.machines for one in coverage)
    buckets = any(resource.kind is Kind.BUCKET for one in coverage for resource in one.place.machines)
    words = ("machine or bucket", "machines and buckets") if buckets else ("machine", "machines")
    return f"{seen:,} of {_number(machines, *words)} seen"


def _blind(coverage: Sequence[Coverage], every: int) -> Iterator[str]:
    blind = [one for one in coverage if one.blind]
    ages = [one.run_age for one in coverage if one.late]
    if len(ages) == len(coverage) > 1 and None not in ages:
        newest = roughly(min(filter(None, ages)))
        yield f"Runs have stopped everywhere: the last was {newest} ago, and one is due every {render_duration(every)}."
        return
    for one in blind[:NAMED]:
        yield f"{one.place.name}: {one.blind[0]}."
    if len(blind) > NAMED:
        yield f"{len(blind) - NAMED} more places are not seen wholly; Coverage lists them."


def _elsewhere(look: Look, coverage: Sequence[Coverage]) -> Iterator[str]:
    running = {one.place.scope.cloud for one in coverage if not one.late}
    for cloud, seconds in look.silent:
        if cloud in running or not coverage:
            yield f"{cloud}: its functions have been silent for {roughly(seconds)}."
    dead = sum(entry.notifications for entry in look.owed if entry.dead)
    if dead:
        yield f"{_number(dead, 'notification was', 'notifications were')} given up; Outbox lists what nobody was told."
    for name, reason in look.switched_off:
        yield f"Channel {clean(name, 60)} is switched off: {clean(reason, 120) or 'no reason was kept'}."
    if look.unreadable:
        yield f"{_number(len(look.unreadable), 'row of the outbox', 'rows of the outbox')} cannot be read."


def _number(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
