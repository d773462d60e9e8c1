"""The whole deployment on a local AWS, until it has proved itself.

    python -m infra.local.deploy [--seconds 240] [--keep]

`osls deploy` brings the stack up; then nothing is called by hand: its schedule fires, the function gathers a simulated
fleet in which one machine fails its check, publishes metrics and a dashboard, and the alert reaches an HTTP receiver
through SNS, which had to confirm its subscription first.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from infra.local.stack import ROOT, Stack, StackError, deploy
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT, HOME_REGION
from nephoscope.localcloud.fleet import Fleet, simulate
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.receivers import Receiver

CONFIG = Path(__file__).with_name("nephoscope.yaml")
REGIONS = (HOME_REGION, "eu-west-1")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when metrics, dashboard and alert arrived; 1 when one did not in time, or the deployment failed."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.deploy", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--config", type=Path, default=CONFIG, help="which nephoscope.yaml")
    parser.add_argument("--seconds", type=float, default=240, help="how long to wait for the schedule's work")
    parser.add_argument("--keep", action="store_true", help="leave it standing until Ctrl-C")
    options = parser.parse_args(arguments)
    with LocalAws(small_fleet(int(time.time()))) as aws, Receiver() as receiver:
        try:
            stack = stand_up(aws, receiver, options.config)
            well = watch(aws, stack, receiver, time.monotonic() + options.seconds)
        except StackError as error:
            say(str(error))
            return 1
        if options.keep:
            wait_for_the_person(aws)
    return 0 if well else 1


def small_fleet(now: int, accounts: Sequence[str] = (HOME_ACCOUNT,)) -> Fleet:
    """Twelve machines in two regions; the first that runs has failed its check since ten minutes ago."""
    fleet = simulate(instances=12, regions=REGIONS, accounts=accounts, start=now - now % 60, script=())
    ill = next(machine for machine in fleet.instances if not machine.parked)
    return fleet.with_script([Incident(Happening.CHECK_FAILED, -600, 86_400, (ill.id,), check="instance")])


def stand_up(aws: LocalAws, receiver: Receiver, config: Path, project: Path = ROOT) -> Stack:
    """Deploy, and subscribe the receiver to the alert topic. Raises StackError."""
    began = time.monotonic()
    say(f"osls deploy onto {aws.url}, {config.name}")
    stack = deploy(aws, config, project)
    say(f"{len(stack.resources)} resources stand after {time.monotonic() - began:.1f} s")
    topic = stack.outputs["AlertTopicArn"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.sns_url("oncall"))
    if not receiver.wait_until_confirmed("oncall"):
        raise StackError("the subscription to the alert topic was not confirmed")
    say("a receiver has confirmed its subscription to the alert topic; now the schedule is waited for")
    return stack


def watch(aws: LocalAws, stack: Stack, receiver: Receiver, until: float) -> bool:
    """Whether everything arrived before `until` (monotonic); each is told as it comes."""
    steps: tuple[tuple[str, Callable[[], str]], ...] = (
        ("the schedule fired, and metrics appeared", lambda: published(aws)),
        ("the dashboard appeared", lambda: drawn(aws)),
        ("the alert arrived", lambda: arrived(receiver)),
    )
    for name, look in steps:
        found = patiently(look, until)
        say(f"{name}: {found}" if found else f"NOT in time: {name}\n{last_words(aws, stack)}")
        if not found:
            return False
    return True


def patiently(look: Callable[[], str], until: float) -> str:
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.5)
    return found


def published(aws: LocalAws) -> str:
    """Names of our own metrics once the heartbeat has a value."""
    cloudwatch = aws.client("cloudwatch")
    now = datetime.now(UTC)
    heartbeat = cloudwatch.get_metric_statistics(
        Namespace="nephoscope",
        MetricName="nephoscope.heartbeat",
        Dimensions=[{"Name": "cloud_provider", "Value": "aws"}, {"Name": "fleet", "Value": "local"}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    if not heartbeat:
        return ""
    names = {metric["MetricName"] for metric in cloudwatch.list_metrics(Namespace="nephoscope")["Metrics"]}
    return ", ".join(sorted(names))


def drawn(aws: LocalAws) -> str:
    cloudwatch = aws.client("cloudwatch")
    entries = cloudwatch.list_dashboards()["DashboardEntries"]
    bodies = [cloudwatch.get_dashboard(DashboardName=each["DashboardName"])["DashboardBody"] for each in entries]
    return ", ".join(
        f"{entry['DashboardName']} with {len(json.loads(body)['widgets'])} widgets"
        for entry, body in zip(entries, bodies, strict=True)
    )


def arrived(receiver: Receiver) -> str:
    """The first alert's subject, as a person would read it in a mail. CloudWatch's own alarms use the topic too."""
    ours = [delivery for delivery in receiver.received("oncall") if delivery.id.startswith("msg_")]
    return str(json.loads(ours[0].body)["Subject"]) if ours else ""


def last_words(aws: LocalAws, stack: Stack) -> str:
    """What may explain it: dead letters, and the calls that were refused."""
    sqs: Any = aws.client("sqs")
    dead = sqs.receive_message(QueueUrl=stack.resources["DeadLetters"], MessageAttributeNames=["All"])
    refused = {f"{each.action}: {each.status}" for each in aws.ledger.entries() if each.status >= 400}
    log = aws.ministack.log_text()[-3000:] if aws.ministack else ""
    return f"dead letters: {dead.get('Messages', [])}\nrefused: {sorted(refused)}\n{log}"


def wait_for_the_person(aws: LocalAws) -> None:
    for name, value in aws.environment().items():
        print(f"export {name}={value}")
    say("it stands until Ctrl-C; the variables above point an SDK or the command line at it")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        say("ended")


def say(text: str) -> None:
    print(f"deploy-local: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
