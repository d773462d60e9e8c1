"""What a right file means: short forms filled in, units turned into the catalog's, who is told when nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from nephoscope.app.authoring.compile import Compiled, compile_file
from nephoscope.app.authoring.explain import explain_rule
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import AwsAccount, Channel, Config
from nephoscope.model.errors import ConfigError
from nephoscope.model.resource import Kind
from nephoscope.model.rule import (
    Aggregate,
    Comparison,
    Condition,
    MissingData,
    Observation,
    Rule,
    Severity,
    Threshold,
    Window,
)
from nephoscope.model.scope import Cloud

HEAD = "fleet: acme\ngather: {aws: {regions: [eu-west-1], resources: [instance, bucket]}}\n"


def compiled(text: str, folder: Path, **environment: str) -> Compiled:
    path = folder / "nephoscope.yaml"
    path.write_text(text, encoding="utf-8")
    return compile_file(path, environment)


def config_of(text: str, folder: Path) -> Config:
    return compiled(text, folder).config


def rule_of(lines: str, folder: Path, on: str = "instance") -> Rule:
    return config_of(f"{HEAD}rules: [{{name: one, on: {on}, {lines}}}]\n", folder).rules[0]


def warnings_of(text: str, folder: Path) -> list[str]:
    return [str(each).removeprefix(f"{folder}/nephoscope.yaml:") for each in compiled(text, folder).warnings]


G, GE, L, LE = Comparison.GREATER, Comparison.GREATER_OR_EQUAL, Comparison.LESS, Comparison.LESS_OR_EQUAL


@pytest.mark.parametrize(
    ("on", "when", "expected"),
    [
        ("instance", "cpu.utilization > 90 %", Threshold("cpu.utilization", G, 0.9)),
        ("instance", "cpu.utilization>90%", Threshold("cpu.utilization", G, 0.9)),
        ("instance", "cpu.utilization \u2265 92.5\u00a0%", Threshold("cpu.utilization", GE, 0.925)),
        ("instance", "cpu.utilization <= +5 %", Threshold("cpu.utilization", LE, 0.05)),
        ("instance", "network.receive > 10 MiB/s", Threshold("network.receive", G, 10_485_760.0)),
        ("instance", "network.receive > 10 MB/s", Threshold("network.receive", G, 10_000_000.0)),
        ("instance", "network.transmit > 80 Mbit/s", Threshold("network.transmit", G, 10_000_000.0)),
        ("instance", "disk.read.operations > 3000 operations/s", Threshold("disk.read.operations", G, 3000.0)),
        ("instance", "cpu.credit.balance < 10", Threshold("cpu.credit.balance", L, 10.0)),
        ("bucket", "size > 5 TiB", Threshold("size", G, 5_497_558_138_880.0)),
        ("bucket", "size > 1.5 GB", Threshold("size", G, 1_500_000_000.0)),
        ("bucket", "objects >= 1000000", Threshold("objects", GE, 1_000_000.0)),
        ("instance", "state is stopped", Observation("state", ("stopped",))),
        ("instance", "state is not running", Observation("state", ("running",), negated=True)),
        ("instance", "state is stopped or terminated", Observation("state", ("stopped", "terminated"))),
        ("instance", "check.ebs is failed", Observation("check.ebs", ("failed",))),
    ],
)
def test_conditions(on: str, when: str, expected: Condition, tmp_path: Path) -> None:
    understood = rule_of(f"when: '{when}'", tmp_path, on).when
    if isinstance(expected, Threshold):
        assert isinstance(understood, Threshold)
        assert understood.value == pytest.approx(expected.value, rel=1e-12)
        expected = Threshold(expected.metric, expected.comparison, understood.value)
    assert understood == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10 min", Window(600, 600)),
        ("10min", Window(600, 600)),
        ("3 of 5 min", Window(180, 300)),
        ("1 of 1 h", Window(3600, 3600)),
        ("120 s", Window(120, 120)),
        ("1 d", Window(86_400, 86_400)),
    ],
)
def test_windows(text: str, expected: Window, tmp_path: Path) -> None:
    assert rule_of(f"when: cpu.utilization > 90 %, for: {text}", tmp_path).window == expected


def test_everything_that_a_rule_can_say(tmp_path: Path) -> None:
    text = f"""{HEAD}
tell:
  oncall: {{sns: "${{stack:AlertTopic}}"}}
  chat: {{webhook: "${{ssm:/chat}}", format: slack}}
