"""Variables of the dashboard: what can be chosen, and what a body is with the choice in its place."""

from __future__ import annotations

import pytest

from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.dashboard.variables import ANY_REGION, settle, used_in, variables_of

SCOPES = [Scope(Cloud.AWS, "111111111111", region) for region in ("eu-west-1", "us-east-1")]


def a_body() -> dict[str, object]:
    (region,) = variables_of("acme", SCOPES)
    search = f'(fleet="{ANY_REGION}" OR cloud_region="{ANY_REGION}")'
    return {"widgets": [{"expression": search}], "variables": [region.as_body()]}


def test_only_what_has_a_choice_is_a_variable() -> None:
    (region,) = variables_of("acme", SCOPES)
    assert dict(region.choices) == {
        "acme": "all 2 regions",
        "eu-west-1": "eu-west-1 (AWS)",
        "us-east-1": "us-east-1 (AWS)",
    }
    assert variables_of("acme", SCOPES[:1]) == ()
    assert variables_of("acme", []) == ()


def test_at_first_every_series_of_the_fleet_is_left_by_its_own_name() -> None:
    assert settle(a_body())["widgets"] == [{"expression": '(fleet="acme" OR cloud_region="acme")'}]


def test_a_choice_leaves_that_regions_series() -> None:
    settled = settle(a_body(), {"any_region": "us-east-1"})
    assert settled["widgets"] == [{"expression": '(fleet="us-east-1" OR cloud_region="us-east-1")'}]
    assert settled["variables"] == a_body()["variables"]


@pytest.mark.parametrize("value", ['"', "\\", 'a"}]', "é", "{}"])
def test_a_strange_value_stays_a_text(value: str) -> None:
    assert settle(a_body(), {"any_region": value})["widgets"] == [
        {"expression": f'(fleet="{value}" OR cloud_region="{value}")'}
    ]


def test_a_body_without_variables_is_as_it_was() -> None:
    body = {"start": "-PT3H", "widgets": [{"type": "text"}]}
    assert settle(body) == body


def test_a_project_that_has_the_fleets_own_name_is_no_choice() -> None:
    """Its name already stands for all of the fleet."""
    projects = [Scope(Cloud.GCP, name, "europe-west1") for name in ("acme", "acme-data", "acme-web")]
    (account,) = variables_of("acme", projects)
    assert next(iter(account.choices.items())) == ("acme", "all 3 accounts")
    assert list(account.choices) == ["acme", "acme-data", "acme-web"]


def test_more_accounts_than_a_list_may_hold_are_typed_in() -> None:
    """At most 500 values: "Variables Array Structure"."""
    many = [Scope(Cloud.AWS, f"{number:012d}", "eu-west-1") for number in range(500)]
    listed, typed = variables_of("acme", many[:499])[0].as_body(), variables_of("acme", many)[0].as_body()
    assert listed["inputType"] == "select"
    assert len(listed["values"]) == 500  # type: ignore[arg-type]
    assert (typed["inputType"], typed["defaultValue"]) == ("input", "acme")
    assert "values" not in typed


def test_a_variable_stands_only_where_it_changes_something() -> None:
    variables = variables_of("acme", SCOPES)
    assert used_in(variables, [{"markdown": "nothing"}]) == []
    assert [one["id"] for one in used_in(variables, [{"params": {"region": ANY_REGION}}])] == ["any_region"]
