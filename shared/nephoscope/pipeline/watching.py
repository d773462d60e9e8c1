"""Who watches the watchers: the functions of each cloud look whether those of the others still run.

A schedule that was switched off, a role that was taken away, a package that does not start: such a function says
nothing, and nothing of it is evaluated. Its own cloud's alarm tells; and so does another cloud's function, once, as an
alert like any other (`nephoscope-watch`): it is delivered, repeated, silenced and resolved as they are.

Only what stands still while one looks is silent. A watcher that was away itself, or is new, begins to look anew; so
nobody is accused by those who come back from an outage of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from nephoscope.model.alert import AlertRecord, Outcome, Verdict, alert_key
from nephoscope.model.beat import Beat, Seen, watch_scope
from nephoscope.model.memory import Remembered
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Rule
from nephoscope.model.scope import Cloud
from nephoscope.model.series import Facts
from nephoscope.model.time import HOUR
from nephoscope.pipeline.audience import Audience
from nephoscope.pipeline.changes import Change, plan_changes
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.reminders import plan_reminders
from nephoscope.pipeline.verdicts import Judged
from nephoscope.pipeline.wording import render_time

WATCH_RULE = "nephoscope-watch"

NEVER_RAN = HOUR
"""Seconds for which functions that never ran are taken for ones that are being deployed."""

_NAMES = {Cloud.AWS: "AWS's functions", Cloud.GCP: "Google Cloud's functions", Cloud.AZURE: "Azure's functions"}


@dataclass(frozen=True, slots=True)
class Ground:
    """What a watcher stands on. order: all clouds that have functions, alike for every watcher. own, others: their
    beats as stored; slot, every: of the watcher's run and schedule, seconds."""

    me: Cloud
    order: tuple[Cloud, ...]
    own: Beat
    others: Mapping[Cloud, Beat]
    slot: int
    every: int

    @property
    def looking(self) -> bool:
        """Whether this watcher has looked on since its last look; one that was away knows nothing of meanwhile."""
        return self.own.slot > 0 and 0 <= self.slot - self.own.slot < silent_after(self.every)


@dataclass(frozen=True, slots=True)
class Look:
    """missing: of whom it is to be told now. beating: who ran since the last look."""

    seen: Mapping[Cloud, Seen]
    missing: frozenset[Cloud]
    beating: frozenset[Cloud]


def silent_after(every: int) -> int:
    """Seconds after its last run at which another cloud's functions are told to be silent, at the latest: three runs,
    and not less than five minutes."""
    return max(3 * every, 300)


def take_look(ground: Ground, already: Collection[Cloud]) -> Look:
    """already: of whom this watcher tells that they are silent."""
    seen = {cloud: _see(ground, cloud) for cloud in ground.others}
    beating = {cloud for cloud in seen if _ran_since(ground, cloud)}
    missing = {
        cloud
        for cloud in seen
        if _overdue(ground, seen[cloud]) >= 0 and (cloud in already or _my_turn(ground, seen, cloud))
    }
    return Look(seen, frozenset(missing), frozenset(beating))


def _ran_since(ground: Ground, cloud: Cloud) -> bool:
    before = ground.own.watched.get(cloud)
    return before is not None and before.mark != ground.others[cloud].ran


def _see(ground: Ground, cloud: Cloud) -> Seen:
    before = ground.own.watched.get(cloud)
    if before is None or not ground.looking or _ran_since(ground, cloud) or before.slot > ground.slot:
        return Seen(ground.others[cloud].ran, ground.slot)
    return before


def _overdue(ground: Ground, seen: Seen) -> int:
    """Seconds for which it should have been told that there is no sign of life; negative: not yet. The last run may
    have come right after an earlier look, so that one period counts before the look that saw it."""
    patience = silent_after(ground.every) if seen.mark else NEVER_RAN + ground.every
    return ground.slot - seen.slot + ground.every - patience


