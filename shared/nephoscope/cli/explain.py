"""`nephoscope explain`: why an alert is as it is, and why somebody was told of it or nobody was."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from nephoscope.app.outside import Outside
from nephoscope.cli.alerts import Known, find_alert
from nephoscope.cli.call import WELL, Call
from nephoscope.cli.memory import about_words, open_existing, registered
from nephoscope.cli.reading import SECONDS, report_gaps
from nephoscope.cli.table import Cell, Column
from nephoscope.cli.timeline import COLUMNS as HISTORY_COLUMNS
from nephoscope.cli.timeline import history_row
from nephoscope.model.alert import AlertRecord
from nephoscope.model.memory import Progress
from nephoscope.model.resource import Resource
from nephoscope.model.rule import Aggregate, Observation, Rule, Threshold
from nephoscope.model.series import Gap, Series
from nephoscope.model.time import MINUTE, floor_to, iso
from nephoscope.pipeline.audience import Audience
from nephoscope.pipeline.explanation import (
    Delivery,
    Explanation,
    Judged,
    Period,
    explain_deliveries,
    explain_telling,
    explain_window,
    message_ids,
)
from nephoscope.pipeline.figures import bounds_of
from nephoscope.pipeline.groups import group_named, group_resource
from nephoscope.pipeline.need import plan_reads
from nephoscope.pipeline.notify import measured_of
from nephoscope.pipeline.partials import figure_of
from nephoscope.pipeline.quiet import active_mutes
from nephoscope.pipeline.wording import clean, render_duration, render_time, render_value

HELP = "Explain one alert: its rule, the points it is judged by, why it was told or not."
EXAMPLES = """\
examples:
  nephoscope explain 3f2a91                  by its letters, as `nephoscope status` shows them
  nephoscope explain cpu-hot web-1           by its rule and the machine's name or id
  nephoscope explain cpu-hot web-1 --json
  nephoscope explain 3f2a91 --no-read        from what is remembered; no cloud is asked