rules:
  - name: cpu-hot
    on: instance
    when: cpu.utilization > 90 %
    for: 3 of 5 min
    clear: cpu.utilization < 80 % for 10 min
    missing: notBreaching
    severity: critical
    tell: [chat, oncall, chat]
    where: {{tags: {{role: web, env: [prod, staging]}}}}
    except: {{tags: {{monitor: off}}}}
    labels: {{team: web, tier: 1}}
    runbook: https://wiki.example/cpu
    summary: "Busy: look at it"
"""
    assert config_of(text, tmp_path).rules[0] == Rule(
        name="cpu-hot",
        on=Kind.INSTANCE,
        when=Threshold("cpu.utilization", G, 0.9),
        window=Window(180, 300),
        clear=Threshold("cpu.utilization", L, 0.8),
        clear_window=Window(600, 600),
        missing=MissingData.NOT_BREACHING,
        severity=Severity.CRITICAL,
        tell=("chat", "oncall"),
        where=type(rule_of("when: state is stopped", tmp_path).where)(
            {"role": ("web",), "env": ("prod", "staging")}, {"monitor": ("off",)}
        ),
        labels={"team": "web", "tier": "1"},
        runbook="https://wiki.example/cpu",
        summary="Busy: look at it",
        origin="user",
    )


def test_what_a_rule_leaves_out(tmp_path: Path) -> None:
    rule = rule_of("when: cpu.utilization > 90 %", tmp_path)
    assert (rule.window, rule.clear, rule.missing, rule.tell_missing) == (Window(), None, MissingData.IGNORE, False)
    assert (rule.severity, rule.tell) == (Severity.WARNING, ())


def test_clear_without_a_time_takes_the_rules_own(tmp_path: Path) -> None:
    rule = rule_of("when: cpu.utilization > 90 %, for: 3 of 5 min, clear: cpu.utilization < 80 %", tmp_path)
    assert rule.clear_window == Window(180, 300)


@pytest.mark.parametrize(
    ("when", "clear"),
    [
        ("cpu.utilization > 90 %", "cpu.utilization <= 90 %"),
        ("cpu.utilization >= 90 %", "cpu.utilization < 90 %"),
        ("cpu.utilization < 5 %", "cpu.utilization >= 5 %"),
        ("cpu.utilization <= 5 %", "cpu.utilization > 5 %"),
    ],
)
def test_clear_may_lie_right_beside(when: str, clear: str, tmp_path: Path) -> None:
    assert rule_of(f"when: {when}, clear: {clear}", tmp_path).clear is not None


@pytest.mark.parametrize(
    ("when", "clear", "bound"),
    [
        ("> 90 %", "< 90.1 %", "at most 90 %"),
        (">= 90 %", "<= 90 %", "less than 90 %"),
        ("< 5 %", "> 4 %", "at least 5 %"),
        ("<= 5 %", ">= 5 %", "more than 5 %"),
    ],
)
def test_clear_may_not_overlap(when: str, clear: str, bound: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"values would be bad and well at once; it must be {bound}"):
        rule_of(f"when: cpu.utilization {when}, clear: cpu.utilization {clear}", tmp_path)


def test_missing_data_that_is_told(tmp_path: Path) -> None:
    rule = rule_of("when: cpu.utilization > 90 %, missing: tell", tmp_path)
    assert (rule.missing, rule.tell_missing) == (MissingData.MISSING, True)
    rule = rule_of("when: cpu.utilization > 90 %, missing: missing", tmp_path)
    assert (rule.missing, rule.tell_missing) == (MissingData.MISSING, False)


CHANNELS = """\
tell:
  oncall: {sns: "${stack:AlertTopic}"}
  chat: {webhook: "${env:CHAT_URL}"}
  last: {sns: "arn:aws:sns:eu-west-1:111111111111:last", fallback: true}
