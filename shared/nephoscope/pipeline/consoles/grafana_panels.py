"""Grafana's panels as values: a number, lines with thresholds, text.

Sources: the dashboard and panel types of npm @grafana/schema; Grafana, "Standard options" (units), "Configure data
links" (`${__field.labels.x}`), "Transform data".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nephoscope.model.metric import Unit
from nephoscope.model.resource import Kind, StateGroup
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.bounds import CLOUD_NAMES, title_of, vendor_upward
from nephoscope.pipeline.board.parts import Kept, Look, Measure, Panel, Split, Take
from nephoscope.pipeline.consoles.grafana_targets import Target, labels_of
from nephoscope.pipeline.consoles.grafana_thresholds import Step, absolute, source_of, steps_of
from nephoscope.pipeline.consoles.texts import sentences, threshold_label

STATES = {
    StateGroup.RUNNING: "green",
    StateGroup.STOPPED: "gray",
    StateGroup.CHANGING: "orange",
    StateGroup.GONE: "red",
}
_UNITS = {
    Unit.FRACTION: "percent",
    Unit.BYTES: "bytes",
    Unit.BYTES_PER_SECOND: "binBps",
    Unit.SECONDS: "s",
    Unit.OPERATIONS_PER_SECOND: "ops",
}
_VENDOR_UNITS = {
    "10^2.%": "percentunit",
    "%": "percent",
    "Percent": "percent",
    "Bytes": "bytes",
    "By": "bytes",
    "s": "s",
}


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "title": "", "transparent": True, "options": {"mode": "markdown", "content": content}}


def number(panel: Panel, targets: Sequence[Target], steps: Sequence[Step]) -> dict[str, Any]:
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "orientation": "auto",
        "textMode": "value_and_name",
        "colorMode": "value",
        "graphMode": "area",
        "justifyMode": "auto",
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "wideLayout": True,
    }
    defaults = {
        "unit": unit_of(panel),
        "noValue": "no data",
        "color": {"mode": "thresholds"},
        "thresholds": absolute(steps),
    }
    return shown("stat", panel, targets) | {"fieldConfig": _fields(defaults, _states(panel)), "options": options}


def lines(panel: Panel, targets: Sequence[Target]) -> dict[str, Any]:
    """The worst are listed beside the graph, the furthest first; each line leads to its machine."""
    ask = panel.asks[0]
    worst = isinstance(ask, Measure) and ask.split is Split.MACHINE
    downward = isinstance(ask, Measure) and worst and not _upward(ask)
    stacked = panel.look in (Look.STACKED, Look.BARS)
    custom: dict[str, Any] = {
        "drawStyle": "bars" if panel.look is Look.BARS else "line",
        "lineWidth": 1,
        "fillOpacity": 40 if stacked else 0,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if panel.limits else "off"},
    }
    if panel.counted:
        custom["axisLabel"] = panel.counted
    defaults: dict[str, Any] = {
        "unit": unit_of(panel),
        "min": 0,
        "custom": custom,
        "color": {"mode": "palette-classic"},
    }
    if panel.limits:
        defaults["thresholds"] = absolute(steps_of(panel))
    if isinstance(ask, Measure):
        defaults |= _named(ask)
    far = "min" if downward else "max"
    legend = {
        "showLegend": True,
        "displayMode": "table" if worst else "list",
        "placement": "right" if worst else "bottom",
        "calcs": ["lastNotNull", far] if worst else [],
    }
    if worst:
        legend |= {"sortBy": far.capitalize(), "sortDesc": not downward}
    options = {"legend": legend, "tooltip": {"mode": "multi", "sort": "asc" if downward else "desc"}}
    return shown("timeseries", panel, targets) | {
        "fieldConfig": _fields(defaults, _states(panel)),
        "options": options,
    }


def shown(kind: str, panel: Panel, targets: Sequence[Target]) -> dict[str, Any]:
    bounds = "; ".join(threshold_label(panel, limit) for limit in panel.limits)
    described = sentences(panel.note, f"Rules: {bounds}." if bounds else "")
    own: dict[str, Any] = {"type": kind, "title": _title(panel), "targets": list(targets)}
    own["datasource"] = targets[0]["datasource"]
    if described:
        own["description"] = described.replace("$", "＄")  # a rule's name is no variable
    if joined := _joined(panel):
        own["transformations"] = joined
    return own | ({"timeFrom": f"{panel.span // 86_400}d"} if panel.span else {})


def _joined(panel: Panel) -> list[dict[str, Any]]:
    """Azure has no question whose answer is one line over many resources: Grafana makes one of theirs."""
    ask = panel.asks[0]
    if not isinstance(ask, Measure) or ask.cloud is not Cloud.AZURE or ask.split is not Split.NONE:
        return []
    reduced = {"mode": "reduceRow", "reduce": {"reducer": "sum" if ask.take is Take.SUM else "mean"}}
    one = {"id": "calculateField", "options": reduced | {"alias": str(ask.take), "replaceFields": True}}
    return [{"id": "joinByField", "options": {"mode": "outer"}}, one]


def _fields(defaults: dict[str, Any], overrides: list[dict[str, Any]]) -> dict[str, Any]:
    return {"defaults": defaults, "overrides": overrides}


def _states(panel: Panel) -> list[dict[str, Any]]:
    """The four states have colours of their own."""
    labels = {getattr(ask, "label", "") for ask in panel.asks}
    return [
        {
            "matcher": {"id": "byName", "options": str(state)},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
        }
        for state, color in STATES.items()
        if {str(each) for each in STATES} <= labels
    ]


# --- units, titles, names ----------------------------------------------------------------------------------------


def _upward(ask: Measure) -> bool:
    return vendor_upward(ask.metric.sources[ask.cloud], upward=ask.upward)


def unit_of(panel: Panel) -> str:
    """Grafana's word for the unit of what is drawn: the vendor's own where we ask the vendor. History is kept in the
    catalog's units, where a share is from 0 to 1."""
    source = source_of(panel)
    if isinstance(panel.asks[0], Kept):
        return "percentunit" if panel.unit is Unit.FRACTION else _UNITS.get(panel.unit, "short")
    if source is None:
        return _UNITS.get(panel.unit, "short")
    if source.per_second and panel.cloud is Cloud.GCP:
        return _UNITS.get(panel.unit, "short")
    return _VENDOR_UNITS.get(source.vendor_unit, "short")


