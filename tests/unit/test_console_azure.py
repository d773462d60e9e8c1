"""Azure's workbook against an excerpt of Microsoft's own JSON Schema of workbooks, with planted errors; its parameters,
queries and thresholds against what the documents say that no schema can.

Sources: schema/workbook.json of github.com/microsoft/Application-Insights-Workbooks (see the excerpt's head); Azure
Monitor, "Supported metrics for Microsoft.Compute/virtualMachines" (Available Memory Percentage is what is free, Network
In Total is of a minute); ARM, "Template syntax" and "Limits" (a template has at most 4 MB).
"""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nephoscope.model.config import Config
from nephoscope.model.rule import Comparison, Severity
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.consoles.azure import INSIGHTS, render_template, render_workbook
from nephoscope.pipeline.consoles.azure_items import Bound, judged
from tests.console_boards import CATALOG, GOLDEN, ODD, everything, kept, odd, shown, written

VALIDATOR = jsonschema.Draft7Validator(json.loads((GOLDEN / "workbook.schema.json").read_text(encoding="utf-8")))
CONFIGS: dict[str, Config] = {
    "acme": written("acme"),
    "alone": written("alone"),
    "odd": odd(),
    "everything": everything(),
}
CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING
every_fleet = pytest.mark.parametrize("fleet", CONFIGS)


@functools.cache
def drawn(fleet: str) -> dict[str, Any]:
    config = CONFIGS[fleet]
    return render_workbook(shown(config), config, CATALOG)


def steps(workbook: dict[str, Any], kind: int) -> list[dict[str, Any]]:
    return [item for item in workbook["items"] if item["type"] == kind]


def step_named(name: str, fleet: str = "acme") -> dict[str, Any]:
    (found,) = [item for item in drawn(fleet)["items"] if item["name"] == name]
    return found


