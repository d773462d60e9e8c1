"""The reference of every key: catalog/configuration.md is whole, its examples hold, its defaults are what applies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import trustme
import yaml

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.authoring.defaults import DEFAULTS, read_defaults
from nephoscope.app.authoring.examples import AROUND, examples, whole
from nephoscope.app.authoring.keys import Section
from nephoscope.app.authoring.reference import REFERENCE_FILE, render_reference, sections
from nephoscope.model.errors import ConfigError

TEXT = REFERENCE_FILE.read_text(encoding="utf-8")
EACH = [(name, number) for name, texts in examples().items() if name != AROUND for number in range(len(texts))]


class AnyTag(yaml.SafeLoader):
    """`!include FILES` is a text here."""


AnyTag.add_constructor("!include", lambda loader, node: loader.construct_scalar(node))


def test_the_reference_is_what_the_rows_make() -> None:
    assert render_reference() == TEXT, "make generated"


@pytest.mark.parametrize(("name", "number"), EACH)
def test_an_example_is_accepted_as_it_stands(name: str, number: int, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    rule = "- {name: down, on: instance, when: state is stopped}\n"
    (tmp_path / "rules" / "a.yaml").write_text(rule, encoding="utf-8")
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    path = tmp_path / "nephoscope.yaml"
    path.write_text(whole(examples()[name][number]), encoding="utf-8")
    compile_file(path, {})


def test_a_wrong_example_would_be_noticed(tmp_path: Path) -> None:
    path = tmp_path / "nephoscope.yaml"
    path.write_text(whole("rules:\n  - {name: a, on: instance, when: cpu.utilisation > 90 %}\n"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"did you mean cpu\.utilization"):
        compile_file(path, {})


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.name)
def test_every_key_stands_in_an_example_of_its_section(section: Section) -> None:
    """A new key needs one in app/authoring/examples.yaml."""
    shown = "".join(examples().get(section.name, ()))
    assert [name for name in section.names if not re.search(rf"\b{name}:", shown)] == []


def test_examples_are_of_sections_that_there_are() -> None:
    assert set(examples()) - {AROUND} == {section.name for section in sections()}


def test_every_link_leads_to_a_heading() -> None:
    headings = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9_-]", "", heading.lower().replace(" ", "-")) for heading in headings}
    assert len(anchors) == len(headings)
    assert set(re.findall(r"\]\(#([^)]*)\)", TEXT)) <= anchors


def test_defaults_are_of_keys_that_there_are_and_may_be_left_out() -> None:
    optional = {(section.name, key.name) for section in sections() for key in section.keys if not key.required}
    assert set(DEFAULTS) <= optional


def test_the_defaults_that_the_readme_and_the_changelog_promise() -> None:
    """By hand, from what operators were told: a change here needs a line for them."""
    assert read_defaults() == {
        ("gather", "every"): "1 min",
        ("gather", "blind_after"): "5 min",
        ("gather", "grace"): "10 min",
        ("gather.aws", "resources"): "[instance]",
        ("gather.gcp", "resources"): "[instance]",
        ("gather.azure", "resources"): "[instance]",
        ("accounts", "linked"): "false",
        ("publish.cloudwatch", "namespace"): "nephoscope",
        ("publish.cloudwatch", "distributions"): "[cpu.utilization]",
        ("publish.cloudwatch", "detail"): "fleet",
        ("rule", "missing"): "ignore",
        ("rule", "severity"): "warning",
        ("channel", "format"): "json",
        ("channel", "fallback"): "false",
        ("channel", "max_age"): "1 d",
        ("channel", "group_wait"): "1 min",
        ("channel", "group_interval"): "5 min",
        ("quiet", "zone"): "UTC",
    }


def test_what_a_keys_sentence_says_of_its_default_is_what_applies() -> None:
    said = {
        (section.name, key.name): found[1].strip("`")
        for section in sections()
        for key in section.keys
        if (found := re.search(r"(?:^|[;,] )(`[^`]+`|[\w.]+) when left out", key.about))
    }
    defaults = read_defaults()
    compared = {key: word for key, word in said.items() if key in defaults}
    assert len(compared) >= 8
    assert {key: defaults[key].strip("[]") for key in compared} == compared


def test_the_dashboard_and_its_region_follow_from_fleet_and_regions(tmp_path: Path) -> None:
    path = tmp_path / "nephoscope.yaml"
    path.write_text("fleet: acme\ngather: {aws: {regions: [eu-west-3, us-east-1]}}\n", encoding="utf-8")
    publish = compile_file(path, {}).config.publish
    assert (publish.dashboard, publish.region) == ("acme", "eu-west-3")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("gather: {every: 1 min}\n", "no cloud"),
        ("gather: {gcp: {resources: instance}}\npublish: {cloudwatch: {region: eu-west-1}}\n", "projects"),
        ("gather: {azure: {resources: instance}}\npublish: {cloudwatch: {region: eu-west-1}}\n", "subscriptions"),
        ("tell: {a: {fallback: true}}\n", "neither sns, webhook nor pagerduty"),
        ("routes: [{match: {severity: info}}]\n", "neither tell nor escalate"),
        ("quiet: [{zone: UTC}]\n", "one of every, cron and from"),
    ],
)
def test_what_is_said_of_keys_together_is_asked_for(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "nephoscope.yaml"
    path.write_text(whole(text), encoding="utf-8")
    with pytest.raises(ConfigError, match=problem):
        compile_file(path, {})
