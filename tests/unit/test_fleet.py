"""The fleet is a function of seed and time: the same everywhere, calm without a script, and true to its script."""

from __future__ import annotations

import subprocess
import sys
from re import fullmatch

import pytest

from nephoscope.localcloud.curves import CALM_CEILING, IN_GUEST, Measure
from nephoscope.localcloud.fleet import Fleet, Power, simulate
from nephoscope.localcloud.incidents import Happening, Incident

NOON = 1_795_435_200  # 2026-11-23T12:00:00Z
DAY = 86_400


@pytest.fixture(scope="module")
def calm() -> Fleet:
    return simulate(7, 120, start=NOON, script=())


def test_the_same_seed_gives_the_same_fleet_in_another_process() -> None:
    program = (
        "from nephoscope.localcloud.fleet import simulate; from nephoscope.localcloud.curves import Measure;"
        f"f = simulate(3, 20, start={NOON});"
        f"print([(i.id, f.value(i.id, Measure.CPU, {NOON})) for i in f.instances], f.script, f.buckets)"
    )
    runs = {
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    }
    fleet = simulate(3, 20, start=NOON)
    values = [(machine.id, fleet.value(machine.id, Measure.CPU, NOON)) for machine in fleet.instances]
    assert runs == {f"{values} {fleet.script} {fleet.buckets}\n"}


def test_another_seed_gives_other_machines(calm: Fleet) -> None:
    other = simulate(8, 120, start=NOON, script=())
    assert not {machine.id for machine in calm.instances} & {machine.id for machine in other.instances}


def test_a_larger_fleet_begins_with_the_smaller_one(calm: Fleet) -> None:
    assert simulate(7, 300, start=NOON, script=()).instances[:120] == calm.instances


def test_ids_are_unique_and_shaped_like_real_ones() -> None:
    ids = [machine.id for machine in simulate(1, 5000, start=NOON).instances]
    assert len(set(ids)) == 5000
    assert all(fullmatch("i-[0-9a-f]{17}", name) for name in ids)


def test_machines_are_spread_evenly_over_accounts_and_regions() -> None:
    fleet = simulate(1, 60, ("a", "b", "c"), ("1", "2"), start=NOON)
    assert [len(fleet.members(account, region)) for account in "12" for region in "abc"] == [10] * 6
    assert all(machine.zone[:-1] == machine.region for machine in fleet.instances)


def test_there_are_machines_of_every_kind_that_a_reader_meets(calm: Fleet) -> None:
    powers = {sighting.power for sighting in calm.instances_at(NOON)}
    assert powers == {Power.RUNNING, Power.STOPPED}
    untagged = [machine for machine in calm.instances if not machine.tags]
    assert 3 <= len(untagged) <= 25  # one in twelve of 120 is ten
    assert all(machine.name == "" for machine in untagged)
    assert {machine.fine for machine in calm.instances} == {True, False}
    assert {machine.agent for machine in calm.instances} == {0, 1, 2, 3}


def test_an_empty_fleet_is_a_fleet() -> None:
    empty = simulate(1, 0, start=NOON)
    assert (empty.instances, empty.script, empty.instances_at(NOON)) == ((), (), ())


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_without_an_incident_no_processor_is_saturated(calm: Fleet, hour: int) -> None:
    for machine in calm.instances:
        value = calm.value(machine.id, Measure.CPU, NOON + hour * 3600)
        assert value is None or 0 < value <= CALM_CEILING


def test_web_machines_work_by_day_and_rest_by_night(calm: Fleet) -> None:
    web = [machine for machine in calm.instances if machine.role == "web" and not machine.parked]

    def mean(at: int) -> float:
        values = [value for machine in web if (value := calm.value(machine.id, Measure.CPU, at)) is not None]
        return sum(values) / len(values)

    peak, night = NOON + 2 * 3600, NOON + 14 * 3600  # 14:00 and 02:00 UTC
    assert mean(peak) > 2 * mean(night)


def test_a_weekend_is_quieter_than_a_monday(calm: Fleet) -> None:
    def total(at: int) -> float:
        return sum(calm.value(machine.id, Measure.CPU, at) or 0 for machine in calm.instances if machine.role == "web")

    assert total(NOON + 5 * DAY) < 0.85 * total(NOON)  # a Saturday, and a Monday


def test_a_value_belongs_to_its_minute(calm: Fleet) -> None:
    machine = next(machine for machine in calm.instances if not machine.parked)
    first = calm.value(machine.id, Measure.RECEIVED, NOON)
    assert calm.value(machine.id, Measure.RECEIVED, NOON + 59.9) == first
    assert calm.value(machine.id, Measure.RECEIVED, NOON + 60) != first


def test_a_parked_machine_measures_nothing(calm: Fleet) -> None:
    parked = next(machine for machine in calm.instances if machine.parked)
    assert [calm.value(parked.id, measure, NOON) for measure in Measure] == [None] * len(Measure)


def test_only_an_agent_sees_inside_the_guest(calm: Fleet) -> None:
    for machine in calm.instances:
        if calm.power(machine, NOON) is Power.RUNNING:
            seen = {measure for measure in Measure if calm.value(machine.id, measure, NOON) is not None}
            assert seen == set(Measure) - (set() if machine.agent else IN_GUEST)


def test_fractions_stay_between_nothing_and_all(calm: Fleet) -> None:
    for machine in calm.instances:
        for measure in (Measure.CPU, Measure.MEMORY, Measure.FILESYSTEM):
            value = calm.value(machine.id, measure, NOON + 4242)
            assert value is None or 0 < value < 0.9


