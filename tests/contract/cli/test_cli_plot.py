"""`nephoscope plot` on what the local AWS remembers: what is drawn is what a plain client reads."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nephoscope.cli.main import main
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.local import LocalAws
from tests.contract.cli.test_cli_reading import on_a_terminal

BLOCKS = set("▁▂▃▄▅▆▇█")
CONFIG = """\
fleet: acme
gather: {aws: {regions: [eu-central-1, eu-west-1]}}
rules:
  - {name: busy, on: instance, when: cpu.utilization > 0 %, for: 10 min, severity: critical, tell: []}
"""


@pytest.fixture
def plotting(shell: Any, aws: LocalAws) -> Any:
    """History is that of the wall's time."""
    aws.set_time(None)
    shell.write(CONFIG)
    return shell


def one_machine(aws: LocalAws) -> dict[str, Any]:
    """A running one with a name and a point in five minutes, from a plain client."""
    answer = aws.client("ec2", "eu-west-1").describe_instances()
    machines = [one for each in answer["Reservations"] for one in each["Instances"]]
    named = [
        one | {"name": tag["Value"]}
        for one in machines
        if one["State"]["Name"] == "running" and one["Monitoring"]["State"] == "disabled"
        for tag in one.get("Tags", [])
        if tag["Key"] == "Name"
    ]
    return named[0]


def percents(aws: LocalAws, instance: str, begin: datetime, end: datetime) -> dict[int, float]:
    metric = {
        "Namespace": "AWS/EC2",
        "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "InstanceId", "Value": instance}],
    }
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Average"}}
    answer = aws.client("cloudwatch", "eu-west-1").get_metric_data(
        MetricDataQueries=[query], StartTime=begin, EndTime=end
    )
    (result,) = answer["MetricDataResults"]
    return {int(at.timestamp()): value for at, value in zip(result["Timestamps"], result["Values"], strict=True)}


