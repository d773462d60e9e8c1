"""History asked of real servers: what comes back is what a sum by hand makes of the points that were kept."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from asked_history import NOON, US, Now, Running, machine, points, running
from nephoscope.app.history import History, NoHistoryError, ask_history
from nephoscope.localcloud.elastic.distribution import ELASTICSEARCH_8, OPENSEARCH_2
from nephoscope.model.errors import DeliveryError
from nephoscope.pipeline.asking.fields import UnclearQuestionError

HOSTILE = ('a"b', "star*name", "what?", "back\\slash", "{curly}", "' OR 1=1", "naïve ☃", "a,b:c/d")


@pytest.fixture(scope="module", params=[ELASTICSEARCH_8, OPENSEARCH_2], ids=["elasticsearch-8", "opensearch-2"])
def kept(request: pytest.FixtureRequest) -> Iterator[Running]:
    """Three small fleets: `acme` told by hand, `hostile` with names of all kinds, `wide` with 10,000 machines."""
    with running(request.param) as server:
        web, db = machine(1, "web-1", tags={"env": "prod"}), machine(2, "db-1", US, {"Env": "test"}, "us-east-1a")
        lone = machine(3, "lone")
        server.write(points(web, {NOON - 600: 0.2, NOON - 300: 0.4, NOON: 0.9}))
        server.write(points(db, {NOON - 3600: 0.6, NOON - 600: 0.5, NOON - 300: 0.7}))
        server.write(points(lone, {NOON - 301: 0.1}))
        for number, name in enumerate(HOSTILE):
            one = machine(100 + number, name, tags={"team": name})
            server.write(points(one, {NOON - 300: number / 10}, fleet="hostile"), "hostile")
        server.write(_wide(), "wide")
        yield server


def _wide() -> Iterator[Any]:
    for number in range(10_000):
        yield from points(machine(number, f"m-{number}"), {NOON - 600: 0.5, NOON - 300: number / 10_000}, fleet="wide")


def asked(kept: Running, metric: str = "cpu.utilization", fleet: str = "acme", **more: Any) -> History:
    return ask_history(kept.config(fleet), metric, clock=Now(), environment={}, **more)


def figures(history: History) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for at, group, value in history.rows():
        found[group].append((at, pytest.approx(value)))
    return dict(found)


def test_a_line_a_machine_the_worst_first(kept: Running) -> None:
    history = asked(kept, hours=1)
    assert [course.label for course in history.courses] == ["db-1", "web-1", "lone"]
    assert history.question.step == 300
    assert figures(history) == {
        "web-1": [(NOON - 600, 0.2), (NOON - 300, 0.4)],
        "db-1": [(NOON - 3600, 0.6), (NOON - 600, 0.5), (NOON - 300, 0.7)],
        "lone": [(NOON - 600, 0.1)],  # 301 s before noon is in the step before
    }


def test_a_point_at_the_beginning_counts_and_one_at_the_end_does_not(kept: Running) -> None:
    history = asked(kept, begin=datetime.fromtimestamp(NOON - 300, UTC), end=datetime.fromtimestamp(NOON, UTC))
    assert figures(history) == {"db-1": [(NOON - 300, 0.7)], "web-1": [(NOON - 300, 0.4)]}


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("avg", {"prod": 0.3, "test": 0.6, "no Env": 0.1}),
        ("max", {"prod": 0.4, "test": 0.7, "no Env": 0.1}),
        ("min", {"prod": 0.2, "test": 0.5, "no Env": 0.1}),
        ("sum", {"prod": 0.6, "test": 1.8, "no Env": 0.1}),
        ("count", {"prod": 2, "test": 3, "no Env": 1}),
    ],
)
def test_every_statistic_by_a_tag_with_those_that_lack_it(
    kept: Running, statistic: str, expected: dict[str, float]
) -> None:
    """One step holds the hour but for its first minute's neighbour: the whole time is compared."""
    history = asked(kept, hours=1, statistic=statistic, by="tag:Env")
    assert {course.label: course.total.value for course in history.courses} == pytest.approx(expected)


def test_a_percentile_of_few_points_lies_between_them(kept: Running) -> None:
    history = asked(kept, hours=1, statistic="p50", by="none", step=3600)
    (course,) = history.courses
    assert course.label == "all"
    assert 0.4 <= course.total.value <= 0.5  # the middle of 0.1 0.2 0.4 0.5 0.6 0.7


@pytest.mark.parametrize("by", ["region", "zone", "account", "cloud", "type", "kind", "none"])
def test_averages_are_those_of_the_points(kept: Running, by: str) -> None:
    history = asked(kept, hours=1, by=by)
    expected = {
        "region": {"eu-west-1": (0.2 + 0.4 + 0.1) / 3, "us-east-1": 0.6},
        "zone": {"eu-west-1a": (0.2 + 0.4 + 0.1) / 3, "us-east-1a": 0.6},
        "account": {"111111111111": 2.5 / 6},
        "cloud": {"aws": 2.5 / 6},
        "type": {"m5.large": 2.5 / 6},
        "kind": {"instance": 2.5 / 6},
        "none": {"all": 2.5 / 6},
    }[by]
    assert {course.label: course.total.average for course in history.courses} == pytest.approx(expected)