def test_buckets_grow_by_the_day(calm: Fleet) -> None:
    bucket = calm.buckets[0]
    assert calm.stored(bucket, NOON) == {name: round(size) for name, size in bucket.classes.items()}
    later = calm.stored(bucket, NOON + 30 * DAY)["standard"] / calm.stored(bucket, NOON)["standard"]
    assert 1.001**30 - 0.001 <= later <= 1.005**30 + 0.001


def test_who_is_launched_later_is_pending_first_and_unseen_before() -> None:
    fleet = simulate(1, 2000, start=NOON, script=())
    newcomer = next(machine for machine in fleet.instances if machine.launched_at > NOON)
    at = newcomer.launched_at
    assert [fleet.power(newcomer, at + wait) for wait in (-1, 0, 44, 45)] == [
        None,
        Power.PENDING,
        Power.PENDING,
        Power.RUNNING,
    ]


def _told(fleet: Fleet, what: Happening, **more: object) -> tuple[Fleet, str]:
    machine = next(machine for machine in fleet.instances if not machine.parked and machine.agent)
    incident = Incident(what, 600, 1200, (machine.id,), **more)  # type: ignore[arg-type]
    return fleet.with_script([incident]), machine.id


def test_a_saturated_machine_is_saturated_for_just_as_long_as_the_script_says(calm: Fleet) -> None:
    fleet, machine = _told(calm, Happening.CPU_SATURATED)
    values = {second: fleet.value(machine, Measure.CPU, NOON + second) or 0 for second in (540, 600, 1140, 1200)}
    assert values[600] > 0.95 < values[1140]
    assert values[540] <= CALM_CEILING >= values[1200]


def test_a_stopped_machine_stops_is_stopped_and_starts_again(calm: Fleet) -> None:
    fleet, name = _told(calm, Happening.STOPPED)
    machine = fleet.instance(name)
    assert machine
    powers = [fleet.power(machine, NOON + second) for second in (599, 600, 659, 660, 1199, 1200, 1244, 1245)]
    assert powers == [
        Power.RUNNING,
        Power.STOPPING,
        Power.STOPPING,
        Power.STOPPED,
        Power.STOPPED,
        Power.PENDING,
        Power.PENDING,
        Power.RUNNING,
    ]
    assert fleet.value(name, Measure.CPU, NOON + 900) is None


def test_a_terminated_machine_is_listed_for_an_hour_and_then_gone(calm: Fleet) -> None:
    fleet, name = _told(calm, Happening.TERMINATED)
    machine = fleet.instance(name)
    assert machine
    powers = [fleet.power(machine, NOON + second) for second in (600, 660, 4259, 4260)]
    assert powers == [Power.TERMINATING, Power.TERMINATED, Power.TERMINATED, None]


def test_an_agent_that_is_gone_takes_only_its_own_measures_along(calm: Fleet) -> None:
    fleet, machine = _told(calm, Happening.AGENT_GONE)
    assert fleet.value(machine, Measure.MEMORY, NOON + 900) is None
    assert fleet.value(machine, Measure.CPU, NOON + 900) is not None
    assert fleet.value(machine, Measure.MEMORY, NOON + 1200) is not None


def test_a_failed_check_is_seen_in_the_listing_and_in_the_measure(calm: Fleet) -> None:
    fleet, machine = _told(calm, Happening.CHECK_FAILED, check="system")
    failed = {sighting.instance.id: sighting.failed for sighting in fleet.instances_at(NOON + 900) if sighting.failed}
    assert failed == {machine: {"system"}}
    assert fleet.value(machine, Measure.CHECK_SYSTEM, NOON + 900) == 1
    assert fleet.value(machine, Measure.CHECK_INSTANCE, NOON + 900) == 0
    assert fleet.value(machine, Measure.CHECK_SYSTEM, NOON + 1200) == 0


@pytest.mark.parametrize("seed", range(1, 9))
@pytest.mark.parametrize("size", [12, 60, 300])
def test_the_default_story_can_be_played_by_every_fleet(seed: int, size: int) -> None:
    fleet = simulate(seed, size, start=NOON)
    assert {incident.what for incident in fleet.script} == set(Happening) - {Happening.TERMINATED}
    *story, last = fleet.script
    actors = [machine for incident in story for machine in incident.instances]
    assert len(actors) == len(set(actors))
    assert last.start < 45 * 60 < last.end  # so that something is wrong at the end
    for incident in fleet.script:
        assert 0 < incident.start < incident.end <= (60 if incident is last else 45) * 60
        assert all(
            (machine := fleet.instance(name)) and fleet.power(machine, NOON) is Power.RUNNING
            for name in incident.instances
        )


def test_a_shorter_story_ends_sooner() -> None:
    *story, last = simulate(1, 60, start=NOON, minutes=15).script
    assert max(incident.end for incident in story) == 12 * 60
    assert (last.start, last.end) == (11 * 60, 20 * 60)


def test_a_region_is_hit_only_in_its_account_and_its_time() -> None:
    blind = Incident(Happening.REGION_DENIED, 60, 120, account="1", region="b")
    fleet = simulate(1, 4, ("a", "b"), ("1", "2"), start=NOON, script=[blind])

    def hit(account: str, region: str, at: int) -> bool:
        return any(fleet.incidents(Happening.REGION_DENIED, account, region, NOON + at))

    assert [hit("1", "b", at) for at in (59, 60, 119, 120)] == [False, True, True, False]
    assert not hit("2", "b", 60)
    assert not hit("1", "a", 60)
