"""`nephoscope send-test` as a real process against real receivers: webhooks over HTTP, SNS through a local one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.receivers import Cut, Receiver, Reply
from tests.contract.cli.conftest import story, wednesday_noon

FORMATS = ("json", "slack", "teams", "discord", "google-chat", "alertmanager")


def variable(name: str) -> str:
    return name.replace("-", "_")


CONFIG = (
    "fleet: acme\ngather: {aws: {regions: [eu-west-1]}}\ntell:\n"
    + "".join(
        f'  {name}: {{webhook: "${{env:URL_{variable(name)}}}", format: {name}, allow: [http, private]}}\n'
        for name in FORMATS
    )
    + '  pager: {pagerduty: "${env:PAGER_KEY}", webhook: "${env:URL_pager}", allow: [http, private]}\n'
    + '  signed: {webhook: "${env:URL_signed}", secret: "${env:SIGNING}", allow: [http, private], fallback: true}\n'
)
PAGER_KEY = "canary0123456789abcdef0123456789"
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # Standard Webhooks' published example


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def telling(shell: Any, receiver: Receiver) -> Any:
    shell.write(CONFIG)
    shell.environment |= {"PAGER_KEY": PAGER_KEY, "SIGNING": SIGNING}
    shell.environment |= {f"URL_{variable(name)}": receiver.webhook_url(name) for name in (*FORMATS, "pager", "signed")}
    receiver.expect_key("signed", SIGNING)
    return shell


def test_a_message_that_fires_and_one_that_it_is_over(telling: Any, receiver: Receiver) -> None:
    done = telling("send-test", "json")
    assert done.returncode == 0, done.stderr
    fired, ended = (one.json() for one in receiver.received("json"))
    assert [each["type"] for each in (fired, ended)] == ["nephoscope.alert.fired", "nephoscope.alert.resolved"]
    assert [each["data"]["why"] for each in (fired, ended)] == ["test", "test"]
    assert fired["data"]["alert_key"] == ended["data"]["alert_key"]
    assert fired["id"] != ended["id"]
    assert fired["data"]["headline"].startswith(
        "This is a test, nothing is wrong. no-such-machine (i-0000000000test, aws eu-west-1): "
        "cpu.utilization is 93.4 %, above 90 %, since "
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["CHANNEL", "MESSAGE", "ANSWER", "TOOK"]
    assert [row[:3] for row in rows[1:]] == [["json", "fired", "taken"], ["json", "resolved", "taken"]]
    assert [row[4] for row in rows[1:]] == ["ms", "ms"]
    assert telling.files == ["nephoscope.yaml"]  # nothing is remembered


def test_another_test_is_another_alert_that_no_receiver_takes_for_a_copy(telling: Any, receiver: Receiver) -> None:
    for _ in range(2):
        assert telling("send-test", "json").returncode == 0
    assert receiver.counts() == {"json": {"received": 4, "distinct": 4, "refused": 0}}


def test_every_channel_in_its_own_format_and_each_says_that_it_is_a_test(telling: Any, receiver: Receiver) -> None:
    done = telling("send-test", "--all", "--severity", "critical")
    assert done.returncode == 0, done.stdout
    for name in (*FORMATS, "pager", "signed"):
        first, second = receiver.received(name)
        assert "This is a test, nothing is wrong." in first.body.decode(), name
        assert "This is a test, nothing is wrong." in second.body.decode(), name
    slack = json.loads(receiver.received("slack")[0].body)
    assert slack["blocks"][0]["text"]["text"] == "🔴 TEST CRITICAL nephoscope-test"
    prometheus = json.loads(receiver.received("alertmanager")[1].body)
    assert (prometheus["status"], prometheus["commonLabels"]["test"]) == ("resolved", "true")
    assert all(one.verified for one in receiver.received("signed"))


def test_pagerduty_opens_an_incident_and_closes_it(telling: Any, receiver: Receiver) -> None:
    done = telling("send-test", "pager")
    opened, closed = (json.loads(one.body) for one in receiver.received("pager"))
    assert (opened["event_action"], closed["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == closed["dedup_key"]
    assert opened["routing_key"] == PAGER_KEY
    assert PAGER_KEY not in done.stdout + done.stderr
    assert opened["payload"]["severity"] == "info"


def test_what_a_receiver_refuses_is_told_without_its_words_and_the_end_is_not_sent(
    telling: Any, receiver: Receiver
) -> None:
    receiver.script("json", [Reply(403)])
    done = telling("send-test", "json", "--json")
    assert done.returncode == 1
    (answer,) = json.loads(done.stdout)
    assert (answer["taken"], answer["answer"]) == (False, "denied: status 403")
    assert len(receiver.deliveries("json")) == 1


def test_after_an_answer_that_was_lost_the_end_is_sent_so_that_nothing_stays_open(
    telling: Any, receiver: Receiver
) -> None:
    receiver.script("pager", [Reply(cut=Cut.AFTER)])
    done = telling("send-test", "pager")
    assert done.returncode == 1
    assert [json.loads(one.body)["event_action"] for one in receiver.received("pager")] == ["trigger", "resolve"]
    assert "1 of 2 not taken" in done.stderr


def test_a_secret_that_is_not_there_is_named_by_nothing_but_its_reason(telling: Any, receiver: Receiver) -> None:
    del telling.environment["SIGNING"]
    done = telling("send-test", "signed", "json")
    assert done.returncode == 1
    assert "secret_missing: the environment has no such variable" in done.stdout
    assert len(receiver.received("json")) == 2
    assert receiver.deliveries("signed") == ()


def test_a_dry_run_shows_the_bodies_and_neither_sends_nor_reads_a_secret(telling: Any, receiver: Receiver) -> None:
    del telling.environment["PAGER_KEY"]
    done = telling("send-test", "pager", "--dry-run")
    assert done.returncode == 0, done.stderr
    opened, closed = map(json.loads, done.stdout.splitlines())
    assert (opened["routing_key"], opened["event_action"]) == ("${env:PAGER_KEY}", "trigger")
    assert closed["event_action"] == "resolve"
    assert receiver.deliveries() == ()


def topic(arn: str) -> str:
    return f'fleet: acme\ngather: {{aws: {{regions: [eu-west-1]}}}}\ntell: {{oncall: {{sns: "{arn}"}}}}\n'


def test_a_topics_subscribers_are_told(shell: Any, receiver: Receiver) -> None:
    with LocalAws(story(wednesday_noon())) as aws:
        sns = aws.client("sns")
        arn = sns.create_topic(Name="oncall")["TopicArn"]
        sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=receiver.sns_url("oncall"))
        assert receiver.wait_until_confirmed("oncall")
        shell.environment |= aws.environment()
        shell.write(topic(arn))
        done = shell("send-test", "oncall")
        assert done.returncode == 0, done.stdout
        fired, ended = receiver.wait_for("oncall", 2)
        shell.write(topic(arn.replace("oncall", "nobody-made-it")))
        refused = shell("send-test", "oncall")
    assert [one.json()["type"] for one in (fired, ended)] == ["nephoscope.alert.fired", "nephoscope.alert.resolved"]
    assert json.loads(fired.body)["Subject"].startswith("TEST INFO nephoscope-test: no-such-machine 93.4 %")
    assert (refused.returncode, "not_found" in refused.stdout) == (1, True)


def test_what_is_no_answer_of_sns_is_a_row_and_no_traceback(shell: Any) -> None:
    """This local cloud has no SNS: what it says is not XML."""
    shell.write(topic("arn:aws:sns:eu-west-1:111111111111:oncall"))
    done = shell("send-test", "oncall")
    assert (done.returncode, "malformed" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("jsn",), 'no channel is called "jsn"; did you mean json?'),
        (("pagers",), 'no channel is called "pagers"; did you mean pager?'),
        ((), "send-test needs a channel"),
        (("--all", "json"), "--all names every channel"),
    ],
)
def test_a_wrong_call_is_told_and_nothing_is_sent(
    telling: Any, receiver: Receiver, call: tuple[str, ...], said: str
) -> None:
    done = telling("send-test", *call)
    assert (done.returncode, receiver.deliveries()) == (2, ())
    assert said in done.stderr
