"""The small decisions of showing: times, prefixes of ids, rows, what is alike."""

from __future__ import annotations

import argparse

import pytest

from nephoscope.cli.call import CallError
from nephoscope.cli.doctor import condensed
from nephoscope.cli.findings import Finding, Verdict
from nephoscope.cli.owed import Entry, find
from nephoscope.cli.rows import count_words, resource_object, resource_row, state_cell
from nephoscope.cli.run import time_of
from nephoscope.cli.show import positive
from nephoscope.model.alert import Notification, OutboxItem, Subject, TransitionKind, Why
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Severity
from nephoscope.model.scope import Cloud, Scope

SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
NOON = 1_795_435_200  # 2026-11-23T12:00:00Z


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (None, NOON),
        ("2026-11-23T11:30:00Z", NOON - 1800),
        ("2026-11-23T11:30:59", NOON - 1741),
        ("2026-11-23T12:30:00+01:00", NOON - 1800),
        ("2026-11-23", NOON - 12 * 3600),
        ("2026-11-23T12:00:00Z", NOON),
    ],
)
def test_a_time_without_a_zone_is_utc(text: str | None, at: int) -> None:
    assert time_of(text, NOON + 0.9) == at


@pytest.mark.parametrize("text", ["yesterday", "12:00", "", "2026-11-23T12:01:00Z"])
def test_what_is_no_time_or_has_not_come_is_refused(text: str) -> None:
    with pytest.raises(CallError):
        time_of(text, NOON)


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", ""])
def test_a_number_of_things_is_at_least_one(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        positive(text)


def test_a_resource_for_programs_has_the_documented_keys() -> None:
    resource = Resource(SCOPE, Kind.INSTANCE, "i-1", "web", "m5.large", state=State.UNKNOWN, vendor_state="rebooting")
    assert resource_object(resource) == {
        "cloud_provider": "aws",
        "cloud_account_id": "111111111111",
        "cloud_region": "eu-west-1",
        "host_id": "i-1",
        "name": "web",
        "type": "m5.large",
        "state": "unknown",
        "vendor_state": "rebooting",
        "tags": {},
    }


def test_zone_and_launch_are_there_where_they_are_known() -> None:
    resource = Resource(SCOPE, Kind.INSTANCE, "i-1", zone="eu-west-1a", launched_at=NOON)
    known = resource_object(resource)
    assert (known["zone"], known["launched_at"]) == ("eu-west-1a", "2026-11-23T12:00:00Z")


def test_an_unknown_state_shows_the_providers_own_word() -> None:
    odd = Resource(SCOPE, Kind.INSTANCE, "i-1", state=State.UNKNOWN, vendor_state="rebooting")
    silent = Resource(SCOPE, Kind.INSTANCE, "i-1", state=State.UNKNOWN)
    assert state_cell(odd).text == "unknown (rebooting)"
    assert state_cell(silent).text == "unknown (nothing was said)"


def test_what_failed_is_said_beside_the_state() -> None:
    seen = {"state": "running", "provisioning": "failed", "check.system": "failed", "check.instance": "ok"}
    half_made = Resource(SCOPE, Kind.INSTANCE, "i-1", state=State.RUNNING, observations=seen)
    assert (state_cell(half_made).text, state_cell(half_made).style) == (
        "running (check.system failed, provisioning failed)",
        "red",
    )
    assert resource_object(half_made)["observations"] == {name: word for name, word in seen.items() if name != "state"}
    never_made = Resource(
        SCOPE, Kind.INSTANCE, "i-1", state=State.UNKNOWN, vendor_state="failed", observations={"provisioning": "failed"}
    )
    assert state_cell(never_made).text == "unknown (provisioning failed)"
    well = Resource(SCOPE, Kind.INSTANCE, "i-1", state=State.RUNNING, observations={"provisioning": "succeeded"})
    assert state_cell(well).text == "running"


def test_a_name_cannot_write_a_line_of_its_own() -> None:
    resource = Resource(SCOPE, Kind.INSTANCE, "i-1", name="web\ni-2  fine\x1b[2J", tags={"a\nb": "c"})
    assert resource_row(resource)[1] == "web i-2 fine [2J"
    assert resource_row(resource)[-1] == "a b=c"


def test_a_summary_counts_by_kind_and_state() -> None:
    machines = [Resource(SCOPE, Kind.INSTANCE, f"i-{n}", state=State.RUNNING) for n in range(3)]
    machines.append(Resource(SCOPE, Kind.INSTANCE, "i-9", state=State.STOPPED))
    assert count_words([*machines, Resource(SCOPE, Kind.BUCKET, "b")]) == (
        "1 bucket, 4 instances (3 running, 1 stopped)"
    )


def entry(ending: str) -> Entry:
    notification = Notification(
        id=f"msg_{ending}",
        alert_key="k",
        seq=1,
        channel="chat",
        fleet="acme",
        rule="down",
        severity=Severity.WARNING,
        kind=TransitionKind.FIRED,
        why=Why.STATE_HELD,
        subject=Subject("aws", "111111111111", "eu-west-1", Kind.INSTANCE, "i-1"),
        condition="state is stopped",
        at=NOON,
    )
    return Entry(SCOPE, OutboxItem(notification))


@pytest.mark.parametrize("prefix", ["msg_4f", "4f2", "msg_4f2a"])
def test_the_first_letters_of_an_id_are_enough(prefix: str) -> None:
    assert find(prefix, [entry("4f2a"), entry("a000")]).id == "msg_4f2a"


@pytest.mark.parametrize("prefix", ["msg_", "4", "9"])
def test_letters_that_name_none_or_several_are_refused(prefix: str) -> None:
    with pytest.raises(CallError):
        find(prefix, [entry("4f2a"), entry("4000")])


def test_what_is_well_in_many_places_is_one_line_and_what_is_wrong_is_one_each() -> None:
    well = [Finding("ec2:DescribeInstances", f"scope {n}", Verdict.WELL) for n in range(3)]
    wrong = [Finding("ec2:DescribeInstances", f"scope {n}", Verdict.MISSING, "denied") for n in (7, 8)]
    assert [(each.where, each.verdict) for each in condensed([*well, *wrong])] == [
        ("3 places", Verdict.WELL),
        ("scope 7", Verdict.MISSING),
        ("scope 8", Verdict.MISSING),
    ]
