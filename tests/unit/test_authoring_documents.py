"""Files as they come: line ends, byte order marks, tabs, nothing, not YAML, too much of it; YAML's short forms."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nephoscope.app.authoring.compile import Compiled, compile_file
from nephoscope.app.authoring.document import Keys, Text, parse_document
from nephoscope.app.authoring.findings import Findings
from nephoscope.model.errors import ConfigError

GOOD = "fleet: acme\ngather: {aws: {regions: [eu-west-1]}}\n"


def compiled(content: str | bytes, folder: Path) -> Compiled:
    path = folder / "nephoscope.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return compile_file(path, environment={})


def problems_of(content: str | bytes, folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        compiled(content, folder)
    return [str(problem).removeprefix(f"{folder}/nephoscope.yaml:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace("\n", "\r\n"),
        GOOD.encode("utf-8-sig"),
        GOOD.rstrip("\n"),
        f"---\n{GOOD}...\n",
        f"# Größe, 雲, ☁\n{GOOD}",
        GOOD.replace("acme", "'acme'"),
        '{"fleet": "acme", "gather": {"aws": {"regions": ["eu-west-1"]}}}',
    ],
)
def test_the_same_in_many_forms(content: str | bytes, tmp_path: Path) -> None:
    config = compiled(content, tmp_path).config
    assert (config.fleet, config.gather.aws and config.gather.aws.regions) == ("acme", ("eu-west-1",))


EMPTY = "1:1: the file is empty; it needs at least `fleet: NAME` and `gather: {aws: {regions: [eu-west-1]}}`"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", EMPTY),
        ("\n\n# nothing but a remark\n", EMPTY),
        ("---\n", EMPTY),
        ("just words", '1:1: nephoscope.yaml: expected keys and values, found "just words"'),
        ("- fleet: acme\n", "1:1: nephoscope.yaml: expected keys and values, found a list"),
        ("fleet: acme\n\tgather: 1\n", "2:1: not YAML: a tab stands where YAML wants spaces"),
        (
            "fleet: [acme\n",
            "2:1: not YAML: expected ',' or ']', but got '<stream end>' (while parsing a flow sequence)",
        ),
        ("fleet: acme\n bad: [", "2:5: not YAML: mapping values are not allowed here"),
        ('fleet: "acme\n', "2:1: not YAML: found unexpected end of stream (while scanning a quoted scalar)"),
        ("fleet: a\x00b\n", "1:9: not YAML: the character #x0000"),
        (b"fleet: acme\nnote: \xff\n", "2:1: not UTF-8: the byte #xff"),
        ("fleet: acme\n".encode("utf-16"), "1:1: not UTF-8: the byte #xff"),
        (f"{GOOD}---\nfleet: two\n", "3:1: a second document starts here; one file is one document"),
        ("[" * 5000, "1:21: nested deeper than 20 levels"),
        (f'{GOOD}note: "\\UFFFFFFFF"\n', "3:10: not YAML: an escape that names no character"),
        (f'{GOOD}note: "\\ud800"\n', "3:7: a text with half of a character"),
        (f"{GOOD}? [a, b]\n: c\n", "3:3: a key must be a text"),
    ],
)
def test_what_is_no_configuration(content: str | bytes, expected: str, tmp_path: Path) -> None:
    assert problems_of(content, tmp_path)[0] == expected


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml:1:1: cannot be read: No such file or directory"):
        compile_file(tmp_path / "none.yaml", environment={})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r":1:1: cannot be read: Is a directory"):
        compile_file(tmp_path, environment={})


def test_aliases_of_aliases_do_not_fill_the_memory(tmp_path: Path) -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    started = time.monotonic()
    problems = problems_of("l0: &l0 [lol]\n" + "\n".join(levels), tmp_path)
    assert problems[0].endswith(": more than 100000 texts, lists and mappings")
    assert time.monotonic() - started < 2


def test_a_text_keeps_its_letters() -> None:
    findings = Findings()
    node = parse_document("a: off\nb: 0222222222222\nc: 1e3\nd: '~'\ne: ~\nf: 2026-12-24\n", "f", findings)
    assert isinstance(node, Keys)
    assert [value.value for _, value in node.entries if isinstance(value, Text)] == [
        "off",
        "0222222222222",
        "1e3",
        "~",
        "~",
        "2026-12-24",
    ]
    assert [value.nothing for _, value in node.entries if isinstance(value, Text)] == [False] * 4 + [True, False]


def test_tags_keep_theirs_too(tmp_path: Path) -> None:
    tags = "where: {tags: {on: [off, 0123, 1.10]}}, except: {tags: {a: yes}}"
    aws = compiled(f"fleet: acme\ngather: {{aws: {{regions: eu-west-1, {tags}}}}}\n", tmp_path).config.gather.aws
    assert aws is not None
    assert aws.where.tags == {"on": ("off", "0123", "1.10")}
    assert aws.where.except_tags == {"a": ("yes",)}


MERGED = """\
fleet: acme
gather: {aws: {regions: [eu-west-1]}}
rules:
  - &base
    name: hot
    on: instance
    when: cpu.utilization > 90 %
    for: 10 min
    severity: critical
  - <<: *base
    name: hotter
    when: cpu.utilization > 95 %
  - <<: [{severity: info}, *base]
    name: warm
"""


def test_anchors_and_merge_keys(tmp_path: Path) -> None:
    rules = compiled(MERGED, tmp_path).config.rules[:3]
    assert [(rule.name, rule.severity, rule.window.span) for rule in rules] == [
        ("hot", "critical", 600),
        ("hotter", "critical", 600),
        ("warm", "info", 600),
    ]


def test_a_merged_problem_is_told_where_it_was_written(tmp_path: Path) -> None:
    problems = problems_of(MERGED.replace("for: 10 min", "for: 10 m"), tmp_path)
    assert problems == ['8:10: unknown unit "m"; durations are in s, min, h or d'] * 3


def test_a_merge_of_something_else(tmp_path: Path) -> None:
    assert problems_of(f"{GOOD}tell: {{<<: [a]}}\n", tmp_path) == [
        "3:13: << merges keys and values; this is something else"
    ]


def test_odd_characters_do_not_reach_a_terminal(tmp_path: Path) -> None:
    text = GOOD + 'rules: [{name: "a\\e[31m\\nb", on: instance, when: "\\e[2J\\u202e"}]\n'
    assert problems_of(text, tmp_path) == [
        '3:16: rule: the name "a [31m b" may have letters, digits and . _ - only, 64 at most',
        '3:50: " [2J" is no condition; write for example cpu.utilization > 90 %, or state is stopped',
    ]


def test_a_condition_without_end(tmp_path: Path) -> None:
    text = f"{GOOD}rules: [{{name: a, on: instance, when: 'cpu {' ' * 100_000} for'}}]\n"
    assert problems_of(text, tmp_path) == ["3:39: when: 100008 characters are too many; at most 500"]


def test_a_thousand_rules(tmp_path: Path) -> None:
    rules = "".join(f"  - {{name: r{n}, on: instance, when: cpu.utilization > {n % 99} %}}\n" for n in range(1000))
    assert len(compiled(f"{GOOD}rules:\n{rules}", tmp_path).config.rules) == 1001  # and the built-in one
