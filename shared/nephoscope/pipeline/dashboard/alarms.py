"""Nephoscope's own alarms, which the deployment makes: their state, and their thresholds on the graphs they look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nephoscope.pipeline.dashboard.widgets import Line, Widget

MOST = 100
"""Alarms in one widget. Source: "Properties of an Alarm Status Widget Object"."""

COLOR = "#d62728"

_THRESHOLDS: Mapping[str, tuple[str, float, str]] = {
    # figure of nephoscope: (alarm, threshold, in words); as infra/aws/alarms.yml sets them
    "nephoscope.oldest_owed": ("OwedTooLong", 600, "> 10 min"),
    "nephoscope.scopes_failed": ("ScopesFail", 0, "> 0"),
}


def alarm_states(alarms: Sequence[str], size: tuple[int, int], *, under: bool = False) -> Widget:
    """alarms: ARNs, never empty. What is wrong stands first. under: below the widget before it."""
    properties = {
        "title": "Alarms that watch nephoscope",
        "alarms": list(alarms[:MOST]),
        "sortBy": "stateUpdatedTimestamp",
    }
    return Widget("alarm", *size, properties, under=under)


def alarm_lines(figure: str, alarms: Sequence[str]) -> list[Line]:
    """The threshold of the alarm that looks at this figure, where the deployment made one."""
    if figure not in _THRESHOLDS:
        return []
    name, threshold, words = _THRESHOLDS[figure]
    if not any(arn.endswith(name) for arn in alarms):
        return []
    return [Line(threshold, f"alarm {name} ({words})", COLOR, "above")]