def test_the_points_are_those_that_a_plain_client_reads(plotting: Any, aws: LocalAws) -> None:
    machine = one_machine(aws)
    done = plotting("plot", "cpu.utilization", "--resource", machine["name"], "--hours", "3", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 0
    ((series,),) = [metric["series"] for metric in said["metrics"]]
    assert (series["resource"], series["name"], series["period"]) == (machine["InstanceId"], machine["name"], 300)
    begin, end = (datetime.fromisoformat(said[edge]) for edge in ("begin", "end"))
    assert (end - begin).total_seconds() == 3 * 3600
    truth = percents(aws, machine["InstanceId"], begin, end)
    assert len(series["points"]) >= 30
    assert {at: pytest.approx(100 * value) for at, value in series["points"]} == {
        at: truth[at] for at, _ in series["points"]
    }
    assert said["metrics"][0]["thresholds"] == [
        {"rule": "busy", "severity": "critical", "comparison": ">", "value": 0.0, "over": 0}
    ]
    assert "1 series over" in done.stderr
    assert "1 cloudwatch:GetMetricData" in done.stderr


def test_alerts_are_those_that_the_memory_has(plotting: Any, aws: LocalAws) -> None:
    name = one_machine(aws)["name"]
    slot = datetime.fromtimestamp(int(time.time()) // 60 * 60, UTC).isoformat()
    assert plotting("run", "--slot", slot).returncode == 0
    found = json.loads(plotting("plot", "cpu.utilization", "--resource", name, "--hours", "1", "--json").stdout)
    (alert,) = found["metrics"][0]["alerts"]
    history = json.loads(plotting("timeline", "busy", name, "--json").stdout)
    assert (alert["rule"], alert["severity"], alert["end"]) == ("busy", "critical", None)
    assert alert["begin"] == history[0]["at"]


def test_a_picture_is_written(plotting: Any) -> None:
    metrics = ("cpu.utilization", "memory.utilization")
    done = plotting("plot", *metrics, "--hours", "2", "--out", "both.svg", "--zone", "Europe/Berlin", "--theme", "dark")
    assert (done.returncode, done.stdout) == (0, "both.svg\n")
    assert (plotting.folder / "both.svg").read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize("width", [40, 80, 160])
def test_on_a_terminal_each_machine_is_a_line_that_fits(plotting: Any, width: int) -> None:
    screen, code = on_a_terminal(plotting, width, "plot", "cpu.utilization", "--hours", "2", NO_COLOR="1")
    lines = screen.replace("\r", "").rstrip("\n").split("\n")
    assert code == 0
    assert lines[1].split()[:2] == ["NAME", "TREND"]
    assert max(map(len, lines)) <= width
    sparks = ["".join(each for each in line if each in BLOCKS) for line in lines[2:]]
    assert len([spark for spark in sparks if len(spark) >= 8]) > 20
    assert ("MIN" in lines[1], "LAST" in lines[1]) == (width > 40, True)


def test_what_was_recorded_is_plotted_without_a_cloud(plotting: Any, aws: LocalAws) -> None:
    assert plotting("backtest", "--days", "1", "--record", "day.jsonl").returncode == 0
    fired = json.loads(plotting("backtest", "--from", "day.jsonl", "--json").stdout)["firings"]
    aws.ledger.clear()
    done = plotting("plot", "cpu.utilization", "--from", "day.jsonl", "--hours", "24", "--json")
    assert done.returncode == 0
    (metric,) = json.loads(done.stdout)["metrics"]
    assert len(metric["series"]) > 20
    begun = {(each["resource"], each["begin"]) for each in metric["alerts"]}
    assert {(each["resource_id"], each["begin"]) for each in fired} == begun
    assert aws.ledger.entries() == ()


def test_a_region_that_fails_is_said_and_the_rest_is_drawn(plotting: Any, aws: LocalAws) -> None:
    aws.faults.add(Fault(Failing.DENY, "cloudwatch:GetMetricData", region="eu-west-1"))
    done = plotting("plot", "cpu.utilization", "--hours", "1", "--by", "region", "--out", "a.png")
    assert done.returncode == 1
    assert "eu-west-1: cloudwatch:GetMetricData: denied" in done.stderr
    with Image.open(plotting.folder / "a.png") as image:
        assert image.width == 1280


WRONG = [
    (("cpu.utilisation",), 'unknown metric "cpu.utilisation"; did you mean cpu.utilization?'),
    (("cpu.utilization", "size"), "cpu.utilization is of instances and size is of buckets"),
    (("cpu.utilization", "--zone", "Berlin"), 'unknown time zone "Berlin"; did you mean Europe/Berlin?'),
    (("cpu.utilization", "--zone", "Europe/Belrin"), "did you mean Europe/Berlin?"),
    (("cpu.utilization", "--zone", "../../etc/passwd"), "unknown time zone"),
    (("cpu.utilization", "--by", "regoin"), 'unknown word "regoin"; did you mean region?'),
    (("cpu.utilization", "--where", "env=prod"), 'unknown word "env"'),
    (("cpu.utilization", "--where", "region"), '--where "region" has no value'),
    (("cpu.utilization", "--out", "a.jpg"), "a.jpg is no picture's name"),
    (("cpu.utilization", "--out", "none/a.png"), "there is no folder none"),
    (("cpu.utilization", "--hours", "1000"), "--hours 1000 is more than 336"),
    (("cpu.utilization", "--from", "no.jsonl"), "cannot read no.jsonl"),
]


@pytest.fixture
def called(plotting: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """The same call in this process: exit code, stdout, stderr."""
    monkeypatch.chdir(plotting.folder)
    for name, value in plotting.environment.items():
        monkeypatch.setenv(name, value)

    def call(*words: str) -> tuple[int, str, str]:
        code = main(words)
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.mark.parametrize(("words", "said"), WRONG)
def test_what_cannot_be_plotted_is_said_before_anything_is_read(
    called: Any, aws: LocalAws, words: tuple[str, ...], said: str
) -> None:
    code, out, err = called("plot", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert aws.ledger.entries() == ()


def test_a_machine_that_is_not_there_is_named_with_the_nearest(called: Any, aws: LocalAws) -> None:
    name = one_machine(aws)["name"]
    code, _, err = called("plot", "cpu.utilization", "--resource", f"{name}x")
    assert code == 2
    assert f'no machine is called "{name}x"; did you mean {name}?' in err
    _, _, err = called("plot", "cpu.utilization", "--where", "tag:env=nowhere")
    assert "resources is meant" in err
    assert aws.ledger.calls("cloudwatch:GetMetricData") == 0


def test_without_matplotlib_it_says_what_to_install(plotting: Any, tmp_path: Path) -> None:
    """A folder in front of the path makes the import fail, as where it is not installed."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'matplotlib' else find(name, *more)\n",
        encoding="utf-8",
    )
    done = plotting("plot", "cpu.utilization", "--out", "a.png", PYTHONPATH=str(hidden))
    assert done.returncode == 2
    assert "a picture needs matplotlib" in done.stderr
    assert "pip install 'nephoscope[cli,plot]'; without --out the terminal shows blocks." in done.stderr


def test_a_machine_that_is_stopped_is_drawn_where_it_is_named(plotting: Any, victim: Any) -> None:
    done = plotting("plot", "cpu.utilization", "--hours", "1", "--resource", victim.name)
    assert done.returncode == 0
    assert "no data" in done.stdout
