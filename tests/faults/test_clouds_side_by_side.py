"""One function that reads several clouds: whatever becomes of one, the others keep their time, and it is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import Outside, Readers, SystemClock, open_outside
from nephoscope.app.run import collect, sweep
from nephoscope.app.scopes import find_scopes
from nephoscope.app.settings import Settings
from nephoscope.model.config import Config
from nephoscope.model.errors import Reason
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap, Inventory, Readings
from nephoscope.model.time import Deadline
from nephoscope.ports import CloudReader, FoundScopes

NOON = 1_795_435_200
HOME = Scope(Cloud.AWS, "111111111111", "eu-central-1")
FAR = Scope(Cloud.GCP, "acme-web", "europe-west1")
CONFIG = """
fleet: acme
gather: {aws: {regions: [eu-central-1]}, gcp: {projects: [acme-web]}}
tell: {oncall: {sns: "arn:aws:sns:eu-central-1:111111111111:alerts"}}
"""


class Empty:
    """ports.CloudReader of one scope in which nothing is."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def read_scopes(self, config: Config, deadline: Deadline) -> FoundScopes:
        return FoundScopes((self._scope,))

    def read_inventory(self, scope: Scope, config: Config, deadline: Deadline) -> Inventory:
        return Inventory(complete=frozenset({Kind.INSTANCE}))

    def read_series(self, scope: Scope, config: Config, requests: Sequence[Any], deadline: Deadline) -> Readings:
        return Readings()


class Hanging(Empty):
    """Does not answer for as long as it is given."""

    def read_scopes(self, config: Config, deadline: Deadline) -> FoundScopes:
        self.given = deadline.remaining
        time.sleep(max(0.0, deadline.remaining))
        return FoundScopes((), (Gap(self._scope, "compute.instances.list", Reason.DEADLINE),))


class Faulty(Empty):
    def read_scopes(self, config: Config, deadline: Deadline) -> FoundScopes:
        raise KeyError("a secret of somebody's")

    def read_inventory(self, scope: Scope, config: Config, deadline: Deadline) -> Inventory:
        raise KeyError("a secret of somebody's")


class Sink:
    """ports.MetricSink that keeps what it is given."""

    def __init__(self, taken: list[Any]) -> None:
        self._taken = taken

    def write_metrics(self, data: Sequence[Any], deadline: Deadline) -> Any:
        from nephoscope.ports import Written

        self._taken += data
        return Written(1, len(data))


class Nothing:
    def write_dashboards(self, dashboards: Any, deadline: Deadline) -> int:
        return 0


@pytest.fixture
def published() -> list[Any]:
    return []


@pytest.fixture
def open_with(tmp_path: Any, published: list[Any]) -> Callable[..., Outside]:
    (tmp_path / "nephoscope.yaml").write_text(CONFIG)
    config = compile_file(tmp_path / "nephoscope.yaml", {}).config
    settings = Settings(store="sqlite", table=str(tmp_path / "memory"), home_region="eu-central-1", account="1" * 12)

    def opened(open_reader: Callable[[Cloud], Any]) -> Outside:
        outside = open_outside(config, settings, SystemClock())
        readers = Readers((Cloud.AWS, Cloud.GCP), open_reader)
        return replace(outside, readers=readers, sink=Sink(published), dashboards=Nothing())

    return opened


def soon(seconds: float = 20.0) -> Deadline:
    return Deadline(time.monotonic() + seconds, time.monotonic)


def failed(published: Sequence[Any]) -> list[float]:
    return [value for each in published if each.name == "nephoscope.scopes_failed" for value in each.values]


def test_a_cloud_that_does_not_answer_gets_half_of_the_time(open_with: Callable[..., Outside]) -> None:
    hanging = Hanging(FAR)
    outside = open_with(lambda cloud: Empty(HOME) if cloud is Cloud.AWS else hanging)
    started = time.monotonic()
    report = collect(outside, NOON, soon(4.0))
    assert hanging.given <= 2.0
    assert [(each.scope, each.ended) for each in report.scopes] == [(HOME, "done")]
    assert [gap.scope for gap in report.gaps] == [FAR]
    assert time.monotonic() - started < 4.0


