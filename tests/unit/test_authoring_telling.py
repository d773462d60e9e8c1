"""What routes and quiet times mean, and how they are explained; expected values are worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from nephoscope.app.authoring.compile import Compiled, compile_file
from nephoscope.app.authoring.explain import explain
from nephoscope.app.config import dump_config, load_config
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.quiet import Matcher, QuietWindow, Route
from nephoscope.model.rule import Selector

TEXT = """\
fleet: acme
gather: {aws: {regions: [eu-west-1]}}
rules:
  - {name: cpu-hot, on: instance, when: cpu.utilization > 90 %}
  - {name: down, on: instance, when: state is stopped, tell: [oncall]}
  - {name: seen, on: instance, when: state is running, tell: []}
tell:
  oncall: {sns: "${stack:AlertTopic}", repeat: 4 h}
  chat: {webhook: "${ssm:/chat}", format: teams}
  managers: {pagerduty: "${ssm:/pagerduty}", fallback: true}
routes:
  - {match: {severity: critical}, tell: [oncall], escalate: {after: 30 min, tell: [managers]}}
  - {match: {tags: {owner: data}, rules: "cpu-*"}, tell: [chat]}
quiet:
  - {name: patching, every: "Sun 02:00-04:00", zone: Europe/Berlin, where: {tags: {env: staging}}}
  - {every: "Mon-Fri,Sun 22:00-06:00"}
  - {cron: "30 2 1 * *", lasts: 90 min, where: {rules: [cpu-hot], regions: "us-*"}}
  - {from: "2026-12-24T18:00+01:00", to: "2026-12-27T06:00+01:00"}
"""


def compiled(tmp_path: Path, text: str = TEXT) -> Compiled:
    (tmp_path / "nephoscope.yaml").write_text(text, encoding="utf-8")
    return compile_file(tmp_path / "nephoscope.yaml", {})


def test_routes_and_windows_are_understood(tmp_path: Path) -> None:
    config = compiled(tmp_path).config
    assert config.routes == (
        Route(Matcher(severities=("critical",)), ("oncall",), 1800, ("managers",)),
        Route(Matcher(rules=("cpu-*",), where=Selector({"owner": ("data",)})), ("chat",)),
    )
    christmas = [int(datetime(2026, 12, day, hour, tzinfo=UTC).timestamp()) for day, hour in ((24, 17), (27, 5))]
    assert config.quiet == (
        QuietWindow("patching", Matcher(where=Selector({"env": ("staging",)})), "Europe/Berlin", (6,), 120, 240),
        QuietWindow("2", days=(0, 1, 2, 3, 4, 6), begin=22 * 60, end=6 * 60),
        QuietWindow("3", Matcher(rules=("cpu-hot",), regions=("us-*",)), cron="30 2 1 * *", lasts=5400),
        QuietWindow("4", starts=christmas[0], ends=christmas[1]),
    )
    told = {rule.name: (rule.tell, rule.tell_default) for rule in config.rules}
    assert told["cpu-hot"] == ((), True)
    assert told["down"] == (("oncall",), False)
    assert told["seen"] == ((), False)
    assert config.channels["oncall"].repeat == 4 * 3600
    assert load_config(dump_config(config)) == config


def test_without_routes_a_rule_without_channels_tells_every_one_that_is_no_fallback(tmp_path: Path) -> None:
    text = TEXT.partition("routes:")[0]
    rules = {rule.name: rule for rule in compiled(tmp_path, text).config.rules}
    assert (rules["cpu-hot"].tell, rules["cpu-hot"].tell_default) == (("oncall", "chat"), False)


def test_each_is_explained_in_a_sentence(tmp_path: Path) -> None:
    said = explain(compiled(tmp_path).config, load_catalog())
    assert [line for line in said if line.startswith(("Route", "Quiet", "managers", "oncall"))] == [
        "oncall: SNS topic ${stack:AlertTopic}; a message is tried for 1 d; told again every 4 h.",
        "managers: PagerDuty, an incident for each alert; a message is tried for 1 d; told when another channel is "
        "given up.",
        "Route: alerts of severity critical: told to oncall; after 30 min without acknowledgement also to managers.",
        "Route: alerts of rule cpu-* with tag owner = data: told to chat.",
        "Quiet patching: Sun 02:00 to 04:00 (Europe/Berlin): every alert with tag env = staging; announced at its end "
        "if still there.",
        "Quiet 2: Mon, Tue, Wed, Thu, Fri and Sun 22:00 to 06:00 (UTC): every alert; announced at its end if still "
        "there.",
        "Quiet 3: 1 h 30 min from each 30 2 1 * * (UTC): alerts of rule cpu-hot in us-*; announced at its end if still "
        "there.",
        "Quiet 4: 2026-12-24T17:00:00Z to 2026-12-27T05:00:00Z: every alert; announced at its end if still there.",
    ]
    assert "told by the routes that fit, or else to every channel that is no fallback" in said[1]


def test_a_window_for_a_rule_that_is_not_there_is_odd_and_allowed(tmp_path: Path) -> None:
    (warning,) = compiled(tmp_path, TEXT.replace("[cpu-hot]", "[cpu-hto]")).warnings
    assert (warning.line, warning.text) == (17, 'no rule is called "cpu-hto"; did you mean cpu-hot?')
