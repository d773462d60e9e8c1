"""Account and region as variables of the dashboard: what a person chooses there narrows the graphs of our own series.

A *pattern variable* puts the chosen value wherever its pattern stands in the body. Ours stands twice in each search, as
`(fleet="ANY_REGION" OR cloud_region="ANY_REGION")`: with a region's name it leaves that region's series; with the
fleet's own name, which every series carries, it leaves them all. So "all" needs no words that a search has not.
The answers at the top hold no pattern: whatever was chosen, they are of everything.
Source: AmazonCloudWatch API reference, "Dashboard Body Structure and Syntax", "Variables Array Structure": at most 25
variables; of each, at most 500 values, a label of at most 30 characters; values and their labels of at most 255.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nephoscope.model.scope import Scope
from nephoscope.pipeline.board.bounds import CLOUD_NAMES

ANY_ACCOUNT, ANY_REGION = "ANY_ACCOUNT", "ANY_REGION"
"""The patterns: capitals and an underscore, as no cloud names an account or a region."""

VALUES = 500
_VALUE_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Variable:
    """pattern: what is replaced. choices: value -> what a person reads, `every` first. every: the value that narrows
    nothing; the one that is chosen when the dashboard is opened."""

    pattern: str
    label: str
    every: str
    choices: Mapping[str, str]

    def as_body(self) -> dict[str, object]:
        """As the body's array writes it: a list to choose from, or a field to type into where there are too many."""
        common = {"type": "pattern", "pattern": self.pattern, "id": self.pattern.lower(), "label": self.label}
        if len(self.choices) > VALUES:
            return {**common, "inputType": "input", "defaultValue": self.every, "visible": True}
        values = [{"value": value, "label": words[:_VALUE_LENGTH]} for value, words in self.choices.items()]
        return {**common, "inputType": "select", "defaultValue": self.every, "visible": True, "values": values}


def variables_of(fleet: str, scopes: Sequence[Scope]) -> tuple[Variable, ...]:
    """One for accounts and one for regions, each only where there is something to choose. An account or region that has
    the fleet's own name cannot be told from all of them, and is left out."""
    accounts = {scope.account: f"{scope.account} ({CLOUD_NAMES[scope.cloud]})" for scope in scopes}
    regions = {scope.region: f"{scope.region} ({CLOUD_NAMES[scope.cloud]})" for scope in scopes}
    found = ((ANY_ACCOUNT, "Account", accounts), (ANY_REGION, "Region", regions))
    return tuple(
        Variable(pattern, label, fleet, _others(names, fleet, f"all {len(names)} {label.lower()}s"))
        for pattern, label, names in found
        if len(names) > 1
    )


def used_in(variables: Sequence[Variable], widgets: object) -> list[dict[str, object]]:
    """Those that change something there, as the body writes them."""
    text = json.dumps(widgets)
    return [one.as_body() for one in variables if one.pattern in text]


def settle(body: Mapping[str, Any], chosen: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The body as a console shows it: each pattern variable's value in its place, the default where none is chosen.
    chosen: variable's id -> value. Other variables are left as they are."""
    text = json.dumps({key: part for key, part in body.items() if key != "variables"})
    for one in body.get("variables", ()):
        value = (chosen or {}).get(one["id"], one.get("defaultValue"))
        if one["type"] == "pattern" and isinstance(value, str):
            text = text.replace(one["pattern"], json.dumps(value)[1:-1])
    settled: dict[str, Any] = json.loads(text)
    return settled if "variables" not in body else {**settled, "variables": body["variables"]}


def _others(names: Mapping[str, str], fleet: str, every: str) -> dict[str, str]:
    others = {name: words for name, words in sorted(names.items()) if name != fleet and len(name) <= _VALUE_LENGTH}
    return {fleet: every, **others}
