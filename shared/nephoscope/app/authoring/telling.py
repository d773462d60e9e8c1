"""The meaning of `routes` and `quiet`: who else is told, and when nobody is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from zoneinfo import available_timezones

from nephoscope.app.authoring.document import Items, Keys, Text
from nephoscope.app.authoring.findings import Findings, did_you_mean
from nephoscope.app.authoring.gathering import tags_of
from nephoscope.app.authoring.reading import keys_of, text_of, texts_of
from nephoscope.app.authoring.values import duration_of
from nephoscope.model.quiet import Matcher, QuietWindow, Route
from nephoscope.model.rule import Selector
from nephoscope.model.time import DAY, MINUTE
from nephoscope.pipeline.cron import CronError, parse_cron

LONGEST = 7 * DAY
"""Of a window by cron, in seconds."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERY = re.compile(r"(\S+)\s+(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_AT = "a time with its offset, such as 2026-12-24T18:00+01:00"


def read_routes(items: Items | None, channels: Iterable[str], findings: Findings) -> tuple[Route, ...]:
    """In the order of the file. channels: the names that there are."""
    known = tuple(channels)
    return tuple(_route(node, known, findings) for node in (items.nodes if items else ()) if isinstance(node, Keys))


def read_quiet(items: Items | None, rules: Iterable[str], findings: Findings) -> tuple[QuietWindow, ...]:
    """In the order of the file. rules: the names that there are."""
    known = tuple(rules)
    nodes = [node for node in (items.nodes if items else ()) if isinstance(node, Keys)]
    return tuple(_window(node, number, known, findings) for number, node in enumerate(nodes, start=1))


def _route(keys: Keys, channels: tuple[str, ...], findings: Findings) -> Route:
    escalate = keys_of(keys, "escalate")
    if not keys.wrote("tell") and not keys.wrote("escalate"):
        findings.problem(keys.place, "route: neither tell nor escalate; it would tell nobody")
    return Route(
        match=read_match(keys_of(keys, "match"), findings),
        tell=_channels(keys, channels, findings),
        escalate_after=duration_of(escalate, "after", 0, findings, most=30 * DAY) if escalate else 0,
        escalate_to=_channels(escalate, channels, findings) if escalate else (),
    )


def _channels(keys: Keys, known: tuple[str, ...], findings: Findings) -> tuple[str, ...]:
    texts = texts_of(keys, "tell") or ()
    for text in texts:
        if text.value not in known:
            findings.problem(text.place, f'unknown channel "{text.value}"{did_you_mean(text.value, known)}')
    return tuple(dict.fromkeys(text.value for text in texts))


def read_match(keys: Keys | None, findings: Findings) -> Matcher:
    """The matcher that a section says; everything where there is none."""

    def words(name: str) -> tuple[str, ...]:
        return tuple(text.value for text in texts_of(keys, name) or ())

    return Matcher(
        rules=words("rules"),
        resources=words("resources"),
        severities=words("severity"),
        clouds=words("clouds"),
        accounts=words("accounts"),
        regions=words("regions"),
        where=Selector(tags_of(keys, findings)) if keys else Selector(),
        labels=_labels(keys_of(keys, "labels")),
    )


def _labels(keys: Keys | None) -> Mapping[str, str]:
    return {name.value: node.value for name, node in (keys.entries if keys else ()) if isinstance(node, Text)}


def _window(keys: Keys, number: int, rules: tuple[str, ...], findings: Findings) -> QuietWindow:
    """One of `every`, `cron` with `lasts`, `from` with `to`; what is wrong is noted, and the rest is looked at."""
    kinds = [name for name in ("every", "cron", "from") if keys.wrote(name)]
    if len(kinds) != 1:
        found = f"found {' and '.join(kinds)}" if kinds else "none is there"
        findings.problem(keys.place, f"quiet: one of every, cron and from says when it is; {found}")
    where = keys_of(keys, "where")
    for text in texts_of(where, "rules") or ():
        if not re.search(r"[*?]", text.value) and text.value not in rules:
            findings.warning(text.place, f'no rule is called "{text.value}"{did_you_mean(text.value, rules)}')
    window = QuietWindow(
        name=_value(text_of(keys, "name"), f"{number}"), match=read_match(where, findings), zone=_zone(keys, findings)
    )
    for name, read in _KINDS.items():
        if said := text_of(keys, name):
            window = read(window, said, keys, findings)
    return window


def _zone(keys: Keys, findings: Findings) -> str:
    text = text_of(keys, "zone")
    if text is None:
        return "UTC"
    if text.value in available_timezones():
        return text.value
    said = f'zone: unknown time zone "{text.value}"{did_you_mean(text.value, sorted(available_timezones()))}'
    findings.problem(text.place, said)
    return "UTC"


def _weekly(window: QuietWindow, text: Text, _: Keys, findings: Findings) -> QuietWindow:
    found = _EVERY.fullmatch(text.value.strip())
    days = _days(found[1]) if found else ()
    times = tuple(map(int, found.groups()[1:])) if found else (99, 99, 99, 99)
    if not days or not all((hour < 24 and minute < 60) or (hour, minute) == (24, 0) for hour, minute in _pairs(times)):
        said = f'every: "{text.value}" is no time of the week, such as Sun 02:00-04:00 or Mon-Fri 22:00-06:00'
        findings.problem(text.place, said)
        return window
    begin, end = (hour * 60 + minute for hour, minute in _pairs(times))
    if begin == end:
        findings.problem(text.place, "every: it ends when it begins; a whole day is 00:00-24:00")
    return replace(window, days=days, begin=begin, end=end)


def _pairs(times: tuple[int, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
    return (times[0], times[1]), (times[2], times[3])


def _days(text: str) -> tuple[int, ...]:
    """`Sun`, `Mon-Fri`, `Sat,Sun`, `daily`; empty where it is none."""
    if text.lower() == "daily":
        return tuple(range(7))
    days: list[int] = []
    for part in text.lower().split(","):
        first, _, last = part.partition("-")
        if first[:3] not in DAYS or (last and last[:3] not in DAYS):
            return ()
        begin = DAYS.index(first[:3])
        count = (DAYS.index(last[:3]) - begin) % 7 if last else 0
        days += [(begin + step) % 7 for step in range(count + 1)]
    return tuple(sorted(set(days)))


def _cron(window: QuietWindow, text: Text, keys: Keys, findings: Findings) -> QuietWindow:
    try:
        parse_cron(text.value)
    except CronError as error:
        findings.problem(text.place, f"cron: {error}")
        return window
    if not keys.wrote("lasts"):
        findings.problem(text.place, "cron: it says when the window begins; lasts says how long it is, lasts: 2 h")
    lasts = duration_of(keys, "lasts", MINUTE, findings, most=LONGEST)
    return replace(window, cron=text.value, lasts=lasts)


def _once(window: QuietWindow, text: Text, keys: Keys, findings: Findings) -> QuietWindow:
    end = text_of(keys, "to")
    if end is None:
        if not keys.wrote("to"):
            findings.problem(text.place, "from: a single window needs its end, too; to: " + _AT)
        return window
    starts, ends = (_moment(each, name, findings) for each, name in ((text, "from"), (end, "to")))
    if starts and ends and ends <= starts:
        findings.problem(end.place, "to: it lies before from")
    return replace(window, starts=starts, ends=ends)


def _moment(text: Text, name: str, findings: Findings) -> int:
    """Epoch seconds; 0 for what is no time."""
    try:
        moment = datetime.fromisoformat(text.value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        findings.problem(text.place, f'{name}: "{text.value}" is not {_AT}')
        return 0
    return int(moment.timestamp())


def _value(text: Text | None, default: str) -> str:
    return text.value if text else default


_KINDS: Mapping[str, Callable[[QuietWindow, Text, Keys, Findings], QuietWindow]] = {
    "every": _weekly,
    "cron": _cron,
    "from": _once,
}