def test_alone_it_may_have_it_all(open_with: Callable[..., Outside]) -> None:
    hanging = Hanging(FAR)
    outside = replace(open_with(Empty), readers={Cloud.GCP: hanging})
    find_scopes(outside, soon(0.5))
    assert hanging.given > 0.4


def test_a_fault_of_ours_in_one_cloud_is_told_and_the_other_is_run(
    open_with: Callable[..., Outside], published: list[Any]
) -> None:
    outside = open_with(lambda cloud: Empty(HOME) if cloud is Cloud.AWS else Faulty(FAR))
    report = collect(outside, NOON, soon())
    assert [(each.scope, each.ended) for each in report.scopes] == [(HOME, "done")]
    assert [str(gap) for gap in report.gaps] == ["gcp  : read_scopes: unavailable (KeyError)"]
    assert failed(published) == [1]
    assert not report.failed


def test_its_known_scopes_fail_for_the_alarm_to_see(open_with: Callable[..., Outside], published: list[Any]) -> None:
    readers: dict[Cloud, CloudReader] = {Cloud.AWS: Empty(HOME), Cloud.GCP: Empty(FAR)}
    assert {each.ended for each in collect(open_with(readers.__getitem__), NOON, soon()).scopes} == {"done"}
    readers[Cloud.GCP] = Faulty(FAR)
    published.clear()
    report = collect(open_with(readers.__getitem__), NOON + 60, soon())
    assert [(each.scope, each.ended) for each in report.scopes] == [(HOME, "done"), (FAR, "failed")]
    assert failed(published) == [2]
    assert "secret" not in str(report)


def test_a_room_that_cannot_be_imported_says_which_module_is_missing(open_with: Callable[..., Outside]) -> None:
    def open_reader(cloud: Cloud) -> CloudReader:
        if cloud is Cloud.GCP:
            raise ModuleNotFoundError("No module named 'grpc'")
        return Empty(HOME)

    report = collect(open_with(open_reader), NOON, soon())
    assert [gap.detail for gap in report.gaps] == ["No module named 'grpc'"]
    assert [each.ended for each in report.scopes] == ["done"]


def test_who_only_delivers_opens_no_cloud(open_with: Callable[..., Outside]) -> None:
    def open_reader(cloud: Cloud) -> CloudReader:
        raise AssertionError("nobody reads a cloud here")

    outside = open_with(open_reader)
    assert tuple(outside.readers) == (Cloud.AWS, Cloud.GCP)
    assert sweep(outside, soon()).errors == ()


def test_a_reader_is_opened_once(open_with: Callable[..., Outside]) -> None:
    opened: list[Cloud] = []

    def open_reader(cloud: Cloud) -> CloudReader:
        opened.append(cloud)
        return Empty(HOME if cloud is Cloud.AWS else FAR)

    outside = open_with(open_reader)
    for slot in (NOON, NOON + 60):
        collect(outside, slot, soon())
    assert sorted(opened) == [Cloud.AWS, Cloud.GCP]
    with pytest.raises(KeyError):
        outside.readers[Cloud.AZURE]


def test_asking_which_clouds_there_are_opens_none() -> None:
    opened: list[Cloud] = []

    def open_reader(cloud: Cloud) -> Empty:
        opened.append(cloud)
        return Empty(HOME)

    readers = Readers((Cloud.AWS, Cloud.GCP), open_reader)
    assert Cloud.GCP in readers and Cloud.AZURE not in readers and len(readers) == 2
    assert list(readers) == [Cloud.AWS, Cloud.GCP] and not opened
    assert readers[Cloud.AWS] is readers[Cloud.AWS] and opened == [Cloud.AWS]
