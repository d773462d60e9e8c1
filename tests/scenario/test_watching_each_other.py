"""The functions of several clouds look after one another: real runs over one real store and a real receiver, minute by
minute; one of them stops, and people hear of it once."""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import Outside, open_outside
from nephoscope.app.report import RunReport
from nephoscope.app.run import collect, sweep
from nephoscope.app.settings import Settings
from nephoscope.localcloud.receivers import Receiver, Reply
from nephoscope.model.beat import watch_scope
from nephoscope.model.config import Config
from nephoscope.model.errors import StoreError
from nephoscope.model.quiet import Matcher, Silence
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Inventory, Readings
from nephoscope.model.time import Deadline
from nephoscope.ports import FoundScopes, Written

NOON = 1_795_435_200
THREE = """
fleet: acme
gather:
  aws: {{regions: [eu-central-1]}}
  gcp: {{projects: [acme-web]}}
  azure: {{subscriptions: [00000000-0000-4000-8000-00000000000a]}}
publish: {{cloudwatch: {{region: eu-central-1}}}}
rules: []
tell:
  chat: {{webhook: "{url}", format: json, allow: [http, private]}}
"""
TWO = "\n".join(line for line in THREE.splitlines() if "azure" not in line)
ALONE = "\n".join(line for line in TWO.splitlines() if "gcp" not in line)
PLACES = {
    Cloud.AWS: Scope(Cloud.AWS, "111111111111", "eu-central-1"),
    Cloud.GCP: Scope(Cloud.GCP, "acme-web", "europe-west1"),
    Cloud.AZURE: Scope(Cloud.AZURE, "00000000-0000-4000-8000-00000000000a", "westeurope"),
}
A, G, Z = Cloud.AWS, Cloud.GCP, Cloud.AZURE


