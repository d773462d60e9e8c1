"""When nobody is to be told: maintenance windows of the configuration, and silences from the command line.

A muted alert lives on: it fires, is shown and stands in the history, and nobody hears of it. When what muted it is over
and the alert is open still, it is announced (pipeline/reminders.py). Whoever was told that an alert fired is told that
it ended, quiet or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from nephoscope.model.alert import Notification
from nephoscope.model.quiet import Matcher, QuietWindow, Silence
from nephoscope.model.resource import Resource
from nephoscope.model.rule import Rule
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import MINUTE, floor_to
from nephoscope.pipeline.cron import parse_cron

_MINUTES_OF_A_DAY = 1440


@dataclass(frozen=True, slots=True)
class Mute:
    """What keeps a run quiet. why: stands in the history."""

    why: str
    match: Matcher


def active_mutes(windows: Iterable[QuietWindow], silences: Iterable[Silence], slot: int) -> tuple[Mute, ...]:
    """Those that hold at the slot."""
    held = [Mute(f"window {window.name}", window.match) for window in windows if covers(window, slot)]
    said = [silence for silence in silences if silence.starts <= slot < silence.ends]
    return (*held, *(Mute(f"silence {silence.id}", silence.match) for silence in said))


def muted_by(mutes: Sequence[Mute], rule: Rule, resource: Resource) -> str:
    """Why nobody is told of this alert now; empty where they are. A rule that watches nephoscope itself is never
    muted by what names no rule: a window for all of staging does not hide that we are blind there."""
    for mute in mutes:
        if mute.match.matches(rule, resource) and (rule.origin != "built-in" or mute.match.rules):
            return mute.why
    return ""


def message_muted_by(mutes: Sequence[Mute], message: Notification, rule: Rule | None, home: Cloud) -> str:
    """The same for a message that is owed, by what it carries. rule: of its name; None = it was removed since. home:
    where it is owed; a group over several clouds names none."""
    about = message.subject
    cloud = Cloud(about.cloud) if about.cloud in set(Cloud) else home
    scope = Scope(cloud, about.account, about.region)
    resource = Resource(scope, about.kind, about.id, name=about.name, tags=about.tags)
    for mute in mutes:
        meant = mute.match.means(message.rule, message.severity, message.labels, resource)
        if meant and (rule is None or rule.origin != "built-in" or mute.match.rules):
            return mute.why
    return ""


def covers(window: QuietWindow, at: int) -> bool:
    """Whether the window is open at `at` (epoch seconds)."""
    if window.ends:
        return window.starts <= at < window.ends
    return _by_cron(window, at) if window.cron else _each_week(window, at)


def _each_week(window: QuietWindow, at: int) -> bool:
    """By what the clock on the zone's walls shows: an hour that is skipped is not missed, one that comes twice counts
    twice."""
    local = _local(at, window.zone)
    minute = local.hour * 60 + local.minute
    if window.begin < window.end:
        return local.weekday() in window.days and window.begin <= minute < window.end
    late = local.weekday() in window.days and minute >= window.begin
    return late or ((local.weekday() - 1) % 7 in window.days and minute < window.end)


def _by_cron(window: QuietWindow, at: int) -> bool:
    """Whether a minute that fits lies less than `lasts` back."""
    now = floor_to(at, MINUTE)
    oldest = at - window.lasts
    return any(_begins(window.cron, window.zone, minute) for minute in range(now, oldest, -MINUTE) if minute > oldest)


@lru_cache(100_000)
def _begins(cron: str, zone: str, minute: int) -> bool:
    """A time that the clock skips in spring begins when it has been skipped; one that comes twice in autumn begins the
    first time."""
    return any(map(parse_cron(cron).fits, _shown(minute, zone)))


def _shown(minute: int, zone: str) -> Iterator[datetime]:
    """The times of day that become past or present in this minute: one, as a rule."""
    local = _local(minute, zone)
    if local.fold:
        return
    wall, before = local.replace(tzinfo=None), _local(minute - MINUTE, zone).replace(tzinfo=None)
    skipped = min(_MINUTES_OF_A_DAY, int((wall - before) / timedelta(minutes=1)) - 1)
    for back in range(skipped, -1, -1):
        yield wall - timedelta(minutes=back)


def _local(at: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))
