"""The demonstration with history: what it is configured with, and what it says where no server can be had."""

from __future__ import annotations

import io
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nephoscope.app.authoring.compile import compile_file
from nephoscope.cli.demo_history import machine_with_story, open_history
from nephoscope.localcloud.demo.history import with_history
from nephoscope.localcloud.demo.page import CONFIG
from nephoscope.localcloud.elastic import server
from nephoscope.localcloud.elastic.distribution import Distribution, UnavailableError


def test_its_configuration_keeps_history_and_is_otherwise_the_same(tmp_path: Path) -> None:
    path = tmp_path / "nephoscope.yaml"
    path.write_text(with_history(CONFIG.read_text(encoding="utf-8"), "http://127.0.0.1:9200"), encoding="utf-8")
    kept, plain = compile_file(path).config, compile_file(CONFIG).config
    assert plain.history is None
    assert kept.history
    assert kept.history.url == "http://127.0.0.1:9200"
    assert (kept.rules, kept.gather, kept.publish) == (plain.rules, plain.gather, plain.publish)


def test_without_a_server_one_sentence_says_why_and_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(distribution: Distribution) -> Path:
        raise UnavailableError(f"{distribution.name} needs Java 17 or newer: apt-get install openjdk-17-jre-headless")

    monkeypatch.setattr(server, "find_java", none)
    said = io.StringIO()
    with ExitStack() as standing:
        assert open_history(Console(file=said, width=80), standing, tmp_path) is None
    reason = "needs Java 17 or newer: apt-get install openjdk-17-jre-headless"
    assert said.getvalue().strip().splitlines() == [f"No history is kept this time: elasticsearch-8.19.20 {reason}"]
    assert not list(tmp_path.iterdir())


def told(rule: str, resource: str) -> dict[str, Any]:
    return {"rule": rule, "resource": resource}


def test_the_life_that_is_shown_is_that_of_a_machine_that_was_down() -> None:
    names = {"i-1": "web-1", "i-2": "web-2"}
    transitions = [told("scope-blind", "eu-west-1"), told("cpu-hot", "i-1"), told("down", "I-2")]
    assert machine_with_story({"transitions": transitions}, names) == "web-2"
    assert machine_with_story({"transitions": transitions[:2]}, names) == "web-1"
    assert machine_with_story({"transitions": []}, names) == "web-1"
