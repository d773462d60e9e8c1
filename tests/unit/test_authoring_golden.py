"""One whole configuration: what it means, in sentences, and what the deployment is told of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nephoscope.app.authoring.__main__ import main
from nephoscope.app.authoring.compile import build, compile_file
from nephoscope.app.authoring.deployment import render_rate
from nephoscope.app.authoring.explain import explain
from nephoscope.app.config import load_config
from nephoscope.catalog.loader import load_catalog

GOLDEN = Path(__file__).parent.parent / "golden" / "config"
WRITTEN = GOLDEN / "nephoscope.yaml"


def test_each_rule_in_a_sentence() -> None:
    config = compile_file(WRITTEN, environment={}).config
    assert explain(config, load_catalog()) == (GOLDEN / "explained.txt").read_text(encoding="utf-8").splitlines()


def test_starter_rules_are_said_to_be_such(tmp_path: Path) -> None:
    path = tmp_path / "nephoscope.yaml"
    path.write_text("fleet: acme\ngather: {aws: {regions: all}}\npublish: {cloudwatch: {region: eu-west-1}}\n")
    gather, cpu, *_ = explain(compile_file(path, environment={}).config, load_catalog())
    assert gather == (
        "acme: every 1 min, instances in every region opted into, of the account that it runs in; "
        "dashboard acme and metrics under nephoscope in eu-west-1."
    )
    assert cpu == (
        "cpu-hot (starter rule, for none is written): every instance: fires when cpu.utilization > 90 % at 10 of 10 "
        "one-minute points or 2 of 2 five-minute points; clears when cpu.utilization < 80 % at 5 of 5 one-minute "
        "points or 1 of 1 five-minute point; a missing point changes nothing; warning; shown, told to nobody."
    )


def test_what_the_deployment_is_told(tmp_path: Path) -> None:
    compiled = build(WRITTEN, tmp_path / "new" / "build", environment={})
    written = json.loads((tmp_path / "new" / "build" / "deploy.json").read_text(encoding="utf-8"))
    assert written == json.loads((GOLDEN / "deploy.json").read_text(encoding="utf-8")) == compiled.deploy
    assert load_config((tmp_path / "new" / "build" / "config.json").read_text(encoding="utf-8")) == compiled.config


def test_one_change_reaches_both_files(tmp_path: Path) -> None:
    path = tmp_path / "nephoscope.yaml"
    path.write_text(WRITTEN.read_text(encoding="utf-8").replace("every: 5 min", "every: 10 min"), encoding="utf-8")
    compiled = build(path, tmp_path, environment={})
    assert (compiled.config.gather.every, compiled.deploy["schedule"]) == (600, "rate(10 minutes)")


@pytest.mark.parametrize(
    ("seconds", "rate"), [(60, "rate(1 minute)"), (120, "rate(2 minutes)"), (3600, "rate(60 minutes)")]
)
def test_rates(seconds: int, rate: str) -> None:
    assert render_rate(seconds) == rate


def test_building_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        build(WRITTEN, tmp_path / folder, environment={})
    for name in ("config.json", "deploy.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def run(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nephoscope.app.authoring", *arguments]
    environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_call_that_packaging_makes(tmp_path: Path) -> None:
    outs = [tmp_path / seed for seed in ("1", "2")]
    for out in outs:
        done = run(str(WRITTEN), "--out", str(out), hash_seed=out.name)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (outs[0] / "config.json").read_bytes() == (outs[1] / "config.json").read_bytes()


def test_problems_are_told_without_a_traceback_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "nephoscope.yaml"
    path.write_text("fleet: acme\ngather: {aws: {regions: []}}\nruels: []\n")
    done = run(str(path), "--out", str(tmp_path / "build"))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"{path}:2:25: gather.aws.regions: no region: nothing would be watched; name one, or write all",
        f'{path}:3:1: unknown key "ruels"; did you mean rules?',
    ]
    assert not (tmp_path / "build").exists()


def test_warnings_are_told_and_it_is_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nephoscope.yaml"
    path.write_text("fleet: acme\ngather: {aws: {regions: eu-west-1}}\n")
    assert main([str(path), "--out", str(tmp_path)]) == 0
    said = f"{path}:1:1: no channel under `tell`: alerts are shown, and told to nobody (warning)\n"
    assert capsys.readouterr().err == said


def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "build").write_text("a file")
    assert main([str(WRITTEN), "--out", str(tmp_path / "build")]) == 2
    assert capsys.readouterr().err == f"{tmp_path}/build: cannot be written: File exists\n"