def parameters(workbook: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (step,) = steps(workbook, 9)
    return {each["name"]: each for each in step["content"]["parameters"]}


# --- structure ---------------------------------------------------------------------------------------------------


@every_fleet
def test_every_step_is_as_microsofts_schema_has_it(fleet: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(drawn(fleet))] == []


PLANTED: tuple[tuple[int, tuple[Any, ...], object], ...] = (
    # of which kind of step, where in its content, what is planted there
    (1, ("json",), 5),
    (3, ("queryType",), "1"),
    (3, ("crossComponentResources",), []),
    (3, ("visualization",), "piechart3d"),
    (9, ("parameters", 0, "id"), "not-a-guid"),
    (9, ("parameters", 0, "nmae"), "TimeRange"),
    (10, ("metrics", 0, "aggregation"), "Average"),
    (10, ("metrics", 0, "metric"), "Percentage CPU"),
    (10, ("metrics",), []),
    (10, ("timeContext", "durationMs"), "1h"),
    (10, ("gridSettings", "formatters", 3, "formatOptions", "thresholdsGrid", 0, "operator"), "=>"),
)


@pytest.mark.parametrize(("kind", "place", "value"), PLANTED)
def test_what_is_planted_is_found(kind: int, place: tuple[Any, ...], value: object) -> None:
    spoilt = copy.deepcopy(drawn("acme"))
    inner: Any = steps(spoilt, kind)[0]["content"]
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    assert list(VALIDATOR.iter_errors(spoilt))


@every_fleet
def test_steps_have_names_of_their_own(fleet: str) -> None:
    names = [item["name"] for item in drawn(fleet)["items"]]
    assert len(set(names)) == len(names)


def _used(value: object) -> Iterator[str]:
    """`{Name}` and `{Name:format}` wherever a workbook puts parameters in: names begin with a large letter."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _used(each)
    elif isinstance(value, list):
        for each in value:
            yield from _used(each)
    elif isinstance(value, str):
        yield from re.findall(r"\{([A-Z]\w*)(?::\w+)?\}", value)


@pytest.mark.parametrize("fleet", ["acme", "alone", "everything"])
def test_every_parameter_that_is_used_is_declared_before_it_is(fleet: str) -> None:
    declared = parameters(drawn(fleet))
    assert set(_used(drawn(fleet))) <= set(declared)
    seen: set[str] = set()
    for name, each in declared.items():
        assert set(_used(each)) <= seen, f"{name} asks for what comes later"
        seen.add(name)


def test_a_workspace_is_asked_for_only_where_the_configuration_names_one() -> None:
    assert "11111111-1111-1111-1111-111111111111" in parameters(drawn("acme"))["Workspaces"]["query"]
    assert "Workspaces" not in parameters(drawn("alone"))
    assert "Workspaces" not in set(_used(drawn("alone")))


def test_the_subscriptions_are_those_that_are_watched_or_all() -> None:
    assert parameters(drawn("acme"))["Subscription"]["value"] == ["/subscriptions/00000000-0000-0000-0000-000000000000"]
    assert parameters(drawn("alone"))["Subscription"]["value"] == ["value::all"]


# --- what is asked -----------------------------------------------------------------------------------------------


def test_each_power_state_that_azure_has_is_counted_in_one_group() -> None:
    """Azure's documented power states, and the two provisioning states that say more (states-billing)."""
    kql = step_named("machines")["content"]["query"]
    groups = dict(re.findall(r"word in \(([^)]*)\), '(\w+)'", kql))
    found = {word: group for words, group in groups.items() for word in re.findall(r"'(\w+)'", words)}
    assert found == {
        "creating": "changing", "starting": "changing", "stopping": "changing", "deallocating": "changing",
        "unknown": "changing", "running": "running", "stopped": "stopped", "deallocated": "stopped", "deleting": "gone",
    }  # fmt: skip


def bounds(name: str) -> list[tuple[str, str | None, str, str]]:
    formatters = step_named(name)["content"]["gridSettings"]["formatters"]
    (grid,) = [each["formatOptions"]["thresholdsGrid"] for each in formatters if each["formatter"] == 18]
    return [(each["operator"], each["thresholdValue"], each["representation"], each["text"]) for each in grid]


def test_thresholds_are_in_azures_unit_the_worst_first() -> None:
    otherwise = ("Default", None, "success", "{0}{1}")
    assert bounds("worst cpu.utilization") == [
        (">", "90", "critical", "{0}{1} cpu-hot"),
        (">", "75", "warning", "{0}{1} cpu-warm"),
        otherwise,
    ]
    # 10 MiB a second are 629,145,600 bytes in the minute that Azure counts
    assert bounds("worst network.receive") == [(">", "629145600", "warning", "{0}{1} network-busy"), otherwise]
    assert bounds("worst cpu.credit.balance") == [("<", "20", "warning", "{0}{1} credits-low"), otherwise]


def test_the_first_bound_that_is_broken_decides_so_the_furthest_stands_first() -> None:
    up, down = Comparison.GREATER, Comparison.LESS
    rules = [(WARNING, up, 60.0, "a"), (WARNING, up, 75.0, "b"), (CRITICAL, up, 70.0, "c")]
    assert order_of(rules) == ["c", "b", "a"]
    assert order_of([(WARNING, down, 20.0, "a"), (WARNING, down, 5.0, "b")]) == ["b", "a"]


def order_of(rules: list[Bound]) -> list[str]:
    grid = judged("x", rules)["formatOptions"]["thresholdsGrid"]
    return [each["text"].removeprefix("{0}{1} ") for each in grid if each["operator"] != "Default"]


def test_of_free_memory_less_is_worse_and_the_least_comes_first() -> None:
    assert bounds("worst memory.utilization")[0] == ("<=", "5", "warning", "{0}{1} memory-high")
    content = step_named("worst memory.utilization")["content"]
    assert content["title"] == "Memory utilization: the 10 lowest, Available Memory Percentage"
    assert content["gridSettings"]["sortBy"][0]["sortOrder"] == 1


def test_what_only_logs_know_is_asked_of_logs_and_shown_in_percent() -> None:
    content = step_named("worst filesystem.utilization")["content"]
    assert (content["queryType"], content["crossComponentResources"]) == (0, ["{Workspaces}"])
    assert "| extend Value = (vendor * -0.01 + 1.0) * 100.0\n" in content["query"]
    assert content["query"].endswith("| top 10 by Value desc")
    assert bounds("worst filesystem.utilization")[0] == (">", "90", "critical", "{0}{1} disk-full")


def test_what_is_measured_once_an_hour_shows_a_week_whatever_was_chosen() -> None:
    content = step_named("history size", "everything")["content"]
    assert content["timeContext"] == {"durationMs": 604_800_000}
    assert "timeContextFromParameter" not in content
    assert step_named("history cpu.utilization")["content"]["timeContextFromParameter"] == "TimeRange"


def test_what_azure_does_not_measure_is_said() -> None:
    assert "Not measured in Azure: Bucket size." in step_named("section worst")["content"]["json"]
    assert all("size" not in item["name"] for item in drawn("acme")["items"])


def test_our_functions_are_shown_only_where_they_are() -> None:
    asked = [item["content"]["crossComponentResources"] for item in steps(drawn("acme"), 3)]
    assert asked.count([INSIGHTS]) == 3
    assert INSIGHTS not in json.dumps(drawn("alone"))


def test_odd_names_are_no_parameters_and_end_no_string() -> None:
    workbook = drawn("odd")
    introduction = workbook["items"][0]["content"]["json"]
    assert set(_used(introduction)) == set()
    shown_rules = [text for _, _, _, text in bounds_of(workbook)]
    assert any("(TimeRange)" in text for text in shown_rules)
    assert not any("{TimeRange}" in text for text in shown_rules)
    assert "\\[a\\]" in introduction
    assert ODD.split("{", maxsplit=1)[0] not in introduction  # its backslash is escaped


def bounds_of(workbook: dict[str, Any]) -> list[tuple[str, str | None, str, str]]:
    return [
        (each["operator"], each["thresholdValue"], each["representation"], each["text"])
        for item in steps(workbook, 10)
        for formatter in item["content"].get("gridSettings", {}).get("formatters", [])
        for each in formatter.get("formatOptions", {}).get("thresholdsGrid", [])
    ]


# --- as it is deployed -------------------------------------------------------------------------------------------


def test_the_template_holds_the_workbook_as_text() -> None:
    config = CONFIGS["alone"]
    template = render_template(shown(config), config, CATALOG)
    assert template.keys() == {"$schema", "contentVersion", "resources"}
    (resource,) = template["resources"]  # type: ignore[misc, unused-ignore]
    assert resource["type"] == "Microsoft.Insights/workbooks"
    assert resource["kind"] == "shared"
    assert resource["properties"].keys() >= {"displayName", "category", "serializedData"}
    content = resource["properties"]["serializedData"]
    assert not content.startswith("["), "or the Resource Manager would take it for an expression"
    assert list(VALIDATOR.iter_errors(json.loads(content))) == []
    assert INSIGHTS not in content
    assert len(json.dumps(template)) < 4_000_000


def test_the_template_names_the_workbook_by_an_expression_that_is_a_guid() -> None:
    for fleet in ("alone", "odd"):
        config = CONFIGS[fleet]
        (resource,) = render_template(shown(config), config, CATALOG)["resources"]  # type: ignore[misc, unused-ignore]
        assert re.fullmatch(r"\[guid\(resourceGroup\(\)\.id, '[0-9a-f-]{36}'\)\]", resource["name"])


@pytest.mark.parametrize("name", ["azure-workbook.json", "azure-workbook-alone.json"])
def test_it_is_as_it_was(name: str) -> None:
    path: Path = GOLDEN / name
    assert path.read_text(encoding="utf-8") == kept()[path]


def test_the_clouds_own_names_stand_in_no_other_clouds_workbook() -> None:
    assert Cloud.AZURE in shown(CONFIGS["acme"]).clouds
    assert "googleapis" not in json.dumps(drawn("acme"))