def test_a_random_hour_is_what_plain_python_makes_of_it(kept: Running) -> None:
    rng, fleet = random.Random(7), "random"  # noqa: S311 - the same every time
    truth: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(20):
        one = machine(number, f"r-{number}")
        values = {at: rng.random() for at in range(NOON - 7200, NOON, 60) if rng.random() < 0.7}
        for at, value in values.items():
            truth[one.name][at - at % 300].append(value)
        kept.write(points(one, values, period=60, fleet=fleet), fleet)
    found = figures(asked(kept, fleet=fleet, hours=2, step=300))
    assert {name: dict(rows) for name, rows in found.items()} == {
        name: {at: sum(values) / len(values) for at, values in sorted(steps.items())} for name, steps in truth.items()
    }


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_of_any_kind_is_only_itself(kept: Running, name: str) -> None:
    history = asked(kept, fleet="hostile", hours=1, where=[f"tag:team={name}"])
    expected = {name} if "*" not in name else {each for each in HOSTILE if each == "star*name"}
    assert {course.label for course in history.courses} == expected


def test_a_star_is_any_part_and_a_question_mark_is_itself(kept: Running) -> None:
    assert {each.label for each in asked(kept, fleet="hostile", hours=1, where=["host=*a*"]).courses} == {
        'a"b', "star*name", "what?", "back\\slash", "naïve ☃", "a,b:c/d",
    }  # fmt: skip
    assert [each.label for each in asked(kept, fleet="hostile", hours=1, where=["host=w*?"]).courses] == ["what?"]
    with pytest.raises(NoHistoryError, match=r"has host=wha[?]"):
        asked(kept, fleet="hostile", hours=1, where=["host=wha?"])


def test_ten_thousand_machines_come_in_pages_and_none_is_lost(kept: Running) -> None:
    history = asked(kept, fleet="wide", hours=1)
    assert history.groups == len(history.courses) == 10_000
    assert {course.label: list(course.values) for course in history.courses} == {
        f"m-{number}": [0.5, pytest.approx(number / 10_000)] for number in range(10_000)
    }
    few = asked(kept, fleet="wide", hours=1, statistic="max", most=3)
    assert [course.label for course in few.courses] == ["m-9999", "m-9998", "m-9997"]
    assert few.groups == 10_000


def test_a_frame_is_in_utc_with_its_unit(kept: Running) -> None:
    pandas = pytest.importorskip("pandas")
    frame = asked(kept, hours=1).frame()
    assert list(frame.columns) == ["db-1", "web-1", "lone"]
    assert frame.index.name == "time"
    assert str(frame.index.tz) == "UTC"
    assert len(frame) == 12
    assert frame["web-1"].dropna().to_dict() == {
        pandas.Timestamp(NOON - 600, unit="s", tz="UTC"): 0.2,
        pandas.Timestamp(NOON - 300, unit="s", tz="UTC"): 0.4,
    }
    assert frame.attrs["unit"] == "1"
    assert (frame.attrs["begin"], frame.attrs["end"]) == ("2026-11-26T11:00:00Z", "2026-11-26T12:00:00Z")


def test_nothing_there_is_said_with_what_there_is(kept: Running) -> None:
    with pytest.raises(NoHistoryError, match=r"no memory\.utilization is kept of the fleet acme") as none:
        asked(kept, "memory.utilization")
    assert [each.metric for each in none.value.kept] == ["cpu.utilization"]
    early = datetime(2026, 10, 1, tzinfo=UTC)
    with pytest.raises(NoHistoryError, match="between 2026-09-30T00:00:00Z and 2026-10-01") as other:
        asked(kept, end=early)
    assert other.value.elsewhere is not None
    assert (other.value.elsewhere.first, other.value.elsewhere.last) == (NOON - 3600, NOON)
    with pytest.raises(NoHistoryError) as nothing:
        asked(kept, fleet="nobody")
    assert nothing.value.kept == ()


def test_a_wrong_word_is_said_before_anything_is_asked(kept: Running) -> None:
    with pytest.raises(UnclearQuestionError, match='unknown word "state"'):
        asked(kept, where=["state=running"])
    with pytest.raises(UnclearQuestionError, match='unknown statistic "p0"'):
        asked(kept, statistic="p0")


def test_a_shard_that_is_gone_is_an_error_and_no_smaller_figure(kept: Running) -> None:
    from asked_history import Plain, soon
    from nephoscope.sinks.elasticsearch.client import Client

    config = kept.config()
    assert config.history is not None
    client = Client(config.history, Plain())
    body = {"aliases": {"nephoscope-metrics": {}}, "settings": {"index.routing.allocation.require._name": "nowhere"}}
    client.ask("PUT", "/nephoscope-metrics-2026.11.25", body, deadline=soon(), wait_for_active_shards="0", timeout="1s")  # type: ignore[arg-type]
    try:
        with pytest.raises(DeliveryError):
            asked(kept, hours=30)
    finally:
        client.ask("DELETE", "/nephoscope-metrics-2026.11.25", deadline=soon())
        client.close()
