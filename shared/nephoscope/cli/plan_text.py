"""A run's plan in words: what `run --dry-run` prints. Pure, so that the words can be tested without a cloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from nephoscope.app.run import Gathered
from nephoscope.model.metric import Metric
from nephoscope.model.publish import Datum
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import iso
from nephoscope.pipeline.changes import Change
from nephoscope.pipeline.notify import measured_of
from nephoscope.pipeline.plan import Plan
from nephoscope.pipeline.wording import clean, render_duration, render_value

INDENT = "  "


def render_plan(gathered: Gathered, decided: Plan, metrics: Mapping[str, Metric]) -> tuple[str, ...]:
    """The plan of one scope in lines, the first one its heading."""
    facts = gathered.facts
    number = len(facts.inventory.resources)
    resources = "1 resource" if number == 1 else f"{number} resources"
    return (
        f"{facts.scope}: {resources}, {decided.coverage.fresh} of {decided.coverage.discovered} covered",
        *(INDENT + line for line in _reads(gathered.requests)),
        *(INDENT + line for line in _changes(decided.changes, metrics)),
        INDENT + _published(decided.data),
        INDENT + ("writes a snapshot for pages" if decided.snapshot else "keeps the snapshot that stands"),
        *(f"{INDENT}could not read: {gap}" for gap in facts.gaps),
    )


def _reads(requests: Sequence[SeriesRequest]) -> Iterator[str]:
    """One line for each metric and window: single series that were left behind have windows of their own."""
    groups = Counter((request.metric, request.period, request.start, request.end) for request in requests)
    for (metric, period, start, end), count in sorted(groups.items()):
        window = f"{iso(start)} to {iso(end)}"
        yield f"reads {metric}: {count} series of {render_duration(period)} points, {window}"
    if not groups:
        yield "reads no metric: nothing new has settled, or no rule needs one"


def _changes(changes: Sequence[Change], metrics: Mapping[str, Metric]) -> Iterator[str]:
    for change in changes:
        yield _change(change, metrics)
    if not changes:
        yield "changes no alert"


def _change(change: Change, metrics: Mapping[str, Metric]) -> str:
    """`fired cpu-hot on i-0abc, web-1 (threshold_crossed, 93 %): tells oncall, chat`."""
    record, transition = change.commit.record, change.transition
    about = ", ".join(filter(None, (clean(record.resource_id), clean(change.resource.name))))
    if transition is None:
        return f"brings up {clean(record.rule)} on {about}: {record.state}, told to nobody"
    _, unit = measured_of(change.rule, metrics)
    value = "" if transition.value is None else f", {render_value(transition.value, unit)}"
    told = ", ".join(notification.channel for notification in change.commit.notifications) or "nobody"
    return f"{transition.kind} {clean(record.rule)} on {about} ({transition.why}{value}): tells {told}"


def _published(data: Sequence[Datum]) -> str:
    """`publishes 12 data: cpu.utilization, instances.running (2) ...`, in the order of their names."""
    if not data:
        return "publishes nothing"
    counts = Counter(datum.name for datum in data)
    names = ", ".join(name if count == 1 else f"{name} ({count})" for name, count in sorted(counts.items()))
    return f"publishes {len(data)} {'datum' if len(data) == 1 else 'data'}: {names}"
