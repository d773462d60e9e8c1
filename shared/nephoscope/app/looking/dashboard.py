"""A dashboard's body, from wherever it is asked for, and its page: drawn as the console would."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nephoscope.app.drawing import dashboards_of
from nephoscope.app.looking.places import registered
from nephoscope.app.outside import Outside
from nephoscope.app.pages import widget
from nephoscope.model.errors import NephoscopeError, Reason
from nephoscope.model.publish import Dashboard
from nephoscope.model.time import HOUR, iso
from nephoscope.pipeline.looking.course import SPANS
from nephoscope.pipeline.wording import clean
from nephoscope.sinks.errors import reason_of
from nephoscope.views.dashboard_data import WidgetKey, fetch_dashboard_data, widgets_of
from nephoscope.views.dashboard_page import draw

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

SHOWS = ("page", "metric")
"""Of a custom widget's parameters, those that only say what is to be shown."""

PARTS = 20
"""Dashboards that a body may be split into at most."""


class BodyError(NephoscopeError):
    """There is no body to draw, and why."""


@dataclass(frozen=True, slots=True)
class Bodies:
    """files: by the name that the page shows. Reads CloudWatch with the credentials of this shell."""

    outside: Outside
    files: Mapping[str, Path]

    @staticmethod
    def named(files: Iterable[str]) -> Mapping[str, str]:
        """What the address calls it -> what a person reads."""
        named = {f"file:{name}": f"File {name}" for name in files}
        return {"rendered": "As a run would draw it", "cloudwatch": "As it stands in CloudWatch", **named}

    def page(self, origin: str, span: str) -> str:
        """The HTML of the dashboards. Raises BodyError."""
        dashboards = self._bodies(origin)
        end = int(self.outside.clock.wall())
        start = end - SPANS.get(span, 3 * HOUR)
        try:
            data = fetch_dashboard_data(client_for, dashboards, start, end)
            custom = self._custom(dashboards)
            return draw(dashboards, data, custom, f"{iso(start)} to {iso(end)}, times in UTC.")
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise BodyError(f"the body is not as CloudWatch documents it: {type(error).__name__}: {error}") from error

    def _bodies(self, origin: str) -> tuple[Dashboard, ...]:
        if origin == "rendered":
            scopes = [scope for scope in registered(self.outside) if not scope.is_fleet]
            if not scopes:
                raise BodyError("no scope is remembered yet, and a dashboard is drawn for those that are")
            return dashboards_of(self.outside, scopes)
        if origin == "cloudwatch":
            return standing(self.outside.config.publish.dashboard, self.outside.config.publish.region)
        path = self.files.get(origin.removeprefix("file:"))
        if path is None:
            raise BodyError(f"there is no {clean(origin, 60)}; {', '.join(self.named(self.files))} are known")
        return (Dashboard(path.stem, read_body(path)),)

    def _custom(self, dashboards: tuple[Dashboard, ...]) -> dict[WidgetKey, str]:
        """Our own widgets' HTML, asked here: what the console would get of the deployed function. Of what a body asks
        for, only what is shown is passed on: a body that wants something done gets nothing done by being looked at."""
        found: dict[WidgetKey, str] = {}
        for one in dashboards:
            for place, each in enumerate(widgets_of(one)):
                params = each["properties"].get("params") or {}
                if each["type"] == "custom" and "page" in params:
                    event = {name: str(params[name]) for name in SHOWS if name in params}
                    found[one.name, place] = widget(self.outside, {**event, "widgetContext": {}})
        return found


def read_body(path: Path) -> dict[str, Any]:
    """A dashboard's body as JSON. Raises BodyError."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BodyError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(body, dict) or not isinstance(body.get("widgets"), list):
        raise BodyError(f'{path}: a dashboard\'s body is an object with a list "widgets"')
    return body


def standing(name: str, region: str) -> tuple[Dashboard, ...]:
    """`name`, `name-2`, ... as they stand in CloudWatch. Raises BodyError."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - AWS's SDK only where it is asked

    client, found = client_for(region), []
    for part in [name, *(f"{name}-{number}" for number in range(2, PARTS + 1))]:
        try:
            found.append(Dashboard(part, json.loads(client.get_dashboard(DashboardName=part)["DashboardBody"])))
        except (ClientError, BotoCoreError) as error:
            if reason_of(error) is Reason.NOT_FOUND:
                break
            raise BodyError(f"CloudWatch in {region} does not tell: {clean(str(error), 300)}") from error
    if not found:
        raise BodyError(f"there is no dashboard {name} in {region}; `nephoscope dashboard --push` writes it")
    return tuple(found)


def client_for(region: str) -> CloudWatchClient:
    import boto3  # noqa: PLC0415 - as above
    from botocore.config import Config as Boto  # noqa: PLC0415

    patient = Boto(retries={"total_max_attempts": 2, "mode": "standard"}, connect_timeout=2, read_timeout=20)
    return boto3.client("cloudwatch", region_name=region, config=patient)
