"""Scopes in which an alert is open and nothing is left to find, each run by a process that knows only the memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from azure_reading import in_seconds
from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import Outside, SystemClock, open_outside
from nephoscope.app.report import RunReport
from nephoscope.app.run import collect
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.fleet import Fleet, simulate
from nephoscope.localcloud.receivers import Receiver
from nephoscope.model.scope import Cloud, Scope

WEB = "11111111-aaaa-4000-8000-000000000001"
DATA = "22222222-bbbb-4000-8000-000000000002"
WEST, NORTH = Scope(Cloud.AZURE, WEB, "westeurope"), Scope(Cloud.AZURE, WEB, "northeurope")
START = int(time.time()) // 60 * 60 - 3600
"""Scopes leave the dashboard by the clock on the wall, so the story is of this hour."""

Open = Callable[..., Outside]


def fleet(*regions: str, account: str = WEB) -> Fleet:
    return simulate(3, 4 * len(regions), regions, (account,), start=START, script=())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def open_new(azure: LocalAzure, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """A function's new process on the same memory, with what it is to gather."""
    with LocalAws(simulate(instances=0, start=START), with_ministack=False) as aws:
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)

        def opened(gather: str = f"subscriptions: [{WEB}]") -> Outside:
            (tmp_path / "nephoscope.yaml").write_text(
                f"""
fleet: acme
gather: {{azure: {{{gather}}}}}
publish: {{cloudwatch: {{region: eu-central-1}}}}
rules:
  - {{name: not-deallocated, on: instance, when: state is running, tell: [chat]}}
tell:
  chat: {{webhook: "{receiver.webhook_url("chat")}", allow: [http, private]}}
"""
            )
            config = compile_file(tmp_path / "nephoscope.yaml").config
            settings = Settings(
                "sqlite", str(tmp_path / "memory.sqlite"), home_region="eu-central-1",
                endpoints={"azure_management": azure.url, "azure_metrics": azure.url + "/{region}"},
            )  # fmt: skip
            return open_outside(config, settings, SystemClock())

        yield opened


def run(azure: LocalAzure, outside: Outside, minute: int) -> RunReport:
    azure.set_time(START + 60 * minute)
    return collect(outside, START + 60 * minute, in_seconds(30))


def told(receiver: Receiver, transition: str) -> set[tuple[str, str]]:
    """(why, region) of what the receiver took."""
    data = [one.json()["data"] for one in receiver.received("chat")]
    return {(each["why"], each["resource"]["cloud_region"]) for each in data if each["transition"] == transition}


def test_an_alert_on_the_last_machine_of_a_region_ends_though_nobody_finds_the_region_any_more(
    azure: LocalAzure, open_new: Open, receiver: Receiver
) -> None:
    azure.reset(fleet("westeurope", "northeurope"))
    assert {report.scope for report in run(azure, open_new(), 1).scopes} == {WEST, NORTH}
    assert told(receiver, "fired") == {("state_held", "westeurope"), ("state_held", "northeurope")}

    azure.reset(fleet("westeurope"))
    for minute in (2, 3):  # the first listing without it only counts
        assert {report.scope for report in run(azure, open_new(), minute).scopes} == {WEST, NORTH}
    assert ("resource_gone", "northeurope") in told(receiver, "resolved")
    assert {report.scope for report in run(azure, open_new(), 4).scopes} == {WEST}  # nothing is open there any more


def test_a_subscription_that_is_no_longer_configured_has_its_alerts_withdrawn_and_is_not_asked(
    azure: LocalAzure, open_new: Open, receiver: Receiver
) -> None:
    azure.reset(fleet("westeurope"))
    run(azure, open_new(), 1)
    assert told(receiver, "fired") == {("state_held", "westeurope")}
    azure.ledger.clear()
    report = run(azure, open_new(f"subscriptions: [{DATA}]"), 2)
    assert {entry.account for entry in azure.ledger.entries()} <= {"", DATA}
    assert {(each.kind, each.why) for scope in report.scopes for each in scope.transitions} == {
        ("resolved", "rule_withdrawn")
    }
    run(azure, open_new(f"subscriptions: [{WEB}, {DATA}]"), 3)  # delivers, and finds the machines anew
    assert told(receiver, "resolved") == {("rule_withdrawn", "westeurope")}


def test_a_subscription_that_cannot_be_searched_keeps_its_alerts(
    azure: LocalAzure, open_new: Open, receiver: Receiver
) -> None:
    azure.reset(fleet("westeurope"))
    run(azure, open_new(), 1)
    azure.deny(WEB)
    for minute in range(2, 10):
        report = run(azure, open_new(), minute)
    assert WEST in {each.scope for each in report.scopes}
    assert told(receiver, "resolved") == set()
