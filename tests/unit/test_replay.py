"""What rules would have done on history. The series are made up, and every figure is counted by hand from them."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace
from pathlib import Path

import pytest

from nephoscope.app.recording import read_recordings, write_recordings
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.errors import ConfigError, Reason
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Aggregate, Comparison, MissingData, Observation, Rule, Threshold, Window
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap, Readings, Series, SeriesKey
from nephoscope.pipeline.firings import Noise, sum_up
from nephoscope.pipeline.replay import Read, Recording, plan_history, record, replay, replayable, steps

SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
CPU = "cpu.utilization"
BEGIN = 1_767_614_400
HOURS = 30
END = BEGIN + HOURS * 3600
HOT = Rule("hot", Kind.INSTANCE, Threshold(CPU, Comparison.GREATER, 0.9), Window(600, 600))
SHY = Rule("shy", Kind.INSTANCE, Threshold(CPU, Comparison.GREATER, 0.99))
DOWN = Rule("down", Kind.INSTANCE, Observation("state", ("stopped",)))
CONFIG = Config("acme", Gather(60, GatherAws(("eu-west-1",))), PublishCloudWatch("eu-west-1", "acme"), (HOT, SHY, DOWN))
CATALOG = load_catalog()


def machine(name: str, **more: object) -> Resource:
    return replace(Resource(SCOPE, Kind.INSTANCE, name, name, state=State.RUNNING), **more)


def recorded(hot: dict[str, list[tuple[int, int]]], *, failing: tuple[str, int] = ("", 0), **more: object) -> Recording:
    """Machines with points every five minutes, 10 % but for the minutes [from, to) that are 95 %. failing: a machine,
    and the number of the day that cannot be read of it."""
    machines = [machine(name, **more) for name in hot]
    requests = plan_history(machines, CONFIG, CATALOG, BEGIN, END)
    reads = []
    for request in requests:
        spans = hot[request.resource_id]
        times = range(request.start, request.end, 300)
        values = [0.95 if any(a <= (at - BEGIN) / 60 < b for a, b in spans) else 0.1 for at in times]
        key = SeriesKey(request.resource_id, request.metric)
        series = Series(key, 300, request.start, request.end, times=array("q", times), values=array("d", values))
        day = (request.start - requests[0].start) // 86_400
        gap = Gap(SCOPE, "cloudwatch:GetMetricData", Reason.THROTTLED, resource_ids=(request.resource_id,))
        lost = (request.resource_id, day) == failing
        reads.append(Read((request,), Readings(gaps=(gap,)) if lost else Readings((series,))))
    return record(SCOPE, machines, BEGIN, END, reads)


def lived(recording: Recording) -> list[tuple[str, str, float, float | None]]:
    """(rule, machine, minute of its beginning, of its end)"""
    firings, _ = replay([recording], replayable(CONFIG), CATALOG)
    return [(each.rule, each.name, (each.begin - BEGIN) / 60, each.end and (each.end - BEGIN) / 60) for each in firings]


def test_each_firing_has_its_own_time_however_long_the_steps_are() -> None:
    """Two points of five minutes above 90 %: fires at the second one's end, and ends with the first below, which
    leaves one of two."""
    recording = recorded({"web-1": [(100, 130), (1000, 1010)], "web-2": [(100, 105)]})
    assert lived(recording) == [("hot", "web-1", 110, 135), ("hot", "web-1", 1010, 1015)]


def test_what_is_open_at_the_end_is_counted_as_open() -> None:
    recording = recorded({"web-1": [(1700, 9999)]})
    assert lived(recording) == [("hot", "web-1", 1710, None)]


def test_the_windows_reach_back_so_that_the_first_boundary_is_judged() -> None:
    recording = recorded({"web-1": [(-10, 5)]})
    assert lived(recording) == [("hot", "web-1", 5, 10)]


def test_a_day_that_could_not_be_read_is_unknown_and_fires_nothing() -> None:
    spans = [(200, 230), (1600, 1630)]
    whole, lost = recorded({"web-1": spans}), recorded({"web-1": spans}, failing=("web-1", 0))
    assert [begin for _, _, begin, _ in lived(whole)] == [210, 1610]
    assert [begin for _, _, begin, _ in lived(lost)] == [1610]
    loud = replace(CONFIG, rules=(replace(HOT, missing=MissingData.BREACHING),))
    firings, _ = replay([lost], loud, CATALOG)
    assert [(each.begin - BEGIN) / 60 for each in firings] == [1610]


def test_before_its_launch_a_machine_is_not_silent() -> None:
    loud = replace(CONFIG, rules=(replace(HOT, missing=MissingData.BREACHING),))
    young = recorded({"web-1": []}, launched_at=BEGIN + 20 * 3600)
    silent = replace(
        young,
        stretches=tuple(replace(each, times=array("q"), values=array("d")) for each in young.stretches),
    )
    firings, _ = replay([silent], loud, CATALOG)
    # grace: the window of two points and ten minutes
    assert [(each.begin - BEGIN) / 60 for each in firings] == [20 * 60 + 20]


def test_a_group_over_two_scopes_is_judged_from_both() -> None:
    """Two machines in each of two accounts. One alone at 95 % makes (95 + 3 x 10) / 4 = 31 %; two, one of each account,
    53 %. Over 40 % from minute 120 to 150: two points of five minutes fire at 130, the first below ends it at 155."""
    rule = Rule(
        "warm",
        Kind.INSTANCE,
        Aggregate("avg", Comparison.GREATER, 0.4, metric=CPU),
        Window(600, 600),
        by=("cloud_region",),
    )
    other = replace(SCOPE, account="222222222222")
    here = recorded({"web-1": [(100, 150)], "web-2": []})
    there = recorded({"web-3": [(120, 200)], "web-4": []})
    there = replace(there, scope=other, resources=tuple(replace(each, scope=other) for each in there.resources))
    config = replace(CONFIG, rules=(rule,))
    called: list[None] = []
    firings, silent = replay([here, there], replayable(config), CATALOG, lambda: called.append(None))
    found = [
        (each.rule, each.name, (each.begin - BEGIN) / 60, each.end and (each.end - BEGIN) / 60) for each in firings
    ]
    assert found == [("warm", "instances in eu-west-1", 130, 155)]
    assert (firings[0].worst, silent) == (pytest.approx(0.525), {})
    assert len(called) == steps([here, there], config, CATALOG)


def test_rules_in_sum_the_noisiest_first() -> None:
    firings, silent = replay(
        [recorded({"web-1": [(100, 130), (1000, 1010)], "web-2": [(1700, 9999)]})], replayable(CONFIG), CATALOG
    )
    assert sum_up(["shy", "hot"], firings, silent, END) == (
        # 25, 5 and 90 minutes (from 1710 to 1800, open)
        Noise("hot", fired=3, resolved=2, silent=0, resources=2, median=1500, longest=5400),
        Noise("shy", 0, 0, 0, 0, 0.0, 0),
    )


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    recording = recorded({"web-1": [(100, 130)], "web-2": []}, failing=("web-2", 1), tags={"env": "prod"})
    write_recordings(tmp_path / "week.jsonl", [recording, replace(recording, scope=replace(SCOPE, region="x"))])
    first, second = read_recordings(tmp_path / "week.jsonl")
    assert (first, second.scope.region) == (recording, "x")


def test_a_value_that_is_no_number_survives_as_unknown(tmp_path: Path) -> None:
    recording = recorded({"web-1": []})
    (stretch,) = recording.stretches
    stretch.values[3] = math.nan
    write_recordings(tmp_path / "a.jsonl", [recording])
    assert math.isnan(read_recordings(tmp_path / "a.jsonl")[0].stretches[0].values[3])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.jsonl:1:1: no recording; nephoscope backtest --record FILE writes one"),
        ("hello\n", "a.jsonl:1:1: not a line of a recording: JSONDecodeError"),
        ('{"resource":{}}\n', "a.jsonl:1:1: not a line of a recording: IndexError"),
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.jsonl").write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_recordings(tmp_path / "a.jsonl")
    assert str(refused.value).endswith(said)
