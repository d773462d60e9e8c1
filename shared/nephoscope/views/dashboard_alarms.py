"""An alarm widget: each alarm's name, its state in words, since when; what is wrong stands first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from os.path import commonprefix
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
    start = commonprefix([_name(arn) for arn in arns]) if len(arns) > 1 else ""
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
    return tag("li", name, words, since, class_=found.state.lower(), title=found.reason or None)


def _name(arn: str) -> str:
    return arn.partition(":alarm:")[2] or arn


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d %b %H:%M")


def fetch_alarm_states(
    client_for: Callable[[str], CloudWatchClient], dashboards: Sequence[Dashboard]
) -> dict[str, AlarmState]:
    """ARN -> state of every alarm on these dashboards' alarm widgets, as CloudWatch has it. A region that does not
    answer leaves its alarms out. client_for: region -> client."""
    widgets = [one for dashboard in dashboards for one in widgets_of(dashboard) if one["type"] == "alarm"]
    arns = {arn for one in widgets for arn in one["properties"]["alarms"]}
    found: dict[str, AlarmState] = {}
    for region in sorted({arn.split(":")[3] for arn in arns}):
        names = sorted(arn.partition(":alarm:")[2] for arn in arns if arn.split(":")[3] == region)
        found |= _ask(client_for(region), names)
    return {arn: state for arn, state in found.items() if arn in arns}


def _ask(client: CloudWatchClient, names: Sequence[str]) -> dict[str, AlarmState]:
    try:
        answer = client.describe_alarms(AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    except (ClientError, BotoCoreError) as error:
        return {name: AlarmState("unknown", reason=str(error)) for name in names}
    return {
        one["AlarmArn"]: AlarmState(
            one["StateValue"], int(one["StateUpdatedTimestamp"].timestamp()), one.get("StateReason", "")
        )
        for one in (*answer["MetricAlarms"], *answer["CompositeAlarms"])
    }
