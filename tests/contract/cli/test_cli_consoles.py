"""`nephoscope dashboard --for`: the dashboards of the other consoles, printed or written; no cloud is asked.

In this process: tests/conftest.py points every SDK at a port that refuses.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from google.cloud.monitoring_dashboard_v1 import Dashboard

from nephoscope.cli.main import main

THREE = """\
fleet: acme
gather:
  aws: {regions: [eu-west-1]}
  gcp: {projects: [acme-web]}
  azure: {subscriptions: ["00000000-0000-0000-0000-000000000000"]}
"""
ALONE = "fleet: acme\ngather: {aws: {regions: [eu-west-1]}}\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nephoscope.yaml").write_text(THREE, encoding="utf-8")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["dashboard", *arguments]) == 0
    return capsys.readouterr().out


def test_googles_is_what_its_api_takes_with_the_names_of_this_deployment(capsys: pytest.CaptureFixture[str]) -> None:
    message = Dashboard.from_json(printed(capsys, "--for", "gcp", "--deployment", "neph-test"))
    assert message.display_name == "acme: nephoscope"
    assert "neph-test-collect" in str(message)


def test_azures_is_a_template_for_a_resource_group(capsys: pytest.CaptureFixture[str]) -> None:
    template = json.loads(printed(capsys, "--for", "azure"))
    assert [each["type"] for each in template["resources"]] == ["Microsoft.Insights/workbooks"]


def test_grafanas_is_a_dashboard_and_with_a_folder_all_that_it_is_provisioned_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = json.loads(printed(capsys, "--for", "grafana"))
    assert shown["uid"] == "nephoscope-acme"
    assert not list(Path().glob("**/*.json"))
    said = printed(capsys, "--for", "grafana", "--out", "out")
    names = {
        "out/nephoscope/nephoscope-acme.json",
        "out/datasources/nephoscope.yaml",
        "out/dashboards/nephoscope.yaml",
    }
    assert set(said.splitlines()) == names == {str(path) for path in Path("out").rglob("*") if path.is_file()}
    assert json.loads(Path("out/nephoscope/nephoscope-acme.json").read_text(encoding="utf-8")) == shown
    sources = yaml.safe_load(Path("out/datasources/nephoscope.yaml").read_text(encoding="utf-8"))["datasources"]
    assert len(sources) == 3


@pytest.mark.parametrize(
    ("arguments", "source"), [((), "elasticsearch"), (("--opensearch",), "grafana-opensearch-datasource")]
)
def test_where_history_is_kept_grafana_has_a_dashboard_and_a_data_source_of_it(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], source: str
) -> None:
    keeping = 'publish: {elasticsearch: {url: "https://search.acme.example:9200", api_key: "${ssm:/key}"}}\n'
    Path("nephoscope.yaml").write_text(ALONE + keeping, encoding="utf-8")
    said = printed(capsys, "--for", "grafana", *arguments, "--out", "out")
    assert "out/nephoscope/nephoscope-history-acme.json" in said.splitlines()
    history = json.loads(Path("out/nephoscope/nephoscope-history-acme.json").read_text(encoding="utf-8"))
    sources = yaml.safe_load(Path("out/datasources/nephoscope.yaml").read_text(encoding="utf-8"))["datasources"]
    asked = {target["datasource"]["type"] for panel in history["panels"] for target in panel.get("targets", [])}
    assert asked == {sources[-1]["type"]} == {source}


def test_writing_twice_writes_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("one", "two"):
        printed(capsys, "--for", "grafana", "--out", folder)
    for path in Path("one").rglob("*.*"):
        assert path.read_bytes() == Path("two", path.relative_to("one")).read_bytes()


@pytest.mark.parametrize(
    ("config", "arguments", "said"),
    [
        (ALONE, ("--for", "gcp"), "gcp is not gathered, so there is nothing to show"),
        (ALONE, ("--for", "azure", "--out", "out"), "azure is not gathered"),
        (THREE, ("--for", "kibana"), "invalid choice: 'kibana'"),
        (THREE, ("--for", "grafana", "--push"), "--push writes to CloudWatch alone"),
        (THREE, ("--out", "out"), "--out is for another console's files"),
        (THREE, ("--for", "gcp", "--out", "nephoscope.yaml"), "cannot be written: File exists"),
    ],
)
def test_a_wrong_call_is_told_and_nothing_is_written(
    config: str, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("nephoscope.yaml").write_text(config, encoding="utf-8")
    try:
        code: object = main(["dashboard", *arguments])
    except SystemExit as exit_:
        code = exit_.code
    assert code == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["nephoscope.yaml"]
