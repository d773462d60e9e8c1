"""Google's dashboard, read by Google's own client, and held against what its documents say that protobuf cannot.

Sources: Cloud Monitoring API v1, `projects.dashboards`, as the comments of google-cloud-monitoring-dashboards give it
(columns from 1 to 12; colours and directions are for scorecards, axes for charts; one ranking method must be named);
release notes of 2 May 2025 (100 widgets); `projects.metricDescriptors` (which aligner a kind of metric takes).
"""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud.monitoring_dashboard_v1 import Dashboard
from google.protobuf.json_format import ParseError

from nephoscope.model.config import Config
from nephoscope.model.metric import Shape
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.consoles.google import DEPLOYMENT, render_google
from tests.console_boards import CATALOG, GOLDEN, ODD, everything, kept, odd, ruleless, shown, written

CONFIGS: dict[str, Config] = {
    "acme": written("acme"),
    "odd": odd(),
    "ruleless": ruleless(),
    "many projects": ruleless(projects=500),
    "everything": everything(),
}
every_fleet = pytest.mark.parametrize("fleet", CONFIGS)


@functools.cache
def drawn(fleet: str) -> dict[str, Any]:
    config = CONFIGS[fleet]
    return render_google(shown(config), config)


def tiles(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dashboard["mosaicLayout"]["tiles"]
    return found


def widget_called(title: str, fleet: str = "acme") -> dict[str, Any]:
    (found,) = [tile["widget"] for tile in tiles(drawn(fleet)) if tile["widget"].get("title") == title]
    return found


def queries(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for tile in tiles(dashboard):
        widget = tile["widget"]
        for data in widget.get("xyChart", {}).get("dataSets", []) or [widget.get("scorecard", {})]:
            if "timeSeriesQuery" in data:
                yield data["timeSeriesQuery"]["timeSeriesFilter"]


# --- what Google's own client says -------------------------------------------------------------------------------


def accepted(dashboard: dict[str, Any]) -> Any:
    """The message; raises ParseError for a field or a word that it does not have."""
    return Dashboard.from_json(json.dumps(dashboard))


@every_fleet
def test_googles_own_client_reads_every_field_back(fleet: str) -> None:
    message = accepted(drawn(fleet))
    assert message.display_name == f"{CONFIGS[fleet].fleet}: nephoscope"
    assert len(message.mosaic_layout.tiles) == len(tiles(drawn(fleet)))
    assert all(tile.widget._pb.WhichOneof("content") for tile in message.mosaic_layout.tiles)


@every_fleet
def test_what_the_service_gives_back_is_what_it_was_given(fleet: str) -> None:
    """It leaves fields at their defaults out of its JSON: were one written, Terraform would find a difference."""
    present = {"always_print_fields_with_no_presence": False}
    written = Dashboard.to_json(accepted(drawn(fleet)), use_integers_for_enums=False, **present)
    assert json.loads(written) == drawn(fleet)


def _spoil_field(dashboard: dict[str, Any]) -> None:
    tiles(dashboard)[0]["widget"]["text"]["contents"] = "x"


def _spoil_word(dashboard: dict[str, Any]) -> None:
    next(queries(dashboard))["aggregation"]["perSeriesAligner"] = "ALIGN_AVERAGE"


def _spoil_type(dashboard: dict[str, Any]) -> None:
    tiles(dashboard)[0]["width"] = "wide"


def _spoil_choice(dashboard: dict[str, Any]) -> None:
    tiles(dashboard)[0]["widget"]["incidentList"] = {}


@pytest.mark.parametrize("spoil", [_spoil_field, _spoil_word, _spoil_type, _spoil_choice])
def test_what_is_planted_is_refused(spoil: Any) -> None:
    spoilt = copy.deepcopy(drawn("acme"))
    spoil(spoilt)
    with pytest.raises(ParseError):
        accepted(spoilt)


# --- what is documented and no message can say -------------------------------------------------------------------


def against_the_documents(dashboard: dict[str, Any]) -> list[str]:
    """What is wrong with it, in words."""
    wrong = [] if 1 <= dashboard["mosaicLayout"]["columns"] <= 12 else ["columns"]
    wrong += [] if len(tiles(dashboard)) <= 100 else ["too many widgets"]
    taken: set[tuple[int, int]] = set()
    for tile in tiles(dashboard):
        x, y, width, height = (tile.get(key, 0) for key in ("xPos", "yPos", "width", "height"))
        cells = {(column, row) for column in range(x, x + width) for row in range(y, y + height)}
        wrong += [] if cells and x + width <= dashboard["mosaicLayout"]["columns"] else ["a tile leaves the grid"]
        wrong += ["tiles overlap"] if cells & taken else []
        taken |= cells
        wrong += _widget(tile["widget"])
    return wrong


def _widget(widget: dict[str, Any]) -> Iterator[str]:
    for threshold in widget.get("xyChart", {}).get("thresholds", []):
        if threshold.keys() & {"color", "direction"}:
            yield "a chart's threshold has no colour and no direction"
    for threshold in widget.get("scorecard", {}).get("thresholds", []):
        if "targetAxis" in threshold or not threshold.keys() >= {"color", "direction"}:
            yield "a scorecard's threshold has a colour, a direction, and no axis"
    if any("resource.type=" not in query["filter"] for query in _asked(widget)):
        yield "a filter names the type of resource"
    ranked = [query["pickTimeSeriesFilter"] for query in _asked(widget) if "pickTimeSeriesFilter" in query]
    if any(not {"rankingMethod", "direction", "numTimeSeries"} <= each.keys() for each in ranked):
        yield "a ranking must be complete"


def _asked(widget: dict[str, Any]) -> list[dict[str, Any]]:
    return list(queries({"mosaicLayout": {"tiles": [{"widget": widget}]}}))


@every_fleet
def test_the_documented_rules_hold(fleet: str) -> None:
    assert against_the_documents(drawn(fleet)) == []


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("mosaicLayout", "columns"), 48, "columns"),
        (("mosaicLayout", "tiles", 0, "width"), 13, "a tile leaves the grid"),
        (("mosaicLayout", "tiles", 1, "yPos"), 0, "tiles overlap"),
    ],
)
def test_what_the_documents_forbid_is_found(place: tuple[Any, ...], value: object, said: str) -> None:
    spoilt: Any = copy.deepcopy(drawn("acme"))
    inner = spoilt
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    assert said in against_the_documents(spoilt)


