"""A reader of CloudWatch dashboards that knows nothing of the renderer: the documented structure as a JSON Schema, and
beside it what no schema can see.

Source: AmazonCloudWatch API reference, "Dashboard Body Structure and Syntax"; user guide, "CloudWatch quotas" (500
widgets; 500 metrics in a widget and 2,500 on a dashboard), "CloudWatch search expression syntax" (1,024 characters) and
"Metrics Insights" (one query in a widget). A size of the body is not documented; we stay below a megabyte.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA = json.loads((Path(__file__).parent / "golden/dashboard/body.schema.json").read_text(encoding="utf-8"))
WIDGETS, METRICS_A_WIDGET, METRICS, SEARCHED, BYTES = 500, 500, 2_500, 1_024, 1_000_000

Body = dict[str, Any]


def faults(body: Body, scopes: list[tuple[str, str, str]] = []) -> list[str]:  # noqa: B006 - never written to
    """What is wrong, each with its place; empty for a good one. scopes: (provider, account, region) of every series of
    ours that CloudWatch holds, by which it is counted what a search finds."""
    found = [
        f"/{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in Draft202012Validator(SCHEMA).iter_errors(body)
    ]
    return found or [*_layout(body), *_metrics(body, scopes), *_variables(body), *_size(body)]


def retrieved(properties: Body, scopes: list[tuple[str, str, str]]) -> int:
    """Metrics that CloudWatch retrieves for a widget, hidden ones included."""
    count = 0
    for line in properties["metrics"]:
        expression = line[-1].get("expression", "") if isinstance(line[-1], dict) else ""
        if not expression:
            count += 1
        elif expression.startswith("SELECT"):
            limit = re.search(r"LIMIT (\d+)$", expression)
            count += int(limit[1]) if limit else 1
        count += sum(_found(search, scopes) for search in re.findall(r"SEARCH\('(.*?)',", expression))
    return count


def _found(search: str, scopes: list[tuple[str, str, str]]) -> int:
    """Scopes that a search leaves, with every variable as it is at first."""
    wanted = re.findall(r'(cloud_provider|cloud_account_id|cloud_region)="([^"]*)"', re.sub(r"\(.*?\)", "", search))
    place = {"cloud_provider": 0, "cloud_account_id": 1, "cloud_region": 2}
    return sum(all(scope[place[key]] == value for key, value in wanted) for scope in scopes)


def _layout(body: Body) -> Iterator[str]:
    taken: dict[tuple[int, int], int] = {}
    for number, widget in enumerate(body["widgets"]):
        x, y, width, height = (widget[key] for key in ("x", "y", "width", "height"))
        if x + width > 24:
            yield f"/widgets/{number}: leaves the grid"
        for cell in ((column, row) for column in range(x, x + width) for row in range(y, y + height)):
            if cell in taken:
                yield f"/widgets/{number}: overlaps /widgets/{taken[cell]}"
                break
            taken[cell] = number


def _metrics(body: Body, scopes: list[tuple[str, str, str]]) -> Iterator[str]:
    total = 0
    for number, widget in enumerate(body["widgets"]):
        if widget["type"] == "metric":
            yield from (f"/widgets/{number}: {words}" for words in _lines(widget["properties"]["metrics"]))
            count = retrieved(widget["properties"], scopes)
            total += count
            if count > METRICS_A_WIDGET:
                yield f"/widgets/{number}: {count} metrics"
    if total > METRICS:
        yield f"/widgets: {total} metrics"


def _lines(lines: list[list[Any]]) -> Iterator[str]:
    ids = Counter(line[-1]["id"] for line in lines if isinstance(line[-1], dict) and "id" in line[-1])
    yield from (f"id {own} stands twice" for own, count in ids.items() if count > 1)
    expressions = [line[0]["expression"] for line in lines if isinstance(line[0], dict) and "expression" in line[0]]
    if sum(one.startswith("SELECT") for one in expressions) > 1:
        yield "more than one Metrics Insights query"
    for one in expressions:
        yield from ("a search is too long" for text in re.findall(r"SEARCH\('(.*?)',", one) if len(text) > SEARCHED)
        if not one.startswith("SELECT"):
            words = re.sub(r"SEARCH\(.*?', \d+\)", "", one)
            named = set(re.findall(r"\b[a-z][A-Za-z0-9_]*\b", words))
            yield from (f"{name} is no id" for name in sorted(named - set(ids)))
    for line in lines:
        names = [word for word in line if isinstance(word, str)]
        if not names and "expression" not in line[0]:
            yield "a line without a metric and without an expression"
        if len(names) % 2 or (names and any(isinstance(word, dict) for word in line[:-1])):
            yield "a metric is a namespace, a name, and dimensions as name and value; options come last"


def _variables(body: Body) -> Iterator[str]:
    ids = Counter(one["id"] for one in body.get("variables", ()))
    yield from (f"/variables: id {own} stands twice" for own, count in ids.items() if count > 1)
    text = json.dumps(body["widgets"])
    for number, one in enumerate(body.get("variables", ())):
        values = [choice["value"] for choice in one.get("values", ())]
        if values and one.get("defaultValue", values[0]) not in values:
            yield f"/variables/{number}: the default is no choice"
        if len(set(values)) < len(values):
            yield f"/variables/{number}: a choice stands twice"
        if one["type"] == "pattern" and not re.search(one["pattern"], text):
            yield f"/variables/{number}: changes nothing"


def _size(body: Body) -> Iterator[str]:
    if len(json.dumps(body, ensure_ascii=False).encode()) > BYTES:
        yield "/: larger than a megabyte"
