"""Who is told of which alerts, and when nobody is: matchers, routes, windows, silences, acknowledgements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from nephoscope.model.resource import Resource
from nephoscope.model.rule import Rule, Selector


@dataclass(frozen=True, slots=True)
class Matcher:
    """Some alerts: everything that is named must fit; where nothing is, all do.

    rules, resources: names with `*` and `?` for parts; a resource is meant by its name or its id. labels: of the rule.
    """

    rules: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    clouds: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    where: Selector = Selector()
    labels: Mapping[str, str] = field(default_factory=dict)

    def matches(self, rule: Rule, resource: Resource) -> bool:
        return self.means(rule.name, rule.severity, rule.labels, resource)

    def means(self, rule: str, severity: str, labels: Mapping[str, str], resource: Resource) -> bool:
        """The same by what a message carries of its rule."""
        scope = resource.scope
        return (
            _fits(self.rules, (rule,))
            and _fits(self.resources, filter(None, (resource.name, resource.id)))
            and _fits(self.severities, (severity,))
            and _fits(self.clouds, (scope.cloud,))
            and _fits(self.accounts, (scope.account,))
            and _fits(self.regions, (scope.region,))
            and self.where.matches(resource)
            and all(labels.get(name) == value for name, value in self.labels.items())
        )

    def names_rule(self, rule: Rule) -> bool:
        """Whether the rule, taken alone, could be meant."""
        return _fits(self.rules, (rule.name,))


def _fits(patterns: tuple[str, ...], texts: Iterable[str]) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for text in texts for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Route:
    """Channels beside those that a rule names itself. escalate_to: told when an alert has been open for escalate_after
    seconds and nobody has acknowledged it."""

    match: Matcher = Matcher()
    tell: tuple[str, ...] = ()
    escalate_after: int = 0
    escalate_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuietWindow:
    """A maintenance window, of one of three kinds. Times of day are the zone's own, through its clock changes.

    Each week: from `begin` to `end` (minutes after midnight; an end that is not after the beginning is the next day's)
    on `days` (0 is Monday). By cron: `lasts` seconds from each minute that fits the expression. Once: from `starts` to
    `ends` (epoch seconds, half-open).
    """

    name: str
    match: Matcher = Matcher()
    zone: str = "UTC"
    days: tuple[int, ...] = ()
    begin: int = 0
    end: int = 0
    cron: str = ""
    lasts: int = 0
    starts: int = 0
    ends: int = 0


@dataclass(frozen=True, slots=True)
class Silence:
    """Said by a person from the command line. Times: epoch seconds, half-open."""

    id: str
    match: Matcher
    starts: int
    ends: int
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has seen this episode of an alert: no repeats and no escalation until it ends. at: epoch seconds."""

    alert_key: str
    episode: int
    by: str = ""
    at: int = 0