def _title(panel: Panel) -> str:
    """The board's; of a metric with what its cloud's figure really is. Azure's data source shows every machine that is
    chosen, and sorts them."""
    source, ask = source_of(panel), panel.asks[0]
    if source is None or not isinstance(ask, Measure):
        return panel.title
    period = f" in {source.period // 60} min" if source.per_second and ask.cloud is not Cloud.GCP else ""
    turned = f" ({source.vendor_name})" if source.scale < 0 else ""
    what = f"{title_of(ask.metric)}{period}{turned}"
    where = f"in {CLOUD_NAMES[ask.cloud]}" + (", $aws_region" if ask.cloud is Cloud.AWS else "")
    if ask.split is not Split.MACHINE:
        return f"{what}: {ask.take} over all {where}"
    side = "highest" if _upward(ask) else "lowest"
    return f"{what}: {side} first, {where}" if ask.cloud is Cloud.AZURE else f"{what}: the {ask.most} {side} {where}"


def _named(ask: Measure) -> dict[str, Any]:
    """What a line is called where its labels say more than the data source, and where it leads."""
    if ask.split is not Split.MACHINE:
        return {}
    source = ask.metric.sources[ask.cloud]
    if ask.cloud is Cloud.GCP:
        shown = [label for label in labels_of(ask.metric.on, source) if label != "project_id"]
        named = [label for label in shown if label != "instance_id" or "instance_name" not in shown]
        return {"displayName": " ".join(f"${{__field.labels.{label}}}" for label in named)} | _links(ask)
    return _links(ask)


def _links(ask: Measure) -> dict[str, Any]:
    """Azure's data source adds a link to the portal by itself."""
    pages = {
        (Cloud.AWS, Kind.INSTANCE): "https://${aws_region}.console.aws.amazon.com/ec2/home?region=${aws_region}"
        "#InstanceDetails:instanceId=${__field.labels.InstanceId}",
        (Cloud.AWS, Kind.BUCKET): "https://${aws_region}.console.aws.amazon.com/s3/buckets/"
        "${__field.labels.BucketName}?region=${aws_region}",
        (Cloud.GCP, Kind.INSTANCE): "https://console.cloud.google.com/compute/instancesDetail/zones/"
        "${__field.labels.zone}/instances/${__field.labels.instance_id}?project=${__field.labels.project_id}",
        (Cloud.GCP, Kind.BUCKET): "https://console.cloud.google.com/storage/browser/${__field.labels.bucket_name}"
        "?project=${__field.labels.project_id}",
    }
    page = pages.get((ask.cloud, ask.metric.on))
    return {"links": [{"title": "In the console", "url": page, "targetBlank": True}]} if page else {}
