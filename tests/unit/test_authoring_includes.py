"""Rules in files of their own: patterns, places, names over all files."""

from __future__ import annotations

from pathlib import Path

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.model.errors import ConfigError

HEAD = "fleet: acme\ngather: {aws: {regions: [eu-west-1]}}\n"


def rule(name: str, more: str = "") -> str:
    return f"- {{name: {name}, on: instance, when: state is stopped{more}}}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "b-web.yaml").write_text(rule("web"))
    (tmp_path / "rules" / "a-data.yml").write_text("# the data team's\n" + rule("data-1") + rule("data-2"))
    (tmp_path / "rules" / "notes.txt").write_text("not rules")
    (tmp_path / "rules" / "c-empty.yaml").write_text("")
    return tmp_path


def names(home: Path, rules: str) -> list[str]:
    (home / "nephoscope.yaml").write_text(HEAD + rules)
    return [rule.name for rule in compile_file(home / "nephoscope.yaml", environment={}).config.rules]


def problems_of(home: Path, rules: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        names(home, rules)
    return [str(problem).removeprefix(f"{home}/") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("rules: !include rules/b-web.yaml", ["web"]),
        ("rules: !include rules/*.yaml", ["web"]),
        ("rules: !include rules/*.y*ml", ["data-1", "data-2", "web"]),
        ("rules: !include rules", ["data-1", "data-2", "web"]),
        ("rules: !include r*/**/b-*.yaml", ["web"]),
        ("rules: !include 'rules/'", ["data-1", "data-2", "web"]),
        (
            "rules:\n  - {name: own, on: instance, when: state is stopped}\n  - !include rules",
            ["own", "data-1", "data-2", "web"],
        ),
    ],
)
def test_patterns(home: Path, rules: str, expected: list[str]) -> None:
    assert names(home, rules) == [*expected, "scope-blind"]


def test_problems_stand_in_their_own_file(home: Path) -> None:
    (home / "rules" / "d-bad.yaml").write_text(
        "- name: bad\n  on: instance\n  when: cpu.utilisation > 90 %\n" + rule("web")
    )
    assert problems_of(home, "rules: !include rules/*.yaml") == [
        'rules/d-bad.yaml:3:9: unknown metric "cpu.utilisation" for instance; did you mean cpu.utilization? '
        "(nephoscope metrics --catalog lists them)",
        f'rules/d-bad.yaml:4:10: rule: the name "web" stands twice; first in {home}/rules/b-web.yaml:1',
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("rules: []\n", "rules/x.yaml:1:1: expected a list of rules, found keys and values"),
        ("- !include y.yaml\n", "rules/x.yaml:1:3: an included file includes no other"),
        ("- [", "rules/x.yaml:1:4: not YAML: "),
    ],
)
def test_an_included_file_is_a_list(home: Path, content: str, expected: str) -> None:
    (home / "rules" / "x.yaml").write_text(content)
    (problem,) = problems_of(home, "rules: !include rules/x.yaml")
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    "pattern", ["rules/none.yaml", "none/*.yaml", "rules/*.json", "/", "''", "/none/*.yaml", "a**b", "x" * 300]
)
def test_a_pattern_that_matches_nothing(home: Path, pattern: str) -> None:
    shown = pattern.strip("'")
    assert problems_of(home, f"rules: !include {pattern}") == [f"nephoscope.yaml:3:8: !include {shown}: no such file"]
