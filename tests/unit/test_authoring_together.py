"""What is wrong in several places at once, what must not be repeated, and what nobody thought of."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nephoscope.app.authoring.compile import compile_file
from nephoscope.model.errors import ConfigError

HEAD = "fleet: acme\ngather: {aws: {regions: [eu-west-1], resources: [instance, bucket]}}\n"
WHOLE = (Path(__file__).parent.parent / "golden" / "config" / "nephoscope.yaml").read_text(encoding="utf-8")


def problems_of(text: str, folder: Path) -> list[str]:
    path = folder / "nephoscope.yaml"
    path.write_bytes(text.encode())
    with pytest.raises(ConfigError) as caught:
        compile_file(path, environment={})
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.chat.example/services/T01AB23CD/B04EF56GH/a1b2c3d4e5f6a7b8c9d0e1f2",
        "https://user:pa55word@chat.example/in",
        "https://chat.example/in?token=a1b2c3d4e5f6a7b8",
    ],
)
def test_an_address_that_holds_a_secret_is_refused_and_never_repeated(address: str, tmp_path: Path) -> None:
    host = "hooks.chat.example" if "hooks" in address else "chat.example"
    (problem,) = problems_of(f"{HEAD}tell: {{a: {{webhook: '{address}'}}}}", tmp_path)
    assert problem == (
        f"nephoscope.yaml:3:21: webhook: the address at {host} seems to hold a secret; keep it in a secret store and "
        "write a reference such as ${secretsmanager:nephoscope/chat}"
    )


def test_names_are_unique(tmp_path: Path) -> None:
    others = [f"\n  - {{name: {name}, on: instance, when: state is stopped}}" for name in ("one", "scope-blind", "a b")]
    text = f"{HEAD}rules:\n  - {{name: one, on: instance, when: state is stopped}}" + "".join(others)
    assert [problem.removeprefix(str(tmp_path)) for problem in problems_of(text, tmp_path)] == [
        f'nephoscope.yaml:5:12: rule: the name "one" stands twice; first in {tmp_path}/nephoscope.yaml:4',
        'nephoscope.yaml:6:12: rule: the name "scope-blind" is taken by the built-in rule',
        'nephoscope.yaml:7:12: rule: the name "a b" may have letters, digits and . _ - only, 64 at most',
    ]


def test_all_problems_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
fleet: my fleet
gather:
  every: 1 year
  aws: {regions: [eu-west-1, mars-1]}
rules:
  - name: hot
    on: instnace
    when: cpu.utilization > 900 %
    sevrity: critical
    tell: [chat]
  - on: instance
    when: cpu.utilization > 90 %
    for: 5 of 3 min
    clear: cpu.utilization > 80 %
tell:
  oncall: {sns: nowhere, colour: red}
mute: []
"""
    assert problems_of(text, tmp_path) == [
        'nephoscope.yaml:1:8: fleet: "my fleet" may have letters, digits, - and _ only, 64 at most',
        'nephoscope.yaml:3:10: every: unknown unit "year"; durations are in s, min, h or d',
        'nephoscope.yaml:4:30: unknown region "mars-1"',
        'nephoscope.yaml:7:9: rule.on: expected instance or bucket, found "instnace"',
        'nephoscope.yaml:9:5: rule: unknown key "sevrity"; did you mean severity?',
        'nephoscope.yaml:10:12: unknown channel "chat"; known are oncall',
        'nephoscope.yaml:11:5: rule: "name" is missing: Unique over all files; stands in every message.',
        "nephoscope.yaml:13:10: 5 of 3 can never be: the first number is at most the second",
        "nephoscope.yaml:14:12: clear: > is what is bad; what is well lies in the other direction: <",
        "nephoscope.yaml:16:17: sns: expected a topic's ARN (arn:aws:sns:eu-west-1:111111111111:alerts) or the "
        "deployment's own, ${stack:AlertTopic}",
        'nephoscope.yaml:16:26: channel: unknown key "colour"; known are sns, webhook, pagerduty, format, secret, '
        "fallback, allow, max_age, repeat, group_by, group_wait and group_interval",
        'nephoscope.yaml:17:1: "mute" is not supported by this version: muting one rule by another',
    ]


pieces = st.sampled_from(
    [
        " ",
        "\n",
        "\t",
        "\u00a0",
        ":",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "'",
        '"',
        "#",
        "&a ",
        "*a",
        "!x ",
        "!include ",
        "<<: ",
        "~",
        "%",
        "0",
        "-",
        "\\e",
        "${",
        "ssm:",
        " is ",
        " > ",
        " for ",
        " of ",
        "\u2028",
        "☁",
        "\ufeff",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 30), pieces | st.text(max_size=3)), min_size=1, max_size=4
    )
)
def test_whatever_is_written_is_understood_or_told(tmp_path: Path, edits: list[tuple[int, int, str]]) -> None:
    """No edit of a good file ends in anything but a configuration or problems that stand within the file."""
    text = WHOLE
    for at, removed, put in edits:
        text = text[:at] + put + text[at + removed :]
    path = tmp_path / "nephoscope.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        compile_file(path, environment={})
    except ConfigError as error:
        lines = len(text.splitlines())
        assert error.problems
        assert all(0 < problem.line <= lines + 1 and problem.column > 0 and problem.text for problem in error.problems)