def _my_turn(ground: Ground, seen: Mapping[Cloud, Seen], silent: Cloud) -> bool:
    """The first in order tells; each further one leaves those before it two runs to do so, and takes over from one that
    is silent itself."""
    alive = [cloud for cloud in seen if cloud is not silent and _overdue(ground, seen[cloud]) < 0]
    if any(silent in ground.others[cloud].telling for cloud in alive):
        return False
    before = [cloud for cloud in ground.order[: ground.order.index(ground.me)] if cloud in alive]
    return _overdue(ground, seen[silent]) >= 2 * ground.every * len(before)


# --- what is told -------------------------------------------------------------------------------------------------


def key_of(me: Cloud, about: str) -> str:
    return alert_key(WATCH_RULE, watch_scope(me), about)


def plan_watch(
    ground: Ground, look: Look, remembered: Remembered, rule: Rule | None, audience: Audience, stamp: Stamp
) -> tuple[Change, ...]:
    """The commits of a look, each in the watcher's own partition. rule None: nobody watches any more; what is open of
    clouds that have no functions now is withdrawn."""
    changes: list[Change] = []
    for cloud, beat in ground.others.items():
        if rule is not None:
            worded = replace(rule, summary=_summary(cloud, beat, cloud in look.beating))
            changes += _of_cloud(ground, look, remembered, worded, audience, stamp, cloud)
    return (*changes, *_withdrawn(ground, remembered, rule, audience, stamp))


def _of_cloud(
    ground: Ground,
    look: Look,
    remembered: Remembered,
    rule: Rule,
    audience: Audience,
    stamp: Stamp,
    cloud: Cloud,
) -> Iterator[Change]:
    key, thing = key_of(ground.me, cloud), _resource(ground.me, cloud)
    mine = _only(remembered, key)
    if cloud in look.missing:
        verdict = Verdict(key, ground.slot, Outcome.BREACHING)
    elif cloud in look.beating and mine.alerts:
        verdict = Verdict(key, ground.slot, Outcome.CLEAR)
    else:
        verdict = Verdict(key, ground.slot, Outcome.KEEP)
    facts, rules = Facts(thing.scope, ground.slot), {rule.name: rule}
    changes = plan_changes([Judged(key, rule, thing, (), (verdict,))], facts, mine, rules, audience, stamp)
    after = [change.commit.record for change in changes] or list(mine.alerts.values())
    reminders = plan_reminders(after[-1:], rules, {thing.id: thing}, audience, remembered.acknowledged, stamp)
    yield from map(_about_the_silent, (*changes, *reminders))


def _withdrawn(
    ground: Ground, remembered: Remembered, rule: Rule | None, audience: Audience, stamp: Stamp
) -> Iterator[Change]:
    known = {key_of(ground.me, cloud) for cloud in ground.others} if rule is not None else set()
    for key in remembered.alerts.keys() - known:
        facts = Facts(watch_scope(ground.me), ground.slot)
        yield from map(_about_the_silent, plan_changes((), facts, _only(remembered, key), {}, audience, stamp))


def _only(remembered: Remembered, key: str) -> Remembered:
    found: dict[str, AlertRecord] = {k: record for k, record in remembered.alerts.items() if k == key}
    return replace(remembered, alerts=found)


def _resource(me: Cloud, about: Cloud) -> Resource:
    return Resource(watch_scope(me), Kind.SCOPE, str(about), _NAMES[about])


def _about_the_silent(change: Change) -> Change:
    """People read where the silence is, not who has noticed it."""
    about = change.resource.id
    told = tuple(
        replace(one, subject=replace(one.subject, kind=Kind.SCOPE, cloud=about, account="functions", region=""))
        for one in change.commit.notifications
    )
    return replace(change, commit=replace(change.commit, notifications=told))


def _summary(cloud: Cloud, beat: Beat, beating: bool) -> str:
    name = _NAMES[cloud]
    if beating:
        return f"{name} run again; their alerts are evaluated, and what they missed is made up for."
    since = f"have been silent since {render_time(beat.at)}" if beat.ran else "have never run"
    return f"{name} {since}; their alerts are not evaluated. Look at their log and their schedule."


def order_of(functions: Sequence[Cloud]) -> tuple[Cloud, ...]:
    """Who tells first: AWS's functions, for they are next to the memory."""
    return tuple(sorted(functions, key=list(Cloud).index))
