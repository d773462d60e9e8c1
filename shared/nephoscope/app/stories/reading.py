"""A story file to its stories: all problems at once, each at its line, with the nearest known word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from nephoscope.app.authoring.document import Items, Keys, Node, Text, parse_document
from nephoscope.app.authoring.findings import Findings, Place, did_you_mean
from nephoscope.app.authoring.including import read_text
from nephoscope.app.authoring.quantities import UnclearError, parse_duration
from nephoscope.app.authoring.reading import items_of, keys_of, read_section, text_of, texts_of
from nephoscope.app.stories.config import Rulebook
from nephoscope.app.stories.expecting import read_expected
from nephoscope.app.stories.machines import read_machine
from nephoscope.app.stories.shape import STORY
from nephoscope.app.stories.story import Machine, Said, Story
from nephoscope.app.stories.words import minute_of, number
from nephoscope.catalog.loader import Catalog, load_catalog
from nephoscope.model.config import Config
from nephoscope.model.errors import ConfigError
from nephoscope.model.quiet import Matcher, Silence
from nephoscope.model.time import MINUTE, ceil_div

BEGINS = 1_767_614_400
"""Monday, 2026-01-05T12:00Z: no night and no weekend, when windows are."""

LONGEST = 20_000
"""Runs of a story."""

_RANGE = re.compile(r"([0-9]{1,9})(?:\s*-\s*([0-9]{1,9}))?")


def read_stories(path: Path, book: Rulebook) -> tuple[Story, ...]:
    """The stories of a file, one or a list of them. Raises ConfigError with every problem in it and in the
    configurations that it names."""
    findings = Findings()
    text = read_text(path, findings)
    node = parse_document(text, str(path), findings) if text is not None else None
    if node is None or (isinstance(node, Text) and node.nothing):
        if not findings.problems:
            findings.problem(Place(str(path), 1, 1), "the file is empty; it needs name, machines and expect")
        raise ConfigError(findings.problems)
    nodes = node.nodes if isinstance(node, Items) else (node,)
    stories = [_story(each, path, book, findings) for each in nodes]
    if findings.problems:
        raise ConfigError(list(dict.fromkeys(findings.problems)))
    return tuple(story for story in stories if story)


def _story(node: Node, path: Path, book: Rulebook, findings: Findings) -> Story | None:
    keys = read_section(node, STORY, findings)
    if keys is None:
        return None
    before = len(findings.problems)
    config = book.config(keys.get("rules"), path.parent, findings)
    if config is None:
        if len(findings.problems) == before:
            findings.problem(node.place, "its configuration has problems, which are told above")
        return None
    return _Reader(keys, config, load_catalog().configured(config), findings).story()


class _Reader:
    """One story, under its configuration."""

    def __init__(self, keys: Keys, config: Config, catalog: Catalog, findings: Findings) -> None:
        self._keys = keys
        self._config = config
        self._catalog = catalog
        self._findings = findings

    def story(self) -> Story:
        start = self._begins()
        machines = tuple(self._machines(start))
        every = self._every()
        only = self._only()
        names = [machine.name for machine in machines]
        expected = read_expected(self._keys.get("expect"), self._config, names, self._findings)
        name = text_of(self._keys, "name")
        until = self._until(machines, start, every, [x.told or x.at or 0 for x in expected])
        return Story(
            name=name.value if name else "",
            place=self._keys.place,
            config=self._config,
            start=start,
            until=until,
            every=every,
            machines=machines,
            expected=expected,
            blind=self._minutes("blind"),
            unread=self._minutes("unread"),
            only=only,
            acks=tuple(self._acks(names)),
            silences=tuple(self._silences(start)),
        )

    def _machines(self, start: int) -> Iterator[Machine]:
        machines = keys_of(self._keys, "machines")
        for name, node in machines.entries if machines else ():
            if isinstance(node, Keys):
                yield read_machine(name.value, node, start, self._config, self._catalog, self._findings)

    def _begins(self) -> int:
        text = text_of(self._keys, "begins")
        if text is None:
            return BEGINS
        try:
            moment = datetime.fromisoformat(text.value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None or moment.timestamp() % MINUTE:
            said = f'begins: "{text.value}" is no whole minute with its offset, such as 2026-01-05T12:00Z'
            self._findings.problem(text.place, said)
            return BEGINS
        return int(moment.timestamp())

    def _every(self) -> int:
        text = text_of(self._keys, "runs")
        if text is None:
            return self._config.gather.every
        try:
            seconds = parse_duration(text.value.removeprefix("every "))
            if seconds <= 0 or seconds % MINUTE:
                raise UnclearError(f'expected whole minutes, found "{text.value}"')
            return seconds
        except UnclearError as unclear:
            self._findings.problem(text.place, f"runs: {unclear}")
            return self._config.gather.every

    def _only(self) -> tuple[str, ...]:
        known = [rule.name for rule in self._config.rules]
        texts = texts_of(self._keys, "only") or ()
        for text in texts:
            if text.value not in known:
                said = f'only: no rule is called "{text.value}"{did_you_mean(text.value, known)}'
                self._findings.problem(text.place, said)
        return tuple(text.value for text in texts)

    def _until(self, machines: Iterable[Machine], start: int, every: int, minutes: list[int]) -> int:
        """Left out: when everything that is written has been settled and judged, and everything expected has come."""
        text = text_of(self._keys, "until")
        if text:
            last = minute_of(text, "until", self._findings) or 0
        else:
            changes = [minute for machine in machines for words in machine.seen.values() for minute in words]
            last = max([0, *minutes, *changes, *self._settled(machines, start)]) + ceil_div(every, MINUTE)
        if last * MINUTE // every > LONGEST:
            said = f"{number(last * MINUTE // every, 'run')} are too many; write `runs: 10 min`, or fewer values"
            self._findings.problem(self._keys.place, said)
            return 0
        return last

    def _settled(self, machines: Iterable[Machine], start: int) -> Iterator[int]:
        for machine in machines:
            for course in machine.courses:
                source = self._catalog.metrics[course.metric].sources[machine.scope.cloud]
                yield ceil_div(course.end + source.delay_of(course.period) - start, MINUTE)

    def _minutes(self, key: str) -> frozenset[int]:
        minutes: set[int] = set()
        for text in texts_of(self._keys, key) or ():
            found = _RANGE.fullmatch(text.value.strip())
            if found is None or int(found[2] or found[1]) - int(found[1]) > LONGEST:
                said = f'{key}: expected minutes such as 5 or 5-9, found "{text.value}"'
                self._findings.problem(text.place, said)
                continue
            minutes.update(range(int(found[1]), int(found[2] or found[1]) + 1))
        return frozenset(minutes)

    def _acks(self, names: list[str]) -> Iterator[Said]:
        rules = [rule.name for rule in self._config.rules]
        for keys in self._sections("ack"):
            at, rule, on, by = (text_of(keys, name) for name in ("at", "rule", "on", "by"))
            if at is None or rule is None or on is None:
                continue
            for text, known in ((rule, rules), (on, names)):
                if text.value not in known:
                    said = f'ack: nothing is called "{text.value}"{did_you_mean(text.value, known)}'
                    self._findings.problem(text.place, said)
            minute = minute_of(at, "ack.at", self._findings)
            yield Said(minute or 0, rule.value, on.value, by.value if by else "somebody")

    def _silences(self, start: int) -> Iterator[Silence]:
        for count, keys in enumerate(self._sections("silence"), start=1):
            at, span = text_of(keys, "at"), text_of(keys, "for")
            if at is None or span is None:
                continue
            minute = minute_of(at, "silence.at", self._findings) or 0
            try:
                lasts = parse_duration(span.value)
            except UnclearError as unclear:
                self._findings.problem(span.place, f"silence.for: {unclear}")
                continue
            rules, resources = (
                tuple(text.value for text in texts_of(keys, name) or ()) for name in ("rules", "resources")
            )
            starts = start + MINUTE * minute
            yield Silence(str(count), Matcher(rules=rules, resources=resources), starts, starts + lasts)

    def _sections(self, key: str) -> Iterator[Keys]:
        items = items_of(self._keys, key)
        return (node for node in (items.nodes if items else ()) if isinstance(node, Keys))
