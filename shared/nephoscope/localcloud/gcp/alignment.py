"""Monitoring's aggregation: each series cut into periods, then several series made one.

Periods end at the interval's end and count back from there; a period's value stands at its end. Which aligner takes
which kind, and what comes out, is the table below; the rest of Google's aligners and reducers are refused as not known
here. DELTA and RATE lay a counter's change evenly over the time in which it happened, as Google interpolates.
Sources: google/monitoring/v3/common.proto (Aggregation), https://cloud.google.com/monitoring/api/v3/aggregation
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nephoscope.localcloud.gcp.call import GoogleError, Status, invalid
from nephoscope.localcloud.gcp.metric_rows import Kind
from nephoscope.localcloud.gcp.series import Sample

Combine = Callable[[Sequence[float]], float]
_MINIMUM_PERIOD = 60


@dataclass(frozen=True, slots=True)
class Course:
    """A series as it is answered. metric, resource: labels. samples: oldest first."""

    metric: Mapping[str, str]
    resource: Mapping[str, str]
    kind: Kind
    whole: bool
    samples: list[Sample]


@dataclass(frozen=True, slots=True)
class Aligner:
    """kinds: that it takes. kind: of what comes out, None: as it was. whole: whether INT64 comes out, None: as it was.
    combine: of the period's values; None for the two that measure a counter's change."""

    kinds: tuple[Kind, ...]
    kind: Kind | None
    whole: bool | None
    combine: Combine | None


_LEVELS = (Kind.GAUGE, Kind.DELTA)
_COUNTERS = (Kind.DELTA, Kind.CUMULATIVE)
ALIGNERS: Mapping[str, Aligner] = {
    "ALIGN_DELTA": Aligner(_COUNTERS, Kind.DELTA, None, None),
    "ALIGN_RATE": Aligner(_COUNTERS, Kind.GAUGE, False, None),
    "ALIGN_NEXT_OLDER": Aligner((Kind.GAUGE,), Kind.GAUGE, None, lambda values: values[-1]),
    "ALIGN_MIN": Aligner(_LEVELS, Kind.GAUGE, None, min),
    "ALIGN_MAX": Aligner(_LEVELS, Kind.GAUGE, None, max),
    "ALIGN_MEAN": Aligner(_LEVELS, Kind.GAUGE, False, lambda values: sum(values) / len(values)),
    "ALIGN_COUNT": Aligner(_LEVELS, Kind.GAUGE, True, len),
    "ALIGN_SUM": Aligner(_LEVELS, None, None, sum),
}
REDUCERS: Mapping[str, tuple[Combine, bool | None]] = {
    "REDUCE_MEAN": (lambda values: sum(values) / len(values), False),
    "REDUCE_MIN": (min, None),
    "REDUCE_MAX": (max, None),
    "REDUCE_SUM": (sum, None),
    "REDUCE_COUNT": (len, True),
}


def find_aligner(name: str, period: int, kind: Kind, *, whole: bool) -> Aligner:
    """Raises GoogleError where Monitoring would refuse it, or where it is not known here."""
    aligner = ALIGNERS.get(name)
    if aligner is None:
        raise GoogleError(Status.UNIMPLEMENTED, f"aligner {name} is not known here")
    if period < _MINIMUM_PERIOD:
        raise invalid("Field aggregation.alignmentPeriod had an invalid value: The minimum alignment period is 60s.")
    if kind not in aligner.kinds:
        value_type = "INT64" if whole else "DOUBLE"
        raise invalid(
            "Field aggregation.perSeriesAligner had an invalid value: The aligner cannot be applied to metrics with "
            f"kind {kind} and value type {value_type}."
        )
    return aligner


def align(course: Course, aligner: Aligner, period: int, after: int, until: int, *, rate: bool) -> Course:
    """One value for each period of (after, until] that has data. The samples may begin before `after`."""
    ends = range(until, after, -period)
    if aligner.combine is None:
        samples = _changes(course, ends, period, rate=rate)
    else:
        samples = _levels(course, ends, period, after, aligner.combine)
    kind = aligner.kind or course.kind
    whole = course.whole if aligner.whole is None else aligner.whole
    made = [
        Sample(end - period if kind is Kind.DELTA else end, end, round(value) if whole else value)
        for end, value in reversed(samples)
    ]
    return Course(course.metric, course.resource, kind, whole, made)


def _levels(course: Course, ends: range, period: int, after: int, combine: Combine) -> list[tuple[int, float]]:
    held = ((end, [row.value for row in course.samples if max(after, end - period) < row.end <= end]) for end in ends)
    return [(end, combine(values)) for end, values in held if values]


def _changes(course: Course, ends: range, period: int, *, rate: bool) -> list[tuple[int, float]]:
    steps = _steps(course)
    found = []
    for end in ends:
        parts = [
            row.value * (min(row.end, end) - max(row.start, end - period)) / (row.end - row.start)
            for row in steps
            if row.start < end and row.end > end - period
        ]
        if parts:
            found.append((end, sum(parts) / period if rate else sum(parts)))
    return found


def _steps(course: Course) -> list[Sample]:
    """What was added between two samples; after a reset, since the reset."""
    if course.kind is Kind.DELTA:
        return course.samples
    steps = []
    for older, newer in zip(course.samples, course.samples[1:], strict=False):
        if newer.start == older.start:
            steps.append(Sample(older.end, newer.end, newer.value - older.value))
        else:
            steps.append(Sample(newer.start, newer.end, newer.value))
    return steps


def reduce(courses: Sequence[Course], reducer: str, fields: Sequence[str]) -> list[Course]:
    """One course for each combination of the fields' values; the project stays. Raises GoogleError."""
    if reducer not in REDUCERS:
        raise GoogleError(Status.UNIMPLEMENTED, f"reducer {reducer} is not known here")
    combine, whole = REDUCERS[reducer]
    wanted = [_field(name) for name in fields]
    groups: dict[tuple[tuple[str, str], ...], list[Course]] = {}
    for course in courses:
        labels = {"resource.project_id": course.resource["project_id"]}
        for kind, name in wanted:
            held = course.resource if kind == "resource" else course.metric
            if name in held:
                labels[f"{kind}.{name}"] = held[name]
        groups.setdefault(tuple(labels.items()), []).append(course)
    return [_merged(dict(labels), members, combine, whole) for labels, members in groups.items()]


def _merged(labels: Mapping[str, str], members: Sequence[Course], combine: Combine, whole: bool | None) -> Course:
    values: dict[tuple[int, int], list[float]] = {}
    for row in (row for member in members for row in member.samples):
        values.setdefault((row.start, row.end), []).append(row.value)
    samples = [Sample(start, end, combine(held)) for (start, end), held in sorted(values.items())]
    split = {
        kind: {key.removeprefix(kind): value for key, value in labels.items() if key.startswith(kind)}
        for kind in ("metric.", "resource.")
    }
    is_whole = members[0].whole if whole is None else whole
    return Course(split["metric."], split["resource."], members[0].kind, is_whole, samples)


def _field(name: str) -> tuple[str, str]:
    """`resource.labels.zone`, `resource.label.zone` and `resource.zone` are the same."""
    kind, _, rest = name.replace('"', "").partition(".")
    label = rest.removeprefix("labels.").removeprefix("label.")
    if kind not in ("resource", "metric") or not label:
        raise invalid(f'Field aggregation.groupByFields had an invalid value of "{name}".')
    return kind, label
