"""What the local page says when there is little, much, or nobody who answers."""

from __future__ import annotations

import math
import re
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config as Boto
from moto.server import ThreadedMotoServer

from nephoscope.app.looking.doors import Doors, NothingYetError
from nephoscope.app.outside import Outside, open_outside
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.ministack import sdk_environment
from nephoscope.model.config import Config
from nephoscope.model.resource import State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Inventory, Readings, Series, SeriesKey
from nephoscope.model.time import Deadline
from nephoscope.ports import FoundScopes
from nephoscope.stores import dynamodb
from web_memory import IRELAND, Wall, a_config, an_outside, fleet_of, machine, remember, served, serving

BANNER = "document.getElementById('banner').textContent"
ROWS = "document.querySelector('.ag-center-cols-container .ag-row a')"


def test_before_the_first_run_it_says_so_and_shows_the_fleet_when_there_is_one(
    tmp_path: Path, tab: Callable[..., Any]
) -> None:
    path = tmp_path / "memory.sqlite"

    def opened() -> Outside:
        if not path.exists():
            raise NothingYetError(f"there is no {path.name}")
        return an_outside(tmp_path)

    with serving(Doors(opened, Wall(), {}, 0.5), "acme") as url:
        shown = tab(url).go("/")
        assert shown.text(".sentence") == "Nothing can be shown yet: there is no memory.sqlite."
        shown.wait_for("document.getElementById('banner').textContent.includes('there is no memory.sqlite')")
        assert shown.violations() == []
        machines = tab(url).go("/machines")
        machines.wait_for("document.getElementById('matches').textContent === 'Nothing is known yet.'")

        remember(an_outside(tmp_path), {IRELAND: [machine(50)]})
        shown.wait_for("document.querySelector('.sentence').textContent.startsWith('All is well')")
        assert shown.text(".sentence") == "All is well: 1 of 1 machine seen, nothing fires."
        assert shown.text("#banner") == ""
        machines.wait_for("document.getElementById('matches').textContent === '1 machine'")
        machines.wait_for("document.querySelector('.ag-header').textContent.includes('cpu.utilization')")
        assert shown.wrong == machines.wrong == []


def test_a_memory_in_which_nothing_is_registered_is_not_called_well(tmp_path: Path, tab: Callable[..., Any]) -> None:
    with served(an_outside(tmp_path)) as page:
        shown = tab(page.url).go("/")
        assert shown.text(".sentence") == "Nobody can say yet: no run has been remembered."
        for path in ("/machines", "/alerts", "/outbox", "/coverage"):
            assert shown.go(path).violations() == []


def test_twenty_thousand_machines_are_searched_and_scrolled(tmp_path: Path, tab: Callable[..., Any]) -> None:
    outside = an_outside(tmp_path)
    remember(outside, fleet_of(20_000))
    with served(outside, every=30) as page:
        shown = tab(page.url).go("/machines")
        shown.wait_for("document.getElementById('matches').textContent === '20,000 machines'")
        drawn = "document.querySelectorAll('.ag-center-cols-container .ag-row').length"
        assert 10 < shown.page.evaluate(drawn) < 60  # what is on the screen, and little more
        shown.page.get_by_label("Search").fill("database-dev-19994")
        shown.wait_for("document.getElementById('matches').textContent === '1 of 20,000 machines'")
        assert shown.names() == ["database-dev-19994"]
        shown.page.get_by_label("Search").fill("")
        shown.wait_for("document.getElementById('matches').textContent === '20,000 machines'")
        shown.page.evaluate("nephoscopeGrid.ensureIndexVisible(19999)")
        shown.wait_for("document.querySelector('.ag-center-cols-container .ag-row[row-index=\"19999\"] a')")
        assert shown.wrong == []


# --- nobody answers -----------------------------------------------------------------------------------------------


