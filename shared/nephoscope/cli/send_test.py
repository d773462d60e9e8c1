"""`nephoscope send-test`: does a channel take a message, and what does it look like there?"""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nephoscope.app.authoring.findings import did_you_mean
from nephoscope.app.secrets import REFERENCE, open_secrets
from nephoscope.app.wiring import wire
from nephoscope.cli.call import FAILED, WELL, Call, CallError
from nephoscope.cli.table import Cell, Column
from nephoscope.model.alert import Notification
from nephoscope.model.config import Channel, Config
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.rule import Severity
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.secret import Secret
from nephoscope.notifiers.formats import FORMATS
from nephoscope.notifiers.formats.sns import render_sns
from nephoscope.pipeline.rehearsal import plan_rehearsal
from nephoscope.pipeline.wording import clean
from nephoscope.ports import Notifier

HELP = "Send a test to a channel: a message that fires, and one that it is over."
EXAMPLES = """\
examples:
  nephoscope send-test oncall                          what its receiver answers, and how fast
  nephoscope send-test --all                           every channel, fallbacks included
  nephoscope send-test oncall --severity critical      as loud as the real thing
  nephoscope send-test chat --dry-run                  the bodies, and nothing is sent

Both messages are real and marked as a test; nothing is remembered of them. Secrets are read
as `nephoscope doctor` reads them: with your own permissions, not the functions'."""

SECONDS = 20.0
"""For one message; a notifier ends by itself before that."""

ANSWERED = frozenset({Reason.TIMEOUT, Reason.UNAVAILABLE, Reason.MALFORMED})
"""Failures after which the first message may have arrived all the same: the second one is sent, so that nothing stays
open at the receiver."""

COLUMNS = (Column("CHANNEL"), Column("MESSAGE"), Column("ANSWER"), Column("TOOK", right=True))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("channel", nargs="*", help="a channel's name, as under `tell`")
    parser.add_argument("--all", action="store_true", help="every channel, fallbacks included")
    parser.add_argument("--severity", default="info", choices=[each.value for each in Severity], help="default: info")
    parser.add_argument("--dry-run", action="store_true", help="print the exact bodies; read no secret, send nothing")
    parser.add_argument("--json", action="store_true", help="one JSON list, an object a message")


def run(call: Call) -> int:
    config = call.config()
    names = _names(call.args, config)
    told = {name: _messages(call, config, name) for name in names}
    if call.args.dry_run:
        bodies = [body for name, messages in told.items() for body in _bodies(config.channels[name], messages)]
        _show_bodies(call, bodies)
        return WELL
    answers = [answer for name, messages in told.items() for answer in _send(call, config, name, messages)]
    _show(call, answers)
    return WELL if all(answer["taken"] for answer in answers) else FAILED


def _names(args: argparse.Namespace, config: Config) -> Sequence[str]:
    """Raises CallError for a channel that is not there, and where none is named."""
    if args.all and args.channel:
        raise CallError("--all names every channel; leave the others out")
    for name in args.channel:
        if name not in config.channels:
            raise CallError(f'no channel is called "{clean(name)}"{did_you_mean(name, config.channels)}')
    names = tuple(config.channels) if args.all else tuple(dict.fromkeys(args.channel))
    if not names:
        there = f"There are {', '.join(config.channels)}; or say --all." if config.channels else "`tell` has none."
        raise CallError("send-test needs a channel", there)
    return names


def _messages(call: Call, config: Config, name: str) -> tuple[Notification, Notification]:
    cloud = next(iter(config.gather.kinds), Cloud.AWS)
    scope = Scope(cloud, call.settings().account or "000000000000", config.publish.region)
    severity, now = Severity(call.args.severity), int(call.clock.wall())
    return plan_rehearsal(config.fleet, scope, name, severity, now, secrets.token_hex(4))


# --- sending -----------------------------------------------------------------------------------------------------


def _send(
    call: Call, config: Config, name: str, messages: tuple[Notification, Notification]
) -> list[Mapping[str, Any]]:
    """What came of both. The second one is left out where the first surely did not arrive."""
    try:
        notifier = _open(call, config, config.channels[name])
    except DeliveryError as error:
        return [_answer(messages[0], 0, error)]
    first, reason = _try(call, notifier, messages[0])
    if reason is not None and reason not in ANSWERED:
        return [first]
    return [first, _try(call, notifier, messages[1])[0]]


def _open(call: Call, config: Config, channel: Channel) -> Notifier:
    """Over the secrets of the cloud that tells; no reader is opened for that."""
    cloud = Cloud.AWS if Cloud.AWS in config.gather.kinds else next(iter(config.gather.kinds), Cloud.AWS)
    reader = open_secrets(replace(call.settings_at_home(config), clouds=(str(cloud),)), call.environment, call.clock)
    medium = "sns" if channel.sns else "webhook"
    notifier: Notifier = wire("notifier", medium)(channel, reader, call.clock)
    return notifier


def _try(call: Call, notifier: Notifier, message: Notification) -> tuple[Mapping[str, Any], Reason | None]:
    began = call.clock.monotonic()
    failure: DeliveryError | None = None
    try:
        notifier.send(message, call.deadline(SECONDS))
    except DeliveryError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - a fault in one notifier must not hide the answers of the others
        detail = f"fault in the notifier: {type(error).__name__}"
        failure = DeliveryError(destination=message.channel, reason=Reason.MALFORMED, detail=detail)
    took = round((call.clock.monotonic() - began) * 1000)
    return _answer(message, took, failure), failure.reason if failure else None


def _answer(message: Notification, took: int, failure: DeliveryError | None) -> Mapping[str, Any]:
    """failure: in our own words; a notifier puts nothing of the receiver's into it."""
    said = "taken" if failure is None else ": ".join(filter(None, (str(failure.reason), failure.detail)))
    return {
        "channel": message.channel,
        "message": str(message.kind),
        "id": message.id,
        "taken": failure is None,
        "answer": said,
        "ms": took,
    }


def _show(call: Call, answers: Sequence[Mapping[str, Any]]) -> None:
    if call.args.json:
        call.terminal.json_list(answers)
        return
    call.terminal.table(COLUMNS, [_row(answer) for answer in answers])
    refused = sum(not answer["taken"] for answer in answers)
    if refused:
        call.terminal.problem(f"{refused} of {len(answers)} not taken", "nephoscope doctor looks at each channel.")


def _row(answer: Mapping[str, Any]) -> list[Cell | str]:
    style = "green" if answer["taken"] else "red"
    return [answer["channel"], answer["message"], Cell(clean(answer["answer"]), style), f"{answer['ms']} ms"]


# --- looking -----------------------------------------------------------------------------------------------------


def _bodies(channel: Channel, messages: Sequence[Notification]) -> Iterator[Mapping[str, Any]]:
    """A webhook's body, byte for byte, with the reference where the secret will stand; of SNS the subject, too."""
    for message in messages:
        about = {"channel": channel.name, "message": str(message.kind)}
        if channel.sns:
            published = render_sns(message)
            yield about | {"subject": published.subject, "body": json.loads(published.message)}
        else:
            key = Secret(channel.key if REFERENCE.fullmatch(channel.key) else "***") if channel.key else None
            yield about | {"body": json.loads(FORMATS[channel.format].body(message, key))}


def _show_bodies(call: Call, bodies: Sequence[Mapping[str, Any]]) -> None:
    if call.args.json:
        call.terminal.json_list(bodies)
        return
    for each in bodies:
        call.terminal.note(f"{each['channel']}, {each['message']}:")
        if "subject" in each:
            call.terminal.line(each["subject"])
        call.terminal.json(each["body"])
