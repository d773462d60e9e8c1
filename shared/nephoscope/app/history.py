"""History as a library call: one question to Elasticsearch, its answer as plain rows or as a pandas DataFrame.

    from nephoscope.app.history import history_frame

    cpu = history_frame("nephoscope.yaml", "cpu.utilization", by="host", where=["tag:env=prod"], hours=24)
    cpu["web-1"].plot()
    cpu.attrs["unit"]        # "1": a fraction, UCUM
    cpu.max().nlargest(5)    # the five that were the busiest

`history_frame` needs the extra `history`: pip install 'nephoscope[history]'. `ask_history` needs nothing more than the
package and, for a YAML file, its extra `cli`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nephoscope.app.clock import SystemClock
from nephoscope.app.config import load_config
from nephoscope.app.secrets import open_secrets
from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.model.config import Config
from nephoscope.model.errors import NephoscopeError
from nephoscope.model.question import Course, KeptMetric, Question, Total
from nephoscope.model.time import DAY, HOUR, MINUTE, Deadline, floor_to, iso
from nephoscope.pipeline.asking.answers import worst_first
from nephoscope.pipeline.asking.question import ask, begun, step_of
from nephoscope.ports import Clock, HistoryReader

if TYPE_CHECKING:
    from pandas import DataFrame

    from nephoscope.sinks.elasticsearch.asking import ElasticsearchAsking

HOURS = 24
SECONDS = 300.0
"""For the whole of an answer."""


class NoHistoryError(NephoscopeError):
    """Nothing is kept that answers the question. kept: what is kept of the fleet. elsewhere: that metric, where it is
    kept and only this time, or this choice, has none of it."""

    def __init__(self, text: str, kept: Sequence[KeptMetric] = (), elsewhere: KeptMetric | None = None) -> None:
        self.kept = tuple(kept)
        self.elsewhere = elsewhere
        super().__init__(text)


class MissingExtraError(NephoscopeError, ImportError):
    """A package is not installed that only some need."""


@dataclass(frozen=True, slots=True)
class History:
    """An answer. question: as it was asked of the server, with its step. unit: UCUM. period: seconds between points,
    the longest of theirs. courses: the worst first. groups: how many there are, shown or not. last: data time of the
    newest point."""

    question: Question
    unit: str
    period: int
    courses: tuple[Course, ...]
    groups: int
    last: int = 0

    def rows(self) -> Iterator[tuple[int, str, float]]:
        """(epoch seconds at which the step begins, group, value): group by group, in order of time."""
        for course in self.courses:
            for at, value in zip(course.times, course.values, strict=True):
                yield at, course.label, value

    def steps(self) -> range:
        """Every step's beginning, with points or without."""
        question = self.question
        return range(begun(question.begin, question.step), question.end, question.step)

    def facts(self) -> dict[str, Any]:
        """What the figures are of, in words and numbers."""
        question = self.question
        return {
            "metric": question.metric,
            "unit": self.unit,
            "statistic": str(question.statistic),
            "by": question.by,
            "fleet": question.fleet,
            "begin": iso(question.begin),
            "end": iso(question.end),
            "step": question.step,
        }

    def frame(self) -> DataFrame:
        """A DataFrame: an index `time` (UTC, every step of the time), a column of floats for each group, NaN where a
        step has no point; `attrs` are facts(). Raises MissingExtraError where pandas is not installed."""
        try:
            import pandas  # noqa: PLC0415 - half a second to import, and an extra
        except ImportError as error:
            raise MissingExtraError("a DataFrame needs pandas: pip install 'nephoscope[history]'") from error
        steps = self.steps()
        index = pandas.to_datetime(list(steps), unit="s", utc=True).rename("time")
        columns = {course.label: _filled(course, steps) for course in self.courses}
        found = pandas.DataFrame(columns, index=index, dtype="float64")
        found.attrs.update(self.facts())
        return found


def _filled(course: Course, steps: range) -> list[float]:
    values = [math.nan] * len(steps)
    for at, value in zip(course.times, course.values, strict=True):
        values[steps.index(at)] = value
    return values


# --- asking -------------------------------------------------------------------------------------------------------