def without_ages(tab: Any) -> str:
    return re.sub(r"\d+ s ago", "a moment ago", tab.text("main"))


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ThreadedMotoServer, Outside]]:
    """A deployment's memory, in a DynamoDB that can be stopped."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in sdk_environment(f"http://{host}:{port}", region="eu-west-1").items():
        monkeypatch.setenv(name, value)
    patient = boto3.client("dynamodb", config=Boto(read_timeout=120))  # the emulator is imported when it is first asked
    dynamodb.create_table(patient, "page")
    settings = Settings(store="dynamodb", table="page", home_region="eu-west-1")
    outside = open_outside(a_config(), settings, Wall())
    remember(outside, fleet_of(30))
    yield server, outside
    server.stop()


def test_when_the_source_stops_it_says_since_when_and_why_and_keeps_what_it_showed(
    table: tuple[ThreadedMotoServer, Outside], tab: Callable[..., Any]
) -> None:
    server, outside = table
    with served(outside, every=0.5) as page:
        shown = tab(page.url).go("/")
        machines = tab(page.url).go("/machines")
        machines.wait_for(ROWS)
        before, rows = without_ages(shown), machines.names()
        assert "All is well: 30 of 30 machines seen, nothing fires." in before
        port = server.get_host_and_port()[1]
        server.stop()
        for each in (shown, machines):
            each.wait_for(f"/^Last seen at 20.* UTC; the source does not answer: /.test({BANNER})")
        said = shown.text("#banner")
        assert "unavailable" in said
        assert shown.page.title() == "(?) acme · nephoscope"
        assert (without_ages(shown), machines.names()) == (before, rows)
        assert without_ages(shown.go("/")) == before  # and for who opens it only now
        assert shown.violations() == []

        again = ThreadedMotoServer("127.0.0.1", port, verbose=False)
        again.start()
        try:
            shown.wait_for("document.getElementById('banner').textContent === ''")
            assert shown.page.title() == "acme · nephoscope"
        finally:
            again.stop()


def test_when_the_pages_own_server_ends_it_says_so(tmp_path: Path, tab: Callable[..., Any]) -> None:
    outside = an_outside(tmp_path)
    remember(outside, fleet_of(3))
    with served(outside, every=0.5) as page:
        shown = tab(page.url).go("/")
        shown.wait_for("nephoscope.last.number > 0")
        before = without_ages(shown)
    shown.wait_for("document.getElementById('banner').textContent.includes('own server does not answer')")
    assert shown.text("#banner").startswith("Last seen at 20")
    assert without_ages(shown) == before
    assert all("ERR_CONNECTION_REFUSED" in one for one in shown.wrong)


# --- courses ------------------------------------------------------------------------------------------------------

PERIOD = 60
Made = Callable[[int, int], tuple[Sequence[int], Sequence[float]]]


class Provider:
    """ports.CloudReader that answers what a test says: (start, end) -> times and values. It counts its reads."""

    def __init__(self, made: Made) -> None:
        self.made = made
        self.reads = 0

    def read_scopes(self, config: Config, deadline: Deadline) -> FoundScopes:
        return FoundScopes((IRELAND,))

    def read_inventory(self, scope: Scope, config: Config, deadline: Deadline) -> Inventory:
        return Inventory()

    def read_series(self, scope: Scope, config: Config, requests: Sequence[Any], deadline: Deadline) -> Readings:
        self.reads += 1
        (asked,) = requests
        times, values = self.made(asked.start, asked.end)
        key = SeriesKey(asked.resource_id, asked.metric)
        return Readings((Series(key, PERIOD, asked.start, asked.end, True, array("q", times), array("d", values)),))


def one_point(start: int, end: int) -> tuple[Sequence[int], Sequence[float]]:
    return (start + 3600,), (0.5,)


def no_point(start: int, end: int) -> tuple[Sequence[int], Sequence[float]]:
    return (), ()


def with_a_gap(start: int, end: int) -> tuple[Sequence[int], Sequence[float]]:
    """An hour of it is missing."""
    times = [at for at in range(start, end, PERIOD) if not start + 3600 <= at < start + 7200]
    return times, [0.95 if at > end - 600 else 0.4 for at in times]


def not_a_number(start: int, end: int) -> tuple[Sequence[int], Sequence[float]]:
    return (start, start + PERIOD), (math.nan, math.inf)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Provider, Any]]:
    """A machine for each course."""
    provider = Provider(no_point)
    outside = replace(an_outside(tmp_path_factory.mktemp("course")), readers={Cloud.AWS: provider})
    machines = [machine(number, state=State.RUNNING) for number in range(50, 55)]
    remember(outside, {IRELAND: machines})
    with served(outside) as page:
        yield provider, page


def course_of(watched: tuple[Provider, Any], tab: Callable[..., Any], number: int, made: Made, **more: Any) -> Any:
    provider, page = watched
    provider.made = made
    shown = tab(page.url, **more).go(f"/machine?scope=aws%23111111111111%23eu-west-1&id={machine(number).id}")
    shown.wait_for("document.querySelector('.course')")
    return shown


def test_a_gap_is_seen_as_one_and_thresholds_are_drawn(watched: tuple[Provider, Any], tab: Callable[..., Any]) -> None:
    shown = course_of(watched, tab, 50, with_a_gap)
    shown.wait_for("document.querySelector('.js-line')")
    assert shown.page.locator(".js-line").count() == 2  # one on either side of it
    assert shown.page.locator(".shapelayer path").count() == 2
    said = shown.text(".course")
    assert "cpu.utilization 95 %" in said
    assert "60 of 180 periods have no point; the line is broken there." in said
    assert "cpu-hot fires: cpu.utilization > 90 % for 3 of 5 min" in said
    assert "cpu-hot ends: cpu.utilization < 80 %" in said
    assert shown.violations() == []
    assert shown.wrong == []


def test_a_single_point_is_a_dot(watched: tuple[Provider, Any], tab: Callable[..., Any]) -> None:
    shown = course_of(watched, tab, 51, one_point)
    dots = "[...document.querySelectorAll('.points path')].map((dot) => dot.getBoundingClientRect().width)"
    shown.wait_for(f"{dots}.some((width) => width > 3)")
    assert "179 of 180 periods have no point" in shown.text(".course")
    assert "cpu.utilization 50 %" in shown.text(".course")


@pytest.mark.parametrize(("number", "made"), [(52, no_point), (53, not_a_number)])
def test_a_window_without_points_says_so(
    watched: tuple[Provider, Any], tab: Callable[..., Any], number: int, made: Made
) -> None:
    shown = course_of(watched, tab, number, made, width=390, color_scheme="dark")
    assert "No data in this window." in shown.text(".course")
    assert "no point in this window." in shown.text(".course")
    assert shown.page.evaluate("document.documentElement.scrollWidth") == 390
    assert shown.violations() == []


def test_a_provider_is_read_once_a_minute_whatever_number_of_tabs(
    watched: tuple[Provider, Any], tab: Callable[..., Any]
) -> None:
    provider, _ = watched
    before = provider.reads
    for _ in range(2):
        course_of(watched, tab, 54, with_a_gap)
    time.sleep(1.5)
    assert provider.reads == before + 1
