"""An alarm widget: each alarm's name, its state in words, since when; what is wrong stands first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from nephoscope.model.publish import Dashboard
from nephoscope.views.dashboard_data import widgets_of
from nephoscope.views.markup import Html, isolated, tag

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

_WORDS = {"ALARM": "✖ in alarm", "INSUFFICIENT_DATA": "? too few data", "OK": "✔ ok"}
"""CloudWatch's states in the order in which it sorts them."""


@dataclass(frozen=True, slots=True)
class AlarmState:
    """state: CloudWatch's word. since: epoch seconds of its last change; 0 = not known. reason: CloudWatch's."""

    state: str
    since: int = 0
    reason: str = ""


def draw_alarms(arns: Sequence[str], states: Mapping[str, AlarmState] | None) -> Html:
    """states: by ARN; None: nobody asked. An alarm without a state does not exist there."""
    order = list(_WORDS)
    known = {arn: (states or {}).get(arn) for arn in arns}
    start = _start([_name(arn) for arn in arns])
    ranked = sorted(arns, key=lambda arn: order.index(one.state) if (one := known[arn]) and one.state in order else 3)
    return tag("ul", *(_alarm(arn, start, known[arn], asked=states is not None) for arn in ranked), class_="alarms")


def _alarm(arn: str, start: str, found: AlarmState | None, *, asked: bool) -> Html:
    """start: what the names of all have in common is said by the title, and left out."""
    name = tag("b", isolated(_name(arn).removeprefix(start) or _name(arn)), title=_name(arn))
    if found is None:
        words = "there is no such alarm" if asked else "shown in the console only"
        return tag("li", name, tag("span", words), class_="unknown")
    since = tag("span", f"since {_moment(found.since)}", class_="faint") if found.since else ""
    words = tag("span", _WORDS.get(found.state, found.state))
    look = found.state.lower() if found.state in _WORDS else "unknown"
    return tag("li", name, words, since, class_=look, title=found.reason or None)


def _start(names: Sequence[str]) -> str:
    """What all begin with, up to a dash; nothing where there is but one."""
    words = [name.split("-")[:-1] for name in names] if len(names) > 1 else [[]]
    shared = takewhile(lambda same: len(set(same)) == 1, zip(*words, strict=False))
    return "".join(f"{same[0]}-" for same in shared)


def _name(arn: str) -> str:
    return arn.partition(":alarm:")[2] or arn


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d %b %H:%M")


def fetch_alarm_states(
    client_for: Callable[[str], CloudWatchClient], dashboards: Sequence[Dashboard]
) -> dict[str, AlarmState]:
    """ARN -> state of every alarm on these dashboards' alarm widgets, as CloudWatch has it. Where it does not
    answer, that is the state. client_for: region -> client."""
    widgets = [one for dashboard in dashboards for one in widgets_of(dashboard) if one["type"] == "alarm"]
    arns = {arn for one in widgets for arn in one["properties"]["alarms"]}
    found: dict[str, AlarmState] = {}
    for region in sorted({arn.split(":")[3] for arn in arns}):
        found |= _ask(client_for(region), sorted(arn for arn in arns if arn.split(":")[3] == region))
    return {arn: state for arn, state in found.items() if arn in arns}


def _ask(client: CloudWatchClient, arns: Sequence[str]) -> dict[str, AlarmState]:
    """All in one call: an alarm widget holds 100, and so does an answer."""
    names = [_name(arn) for arn in arns]
    try:
        answer = client.describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    except (ClientError, BotoCoreError) as error:
        return {arn: AlarmState("could not be read", reason=str(error)) for arn in arns}
    return {
        one["AlarmArn"]: AlarmState(
            one["StateValue"], int(one["StateUpdatedTimestamp"].timestamp()), one.get("StateReason", "")
        )
        for one in (*answer["MetricAlarms"], *answer["CompositeAlarms"])
    }
