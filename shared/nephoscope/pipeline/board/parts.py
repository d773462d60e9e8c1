"""A board as a value: sections, panels, and what each panel asks. No console's words, no coordinates, no colours.

A console draws what it can ask. A `Figure` is one of those that we publish, and lives in CloudWatch; a `Measure` is a
metric where its cloud keeps it; a `Listing` comes from the alert memory; a `Kept` is asked of history. What a console
cannot ask it leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nephoscope.model.history import HistoryKind
from nephoscope.model.metric import Metric, Unit
from nephoscope.model.rule import Comparison, Severity
from nephoscope.model.scope import Cloud, Scope


class Look(StrEnum):
    NUMBER = "number"  # the newest value, large
    LINES = "lines"
    STACKED = "stacked"
    BARS = "bars"  # stacked, of what happened in each span of time
    WORST = "worst"  # lines of those few that went furthest
    LIST = "list"  # a table with links


class Take(StrEnum):
    """How many values become one: those of a period, those of several machines or scopes."""

    AVERAGE = "average"
    P90 = "p90"
    HIGHEST = "highest"
    LOWEST = "lowest"
    SUM = "sum"


class Split(StrEnum):
    """One line for each of these. NONE: one line over all."""

    NONE = "none"
    CLOUD = "cloud"
    SCOPE = "scope"  # cloud, account and region
    MACHINE = "machine"  # resource, and device where it has several


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of ours in CloudWatch: `instances.running`, `nephoscope.coverage`, or a metric's own name for the
    distributions of it that we publish.

    take: within a series and period. join: over the series that `split` puts into one line. Figures of nephoscope
    itself (`nephoscope.*`) have a series for each cloud, into which all its scopes write; the others one a scope.
    """

    name: str
    take: Take
    split: Split = Split.NONE
    join: Take = Take.SUM
    label: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric of one cloud, from that cloud's own store.

    take: over the machines that share a line; a single machine's points are taken as the catalog's row says.
    most: with Split.MACHINE, how many are shown. upward: larger is worse, in the catalog's unit.
    """

    metric: Metric
    cloud: Cloud
    take: Take
    split: Split = Split.NONE
    most: int = 0
    upward: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """What the alert memory knows, as the widget's page of that name: `alerts`, `gaps`, `worst`, `states`."""

    page: str


class Statistic(StrEnum):
    """What history's own server makes of the documents that share a line or a row."""

    AVERAGE = "average"
    P95 = "p95"
    HIGHEST = "highest"
    LOWEST = "lowest"
    COUNT = "count"  # of documents
    DISTINCT = "distinct"  # of the values of a field


@dataclass(frozen=True, slots=True)
class Kept:
    """A question to history: of documents of one kind, those in which each field of `where` has one of its values.

    statistics: of the field `of`; none: the documents themselves, the newest first, with the fields `columns`. by: one
    line, or row, for each value of these fields. most: how many of them, those first whose first statistic is the
    highest, or, with `upward` false, the lowest. step: seconds from point to point, at the least; exact: and no other.
    """

    kind: HistoryKind
    statistics: tuple[Statistic, ...] = ()
    of: str = ""
    by: tuple[str, ...] = ()
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    most: int = 50
    upward: bool = True
    step: int = 60
    exact: bool = False


Ask = Figure | Measure | Listing | Kept


@dataclass(frozen=True, slots=True)
class Limit:
    """A rule's threshold. value: in the catalog's unit of the panel's metric; `bounds` brings it into others."""

    rule: str
    severity: Severity
    comparison: Comparison
    value: float


@dataclass(frozen=True, slots=True)
class Panel:
    """asks: never empty, all of one type. unit: the catalog's, of every value in it. counted: what a number without a
    unit counts (`machines`). note: a sentence about it; may be empty. span: seconds that it shows whatever range the
    dashboard is set to, for metrics that come once a day; 0 = the dashboard's."""

    title: str
    look: Look
    asks: tuple[Ask, ...]
    unit: Unit = Unit.COUNT
    counted: str = ""
    limits: tuple[Limit, ...] = ()
    note: str = ""
    span: int = 0

    @property
    def cloud(self) -> Cloud | None:
        """Whose own store it asks; None for what we publish or remember."""
        ask = self.asks[0]
        return ask.cloud if isinstance(ask, Measure) else None

    @property
    def metric(self) -> Metric | None:
        ask = self.asks[0]
        return ask.metric if isinstance(ask, Measure) else None


@dataclass(frozen=True, slots=True)
class Section:
    """name: stays the same whatever is configured (`now`, `places`, `worst`, `history`, `watcher`). below: a sentence
    under the title, may be empty. panels: in reading order, may be empty."""

    name: str
    title: str
    below: str = ""
    panels: tuple[Panel, ...] = ()


@dataclass(frozen=True, slots=True)
class Board:
    """title: the fleet. introduction: a sentence, plain text. clouds: those shown, in the order of `Cloud`. scopes:
    sorted, empty where nothing has run yet or nobody asked. lacking: titles of the metrics on this board that a cloud
    does not keep, or that the configuration does not lead to there."""

    title: str
    introduction: str
    clouds: tuple[Cloud, ...]
    sections: tuple[Section, ...]
    scopes: tuple[Scope, ...] = ()
    lacking: Mapping[Cloud, tuple[str, ...]] = field(default_factory=dict)