"""


def test_who_is_told_when_a_rule_does_not_say(tmp_path: Path) -> None:
    named = "{name: a, on: instance, when: state is stopped"
    rules = f"rules: [{named}}}, {named.replace('a,', 'b,', 1)}, tell: []}}]\n"
    told = {rule.name: rule.tell for rule in config_of(HEAD + CHANNELS + rules, tmp_path).rules}
    assert told == {"a": ("oncall", "chat"), "b": (), "scope-blind": ("last",)}


def test_only_fallbacks_are_told_too(tmp_path: Path) -> None:
    channel = "tell: {last: {sns: '${stack:T}', fallback: true}}\n"
    text = f"{HEAD}{channel}rules: [{{name: a, on: instance, when: state is stopped}}]\n"
    assert {rule.tell for rule in config_of(text, tmp_path).rules} == {("last",)}


def test_a_file_with_a_fleet_and_a_cloud_is_enough(tmp_path: Path) -> None:
    both = compiled("fleet: acme\ngather: {aws: {}}\n", tmp_path, AWS_REGION="eu-central-1")
    config = both.config
    assert config.gather.aws is not None
    assert (config.gather.every, config.gather.aws.regions) == (60, ("eu-central-1",))
    assert (config.gather.aws.accounts, config.gather.aws.resources) == ((AwsAccount(),), (Kind.INSTANCE,))
    publish = config.publish
    assert (publish.region, publish.dashboard, publish.namespace) == ("eu-central-1", "acme", "nephoscope")
    assert [(rule.name, rule.origin, rule.tell) for rule in config.rules] == [
        ("cpu-hot", "starter", ()),
        ("system-check-failed", "starter", ()),
        ("instance-check-failed", "starter", ()),
        ("ebs-check-failed", "starter", ()),
        ("always-on-stopped", "starter", ()),
        ("scope-blind", "built-in", ()),
    ]
    assert [str(each)[-60:] for each in both.warnings] == [
        "no channel under `tell`: alerts are shown, and told to nobody"[-60:]
    ]


def test_the_built_in_rule(tmp_path: Path) -> None:
    text = HEAD.replace("{aws", "{blind_after: 10 min, grace: 15 min, aws") + "rules: []\n" + CHANNELS
    config = config_of(text, tmp_path)
    assert (config.blind_after, config.grace) == (600, 900)
    assert config.rules == (
        Rule(
            name="scope-blind",
            on=Kind.SCOPE,
            when=Observation("sight", ("blind",)),
            window=Window(600, 600),
            severity=Severity.CRITICAL,
            tell=("last",),
            summary="Nothing can be read there: the alerts of that scope stand still until it can.",
            origin="built-in",
        ),
    )


def test_accounts_and_all_regions(tmp_path: Path) -> None:
    role = "arn:aws:iam::222222222222:role/teams/nephoscope-reader"
    text = f"""\
fleet: acme
gather:
  every: 5 min
  aws:
    regions: all
    accounts: [own, {{role: "{role}", external_id: "${{ssm:/nephoscope/external-id}}"}}]
publish: {{cloudwatch: {{region: eu-west-1}}}}
"""
    gather = config_of(text, tmp_path).gather
    assert gather.aws is not None
    assert (gather.every, gather.aws.regions) == (300, ("all",))
    assert gather.aws.accounts == (AwsAccount(), AwsAccount(role, "${ssm:/nephoscope/external-id}"))
    assert gather.aws.accounts[1].id == "222222222222"


def test_channels(tmp_path: Path) -> None:
    text = (
        HEAD
        + """\
tell:
  chat: {webhook: "https://chat.example/alerts", format: slack, max_age: 2 h}
  near: {webhook: "http://127.0.0.1:8080/in", allow: [http, private], secret: "${secretsmanager:near#key}"}
