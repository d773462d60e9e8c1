"""Which messages leave together, when, and in which chunks. All times are seconds of the clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nephoscope.model.alert import OutboxItem, Owed, Subject
from nephoscope.model.config import Channel
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.pipeline.grouping import (
    Group,
    group_key,
    group_of,
    is_ripe,
    message_id,
    plan_chunks,
    plan_groups,
)
from nephoscope.pipeline.notices import DELIVERY_RULE
from tests.alert_records import ELSEWHERE, SCOPE, a_notification

NOW = 1_800_000_000.0
CHAT = Channel("chat", group_by=("rule",))
CHANNELS = {"chat": CHAT, "oncall": Channel("oncall")}
MACHINE = Subject(
    "gcp",
    "acme-web",
    "europe-west1",
    Kind.INSTANCE,
    "42",
    "web-1",
    "e2-small",
    "europe-west1-b",
    tags={"owner": "data"},
)


def an_item(key: str = "a1", seq: int = 1, channel: str = "chat", *, age: float = 0.0, **more: Any) -> OutboxItem:
    state = {name: more.pop(name) for name in ("status", "message", "next_at", "lease_until") if name in more}
    return OutboxItem(a_notification(key, seq, channel, **more), rev=1, created_at=NOW - age, **state)


def company(items: list[OutboxItem], **more: Any) -> dict[str, list[tuple[str, int]]]:
    """Rule -> who may be frozen, in order."""
    groups = plan_groups(items, (), {**CHANNELS, **more}, NOW)
    return {dict(g.labels)["rule"]: [(i.notification.alert_key, i.notification.seq) for i in g.company] for g in groups}


# --- which ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "value"),
    [
        ("rule", "cpu-hot"),
        ("severity", "critical"),
        ("cloud", "gcp"),
        ("cloud_account_id", "acme-web"),
        ("cloud_region", "europe-west1"),
        ("cloud_availability_zone", "europe-west1-b"),
        ("host_type", "e2-small"),
        ("resource", "42"),
        ("tag:owner", "data"),
        ("tag:team", ""),
        ("label:team", "web"),
        ("label:owner", ""),
    ],
)
def test_each_label_is_found_where_it_belongs(by: str, value: str) -> None:
    told = a_notification(severity=Severity.CRITICAL, subject=MACHINE, labels={"team": "web"})
    assert group_of(told, [by]) == ((by, value),)


def test_no_label_is_one_group() -> None:
    assert group_of(a_notification(), []) == ()


def test_a_group_has_a_name_of_its_own_in_each_scope_and_channel() -> None:
    labels = (("rule", "cpu-hot"),)
    names = {
        group_key(SCOPE, "chat", labels),
        group_key(ELSEWHERE, "chat", labels),
        group_key(SCOPE, "oncall", labels),
        group_key(SCOPE, "chat", ()),
    }
    assert len(names) == 4


def test_channels_that_do_not_group_and_words_about_deliveries_are_left_alone() -> None:
    items = [an_item("a1"), an_item("b2", channel="oncall"), an_item("c3", rule=DELIVERY_RULE)]
    assert company(items) == {"cpu-hot": [("a1", 1)]}


def test_groups_are_apart_by_their_labels() -> None:
    items = [an_item("a1"), an_item("b2", rule="down"), an_item("c3")]
    assert company(items) == {"cpu-hot": [("a1", 1), ("c3", 1)], "down": [("b2", 1)]}


def test_an_alert_s_messages_stand_in_their_order_whatever_the_clocks_of_two_runs_said() -> None:
    items = [an_item("a1", 2, age=90), an_item("a1", 1, age=30), an_item("b2", age=60)]
    assert company(items) == {"cpu-hot": [("b2", 1), ("a1", 1), ("a1", 2)]}


def test_a_later_message_waits_while_an_earlier_one_is_under_way() -> None:
    elsewhere = an_item("a1", 1, status=Owed.FROZEN, message="msg_other")
    leased = an_item("b2", 1, status=Owed.LEASED, lease_until=NOW + 30)
    backing_off = an_item("c3", 1, next_at=NOW + 30)
    items = [elsewhere, an_item("a1", 2), leased, an_item("b2", 2), backing_off, an_item("c3", 2)]
    assert company(items) == {}


def test_a_message_of_another_group_is_not_overtaken() -> None:
    """The rule's severity was edited between the two."""
    by_severity = Channel("chat", group_by=("severity",))
    items = [an_item("a1", 1, severity=Severity.WARNING), an_item("a1", 2, severity=Severity.CRITICAL)]
    groups = plan_groups(items, (), {"chat": by_severity}, NOW)
    assert [(g.labels, [i.notification.seq for i in g.company]) for g in groups] == [((("severity", "warning"),), [1])]


