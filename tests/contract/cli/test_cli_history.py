"""`nephoscope history`, `states` and `backtest --from-history` on a real Elasticsearch, called as people call them."""

from __future__ import annotations

import csv
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from asked_history import EU, Running, machine, points, running
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.elastic.distribution import ELASTICSEARCH_8
from nephoscope.localcloud.elastic.fake import FakeElastic
from nephoscope.model.alert import HistoryEntry, TransitionKind, Why
from nephoscope.model.resource import State
from nephoscope.model.time import DAY, HOUR, iso
from nephoscope.pipeline.documents import StateSeen, Telling, alert_document, state_document
from tests.contract.cli.conftest import Shell
from tests.contract.cli.test_cli_reading import on_a_terminal

CONFIG = """\
fleet: acme
gather: {{aws: {{regions: [eu-west-1]}}}}
publish:
  cloudwatch: {{region: eu-west-1, dashboard: acme}}
  elasticsearch: {{url: "{url}", tags: [Env, team]}}
rules:
  - {{name: cpu-hot, on: instance, when: cpu.utilization > 90 %, for: 10 min, tell: []}}
"""
NOW = int(time.time()) // 300 * 300 - 300
"""A boundary that lies a little back: all points below are in the last hours of whoever asks now."""

TELLING = Telling("acme", ("Env", "team"), load_catalog())


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """web-1 hot for half an hour, web-2 calm; two machines that are called twin; web-1 stopped for a day."""
    with running(ELASTICSEARCH_8) as server:
        web, calm = machine(1, "web-1", tags={"env": "prod"}), machine(2, "web-2", tags={"env": "test"})
        day = range(NOW - DAY, NOW, 300)
        hot = range(NOW - 3 * HOUR, NOW - 3 * HOUR + 1800, 300)
        server.write(points(web, {at: 0.95 if at in hot else 0.25 for at in day}))
        server.write(points(calm, dict.fromkeys(day, 0.125)))
        server.write(_life(web))
        server.write(_seen(machine(number, "twin"), NOW - HOUR, "first_seen") for number in (7, 8))
        server.write(points(web, dict.fromkeys(range(NOW - 2 * HOUR, NOW + 3 * HOUR, 300), 0.5), fleet="ahead"))
        server.write(points(web, dict.fromkeys(range(NOW - 4 * HOUR, NOW - 3 * HOUR, 300), 0.5), fleet="behind"))
        yield server


def _seen(resource: Any, at: int, action: str, before: str = "") -> Any:
    return state_document(StateSeen(resource, at, action, before), "lot", TELLING)


def _life(web: Any) -> Iterator[Any]:
    stopped = replace(web, state=State.STOPPED)
    yield _seen(web, NOW - 10 * DAY, "first_seen")
    yield _seen(stopped, NOW - 4 * DAY, "state_changed", "running")
    yield _seen(web, NOW - 3 * DAY, "state_changed", "stopped")
    yield _seen(web, NOW - 2 * DAY, "seen")
    yield _seen(web, NOW - DAY, "restarted", "running")
    yield alert_document(_entry(NOW - 3 * HOUR + 600, TransitionKind.FIRED, 1), EU, web, None, "lot", TELLING)
    yield alert_document(_entry(NOW - 3 * HOUR + 2400, TransitionKind.RESOLVED, 2), EU, web, None, "lot", TELLING)


def _entry(at: int, kind: TransitionKind, seq: int) -> HistoryEntry:
    return HistoryEntry(
        "k" * 16, seq, "cpu-hot", "i-00000001", kind, Why.THRESHOLD_CROSSED, at, at, 0.95, 0.95, ("chat",)
    )