def test_a_colour_on_a_charts_threshold_is_found() -> None:
    spoilt = copy.deepcopy(drawn("acme"))
    chart = next(t["widget"]["xyChart"] for t in tiles(spoilt) if t["widget"].get("xyChart", {}).get("thresholds"))
    chart["thresholds"][0]["color"] = "RED"
    assert "a chart's threshold has no colour and no direction" in against_the_documents(spoilt)


def test_what_does_not_fit_is_left_out_and_counted() -> None:
    config = everything()
    board = shown(config)
    (worst,) = [section for section in board.sections if section.name == "worst"]
    google = [panel for panel in worst.panels if panel.cloud is Cloud.GCP]
    assert len(tiles(drawn("everything"))) < 100, "the catalog itself still fits"
    many = type(board)(
        board.title,
        board.introduction,
        board.clouds,
        tuple(
            type(s)(s.name, s.title, s.below, tuple(google) * 12) if s.name == "worst" else s for s in board.sections
        ),
    )
    dashboard = render_google(many, config)
    assert len(tiles(dashboard)) == 100
    (left_out,) = re.findall(r"(\d+) graphs did not fit", tiles(dashboard)[0]["widget"]["text"]["content"])
    whole = len(tiles(drawn("everything"))) + len(google) * 11
    assert int(left_out) == whole - 100


# --- units and kinds ---------------------------------------------------------------------------------------------


def thresholds(title: str) -> list[tuple[str, float]]:
    chart = widget_called(title)["xyChart"]
    return [(threshold["label"], threshold["value"]) for threshold in chart.get("thresholds", [])]