class Empty:
    """ports.CloudReader of one scope in which nothing is."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def read_scopes(self, config: Config, deadline: Deadline) -> FoundScopes:
        return FoundScopes((PLACES[self._cloud],))

    def read_inventory(self, scope: Scope, config: Config, deadline: Deadline) -> Inventory:
        return Inventory(complete=frozenset({Kind.INSTANCE}))

    def read_series(self, scope: Scope, config: Config, requests: Sequence[Any], deadline: Deadline) -> Readings:
        return Readings()


class Deaf:
    def write_metrics(self, data: Sequence[Any], deadline: Deadline) -> Written:
        return Written()

    def write_dashboards(self, dashboards: Any, deadline: Deadline) -> int:
        return 0


class Skewed:
    """A machine's clock: the slot's time, and some seconds more or less."""

    now = float(NOON)

    def __init__(self, skew: float = 0.0) -> None:
        self.skew = skew

    def wall(self) -> float:
        return Skewed.now + self.skew

    def monotonic(self) -> float:
        return time.monotonic()


class Fleet:
    """A function for each cloud, each with a process of its own for every run."""

    def __init__(self, folder: Path, receiver: Receiver, text: str = THREE, skew: Mapping[Cloud, float] = {}) -> None:
        self._folder = folder
        self._receiver = receiver
        self._skew = skew
        self.configure(text)

    def configure(self, text: str) -> None:
        path = self._folder / "nephoscope.yaml"
        path.write_text(text.format(url=self._receiver.webhook_url("chat")))
        self.config = compile_file(path, {}).config

    def open(self, cloud: Cloud) -> Outside:
        settings = Settings(
            store="sqlite",
            table=str(self._folder / "memory"),
            home_region="eu-central-1",
            clouds=(cloud,),
            runs_in=cloud,
        )
        outside = open_outside(self.config, settings, Skewed(self._skew.get(cloud, 0.0)))
        return replace(outside, readers={cloud: Empty(cloud)}, sink=Deaf(), dashboards=Deaf())

    def run(self, cloud: Cloud, minute: int) -> RunReport:
        Skewed.now = float(NOON + 60 * minute)
        return collect(self.open(cloud), NOON + 60 * minute, soon())

    def live(self, minutes: range, alive: Collection[Cloud] = (A, G, Z)) -> list[RunReport]:
        return [self.run(cloud, minute) for minute in minutes for cloud in alive]

    def told(self) -> list[tuple[int, str, str]]:
        """(minute, who is silent, transition) in the order of arrival."""
        messages = [one.json()["data"] for one in self._receiver.received("chat")]
        return [(minute_of(each), each["resource"]["id"], each["transition"]) for each in messages]


def minute_of(data: Mapping[str, Any]) -> int:
    at = time.strptime(data["at"], "%Y-%m-%dT%H:%M:%SZ")
    return (calendar.timegm(at) - NOON) // 60


def soon(seconds: float = 20.0) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def fleet(tmp_path: Path, receiver: Receiver) -> Callable[..., Fleet]:
    return lambda *arguments, **more: Fleet(tmp_path, receiver, *arguments, **more)


PROMISED = 5
"""Minutes after the last run, at the latest: three runs, and not less than five minutes. Who runs later in the minute
than the one that stops has seen its last run a look earlier, and tells a minute sooner."""


def test_who_stops_is_told_of_once_and_so_is_its_return(fleet: Callable[..., Fleet]) -> None:
    three = fleet()
    three.live(range(10))
    three.live(range(10, 40), alive=(A, G))  # Azure's last run was at minute 9; at 10 it is first missed
    assert three.told() == [(9 + PROMISED, "azure", "fired")]
    three.live(range(40, 45))
    # AWS's run of minute 40 came before Azure's; that of 41 sees it
    assert three.told() == [(9 + PROMISED, "azure", "fired"), (41, "azure", "resolved")]


def test_the_message_says_who_and_since_when(fleet: Callable[..., Fleet], receiver: Receiver) -> None:
    three = fleet()
    three.live(range(10))
    three.live(range(10, 20), alive=(A, G))
    (message,) = [one.json()["data"] for one in receiver.received("chat")]
    assert message["summary"] == (
        "Azure's functions have been silent since 2026-11-23 12:09 UTC; their alerts are not evaluated. "
        "Look at their log and their schedule."
    )
    assert (message["rule"], message["severity"]) == ("nephoscope-watch", "critical")
    assert message["resource"]["cloud_provider"] == "azure"


def test_when_the_first_is_silent_the_next_tells(fleet: Callable[..., Fleet]) -> None:
    three = fleet()
    three.live(range(10))
    three.live(range(10, 30), alive=(G, Z))
    assert three.told() == [(9 + PROMISED - 1, "aws", "fired")]


def test_the_first_in_order_tells_though_another_looks_sooner(fleet: Callable[..., Fleet]) -> None:
    """Two that look at the same moment must not both tell: the later one leaves the earlier one two runs."""
    three = fleet()
    three.live(range(10), alive=(G, A, Z))
    three.live(range(10, 16), alive=(G, A))
    assert three.told() == [(9 + PROMISED, "azure", "fired")]
    assert len(three.open(A).memory.read_alerts(watch_scope(A))) == 1
    assert three.open(G).memory.read_alerts(watch_scope(G)) == {}


def test_two_that_stop_together_are_told_by_the_third(fleet: Callable[..., Fleet]) -> None:
    three = fleet()
    three.live(range(10))
    three.live(range(10, 30), alive=(Z,))
    assert sorted(three.told()) == [(9 + PROMISED - 1, "aws", "fired"), (9 + PROMISED - 1, "gcp", "fired")]


def test_who_comes_back_before_the_teller_does_not_tell_the_same_again(fleet: Callable[..., Fleet]) -> None:
    three = fleet()
    three.live(range(10))
    three.live(range(10, 20), alive=(Z,))  # tells of AWS and Google
    three.live(range(20, 50), alive=(A, Z))  # AWS is back, and sees Google silent, of whom Azure tells
    assert {(who, what) for _, who, what in three.told()[:2]} == {("aws", "fired"), ("gcp", "fired")}
    assert [(who, what) for _, who, what in three.told()[2:]] == [("aws", "resolved")]
    three.live(range(50, 55))
    assert [(who, what) for _, who, what in three.told()][3:] == [("gcp", "resolved")]


def test_when_the_teller_stops_too_another_takes_over(fleet: Callable[..., Fleet]) -> None:
    three = fleet()
    three.live(range(10))
    three.live(range(10, 20), alive=(A, G))  # AWS tells of Azure
    three.live(range(20, 40), alive=(G,))
    assert three.told()[0] == (14, "azure", "fired")
    assert sorted(three.told()[1:]) == [(19 + PROMISED - 1, "aws", "fired"), (19 + PROMISED - 1, "azure", "fired")]


def test_nobody_is_accused_by_those_who_were_away_themselves(fleet: Callable[..., Fleet]) -> None:
    three = fleet()
    three.live(range(10))
    three.run(A, 10)  # has seen the last run of each of the others
    three.live(range(120, 130))
    assert three.told() == []


def test_a_watcher_that_was_away_still_tells_within_the_time_since_its_return(fleet: Callable[..., Fleet]) -> None:
    two = fleet(TWO)
    two.live(range(10), alive=(A, G))
    two.live(range(60, 80), alive=(A,))
    assert two.told() == [(60 + PROMISED - 1, "gcp", "fired")]


def test_a_watcher_that_is_restarted_tells_nothing_twice(fleet: Callable[..., Fleet]) -> None:
    two = fleet(TWO)
    two.live(range(10), alive=(A, G))
    two.live(range(10, 20), alive=(A,))
    two.live(range(60, 80), alive=(A,))
    two.live(range(80, 85), alive=(A, G))
    assert two.told() == [(9 + PROMISED, "gcp", "fired"), (81, "gcp", "resolved")]


@pytest.mark.parametrize("skew", [-600.0, 600.0])
def test_a_wrong_clock_accuses_nobody_and_hides_nothing(fleet: Callable[..., Fleet], skew: float) -> None:
    three = fleet(skew={Z: skew})
    three.live(range(20))
    assert three.told() == []
    three.live(range(20, 40), alive=(A, G))
    assert three.told() == [(19 + PROMISED, "azure", "fired")]


def test_slow_and_lost_runs_are_no_silence(fleet: Callable[..., Fleet]) -> None:
    three = fleet()
    for minute in range(40):
        three.live(range(minute, minute + 1), alive=(A, G, *((Z,) if minute % 4 == 0 else ())))
    assert three.told() == []


def test_a_slot_that_runs_twice_tells_once(fleet: Callable[..., Fleet]) -> None:
    two = fleet(TWO)
    two.live(range(10), alive=(A, G))
    for minute in range(10, 20):
        two.live(range(minute, minute + 1), alive=(A, A))
    assert two.told() == [(9 + PROMISED, "gcp", "fired")]


def test_a_cloud_that_is_taken_out_of_the_configuration_is_withdrawn(
    fleet: Callable[..., Fleet], receiver: Receiver
) -> None:
    two = fleet(TWO)
    two.live(range(10), alive=(A, G))
    two.live(range(10, 20), alive=(A,))
    two.configure(ALONE)
    two.live(range(20, 25), alive=(A,))
    assert two.told() == [(14, "gcp", "fired"), (20, "gcp", "resolved")]
    assert receiver.received("chat")[-1].json()["data"]["why"] == "rule_withdrawn"


def test_functions_that_were_never_there_have_an_hour_to_come(fleet: Callable[..., Fleet], receiver: Receiver) -> None:
    two = fleet(TWO)
    two.live(range(70), alive=(A,))
    assert two.told() == [(60, "gcp", "fired")]
    assert "have never run" in receiver.received("chat")[0].json()["data"]["summary"]


def test_a_silence_that_names_the_rule_keeps_it_quiet(fleet: Callable[..., Fleet]) -> None:
    two = fleet(TWO)
    two.live(range(10), alive=(A, G))
    said = Silence("quiet", Matcher(rules=("nephoscope-watch",)), NOON, NOON + 30 * 60, "ana", "Google is rebuilt")
    two.open(A).memory.write_silence(A, said)
    two.live(range(10, 30), alive=(A,))
    assert two.told() == []
    two.live(range(30, 32), alive=(A,))
    assert [(who, what) for _, who, what in two.told()] == [("gcp", "fired")]


def test_what_the_receiver_did_not_take_the_sweeper_brings(fleet: Callable[..., Fleet], receiver: Receiver) -> None:
    two = fleet(TWO)
    two.live(range(10), alive=(A, G))
    receiver.script("chat", [Reply(503)])
    two.live(range(10, 15), alive=(A,))
    assert two.told() == []
    two.configure(ALONE)  # even then
    Skewed.now += 600
    assert sweep(two.open(A), soon()).sent == 1


def test_alone_there_is_nobody_to_look_after(fleet: Callable[..., Fleet]) -> None:
    alone = fleet(ALONE)
    assert "nephoscope-watch" not in {rule.name for rule in alone.config.rules}
    alone.live(range(20), alive=(A,))
    assert alone.told() == []
    assert alone.open(A).memory.read_alerts(watch_scope(A)) == {}


def test_a_run_in_which_everything_fails_is_no_sign_of_life(fleet: Callable[..., Fleet]) -> None:
    """The function starts each minute, and dies of a fault in every scope: nothing of it is evaluated."""

    class Broken(Empty):
        def read_inventory(self, scope: Scope, config: Config, deadline: Deadline) -> Inventory:
            raise KeyError("a fault of ours")

    two = fleet(TWO)
    two.live(range(10), alive=(A, G))
    for minute in range(10, 20):
        two.run(A, minute)
        collect(replace(two.open(G), readers={G: Broken(G)}), NOON + 60 * minute, soon())
    assert two.told() == [(14, "gcp", "fired")]


def test_a_memory_that_does_not_answer_is_said_and_stops_no_run(
    fleet: Callable[..., Fleet], monkeypatch: pytest.MonkeyPatch
) -> None:
    from nephoscope.model.errors import Reason

    two = fleet(TWO)
    outside = two.open(A)

    def refuse(cloud: Cloud) -> Any:
        raise StoreError(operation="read", reason=Reason.DENIED)

    monkeypatch.setattr(outside.memory, "read_beat", refuse)
    report = collect(outside, NOON, soon())
    assert [each.ended for each in report.scopes] == ["done"]
    assert report.errors == ("alert memory: read: denied",)
