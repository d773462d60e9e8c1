"""Who is told of an alert: the channels that its rule names, and those of every route that fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nephoscope.model.config import Config
from nephoscope.model.quiet import Route
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Rule
from nephoscope.pipeline.quiet import Mute, muted_by


@dataclass(frozen=True, slots=True)
class Audience:
    """The routes and mutes of a run, and the zones of its scope that are down."""

    config: Config
    mutes: tuple[Mute, ...] = ()
    zones_down: frozenset[str] = frozenset()

    def of(self, rule: Rule, resource: Resource) -> tuple[str, ...]:
        """Channels in order, each once. A rule that names none is told by the routes; where none fits either, by every
        channel that is no fallback: an alert that nobody hears of must be asked for (`tell: []`)."""
        told = dict.fromkeys(rule.tell)
        for route in self.routes(rule, resource):
            told |= dict.fromkeys(route.tell)
        return tuple(told) or (self.config.open_channels if rule.tell_default else ())

    def routes(self, rule: Rule, resource: Resource) -> Iterator[Route]:
        if rule.tell or rule.tell_default:
            yield from (route for route in self.config.routes if route.match.matches(rule, resource))

    def muted_by(self, rule: Rule, resource: Resource) -> str:
        if resource.kind is Kind.INSTANCE and resource.zone in self.zones_down:
            return f"zone {resource.zone} is down"
        return muted_by(self.mutes, rule, resource)
