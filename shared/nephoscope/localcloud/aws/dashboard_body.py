"""A dashboard's body, checked against the documented structure and limits; every finding is reported, with its path.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

WIDGETS = 500
METRICS_PER_WIDGET = 500
METRICS = 2500
_VIEWS = frozenset({"timeSeries", "singleValue", "gauge", "bar", "pie", "table"})
_METRIC_KEYS = frozenset(
    {"accountId", "annotations", "end", "labels", "legend", "liveData", "metrics", "period", "region", "sparkline"}
    | {"setPeriodToTimeRange", "singleValueFullPrecision", "stacked", "start", "stat", "table", "timezone", "title"}
    | {"trend", "view", "yAxis"}
)
_OPTION_KEYS = frozenset(
    {"accountId", "color", "expression", "id", "label", "period", "region", "searchExpression", "stat", "visible"}
    | {"yAxis"}
)
_WIDGET_KEYS = frozenset({"type", "x", "y", "width", "height", "properties"})


@dataclass(frozen=True, slots=True)
class Finding:
    """fatal: the body is refused; otherwise it is a warning. path: as in a JSON pointer."""

    path: str
    message: str
    fatal: bool

    def as_message(self) -> Mapping[str, str]:
        return {"DataPath": self.path, "Message": self.message}


_Findings = Iterator[Finding]


def check_body(text: str) -> list[Finding]:
    """Empty for a body without fault."""
    try:
        body = json.loads(text)
    except ValueError as error:
        return [Finding("/", f"The field DashboardBody must be a valid JSON object: {error}", True)]
    if not isinstance(body, dict) or not isinstance(body.get("widgets"), list):
        return [Finding("/", "The dashboard body must be an object with an array of widgets", True)]
    return list(_body(body))


def _wrong(path: str, message: str) -> Finding:
    return Finding(path, message, True)


def _body(body: Mapping[str, Any]) -> _Findings:
    known = {"widgets", "start", "end", "periodOverride", "variables"}
    yield from (_unknown(f"/{key}") for key in body.keys() - known)
    if body.get("periodOverride", "auto") not in ("auto", "inherit"):
        yield _wrong("/periodOverride", "Should be auto or inherit")
    widgets = body["widgets"]
    if len(widgets) > WIDGETS:
        yield _wrong("/widgets", f"Should NOT have more than {WIDGETS} items")
    total = 0
    for place, widget in enumerate(widgets):
        path = f"/widgets/{place}"
        if not isinstance(widget, dict):
            yield _wrong(path, "Should be object")
            continue
        yield from _widget(widget, path)
        total += _metric_count(widget)
    if total > METRICS:
        yield _wrong("/widgets", f"A dashboard may hold at most {METRICS} metrics, and this one has {total}")


def _unknown(path: str) -> Finding:
    return Finding(path, "Unknown property: it is ignored", False)


def _metric_count(widget: Mapping[str, Any]) -> int:
    metrics = (widget.get("properties") or {}).get("metrics") if isinstance(widget.get("properties"), dict) else None
    return len(metrics) if isinstance(metrics, list) else 0


def _widget(widget: Mapping[str, Any], path: str) -> _Findings:
    yield from (_unknown(f"{path}/{key}") for key in widget.keys() - _WIDGET_KEYS)
    yield from _grid(widget, path)
    kind = str(widget.get("type"))
    if kind not in _KINDS:
        yield _wrong(f"{path}/type", f"Should be one of {', '.join(_KINDS)}")
    elif not isinstance(widget.get("properties"), dict):
        yield _wrong(f"{path}/properties", "Should be object")
    else:
        yield from _KINDS[kind](widget["properties"], f"{path}/properties")


def _grid(widget: Mapping[str, Any], path: str) -> _Findings:
    for key, least, most in (("x", 0, 23), ("y", 0, None), ("width", 1, 24), ("height", 1, 1000)):
        value = widget.get(key, least)
        if type(value) is not int or value < least or (most is not None and value > most):
            yield _wrong(f"{path}/{key}", f"Should be an integer from {least}" + (f" to {most}" if most else ""))
    if ("x" in widget) != ("y" in widget):
        yield _wrong(path, "x and y are given together or not at all")
    x, width = widget.get("x", 0), widget.get("width", 6)
    if type(x) is int and type(width) is int and x + width > 24:
        yield _wrong(f"{path}/width", "x + width goes beyond the grid of 24 columns")


# --- widgets -----------------------------------------------------------------------------------------------------


def _metric(properties: Mapping[str, Any], path: str) -> _Findings:
    yield from (_unknown(f"{path}/{key}") for key in properties.keys() - _METRIC_KEYS)
    metrics, annotations = properties.get("metrics"), properties.get("annotations")
    if metrics is None and not (isinstance(annotations, dict) and annotations.get("alarms")):
        yield _wrong(path, "Should have metrics, or an alarm among its annotations")
    if not isinstance(properties.get("region"), str):
        yield _wrong(f"{path}/region", "Should have required property 'region'")
    if properties.get("view", "timeSeries") not in _VIEWS:
        yield _wrong(f"{path}/view", f"Should be one of {', '.join(sorted(_VIEWS))}")
    if properties.get("view") == "gauge" and "min" not in _left_axis(properties):
        yield _wrong(f"{path}/yAxis", "A gauge must have yAxis.left with min and max")
    yield from _period(properties, path)
    if metrics is not None:
        yield from _metrics(metrics, f"{path}/metrics")
    if annotations is not None:
        yield from _annotations(annotations, f"{path}/annotations")


def _left_axis(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    axis = properties.get("yAxis")
    left = axis.get("left") if isinstance(axis, dict) else None
    return left if isinstance(left, dict) else {}


def _period(properties: Mapping[str, Any], path: str) -> _Findings:
    period = properties.get("period", 300)
    if type(period) is not int or (period not in (1, 5, 10, 20, 30) and (period < 60 or period % 60)):
        yield _wrong(f"{path}/period", "Should be 1, 5, 10, 20, 30 or a multiple of 60")


def _metrics(metrics: Any, path: str) -> _Findings:
    if not isinstance(metrics, list):
        yield _wrong(path, "Should be array")
        return
    if len(metrics) > METRICS_PER_WIDGET:
        yield _wrong(path, f"Should NOT have more than {METRICS_PER_WIDGET} items")
    ids: set[str] = set()
    above = 0
    for place, line in enumerate(metrics):
        here = f"{path}/{place}"
        if not isinstance(line, list) or not line:
            yield _wrong(here, "Should be an array that is not empty")
            continue
        *names, options = line if isinstance(line[-1], dict) else [*line, {}]
        yield from _options(options, f"{here}/{len(names)}", ids)
        if names:
            yield from _names(names, above, here)
            above = above if "..." in names else len(names)
        elif "expression" not in options:
            yield _wrong(here, "Should have a namespace and a name, or an expression")


def _names(names: list[Any], above: int, path: str) -> _Findings:
    """Namespace, name, then dimensions in pairs; `.` repeats the place above, `...` all places up to here."""
    if not all(isinstance(name, str) and name for name in names):
        yield _wrong(path, "Should hold texts that are not empty, and options at the end")
    elif "..." in names:
        if not above:
            yield _wrong(path, "There is no metric above for ... to repeat")
    elif len(names) < 2 or len(names) % 2:
        yield _wrong(path, "Should be a namespace, a name, and dimensions as name and value")
    elif len(names) > 2 + 2 * 30:
        yield _wrong(path, "Should NOT have more than 30 dimensions")
    elif "." in names[above:]:
        yield _wrong(path, "There is nothing above for . to repeat")


def _options(options: Mapping[str, Any], path: str, ids: set[str]) -> _Findings:
    yield from (_unknown(f"{path}/{key}") for key in options.keys() - _OPTION_KEYS)
    name = options.get("id")
    if name is not None and not (isinstance(name, str) and name[:1].islower()):
        yield _wrong(f"{path}/id", "Should begin with a lower-case letter")
    if name is not None and name in ids:
        yield _wrong(f"{path}/id", f"Duplicate id {name!r}")
    ids.add(str(name))
    if options.get("yAxis", "left") not in ("left", "right"):
        yield _wrong(f"{path}/yAxis", "Should be left or right")
    if "expression" in options and not isinstance(options["expression"], str):
        yield _wrong(f"{path}/expression", "Should be string")
    yield from _period(options, path)


def _annotations(annotations: Any, path: str) -> _Findings:
    if not isinstance(annotations, dict):
        yield _wrong(path, "Should be object")
        return
    for place, line in enumerate(annotations.get("horizontal", [])):
        rows = line if isinstance(line, list) else [line]
        if not all(isinstance(row, dict) and type(row.get("value")) in (int, float) for row in rows):
            yield _wrong(f"{path}/horizontal/{place}", "Should have a number as its value")


def _needs(**kinds: type) -> Callable[[Mapping[str, Any], str], _Findings]:
    """A widget of which only some properties must be there, each of a type and not empty."""

    def check(properties: Mapping[str, Any], path: str) -> _Findings:
        for name, kind in kinds.items():
            value = properties.get(name)
            if not isinstance(value, kind) or not value:
                yield _wrong(f"{path}/{name}", f"Should have required property '{name}'")

    return check


def _text(properties: Mapping[str, Any], path: str) -> _Findings:
    yield from (_unknown(f"{path}/{key}") for key in properties.keys() - {"markdown", "background"})
    yield from _needs(markdown=str)(properties, path)


def _alarm(properties: Mapping[str, Any], path: str) -> _Findings:
    yield from _needs(alarms=list)(properties, path)
    if len(properties.get("alarms", ())) > 100:
        yield _wrong(f"{path}/alarms", "Should NOT have more than 100 items")


def _custom(properties: Mapping[str, Any], path: str) -> _Findings:
    """Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard.html"""
    yield from _needs(endpoint=str)(properties, path)
    endpoint = str(properties.get("endpoint", ""))
    if not endpoint.startswith("arn:") or ":lambda:" not in endpoint:
        yield _wrong(f"{path}/endpoint", "Should be the ARN of a Lambda function")
    known = {"endpoint", "params", "updateOn", "title", "accountId"}
    yield from (_unknown(f"{path}/{key}") for key in properties.keys() - known)
    update = properties.get("updateOn", {})
    if not isinstance(update, dict) or not all(type(value) is bool for value in update.values()):
        yield _wrong(f"{path}/updateOn", "Should hold true or false for refresh, resize and timeRange")


_KINDS: Mapping[str, Callable[[Mapping[str, Any], str], _Findings]] = {
    "metric": _metric,
    "text": _text,
    "log": _needs(query=str, region=str),
    "alarm": _alarm,
    "custom": _custom,
    "explorer": _needs(metrics=list),
}