"""
    )
    assert config_of(text, tmp_path).channels == {
        "chat": Channel("chat", webhook="https://chat.example/alerts", format="slack", max_age=7200),
        "near": Channel(
            "near",
            webhook="http://127.0.0.1:8080/in",
            secret="${secretsmanager:near#key}",
            allow_http=True,
            allow_private=True,
        ),
    }


def test_own_figures(tmp_path: Path) -> None:
    limits = "limits: {cloudwatch.get_metric_data: {per_second: 100}}\n"
    text = f"{HEAD}{limits}prices: {{cloudwatch.custom_metric_month: {{usd: 0.25}}}}\n"
    config = config_of(text, tmp_path)
    assert config.limits == {"cloudwatch.get_metric_data": {"per_second": 100}}
    assert config.prices == {"cloudwatch.custom_metric_month": {"usd": 0.25}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"{HEAD}{CHANNELS}publish: {{cloudwatch: {{distributions: [network.receive]}}}}\n",
            "7:24: distributions: no rule reads network.receive: nothing is published of what is not read",
        ),
        (
            f"{HEAD}{CHANNELS}publish: {{cloudwatch: {{detail: resource}}}}\n",
            "7:32: detail: AWS has a series for each resource already; `resource` adds none",
        ),
        (
            f"{HEAD}{CHANNELS}publish: {{cloudwatch: {{region: eu-west-9}}}}\n",
            '7:32: the region "eu-west-9" is newer than this version, or misspelt; did you mean eu-west-3?',
        ),
        (
            f"{HEAD}{CHANNELS}rules: [{{name: a, on: bucket, when: size > 1 TiB, for: 1 h}}]\n",
            "7:56: for: size has one point in 1 d; 1 h is that one point",
        ),
    ],
)
def test_what_is_odd_and_allowed(text: str, expected: str, tmp_path: Path) -> None:
    assert warnings_of(text, tmp_path) == [expected]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("avg(cpu.utilization) > 80 %", Aggregate("avg", G, 0.8, metric="cpu.utilization")),
        ("p95( cpu.utilization )>=80 %", Aggregate("p95", GE, 0.8, metric="cpu.utilization")),
        ("sum(network.receive) > 1 GB/s", Aggregate("sum", G, 1e9, metric="network.receive")),
        ("count(state is running) < 3", Aggregate("count", L, 3, counted=Observation("state", ("running",)))),
        (
            "count(cpu.utilization > 90 %) >= 5",
            Aggregate("count", GE, 5, counted=Threshold("cpu.utilization", G, 0.9)),
        ),
        ("change(cpu.utilization over 1 h) < -20 %", Threshold("cpu.utilization", L, -0.2, over=3600)),
    ],
)
def test_conditions_on_groups_and_changes(when: str, expected: Condition, tmp_path: Path) -> None:
    assert rule_of(f'when: "{when}"', tmp_path).when == expected


def test_labels_of_a_place_bring_their_cloud_along(tmp_path: Path) -> None:
    grouped = rule_of('when: "count(state is running) < 3", by: [cloud_region, "tag:role"]', tmp_path)
    assert grouped.by == ("cloud_provider", "cloud_region", "tag:role")
    assert rule_of('when: "count(state is running) < 3", by: ["tag:role"]', tmp_path).by == ("tag:role",)


def test_groups_clear_on_the_same_figure_and_are_kept_firing(tmp_path: Path) -> None:
    text = 'when: "avg(cpu.utilization) > 80 %", clear: "avg(cpu.utilization) < 60 %", keep_firing: 10 min'
    rule = rule_of(text, tmp_path)
    assert rule.clear == Aggregate("avg", L, 0.6, metric="cpu.utilization")
    assert rule.keep_firing == 600
    with pytest.raises(ConfigError, match="it must be on the same figure as the rule"):
        rule_of('when: "avg(cpu.utilization) > 80 %", clear: "max(cpu.utilization) < 60 %"', tmp_path)


def test_a_rule_on_groups_in_a_sentence(tmp_path: Path) -> None:
    config = config_of(
        f'{HEAD}rules: [{{name: few, on: instance, by: [cloud_region], when: "count(state is running) < 3", '
        'for: 10 min, where: {tags: {role: web}}}, {name: warm, on: instance, when: "avg(cpu.utilization) > 80 %", '
        "for: 10 min}]\n",
        tmp_path,
    )
    metrics = load_catalog().metrics
    few, warm = (explain_rule(rule, metrics, [Cloud.AWS]) for rule in config.rules[:2])
    assert few == (
        "few: all instances with tag role = web, each group of one cloud_provider and cloud_region: fires when "
        "count(state is running) < 3 for 10 min; clears when that no longer holds; warning; "
        "shown, told to nobody."
    )
    assert warm == (
        "warm: all instances together: fires when avg(cpu.utilization) > 80 % at 2 of 2 five-minute points; "
        "clears when that no longer holds for as many points; a missing point changes nothing; warning; "
        "shown, told to nobody."
    )


def test_groups_over_several_clouds_need_the_function_that_may_read_them_all(tmp_path: Path) -> None:
    clouds = (
        "fleet: acme\ngather: {gcp: {projects: [acme-web]}, azure: {subscriptions: "
        "[00000000-0000-0000-0000-000000000000]}}\npublish: {cloudwatch: {region: eu-west-1}}\n"
    )
    with pytest.raises(ConfigError, match=r"few: a group over several clouds needs gather\.aws; add cloud_provider"):
        config_of(clouds + 'rules: [{name: few, on: instance, when: "count(state is running) < 3"}]\n', tmp_path)
    apart = 'rules: [{name: few, on: instance, by: [cloud_provider], when: "count(state is running) < 3"}]\n'
    assert config_of(clouds + apart, tmp_path).rules[0].by == ("cloud_provider",)
