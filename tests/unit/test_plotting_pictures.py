"""A picture as a value: axes in people's units and zones, thresholds, alerts, groups, and what there is no data of."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.alert import HistoryEntry, TransitionKind, Why
from nephoscope.model.metric import Unit
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Comparison, Rule, Selector, Severity, Threshold
from nephoscope.pipeline.plotting.axes import bounds, scale_of, time_ticks, value_ticks, zone_words
from nephoscope.pipeline.plotting.picture import Asked, Panel, Picture, compose
from nephoscope.pipeline.plotting.spans import Span, spans_of
from nephoscope.pipeline.plotting.tracks import Track
from tests.plot_world import BEGIN, CPU_HOT, EU, HOUR, US, track

BERLIN = ZoneInfo("Europe/Berlin")


def composed(tracks: list[Track], **more: object) -> Picture:
    metrics = [load_catalog().metrics[tracks[0].metric if tracks else "cpu.utilization"]]
    asked: dict[str, object] = {"rules": [CPU_HOT], "begin": BEGIN, "end": BEGIN + HOUR, "zone": UTC} | more
    return compose(Asked(metrics, {metrics[0].name: tracks}, **asked))  # type: ignore[arg-type]


def only(picture: Picture) -> Panel:
    ((panel,),) = picture.rows
    return panel


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


# --- axes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "top", "label", "factor"),
    [
        (Unit.FRACTION, 1.0, "%", 100),
        (Unit.BYTES, 3 * 2**30, "GiB", 2**-30),
        (Unit.BYTES, 900, "bytes", 1),
        (Unit.BYTES_PER_SECOND, 5 * 2**20, "MiB/s", 2**-20),
        (Unit.SECONDS, 0.02, "ms", 1000),
        (Unit.SECONDS, 1.5, "s", 1),
        (Unit.SECONDS, 600, "min", 1 / 60),
        (Unit.SECONDS, 4 * HOUR, "h", 1 / 3600),
        (Unit.OPERATIONS_PER_SECOND, 3000, "operations/s", 1),
        (Unit.CREDITS, 144, "credits", 1),
        (Unit.OBJECTS, 2e9, "objects", 1),
        (Unit.COUNT, 0, "count", 1),
    ],
)
def test_values_stand_in_the_unit_that_a_person_reads(unit: Unit, top: float, label: str, factor: float) -> None:
    scale = scale_of(unit, top)
    assert (scale.label, scale.factor) == (label, pytest.approx(factor))


def test_every_unit_of_the_catalog_has_a_scale() -> None:
    for metric in load_catalog().metrics.values():
        assert scale_of(metric.unit, 12_345.0).label


def test_value_ticks_are_round() -> None:
    assert [tick.text for tick in value_ticks(0, 100)] == ["0", "20", "40", "60", "80", "100"]
    assert [tick.text for tick in value_ticks(0, 7.3)] == ["0", "2", "4", "6"]
    assert [tick.text for tick in value_ticks(0, 3_000_000)] == ["0", "1 M", "2 M", "3 M"]


def test_shares_stand_between_0_and_100_and_all_else_begins_at_zero() -> None:
    assert bounds([0.02, 0.03], Unit.FRACTION) == (0.0, 1.0)
    assert bounds([], Unit.BYTES) == (0.0, 1.0)
    assert bounds([0.0, 0.0], Unit.COUNT) == (0.0, 1.0)
    assert bounds([50.0, 100.0], Unit.CREDITS) == (0.0, pytest.approx(108.0))
    assert bounds([-10.0, 10.0], Unit.CREDITS) == (pytest.approx(-10.8), pytest.approx(10.8))


def test_a_share_above_one_is_not_cut_off() -> None:
    low, high = bounds([4.0], Unit.FRACTION)
    assert (low, high) == (0.0, pytest.approx(4.32))


def test_times_are_round_hours_of_the_zone() -> None:
    ticks = time_ticks(at("2026-11-25T12:00Z"), at("2026-11-26T12:00Z"), BERLIN)
    assert [tick.text for tick in ticks] == ["18:00", "26 Nov", "06:00", "12:00"]
    assert ticks[0].at == at("2026-11-25T17:00Z")
    assert [tick.strong for tick in ticks] == [False, True, False, False]


def test_in_kolkata_the_hours_begin_at_the_half_of_utcs() -> None:
    ticks = time_ticks(at("2026-11-26T10:00Z"), at("2026-11-26T13:00Z"), ZoneInfo("Asia/Kolkata"))
    assert [tick.text for tick in ticks] == ["15:30", "16:00", "16:30", "17:00", "17:30", "18:00", "18:30"]


def test_the_hour_that_comes_twice_is_written_twice() -> None:
    """Berlin, 25 October 2026: at 03:00 CEST (01:00 UTC) the clock goes back to 02:00."""
    ticks = time_ticks(at("2026-10-24T22:00Z"), at("2026-10-25T03:00Z"), BERLIN)
    assert [tick.text for tick in ticks] == ["25 Oct", "01:00", "02:00", "02:00", "03:00", "04:00"]
    assert zone_words(at("2026-10-24T22:00Z"), at("2026-10-25T03:00Z"), BERLIN) == "Europe/Berlin (UTC+2, then UTC+1)"


def test_the_hour_that_never_was_is_left_out() -> None:
    """Berlin, 29 March 2026: 02:00 CET is 03:00 CEST."""
    ticks = time_ticks(at("2026-03-29T00:00Z"), at("2026-03-29T03:00Z"), BERLIN, 4)
    assert [tick.text for tick in ticks] == ["01:00", "03:00", "04:00", "05:00"]


def test_two_weeks_have_dates() -> None:
    ticks = time_ticks(at("2026-11-12T08:00Z"), at("2026-11-26T08:00Z"), ZoneInfo("UTC"))
    assert all(":" not in tick.text for tick in ticks)
    assert 4 <= len(ticks) <= 8


# --- what is drawn how --------------------------------------------------------------------------------------------


def test_a_few_machines_each_have_a_name_the_worst_first() -> None:
    panel = only(composed([track([0.1 * n] * 60, f"m{n}") for n in range(1, 5)]))
    assert [line.name for line in panel.named] == ["m4", "m3", "m2", "m1"]
    assert (panel.others, panel.band) == ((), None)


def test_of_fifty_three_have_a_name_and_the_rest_are_grey() -> None:
    panel = only(composed([track([0.01 * n] * 60, f"m{n}") for n in range(50)]))
    assert [line.name for line in panel.named] == ["m49", "m48", "m47"]
    assert (len(panel.others), panel.band) == (47, None)


def test_of_a_hundred_a_band_and_the_worst_one() -> None:
    panel = only(composed([track([0.01 * n] * 60, f"m{n:02d}") for n in range(100)]))
    assert panel.band is not None
    assert panel.band.median[0] == pytest.approx(49.5)
    assert ([line.name for line in panel.named], panel.others) == (["m99"], ())


def test_a_form_that_was_asked_for_is_kept() -> None:
    machines = [track([0.01 * n] * 60, f"m{n:02d}") for n in range(100)]
    assert only(composed(machines, form="lines")).band is None
    assert only(composed(machines[:3], form="bands")).band is not None


def test_a_machine_has_one_colour_in_all_panels() -> None:
    metrics = [load_catalog().metrics[name] for name in ("cpu.utilization", "memory.utilization")]
    cpu = [track([0.9] * 60, "a"), track([0.1] * 60, "b")]
    memory = [track([0.1] * 60, "a", metric="memory.utilization"), track([0.9] * 60, "b", metric="memory.utilization")]
    found = {"cpu.utilization": cpu, "memory.utilization": memory}
    (upper,), (lower,) = compose(Asked(metrics, found, [], BEGIN, BEGIN + HOUR, UTC)).rows
    assert {line.name: line.hue for line in upper.named} == {line.name: line.hue for line in lower.named}
    assert [line.name for line in lower.named] == ["b", "a"]


def test_values_are_in_the_axis_unit() -> None:
    panel = only(composed([track([2.0**30, 2.0**31], metric="network.receive")], rules=[]))
    assert panel.axis == "network.receive (GiB/s)"
    assert list(panel.named[0].values) == [1.0, 2.0]


# --- nothing to draw ----------------------------------------------------------------------------------------------


def test_no_machine_and_no_data_are_said() -> None:
    assert only(composed([])).note == "no machine"
    assert only(composed([track([])])).note == "no data in this time"
    assert only(composed([track([0.5] * 9), track([], "silent")])).note == "1 without data"


# --- thresholds ---------------------------------------------------------------------------------------------------


def test_the_thresholds_are_those_of_rules_that_apply() -> None:
    rules = [
        CPU_HOT,
        Rule(
            "staging",
            Kind.INSTANCE,
            Threshold("cpu.utilization", Comparison.GREATER, 0.7),
            where=Selector({"env": ("staging",)}),
        ),
        Rule("memory", Kind.INSTANCE, Threshold("memory.utilization", Comparison.GREATER, 0.7)),
        Rule("jump", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.3, over=600)),
    ]
    panel = only(composed([track([0.5] * 60, tags={"env": "prod"})], rules=rules))
    assert [(limit.text, limit.value, limit.severity) for limit in panel.limits] == [
        ("cpu-hot > 90 %", 90.0, Severity.CRITICAL)
    ]


def test_a_threshold_far_above_everything_does_not_flatten_it() -> None:
    rule = Rule("flood", Kind.INSTANCE, Threshold("network.receive", Comparison.GREATER, 100 * 2.0**30))
    panel = only(composed([track([2.0**20] * 60, metric="network.receive")], rules=[rule]))
    assert [(limit.text, limit.value) for limit in panel.limits] == [("flood > 100 GiB/s", None)]
    assert panel.high < 2


# --- groups -------------------------------------------------------------------------------------------------------


def test_a_panel_for_each_region() -> None:
    machines = [track([0.1] * 60, "a"), track([0.2] * 60, "b", scope=US), track([0.3] * 60, "c", scope=US)]
    picture = composed(machines, by="region")
    ((eu, us),) = picture.rows
    assert [(panel.title, panel.size) for panel in (eu, us)] == [("eu-west-1", 1), ("us-east-1", 2)]
    assert picture.title == "cpu.utilization, 3 instances by region"


def test_more_groups_than_have_room_are_said_the_smallest_of_them() -> None:
    machines = [track([0.1], f"m{n}", tags={"team": f"t{n:02d}"}) for n in range(14)]
    machines.append(track([0.1], "second", tags={"team": "t13"}))
    picture = composed(machines, by="tag:team")
    assert sum(map(len, picture.rows)) == 12
    assert picture.left_out == ("t11", "t12")


# --- when alerts were open ----------------------------------------------------------------------------------------


def entry(kind: TransitionKind, minute: int, why: Why = Why.THRESHOLD_CROSSED) -> HistoryEntry:
    moment = BEGIN + 60 * minute
    return HistoryEntry("k", minute, "cpu-hot", "i-web-1", kind, why, moment, moment)


def spans(*entries: HistoryEntry) -> list[tuple[int, int, bool, bool]]:
    found = spans_of(entries, Severity.CRITICAL, EU, (), BEGIN, BEGIN + HOUR)
    return [((each.begin - BEGIN) // 60, (each.end - BEGIN) // 60, each.is_open, each.silent) for each in found]


FIRED, RESOLVED = TransitionKind.FIRED, TransitionKind.RESOLVED
SILENT, BACK = TransitionKind.WENT_SILENT, TransitionKind.BACK


def test_an_alert_lasts_from_its_beginning_to_its_end() -> None:
    assert spans(entry(FIRED, 10), entry(RESOLVED, 20)) == [(10, 20, False, False)]


def test_what_was_told_again_is_one_alert() -> None:
    assert spans(entry(FIRED, 10), entry(FIRED, 15, Why.REPEATED), entry(RESOLVED, 20)) == [(10, 20, False, False)]


def test_an_open_alert_lasts_to_the_end_of_the_plot() -> None:
    assert spans(entry(FIRED, 40)) == [(40, 60, True, False)]


def test_an_alert_of_before_is_cut() -> None:
    assert spans(entry(FIRED, -30), entry(RESOLVED, 5)) == [(0, 5, False, False)]
    assert spans(entry(RESOLVED, 5)) == [(0, 5, False, False)]
    assert spans(entry(FIRED, -30), entry(RESOLVED, -5)) == []


def test_silence_is_another_thing_than_an_alert_and_one_that_falls_silent_stays_open() -> None:
    assert spans(entry(SILENT, 10), entry(BACK, 20)) == [(10, 20, False, True)]
    assert spans(entry(FIRED, 10), entry(SILENT, 20), entry(RESOLVED, 30)) == [(10, 30, False, False)]
    assert spans(entry(SILENT, 10), entry(FIRED, 20), entry(RESOLVED, 30)) == [
        (10, 20, False, True),
        (20, 30, False, False),
    ]


def test_the_history_may_come_newest_first() -> None:
    assert spans(entry(RESOLVED, 20), entry(FIRED, 10)) == [(10, 20, False, False)]


def test_a_panel_has_the_alerts_of_its_own_machines_and_metric() -> None:
    mine = Span("cpu-hot", Severity.CRITICAL, EU, "i-web-1", (), BEGIN, BEGIN + 600)
    others = [
        Span("cpu-hot", Severity.CRITICAL, US, "i-web-1", (), BEGIN, BEGIN + 600),
        Span("memory", Severity.CRITICAL, EU, "i-web-1", (), BEGIN, BEGIN + 600),
    ]
    assert only(composed([track([0.5] * 60)], spans=[mine, *others])).spans == (mine,)


def test_a_machine_that_had_an_alert_is_named_before_a_worse_one() -> None:
    machines = [track([0.01 * n] * 60, f"m{n}") for n in range(50)]
    told = Span("cpu-hot", Severity.CRITICAL, EU, "i-m7", (), BEGIN, BEGIN + 600)
    assert [line.name for line in only(composed(machines, spans=[told])).named] == ["m7", "m49", "m48"]
