"""The meaning of a rule: its texts together, and beside the other rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from nephoscope.app.authoring.aggregates import counts_what_is_seen, read_by
from nephoscope.app.authoring.conditions import Vocabulary, contradiction, parse_clear, parse_condition
from nephoscope.app.authoring.document import Items, Keys, Node, Text
from nephoscope.app.authoring.findings import Findings, did_you_mean, listed
from nephoscope.app.authoring.gathering import read_selector
from nephoscope.app.authoring.given import TAKEN, default_channels
from nephoscope.app.authoring.looking import clouds_looking, subject_of
from nephoscope.app.authoring.patterns import NAME
from nephoscope.app.authoring.placeholders import read_summary
from nephoscope.app.authoring.possible import check_possible
from nephoscope.app.authoring.quantities import UnclearError, parse_keep, parse_window
from nephoscope.app.authoring.reading import keys_of, read_section, text_of, texts_of
from nephoscope.app.authoring.shape import RULE
from nephoscope.model.config import Channel
from nephoscope.model.metric import Metric, Source
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Aggregate, Condition, MissingData, Observation, Rule, Severity, Threshold, Window
from nephoscope.model.scope import Cloud
from nephoscope.model.time import DAY, HOUR
from nephoscope.pipeline.board.bounds import CLOUD_NAMES
from nephoscope.pipeline.wording import render_duration

LONGEST = DAY
"""Of a rule on a metric whose points come more than once an hour; of the others LONGEST_DAILY. CloudWatch's own alarms
have the same two limits. Source: CloudWatch user guide, alarm evaluation."""

LONGEST_DAILY = 7 * DAY
LONGEST_SEEN = 30 * DAY

LONGEST_TEXT = 500
"""Characters of a condition."""

_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule may refer to. gathered: cloud -> what is listed there. channel_names: also of channels that could not
    be understood, so that a mistake there is not told again in each rule. routed: the file has routes. in_logs:
    metrics that Azure keeps in logs alone, where no workspace is named."""

    metrics: Mapping[str, Metric]
    gathered: Mapping[Cloud, tuple[Kind, ...]]
    channels: Mapping[str, Channel]
    channel_names: tuple[str, ...]
    routed: bool = False
    in_logs: frozenset[str] = frozenset()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(dict.fromkeys(kind for kinds in self.gathered.values() for kind in kinds))

    def sources(self, metric: str) -> list[Source]:
        row = self.metrics[metric]
        return [
            row.sources[cloud] for cloud, kinds in self.gathered.items() if row.on in kinds and cloud in row.sources
        ]

    def looking(self, kind: Kind, condition: Condition) -> tuple[Cloud, ...]:
        """The clouds on which a rule with this condition looks at something."""
        there = [cloud for cloud, kinds in self.gathered.items() if kind in kinds]
        return clouds_looking(condition, there, self.metrics)


def read_rules(items: Items, around: Surroundings, findings: Findings, origin: str = "user") -> tuple[Rule, ...]:
    """Every rule that can be understood, in the order of the files. Names are unique."""
    rules: list[Rule] = []
    first: dict[str, Text] = {}
    for node in items.nodes:
        rule = _read_rule(node, around, findings, origin, first)
        if rule is not None:
            rules.append(rule)
    return tuple(rules)


def _read_rule(
    node: Node, around: Surroundings, findings: Findings, origin: str, first: dict[str, Text]
) -> Rule | None:
    keys = read_section(node, RULE, findings)
    if keys is None:
        return None
    return _Reader(keys, around, findings).rule(origin, first)