def test_a_message_under_way_shows_its_members_and_who_waits_for_the_next() -> None:
    labels = (("rule", "cpu-hot"),)
    message = OutboxItem(a_notification("g", id="msg_g"), status=Owed.LEASED, group=labels, size=1)
    frozen = an_item("a1", status=Owed.FROZEN, message="msg_g")
    (group,) = plan_groups([frozen, an_item("b2")], [message], CHANNELS, NOW)
    assert (group.message, group.members, group.company) == (message, (frozen,), (an_item("b2"),))


def test_a_message_of_a_channel_that_groups_no_more_is_still_there() -> None:
    message = OutboxItem(a_notification("g", id="msg_g"), group=(("rule", "cpu-hot"),), size=1)
    frozen = an_item("a1", status=Owed.FROZEN, message="msg_g")
    (group,) = plan_groups([frozen, an_item("a1", 2)], [message], {"chat": Channel("chat")}, NOW)
    assert (group.message, group.members, group.company) == (message, (frozen,), ())


# --- when -----------------------------------------------------------------------------------------------------------


def a_group(waited: float, sent_ago: float | None = None) -> Group:
    labels = (("rule", "cpu-hot"),)
    sent = OutboxItem(a_notification("g"), status=Owed.IDLE, group=labels, sent_at=NOW - (sent_ago or 0))
    items = (an_item("a1", age=waited), an_item("b2", age=waited / 2))
    return Group("chat", labels, None if sent_ago is None else sent, company=items)


@pytest.mark.parametrize(
    ("waited", "sent_ago", "ripe"),
    [
        (0, None, False),
        (29, None, False),
        (31, None, True),  # to the nearest minute: the next sweep would be too late by more
        (60, None, True),
        (60, 100, False),  # the last message was sent less than five minutes ago
        (100, 269, False),
        (100, 271, True),
        (10, 10_000, False),  # a new beginning waits for company again
        (60, 10_000, True),
    ],
)
def test_the_first_wait_for_company_then_there_is_one_message_an_interval(
    waited: float, sent_ago: float | None, ripe: bool
) -> None:
    assert is_ripe(a_group(waited, sent_ago), CHAT, NOW) is ripe


def test_each_channel_has_its_own_times() -> None:
    digest = replace(CHAT, group_wait=600, group_interval=86_400)
    assert not is_ripe(a_group(500), digest, NOW)
    assert is_ripe(a_group(600), digest, NOW)
    assert not is_ripe(a_group(3600, 80_000), digest, NOW)
    assert is_ripe(a_group(3600, 86_400), digest, NOW)


def test_nobody_waits_for_a_clock_that_was_wrong() -> None:
    """Written by a machine a day ahead; and sent, so it says, tomorrow."""
    assert is_ripe(a_group(-86_400), CHAT, NOW)
    assert is_ripe(a_group(60, -86_400), CHAT, NOW)


def test_a_group_without_company_is_never_ripe() -> None:
    assert not is_ripe(replace(a_group(1000), company=()), CHAT, NOW)


# --- ids and chunks -------------------------------------------------------------------------------------------------


def test_a_message_is_named_after_its_first_members_whatever_their_order() -> None:
    a, b = an_item("a1"), an_item("b2")
    assert message_id("k", [a, b]) == message_id("k", [b, a])
    others = [message_id("k", [a]), message_id("other", [a, b]), message_id("k", [a, replace(b, rev=3)])]
    assert len({message_id("k", [a, b]), *others}) == 4, (
        "a member that was given up and is owed again has a new version"
    )


@given(st.lists(st.integers(1, 60), max_size=40), st.integers(1, 7), st.integers(50, 200))
def test_chunks_hold_everything_once_in_order_and_within_the_limits(
    sizes: list[int], most: int, most_bytes: int
) -> None:
    chunks = plan_chunks(sizes, most, most_bytes)
    assert [position for chunk in chunks for position in chunk] == list(range(len(sizes)))
    for chunk in chunks:
        assert 1 <= len(chunk) <= most
        assert sum(sizes[position] for position in chunk) <= most_bytes or len(chunk) == 1


def test_chunks_are_as_few_as_they_can_be() -> None:
    assert plan_chunks([10] * 250, 98, 1_000_000) == (range(98), range(98, 196), range(196, 250))
    assert plan_chunks([], 98, 100) == ()