The points are read from the provider now: the newest window that is settled, as the
next run would judge it. That costs a listing of the region and a read of one metric."""

HISTORY = 20


@dataclass(frozen=True, slots=True)
class Read:
    """What the provider says now. resource None: not listed, or not asked."""

    resource: Resource | None = None
    series: Series | None = None
    gaps: tuple[Gap, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("alert", help="first letters of its key, or its rule")
    parser.add_argument("resource", nargs="?", default="", help="with a rule: the machine's name or id")
    parser.add_argument("--no-read", action="store_true", help="ask no cloud")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(call: Call) -> int:
    outside = open_existing(call)
    known = find_alert(outside, call.args.alert, call.args.resource)
    rule = next((rule for rule in outside.config.rules if rule.name == known.record.rule), None)
    read = Read(_remembered(outside, known)) if call.args.no_read else _read(call, outside, known, rule)
    explained = _explain(call, outside, known, rule, read)
    sentence = _sentence(outside, known, rule)
    if call.args.json:
        call.terminal.json(_object(known, sentence, explained, read), pretty=True)
    else:
        _show(call, outside, known, sentence, explained)
    return report_gaps(call.terminal, read.gaps) if read.gaps else WELL


def _remembered(outside: Outside, known: Known) -> Resource | None:
    """As the last snapshot has it."""
    snapshot = outside.memory.read_snapshot(known.scope)
    listed = snapshot.resources if snapshot else ()
    return next((resource for resource in listed if resource.id == known.record.resource_id), None)


def _read(call: Call, outside: Outside, known: Known, rule: Rule | None) -> Read:
    """The resource as it is listed now, and the points that the rule would be judged by."""
    if rule is not None and known.scope.is_fleet:
        return Read(group_resource(rule, group_named(rule, known.record.resource_id), known.scope))
    if rule is None or known.scope.cloud not in outside.readers:
        return Read(_remembered(outside, known))
    scope, reader, deadline = known.scope, outside.readers[known.scope.cloud], call.deadline(SECONDS)
    with call.terminal.progress("reading the alert's points"):
        inventory = reader.read_inventory(scope, outside.config, deadline)
        listed = (resource for resource in inventory.resources if resource.id == known.record.resource_id)
        resource = next(listed, None) or (_remembered(outside, known) if inventory.gaps else None)
        if resource is None or not isinstance(rule.when, Threshold):
            return Read(resource, gaps=inventory.gaps)
        slot = floor_to(int(call.clock.wall()), MINUTE)
        requests = plan_reads([resource], [rule], outside.catalog.metrics, Progress(scope), slot)
        readings = reader.read_series(scope, outside.config, requests, deadline)
    found = [series for series in readings.series if series.key.attributes == known.record.attributes]
    return Read(resource, next(iter(found), None), inventory.gaps + readings.gaps)


def _explain(call: Call, outside: Outside, known: Known, rule: Rule | None, read: Read) -> Explanation:
    memory, record, scope = outside.memory, known.record, known.scope
    slot = floor_to(int(call.clock.wall()), MINUTE)
    history = memory.read_history(scope, record.alert_key, HISTORY)
    mutes = active_mutes(outside.config.quiet, memory.read_silences(scope.cloud), slot)
    ack = memory.read_acknowledged(scope).get(record.alert_key)
    ids = message_ids(history)
    receipts = {id_: memory.read_receipt(scope, id_) for id_, _, _ in ids}
    judged = None
    if rule is not None and read.resource is not None and read.series is not None:
        judged = explain_window(rule, read.resource, read.series, outside.config.grace)
    return Explanation(
        record=record,
        rule=rule,
        resource=read.resource,
        judged=judged,
        reasons=explain_telling(record, rule, read.resource, Audience(outside.config, mutes), ack, history, slot),
        deliveries=explain_deliveries(ids, memory.read_outbox(scope), receipts),
        history=history,
    )


def _sentence(outside: Outside, known: Known, rule: Rule | None) -> str:
    """The rule as it was understood."""
    if rule is None:
        return f"{known.record.rule}: the configuration has no such rule any more."
    from nephoscope.app.authoring.explain import explain_rule  # noqa: PLC0415 - YAML only where needed

    return explain_rule(rule, outside.catalog.metrics, [known.scope.cloud])


# --- for programs -------------------------------------------------------------------------------------------------


def _object(known: Known, sentence: str, explained: Explanation, read: Read) -> dict[str, object]:
    record, judged, resource = explained.record, explained.judged, explained.resource
    return {
        "alert": record.alert_key,
        "rule": record.rule,
        "sentence": sentence,
        "scope": known.scope.key,
        "resource": record.resource_id,
        "attributes": dict(record.attributes),
        "state": record.state,
        "since": iso(record.since),
        "episode": record.episode,
        "value": record.value,
        "worst": record.worst,
        "listed": resource is not None,
        "seen": dict(resource.observations) if resource else {},
        "window": _window_object(judged) if judged else None,
        "reasons": list(explained.reasons),
        "deliveries": [asdict(each) | {"at": iso(each.at) if each.at else None} for each in explained.deliveries],
        "history": [{**asdict(each), "at": iso(each.at), "slot": iso(each.slot)} for each in explained.history],
        "gaps": [str(gap) for gap in read.gaps],
    }


def _window_object(judged: Judged) -> dict[str, object]:
    return {
        "needed": judged.needed,
        "considered": judged.considered,
        "verdict": judged.verdict.outcome if judged.verdict else "unknown",
        "value": judged.verdict.value if judged.verdict else None,
        "periods": [asdict(period) | {"at": iso(period.at)} for period in judged.periods],
    }


# --- for people ---------------------------------------------------------------------------------------------------

PERIOD_COLUMNS = (
    Column("PERIOD ENDS"),
    Column("POINT", right=True),
    Column("CONDITION", flows=True, least=9),
    Column("CLEAR", rank=1),
    Column("LOOKED AT", rank=2),
)
DELIVERY_COLUMNS = (
    Column("SEQ", rank=1, right=True),
    Column("CHANNEL"),
    Column("STATUS"),
    Column("AT", rank=2),
    Column("TRIES", rank=3, right=True),
    Column("LAST FAILURE"),
)
_STYLES: Mapping[str, str] = {"delivered": "green", "dead": "red", "ready": "yellow", "leased": "yellow"}


def _show(call: Call, outside: Outside, known: Known, sentence: str, explained: Explanation) -> None:
    terminal, record = call.terminal, explained.record
    name = f" ({clean(known.names[0])})" if known.names and known.names[0] else ""
    terminal.heading(f"{clean(record.rule)} on {about_words(record)}{name}, {known.scope}")
    terminal.line(clean(sentence))
    terminal.line()
    terminal.line(_state(call, explained))
    _show_points(call, outside, explained)
    terminal.line()
    terminal.heading("Why told, or not")
    for reason in explained.reasons:
        terminal.line(f"- {clean(reason)}")
    if explained.deliveries:
        terminal.line()
        terminal.table(DELIVERY_COLUMNS, [_delivery_row(each) for each in explained.deliveries])
    if explained.history:
        terminal.line()
        terminal.heading("What happened")
        unit = _unit(outside, explained.rule)
        terminal.table(HISTORY_COLUMNS, [history_row(entry, unit) for entry in explained.history[::-1]])


def _state(call: Call, explained: Explanation) -> str:
    record = explained.record
    lasted = render_duration(max(0, int(call.clock.wall()) - record.since))
    return f"It is {record.state} for {lasted}, since {render_time(record.since)}; episode {record.episode}."


def _show_points(call: Call, outside: Outside, explained: Explanation) -> None:
    rule, resource, judged = explained.rule, explained.resource, explained.judged
    if resource is not None and rule is not None and isinstance(rule.when, Observation):
        word = resource.observations.get(rule.when.attribute, "not seen")
        call.terminal.line(f"{rule.when.attribute} is {clean(word)} now.")
    elif resource is not None and not resource.measured:
        call.terminal.line(f"The machine is {resource.state}: it has no points, and that is no news.")
    elif rule is not None and isinstance(rule.when, Aggregate):
        call.terminal.line()
        call.terminal.heading("What each scope has noted of its members")
        call.terminal.table(PART_COLUMNS, list(_part_rows(outside, explained.record, rule)))
    if judged is None:
        return
    unit = _unit(outside, rule)
    call.terminal.line()
    call.terminal.heading("The points it is judged by now")
    call.terminal.table(PERIOD_COLUMNS, [_period_row(period, unit) for period in judged.periods])
    call.terminal.line(_verdict(judged, rule))


PART_COLUMNS = (
    Column("scope"),
    Column("as of"),
    Column("known", right=True),
    Column("unknown", right=True),
    Column("figure"),
)


def _part_rows(outside: Outside, record: AlertRecord, rule: Rule) -> Iterator[list[Cell | str]]:
    """The newest part of every scope that holds members: what the fleet's figure is made of."""
    group, figure = group_named(rule, record.resource_id), figure_of(rule)
    _, unit = measured_of(rule, outside.catalog.metrics)
    for scope in registered(outside):
        parts = outside.memory.read_progress(scope).partials.get(rule.name, {}).get(group, ())
        if parts:
            bounds = bounds_of(figure, parts[-1], unit)
            shown = (
                "none"
                if bounds is None
                else " to ".join(dict.fromkeys(render_value(bound, unit) for bound in (bounds.low, bounds.high)))
            )
            yield [str(scope), render_time(parts[-1].at), str(parts[-1].known), str(parts[-1].unknown), shown]