class _Reader:
    """One rule. Whatever cannot be understood is noted, and the rest is looked at all the same."""

    def __init__(self, keys: Keys, around: Surroundings, findings: Findings) -> None:
        self._keys = keys
        self._around = around
        self._findings = findings

    def rule(self, origin: str, first: dict[str, Text]) -> Rule | None:
        name = self._name(first)
        kind = self._kind()
        when = self._try("when", lambda text: parse_condition(text, kind, self._words)) if kind else None
        window = self._try("for", parse_window) or Window()
        clear, clear_window = self._clear(kind, when, window)
        missing, tell_missing = self._missing(when)
        by = read_by(texts_of(self._keys, "by"), when, self._findings)
        if origin == "user":
            self._check_clouds(kind, when)
        self._check_window("for", when, window)
        selector = read_selector(self._keys, self._findings)
        sources = self._around.sources(when.metric) if isinstance(when, Threshold) else ()
        windows = {"for": window, "clear": clear_window}
        check_possible(self._keys, kind, when, windows, selector, sources, self._findings)
        tell, labels, runbook = self._tell(), self._labels(), self._runbook()
        if name is None or kind is None or when is None:
            return None
        return Rule(
            name=name,
            on=kind,
            when=when,
            window=window,
            clear=clear,
            clear_window=clear_window,
            missing=missing,
            tell_missing=tell_missing,
            severity=Severity(self._value("severity", Severity.WARNING)),
            tell=tell,
            tell_default=self._by_routes,
            where=selector,
            labels=labels,
            runbook=runbook,
            by=by,
            keep_firing=self._try("keep_firing", parse_keep) or 0,
            summary=read_summary(self._keys, self._findings),
            origin=origin,
        )

    @property
    def _words(self) -> Vocabulary:
        return Vocabulary(self._around.metrics)

    def _value(self, key: str, default: str = "") -> str:
        text = text_of(self._keys, key)
        return text.value if text else default

    def _try(self, key: str, parse: Callable[[str], _T]) -> _T | None:
        text = text_of(self._keys, key)
        if text is None:
            return None
        try:
            if len(text.value) > LONGEST_TEXT:
                raise UnclearError(f"{key}: {len(text.value)} characters are too many; at most {LONGEST_TEXT}")
            return parse(text.value)
        except UnclearError as unclear:
            self._findings.problem(text.place, str(unclear))
            return None

    def _name(self, first: dict[str, Text]) -> str | None:
        text = text_of(self._keys, "name")
        if text is None:
            return None
        earlier = first.setdefault(text.value, text)
        if not re.fullmatch(NAME, text.value):
            said = f'rule: the name "{text.value}" may have letters, digits and . _ - only, 64 at most'
            self._findings.problem(text.place, said)
        elif text.value in TAKEN:
            self._findings.problem(text.place, f'rule: the name "{text.value}" is taken by the built-in rule')
        elif earlier is not text:
            where = f"{earlier.place.file}:{earlier.place.line}"
            self._findings.problem(text.place, f'rule: the name "{text.value}" stands twice; first in {where}')
        return text.value

    def _kind(self) -> Kind | None:
        text = text_of(self._keys, "on")
        if text is None:
            return None
        kind = Kind(text.value)
        if kind not in self._around.kinds:
            wanted = ", ".join([*self._around.kinds, kind])
            where = listed((f"gather.{cloud}" for cloud in self._around.gathered or (Cloud.AWS,)), "or")
            said = f"{kind} is not gathered; write resources: [{wanted}] under {where}"
            self._findings.problem(text.place, said)
        return kind

    def _check_clouds(self, kind: Kind | None, when: Condition | None) -> None:
        """Warn where a rule looks at less than what is gathered: a metric may be missing on a cloud, for a while."""
        text = text_of(self._keys, "when")
        if text is None or kind is None or when is None:
            return
        gathered = [cloud for cloud, kinds in self._around.gathered.items() if kind in kinds]
        looking = self._around.looking(kind, when)
        blind = listed(CLOUD_NAMES[cloud] for cloud in gathered if cloud not in looking)
        what = subject_of(when)
        logs = what in self._around.in_logs and Cloud.AZURE in gathered
        hint = "; Azure keeps it in Log Analytics: name workspaces under gather.azure" if logs else ""
        if gathered and not looking:
            said = f"{what} is not known on {blind}: this rule looks at nothing{hint}"
            self._findings.warning(text.place, said)
        elif len(looking) < len(gathered) and not counts_what_is_seen(when):
            self._findings.warning(
                text.place, f"{what} is not measured on {blind}: this rule does not look there{hint}"
            )

    def _clear(self, kind: Kind | None, when: Condition | None, window: Window) -> tuple[Condition | None, Window]:
        """Left out: the condition no longer holds, for the same window."""
        text = text_of(self._keys, "clear")
        if text is None or kind is None:
            return None, Window()
        parsed = self._try("clear", lambda clear: parse_clear(clear, kind, self._words))
        if parsed is None:
            return None, Window()
        clear, span = parsed
        problem = contradiction(when, clear, self._around.metrics) if when else ""
        if problem:
            self._findings.problem(text.place, f"clear: {problem}")
        clear_window = window if span is None else span
        self._check_window("clear", clear, clear_window)
        return clear, clear_window

    def _missing(self, when: Condition | None) -> tuple[MissingData, bool]:
        text = text_of(self._keys, "missing")
        if text is None:
            return MissingData.IGNORE, False
        if when is not None and counts_what_is_seen(when):
            self._findings.problem(text.place, f"missing: {subject_of(when)} has no points that could be missing")
        if text.value == "tell":
            return MissingData.MISSING, True
        return MissingData(text.value), False

    def _check_window(self, key: str, condition: Condition | None, window: Window) -> None:
        text = text_of(self._keys, key)
        if text is None or condition is None or not window.span:
            return
        if isinstance(condition, Observation) or (isinstance(condition, Aggregate) and condition.seen):
            if window.hold != window.span:
                span = render_duration(window.span)
                said = f"{key}: what is seen is held, not counted: write {key}: {span}"
                self._findings.problem(text.place, said)
            longest = LONGEST_SEEN
        else:
            metric = condition.reads if isinstance(condition, Aggregate) else condition.metric
            longest = self._check_points(key, text, metric, window)
        if window.span > longest:
            said = f"{key}: {render_duration(window.span)} is too long; at most {render_duration(longest)}"
            self._findings.problem(text.place, said)

    def _check_points(self, key: str, text: Text, metric: str, window: Window) -> int:
        """The longest window for the condition's metric; warns where a window says less than it seems to."""
        periods = [source.period_of(fine=True) for source in self._around.sources(metric)]
        finest = min(periods, default=0)
        if finest > window.span:
            each = render_duration(finest)
            said = f"{key}: {metric} has one point in {each}; {render_duration(window.span)} is that one point"
            self._findings.warning(text.place, said)
        return LONGEST_DAILY if finest >= HOUR else LONGEST

    def _tell(self) -> tuple[str, ...]:
        """Left out: every channel that is not kept as a fallback, or all where there are only such; where the file has
        routes, they say."""
        texts = texts_of(self._keys, "tell")
        if texts is None:
            nobody = self._keys.wrote("tell") or self._around.routed
            return () if nobody else default_channels(self._around.channels)
        for text in texts:
            if text.value not in self._around.channel_names:
                guess = did_you_mean(text.value, self._around.channel_names)
                if not self._around.channel_names:
                    guess = "; there is none under tell"
                self._findings.problem(text.place, f'unknown channel "{text.value}"{guess}')
        return tuple(dict.fromkeys(text.value for text in texts))

    @property
    def _by_routes(self) -> bool:
        return self._around.routed and not self._keys.wrote("tell")

    def _labels(self) -> Mapping[str, str]:
        keys = keys_of(self._keys, "labels")
        labels: dict[str, str] = {}
        for key, node in keys.entries if keys else ():
            if not _LABEL.fullmatch(key.value):
                said = f'labels: "{key.value}" may have letters, digits and _ only, and no digit first'
                self._findings.problem(key.place, said)
            if isinstance(node, Text):
                labels[key.value] = node.value
        return labels

    def _runbook(self) -> str:
        text = text_of(self._keys, "runbook")
        if text and not re.match(r"https?://[^\s/]", text.value):
            self._findings.problem(text.place, "runbook: expected the address of a page: https://...")
        return text.value if text else ""