@pytest.fixture
def asking(server: Running, tmp_path: Path) -> Shell:
    made = Shell(tmp_path, {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TZ": "UTC"})
    made.write(CONFIG.format(url=server.server.url))
    return made


# --- history ------------------------------------------------------------------------------------------------------


def test_a_table_has_the_worst_first_with_its_figures(asking: Shell) -> None:
    done = asking("history", "cpu.utilization", "--max", "--hours", "6")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "cpu.utilization, max by host"
    assert lines[1].split() == ["HOST", "TREND", "AVERAGE", "MAX", "LAST", "POINTS"]
    assert lines[2].startswith("web-1")
    assert "95 %" in lines[2]
    assert lines[3].startswith("web-2")
    assert "12.5 %" in lines[3]
    assert "steps of 5 min" in done.stderr


def test_json_has_the_figures_of_the_whole_time(asking: Shell) -> None:
    found = json.loads(asking("history", "cpu.utilization", "--json", "--by", "tag:env", "--hours", "24").stdout)
    assert (found["unit"], found["statistic"], found["by"], found["step"]) == ("1", "avg", "tag:env", 300)
    assert [each["name"] for each in found["groups"]] == ["prod", "test"]
    test = found["groups"][1]
    assert (test["average"], test["max"], test["min"]) == (0.125, 0.125, 0.125)
    assert test["points"] == len(test["steps"])
    assert 280 <= test["points"] <= 288


def test_csv_has_a_line_a_step(asking: Shell) -> None:
    done = asking("history", "cpu.utilization", "--csv", "--where", "host=web-2", "--hours", "1")
    head, *rows = csv.reader(done.stdout.splitlines())
    assert head == ["time", "group", "value"]
    assert [row[0] for row in rows] == [iso(at) for at in range(NOW - 300 * len(rows), NOW, 300)]
    assert {(row[1], row[2]) for row in rows} == {("web-2", "0.125")}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_picture_is_drawn(asking: Shell, theme: str) -> None:
    done = asking("history", "cpu.utilization", "--plot", "cpu.png", "--theme", theme)
    assert (done.returncode, done.stdout) == (0, "cpu.png\n"), done.stderr
    with Image.open(asking.folder / "cpu.png") as image:
        assert image.size == (1280, 720)
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 20


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["cpu.utilisation"], 2, 'unknown metric "cpu.utilisation"; did you mean cpu.utilization?'),
        (["memory.utilization"], 1, "no memory.utilization is kept of the fleet acme"),
        (["memory.utilization"], 1, "Kept are cpu.utilization (until "),
        (["cpu.utilization", "--by", "zoen"], 2, 'unknown word "zoen"; did you mean zone?'),
        (["cpu.utilization", "--where", "regio=x"], 2, 'unknown word "regio"; did you mean region?'),
        (["cpu.utilization", "--where", "region"], 2, "it is written region=VALUE"),
        (["cpu.utilization", "--where", "state=running"], 2, "nephoscope states HOST"),
        (["cpu.utilization", "--where", "region=mars"], 1, "has region=mars"),
        (["cpu.utilization", "--until", "2020-01-01"], 1, "It has points from "),
        (["cpu.utilization", "--until", "yesterday"], 2, '--until "yesterday" is no time'),
        (["cpu.utilization", "--step", "often"], 2, '--step "often" is no step'),
        (["cpu.utilization", "--statistic", "p100x"], 2, 'unknown statistic "p100x"'),
        (["cpu.utilization", "--plot", "cpu.gif"], 2, "cpu.gif is no picture's name"),
        (["cpu.utilization", "--zone", "berlin"], 2, "did you mean Europe/Berlin?"),
    ],
)
def test_what_cannot_be_answered_is_said(asking: Shell, words: list[str], code: int, said: str) -> None:
    done = asking("history", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in " ".join(done.stderr.split())


def test_steps_are_no_finer_than_points(asking: Shell) -> None:
    done = asking("history", "cpu.utilization", "--step", "1m", "--hours", "1", "--json")
    assert json.loads(done.stdout)["step"] == 300
    assert "steps of 300 s: its points come no more often" in done.stderr


def test_without_a_server_or_its_configuration_it_is_said(asking: Shell) -> None:
    asking.write(CONFIG.format(url="http://127.0.0.1:9"))
    done = asking("history", "cpu.utilization")
    assert done.returncode == 1
    assert "the connection was refused" in done.stderr
    asking.write("fleet: acme\ngather: {aws: {regions: [eu-west-1]}}\n")
    for command in ("history", "states"):
        done = asking(command, "cpu.utilization")
        assert done.returncode == 2
        assert "nephoscope.yaml keeps no history" in done.stderr


def test_clocks_that_disagree_are_told(asking: Shell) -> None:
    """Points of a time to come: this machine's clock is slow, or a function's is fast. What is shown ends now."""
    asking.write((asking.folder / "nephoscope.yaml").read_text().replace("fleet: acme", "fleet: ahead"))
    done = asking("history", "cpu.utilization")
    last = NOW + 3 * HOUR - 300
    said = " ".join(done.stderr.split())
    assert done.returncode == 0
    assert re.search(rf"points are kept until {moment(last)}, and this machine's clock says [-\d]+ [:\d]+ UTC:", said)
    assert "one of the clocks is wrong; --until " in said
    until = said.split("--until ")[1].split()[0]
    whole = json.loads(asking("history", "cpu.utilization", "--json", "--until", until).stdout)
    assert whole["groups"][0]["points"] == 60, "and so all are shown"


def test_points_that_have_not_come_lately_are_told(asking: Shell) -> None:
    asking.write((asking.folder / "nephoscope.yaml").read_text().replace("fleet: acme", "fleet: behind"))
    done = asking("history", "cpu.utilization", "--csv")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 13)
    assert f"the newest point is of {moment(NOW - 3 * HOUR - 300)}, 3 h " in " ".join(done.stderr.split())
    until = asking("history", "cpu.utilization", "--csv", "--until", iso(NOW - 2 * HOUR).removesuffix("Z"))
    assert "the newest point" not in until.stderr, "who asks for another time knows"