def test_thresholds_are_in_the_native_scale_of_googles_metric() -> None:
    """Google gives processors as a fraction, an agent's memory in percent, bytes as a rate once they are aligned."""
    assert thresholds("CPU utilization: the 10 highest in Google Cloud") == [
        ("critical: cpu-hot (> 90 %)", 0.9),
        ("warning: cpu-warm (> 75 %)", 0.75),
    ]
    assert thresholds("Memory utilization: the 10 highest in Google Cloud") == [
        ("warning: memory-high (>= 95 %)", 95.0)
    ]
    assert thresholds("Network receive: the 10 highest in Google Cloud") == [
        ("warning: network-busy (> 10 MiB/s)", 10 * 1024**2)
    ]
    assert thresholds("Bucket size: the 10 highest in Google Cloud") == [("info: bucket-large (> 5 TiB)", 5 * 1024**4)]


@every_fleet
def test_a_rate_is_asked_only_of_what_changes(fleet: str) -> None:
    """ALIGN_RATE is for DELTA and CUMULATIVE metrics: a level's would be refused."""
    by_type = {
        f"{source.namespace}/{source.vendor_name}": metric
        for metric in CATALOG.metrics.values()
        if (source := metric.sources.get(Cloud.GCP))
    }
    for query in queries(drawn(fleet)):
        (name,) = re.findall(r'metric\.type="([^"]+)"', query["filter"])
        if query["aggregation"]["perSeriesAligner"] == "ALIGN_RATE":
            assert by_type[name].shape is not Shape.GAUGE
        if (metric := by_type.get(name)) and metric.sources[Cloud.GCP].per_second:
            assert query["aggregation"]["perSeriesAligner"] == "ALIGN_RATE"


def test_what_names_a_line_is_among_its_groups() -> None:
    """Metadata is given only where a reduction names it (TimeSeries.metadata)."""
    for tile in tiles(drawn("acme")):
        for data in tile["widget"].get("xyChart", {}).get("dataSets", []):
            query = data["timeSeriesQuery"]["timeSeriesFilter"]
            named = re.findall(r"\$\{([^}]+)\}", data["legendTemplate"])
            assert set(named) <= set(query["aggregation"]["groupByFields"])


def test_what_google_does_not_measure_is_said_and_not_asked() -> None:
    header = widget_called("Which fare worst")["sectionHeader"]
    assert header["subtitle"] == "Not measured in Google Cloud: CPU credit balance."
    assert not any("credit" in tile["widget"].get("title", "").lower() for tile in tiles(drawn("acme")))


def test_projects_are_named_where_a_filter_can_hold_them() -> None:
    (chart,) = widget_called("Running machines by zone")["xyChart"]["dataSets"]
    asked = chart["timeSeriesQuery"]["timeSeriesFilter"]["filter"]
    assert asked.endswith('resource.labels.project_id=one_of("acme-web","acme-data")')
    assert all("project_id=one_of" not in query["filter"] for query in queries(drawn("many projects")))


def test_our_functions_are_shown_only_where_they_are() -> None:
    names = [query["filter"] for query in queries(drawn("acme")) if "service_name" in query["filter"]]
    assert len(names) == 3
    assert all(f'service_name=starts_with("{DEPLOYMENT}' in name for name in names)
    from_aws = written("alone")  # AWS's functions read Azure, and nobody reads Google
    dashboard = render_google(shown(from_aws), from_aws)
    assert all("service_name" not in query["filter"] for query in queries(dashboard))


def test_odd_names_stay_what_they_are() -> None:
    dashboard = drawn("odd")
    for query in queries(dashboard):
        for quoted in re.findall(r'one_of\(("(?:[^"\\]|\\.)*")\)', query["filter"]):
            assert json.loads(quoted) == ODD  # escapes of the filter's strings are those of JSON's here
    assert widget_called("CPU utilization: the 10 highest in Google Cloud", "odd")["xyChart"]["thresholds"][0][
        "label"
    ].startswith(f"critical: {ODD}")
    content = tiles(dashboard)[0]["widget"]["text"]["content"]
    assert "\\[a\\](b)" in content, "no link was made of a name"


def test_it_is_as_it_was(golden: Path = GOLDEN / "google-dashboard.json") -> None:
    assert golden.read_text(encoding="utf-8") == kept()[golden]