def ask_history(
    config: Config | str | Path,
    metric: str,
    statistic: str = "avg",
    by: str = "host",
    where: Sequence[str] = (),
    hours: float = HOURS,
    *,
    begin: datetime | None = None,
    end: datetime | None = None,
    step: int = 0,
    most: int = 0,
    clock: Clock | None = None,
    environment: Mapping[str, str] | None = None,
) -> History:
    """One metric's history, put together by the server.

    config: a configuration, or the file of one. metric: as the catalog names it, `cpu.utilization`.
    statistic: avg, max, min, sum, count or a percentile (p95), of all points of a group in a step.
    by: host, zone, region, account, cloud, type, kind, tag:NAME, attribute:NAME or none.
    where: `WORD=VALUE`, as in `nephoscope plot --where`; `*` stands for any part; all of them hold.
    begin, end: aware; without them the last `hours`. begin goes back to the start of its step.
    step: seconds; 0 chooses 60 to 300 of them. most: the worst groups only; 0 = all.

        history = ask_history("nephoscope.yaml", "cpu.utilization", statistic="max", by="tag:env", hours=7 * 24)
        for at, group, value in history.rows(): ...

    Raises UnclearQuestionError for a wrong word, NoHistoryError where nothing answers, DeliveryError where the server
    does not, ConfigError.
    """
    known = config if isinstance(config, Config) else _load(Path(config))
    ticking = clock or SystemClock()
    until = int(end.timestamp()) if end else floor_to(int(ticking.wall()), MINUTE)
    since = int(begin.timestamp()) if begin else until - round(hours * HOUR)
    question = ask(known.fleet, metric, statistic, by, where, since, until, step)
    reader = open_reader(known, os.environ if environment is None else environment, ticking)
    with closing(reader):
        return read_history(reader, question, Deadline(ticking.monotonic() + SECONDS, ticking.monotonic), most=most)


def history_frame(config: Config | str | Path, metric: str, **asked: Any) -> DataFrame:
    """ask_history(...).frame()."""
    return ask_history(config, metric, **asked).frame()


def open_reader(config: Config, environment: Mapping[str, str], clock: Clock) -> ElasticsearchAsking:
    """Of the configured server; no call is made yet. Raises DeliveryError where the configuration has none."""
    settings = Settings.from_environment(environment)
    if not settings.home_region:
        settings = replace(settings, home_region=config.publish.region)
    secrets = open_secrets(settings, environment, clock)
    reader: ElasticsearchAsking = wire("history-reader", "elasticsearch")(config, secrets)
    return reader


def read_history(
    reader: HistoryReader,
    question: Question,
    deadline: Deadline,
    *,
    most: int = 0,
    upward: bool = True,
    stepped: Callable[[int, int], None] = lambda _at, _end: None,
) -> History:
    """question: its step is what was wished. upward: high values are the bad ones. Raises NoHistoryError,
    DeliveryError."""
    survey = reader.read_survey(question, deadline)
    if not survey.points:
        raise _nothing(reader, question, deadline)
    step = step_of(question.begin, question.end, survey.period, question.step)
    question = replace(question, begin=begun(question.begin, step), step=step)
    totals = worst_first(reader.read_totals(question, deadline), upward=upward)
    shown: list[Total] = totals[:most] if most else totals
    courses = reader.read_courses(question, shown, deadline, few=len(shown) < len(totals), stepped=stepped)
    return History(question, survey.unit, survey.period, courses, len(totals), survey.last)


def newest_after(reader: HistoryReader, question: Question, deadline: Deadline) -> int:
    """Data time of the newest point in the day after the question's end, two minutes apart; 0 where there is none.
    After a question that ends now there is one only where clocks disagree. Raises DeliveryError."""
    after = question.end + 2 * MINUTE
    survey = reader.read_survey(replace(question, begin=after, end=after + DAY), deadline)
    return survey.last if survey.points else 0


def _nothing(reader: HistoryReader, question: Question, deadline: Deadline) -> NoHistoryError:
    """Why there is nothing: the metric is not kept, the choice holds for nothing, or the time has none."""
    kept = reader.read_metrics(question.fleet, deadline)
    found = next((each for each in kept if each.metric == question.metric), None)
    span = f"between {iso(question.begin)} and {iso(question.end)}"
    if found is None:
        said = f"no {question.metric} is kept of the fleet {question.fleet}"
    elif question.where and reader.read_survey(replace(question, where=()), deadline).points:
        chosen = " and ".join(f"{each.word}={each.pattern}" for each in question.where)
        said = f"no point of {question.metric} {span} has {chosen}"
    else:
        said = f"no point of {question.metric} is kept {span}"
    return NoHistoryError(said, kept, found)


def _load(path: Path) -> Config:
    if path.suffix == ".json":
        return load_config(path.read_text(encoding="utf-8"), str(path))
    from nephoscope.app.authoring.compile import compile_file  # noqa: PLC0415 - its checker only where needed

    return compile_file(path, os.environ).config
