"""The pages for operators name everything that there is to name, and nothing that has gone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

from nephoscope.app.authoring.given import TAKEN
from nephoscope.app.run import SCOPES_IN_ONE_FUNCTION

ROOT = Path(__file__).resolve().parents[2]
OPERATING = (ROOT / "infra/operating.md").read_text(encoding="utf-8")
UPKEEP = (ROOT / "infra/README.md").read_text(encoding="utf-8")
FUNCTIONS = (ROOT / "functions/README.md").read_text(encoding="utf-8")
PAGES = [path for folder in ("functions", "infra", "shared", "tests") for path in (ROOT / folder).glob("**/*.md")]


class Template(yaml.SafeLoader):
    """CloudFormation's short forms are of no interest here."""


Template.add_multi_constructor("!", lambda *_: None)


def first_column(page: str, heading: str) -> list[str]:
    """Every name in code in the first column of the table that follows."""
    table = page.split(heading, 1)[1].split("\n|", 1)[1].split("\n\n", 1)[0]
    return [name for row in table.split("\n") for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


def headings(page: str, level: int = 3) -> list[str]:
    return re.findall(rf"^{'#' * level} (.+)$", page, re.MULTILINE)


def alarms() -> dict[str, Any]:
    template = yaml.load((ROOT / "infra/aws/alarms.yml").read_text(encoding="utf-8"), Template)  # noqa: S506 - safe
    resources: dict[str, Any] = template["Resources"]
    return resources


def test_every_alarm_has_an_entry_and_every_entry_an_alarm() -> None:
    chapter = OPERATING.split("## Alarms that watch", 1)[1].split("\n## ", 1)[0]
    script = (ROOT / "infra/aws/alarms.js").read_text(encoding="utf-8")
    sometimes = set(re.findall(r"AlarmName: `\\\$\{self:custom.name\}-(\w+)-\$\{cloud\}`", script))
    assert set(headings(chapter)) == {*alarms(), *sometimes, "Google's and Azure's own"}
    said = "eight CloudWatch alarms, and one for each cloud where history is kept"
    assert said in (ROOT / "infra/aws/README.md").read_text(encoding="utf-8")
    assert (len(alarms()), len(sometimes)) == (8, 1)


def test_every_rule_of_our_own_has_an_entry() -> None:
    chapter = OPERATING.split("## Alerts that nephoscope raises", 1)[1].split("\n## ", 1)[0]
    assert set(headings(chapter)) == set(TAKEN)


def test_every_setting_that_is_read_is_explained_and_no_other() -> None:
    source = (ROOT / "shared/nephoscope/app/settings.py").read_text(encoding="utf-8")
    read = re.findall(r'environment\.get\("([A-Z_]+)"', source) + re.findall(r'"(NEPHOSCOPE_[A-Z]+_)"', source)
    assert len(read) > 10
    named = [name for name in first_column(FUNCTIONS, "## Settings") if name != "NEPHOSCOPE_STACK_AlertTopic"]
    assert sorted({*read, "AWS_DEFAULT_REGION"}) == sorted(named)


def test_the_entrances_are_those_of_the_files() -> None:
    rows = re.findall(r"^\| `(\w+)`:", FUNCTIONS, re.MULTILINE)
    entrances = {
        "aws": ("functions/aws/handler.py", {"collect", "deliver", "work", "widget"}),
        "gcp": ("functions/gcp/main.py", {"collect", "deliver", "work"}),
        "azure": ("functions/azure/function_app.py", {"collect", "deliver", "work"}),
    }
    for path, names in entrances.values():
        defined = set(re.findall(r"^def (\w+)\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE))
        assert names <= defined
    assert rows == ["collect", "deliver", "work", "widget"]


def test_every_folder_of_infra_is_explained() -> None:
    there = {path.name for path in (ROOT / "infra").iterdir() if path.is_dir() and path.name != "__pycache__"}
    named = first_column(UPKEEP, "# What is deployed")
    assert {name.rstrip("/") for name in named if name.endswith("/")} == there
    assert all((ROOT / "infra" / name).exists() for name in named)


@pytest.mark.parametrize("cloud", ["gcp", "azure"])
def test_what_terraform_makes_stands_beside_the_role_that_makes_it(cloud: str) -> None:
    """Who adds a resource says which role its deployer needs."""
    files = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "infra" / cloud).glob("*/*.tf"))
    made = set(re.findall(r'^resource "(\w+)"', files, re.MULTILINE))
    page = (ROOT / "infra" / cloud / "README.md").read_text(encoding="utf-8")
    needed = page.split("## What you need", 1)[1].split("\n## ", 1)[0]
    assert set(re.findall(r"`((?:google|azurerm|azuread)_\w+)`", needed)) == made


def test_every_room_of_the_tests_is_explained() -> None:
    there = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}
    named = first_column((ROOT / "tests/README.md").read_text(encoding="utf-8"), "# Tests")
    assert {*there, "faults/matrix"} == set(named)


def test_runs_are_fanned_out_where_the_pages_say_so() -> None:
    assert SCOPES_IN_ONE_FUNCTION == 9
    assert "more than nine" in FUNCTIONS


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for address in re.findall(r"\]\(([^)\s]+)\)", prose):
        if address.startswith("http"):
            continue
        name, _, anchor = address.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{address} in {page.name}"
        if anchor:
            there = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in there}
            assert anchor in anchors, f"{address} in {page.name}"


def test_the_recipe_copies_every_row_of_a_restored_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands on the page, run on a second opinion of DynamoDB (moto); more than one page of a megabyte."""
    (code,) = re.findall(r"```python\n(.*?)```", UPKEEP, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own page
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        dynamodb = boto3.client("dynamodb")
        make_table(dynamodb, "old")
        make_table(dynamodb, "new")
        rows = [{"pk": {"S": "aws#1"}, "sk": {"S": f"{number:05}"}, "text": {"S": "x" * 5000}} for number in range(300)]
        for row in rows:
            dynamodb.put_item(TableName="old", Item=row)
        assert names["copy_rows"]("old", "new") == 300
        copied = dynamodb.get_paginator("scan").paginate(TableName="new").build_full_result()["Items"]
    assert sorted(copied, key=lambda row: row["sk"]["S"]) == rows


def make_table(dynamodb: Any, name: str) -> None:
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