def _verdict(judged: Judged, rule: Rule | None) -> str:
    """`Of the newest 5 points 3 breach, 3 are needed: breaching.`"""
    if judged.verdict is None:
        return "Unknown: what is missing could decide, so the alert stands still until it is known."
    verdict = judged.verdict
    absent = sum(period.counts and period.sort == "absent" for period in judged.periods)
    fill = f"; {absent} absent, treated as {rule.missing}" if absent and rule else ""
    points = f"newest {judged.considered} points" if judged.considered > 1 else "newest point"
    said = f"Of the {points} {verdict.breaching} breach, {judged.needed} needed{fill}: {verdict.outcome}"
    return f"{said}."


def _period_row(period: Period, unit: str) -> list[Cell | str]:
    value = render_value(period.value, unit) if period.value is not None else str(period.sort)
    holds = {True: Cell("breaching", "red"), False: Cell("not breaching", "green"), None: Cell("")}
    clears = {True: "holds", False: "does not", None: ""}
    return [
        render_time(period.at),
        value,
        holds[period.breaching],
        clears[period.clearing],
        "yes" if period.counts else "if others are absent",
    ]


def _delivery_row(delivery: Delivery) -> list[Cell | str]:
    return [
        str(delivery.seq),
        clean(delivery.channel),
        Cell(delivery.status, _STYLES.get(delivery.status, "")),
        render_time(int(delivery.at)) if delivery.at else "",
        str(delivery.attempts or ""),
        clean(delivery.last),
    ]


def _unit(outside: Outside, rule: Rule | None) -> str:
    return measured_of(rule, outside.catalog.metrics)[1] if rule else ""
