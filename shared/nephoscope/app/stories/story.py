"""What a story is, as values. Minutes count from its beginning, which is minute 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nephoscope.app.authoring.findings import Place
from nephoscope.model.alert import TransitionKind
from nephoscope.model.config import Config
from nephoscope.model.quiet import Silence
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Scope
from nephoscope.pipeline.judge import Sample

Attributes = tuple[tuple[str, str], ...]
Words = Mapping[int, str]
"""minute -> word, from then on."""


@dataclass(frozen=True, slots=True)
class Course:
    """One series: a sample for each period of `period` seconds from `start` (epoch seconds); absent before, unknown
    behind its end. listed False: a discovered metric that the provider has never heard of."""

    metric: str
    period: int
    start: int
    samples: tuple[Sample, ...]
    attributes: Attributes = ()

    @property
    def end(self) -> int:
        return self.start + self.period * len(self.samples)

    @property
    def listed(self) -> bool:
        return any(sample is not None for sample in self.samples)


@dataclass(frozen=True, slots=True)
class Machine:
    """A resource of a story. seen: attribute -> minute -> word; `state` is one of them (`absent`: it is not there)."""

    name: str
    scope: Scope
    kind: Kind = Kind.INSTANCE
    type: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    detailed: bool = False
    launched_at: int | None = None
    seen: Mapping[str, Words] = field(default_factory=dict)
    courses: tuple[Course, ...] = ()


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something that is to happen. at: minute of data time. told: minute of the run that tells. None, and tell None:
    not said."""

    place: Place
    kind: TransitionKind
    rule: str
    on: str = ""
    at: int | None = None
    told: int | None = None
    tell: tuple[str, ...] | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody acknowledges the alert of a rule on a resource at a minute."""

    minute: int
    rule: str
    on: str
    by: str


@dataclass(frozen=True, slots=True)
class Story:
    """start: epoch seconds of minute 0. until: the minute of the last run. every: seconds between runs. blind, unread:
    minutes of runs in which nothing, or no metric, can be read. only: the rules that it is about; empty = all."""

    name: str
    place: Place
    config: Config
    start: int
    until: int
    every: int
    machines: tuple[Machine, ...]
    expected: tuple[Expectation, ...]
    blind: frozenset[int] = frozenset()
    unread: frozenset[int] = frozenset()
    only: tuple[str, ...] = ()
    acks: tuple[Said, ...] = ()
    silences: tuple[Silence, ...] = ()