def moment(at: int) -> str:
    return iso(at).replace("T", " ").removesuffix(":00Z") + " UTC"


@pytest.mark.parametrize("words", ["history cpu.utilization", "states web-1", "backtest --from-history"])
def test_a_server_that_is_too_old_is_named(asking: Shell, words: str) -> None:
    with FakeElastic(version={"number": "7.17.29"}) as fake:
        asking.write(CONFIG.format(url=fake.url))
        done = asking(*words.split())
    assert done.returncode == 1
    said = "Elasticsearch 7.17.29 is not supported: Elasticsearch 8 or 9, or OpenSearch 2 or 3, is needed"
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("width", [40, 80, 160])
@pytest.mark.parametrize(
    "words", ["history cpu.utilization --p95", "history cpu.utilization --by tag:Env", "states web-1"]
)
def test_no_line_is_wider_than_the_terminal(asking: Shell, words: str, width: int) -> None:
    shown, code = on_a_terminal(asking, width, *words.split())
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert code == 0
    assert max(len(line.rstrip("\r")) for line in plain.split("\n")) <= width
    assert "web-1" in plain or "prod" in plain


# --- states -------------------------------------------------------------------------------------------------------


def test_a_machine_s_life_in_order(asking: Shell) -> None:
    found = json.loads(asking("states", "web-1", "--json").stdout)
    assert [each["action"] for each in found["events"]] == [
        "state_changed", "state_changed", "seen", "restarted", "fired", "resolved",
    ]  # fmt: skip
    assert [each["state"] for each in found["stays"]] == ["running", "stopped", "running"]
    assert found["stays"][1]["seconds"] == found["shares"]["stopped"] == DAY
    assert sum(found["shares"].values()) == 7 * DAY


def test_the_same_by_its_id_as_a_table(asking: Shell) -> None:
    done = asking("states", "i-00000001")
    assert done.returncode == 0, done.stderr
    assert "web-1 (i-00000001), aws 111111111111 eu-west-1" in done.stdout
    assert "running 85.7 %, stopped 14.3 %; 1 restart, 1 alert fired" in done.stdout
    rows = [line for line in done.stdout.splitlines() if " UTC " in line]
    assert [row.split()[3] for row in rows] == ["stopped", "running", "restarted", "alert", "alert"]
    assert "1 d" in rows[0]


def test_a_name_of_two_is_asked_for_again_and_a_near_one_suggested(asking: Shell) -> None:
    done = asking("states", "twin")
    assert done.returncode == 2
    assert '2 machines are called "twin"' in done.stderr
    assert "i-00000007" in done.stderr
    assert "i-00000008" in done.stderr
    assert 'no machine is called "web-11"; did you mean web-1?' in asking("states", "web-11").stderr


# --- backtest -----------------------------------------------------------------------------------------------------


def test_rules_are_tried_on_what_was_kept(asking: Shell) -> None:
    """Hot from 09:00 to 09:30, say: the second point ends its ten minutes, the first calm one resolves it."""
    done = asking("backtest", "--from-history", "--days", "1", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (firing,) = found["firings"]
    assert firing["name"] == "web-1"
    assert firing["begin"] == iso(NOW - 3 * HOUR + 600)
    assert found["resources"] == 2
    assert "no provider was asked" in done.stderr
