"""An answer of history as a picture: what `nephoscope plot` draws of machines, of groups of any kind."""

from __future__ import annotations

from datetime import tzinfo

from nephoscope.app.history import History
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.metric import Metric, Shape, Unit
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.plotting.picture import Asked
from nephoscope.pipeline.plotting.tracks import Track
from nephoscope.pipeline.wording import clean


def picture_of(history: History, about: str, zone: tzinfo) -> Asked:
    """Each group a track of its own, as if it were a machine of that name."""
    question, metric = history.question, metric_of(history)
    tracks = tuple(
        Track(_stand_in(course.label, metric), metric.name, question.step, (), course.times, course.values)
        for course in history.courses
    )
    said = {"avg": "average", "max": "highest", "min": "lowest", "sum": "sum", "count": "points"}
    statistic = said.get(str(question.statistic), str(question.statistic))
    title = f"{metric.name}, {statistic}{'' if question.by == 'none' else f' by {clean(question.by)}'}"
    number = f"{history.groups:,} {'group' if history.groups == 1 else 'groups'}" if question.by != "host" else ""
    hosts = f"{history.groups:,} {metric.on}{'' if history.groups == 1 else 's'}" if question.by == "host" else ""
    words = ", ".join(filter(None, (hosts or number, about)))
    shown = {metric.name: tracks}
    return Asked([metric], shown, (), question.begin, question.end, zone, about=words, title=title)


def metric_of(history: History) -> Metric:
    """The catalog's, or as its documents tell it. A count of points has no unit but itself."""
    known = load_catalog().metrics.get(history.question.metric)
    unit = history.unit if history.unit in set(Unit) else Unit.COUNT
    counted = history.question.statistic.name == "count"
    return Metric(
        history.question.metric,
        known.on if known else Kind.INSTANCE,
        Shape.GAUGE,
        Unit.COUNT if counted else Unit(unit),
        known.description if known else "",
    )


def _stand_in(label: str, metric: Metric) -> Resource:
    return Resource(Scope(Cloud.AWS, "", ""), metric.on, label, label)
