"""What a person gets wrong, and exactly what is said of it: file, line, column, what was expected, the nearest word.

Each case is what follows the two lines of a good file, so it begins in line 3. Positions count from 1.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.model.errors import ConfigError

HEAD = "fleet: acme\ngather: {aws: {regions: [eu-west-1], resources: [instance, bucket]}}\n"
CATALOG = "(nephoscope metrics --catalog lists them)"
SIZES = "B, KiB, MiB, GiB, TiB, PiB, kB, MB, GB, TB or PB"
RATES = "B/s, KiB/s, MiB/s, GiB/s, kB/s, MB/s, GB/s, Mbit/s or Gbit/s"


def problems_of(text: str, folder: Path) -> list[str]:
    path = folder / "nephoscope.yaml"
    path.write_bytes(text.encode())
    with pytest.raises(ConfigError) as caught:
        compile_file(path, environment={})
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def rule(when: str, *more: str, on: str = "instance") -> str:
    """A list with one rule: `name` in line 4, `on` in 5, `when` in 6 at column 11, the rest from line 7."""
    return "\n".join(
        ["rules:", "  - name: one", f"    on: {on}", f"    when: {when}", *(f"    {line}" for line in more)]
    )


CONDITIONS = [
    (
        "cpu.utilisation > 90 %",
        f'unknown metric "cpu.utilisation" for instance; did you mean cpu.utilization? {CATALOG}',
    ),
    ("heat > 90 %", f'unknown metric "heat" for instance {CATALOG}'),
    ("size > 5 TiB", "size is a metric of bucket, and this rule is on instance"),
    ("cpu.utilization > 90", "cpu.utilization: 90 has no unit; write 90 with %"),
    ("cpu.utilization > 90 MiB", 'cpu.utilization: "MiB" is not its unit; write 90 with %'),
    ("cpu.utilization > high", 'cpu.utilization: expected a number with %, found "high"'),
    ("cpu.utilization > nan %", 'cpu.utilization: expected a number with %, found "nan %"'),
    ("cpu.utilization > .inf", 'cpu.utilization: expected a number with %, found ".inf"'),
    ("cpu.utilization > ٩٠ %", 'cpu.utilization: expected a number with %, found "٩٠ %"'),
    ("cpu.utilization > 90 ％", 'cpu.utilization: "％" is not its unit; write 90 with %'),
    ("cpu.utilization > 100 %", "this can never hold: cpu.utilization lies between 0 % and 100 %"),
    ("cpu.utilization >= 101 %", "this can never hold: cpu.utilization lies between 0 % and 100 %"),
    ("cpu.utilization < 0 %", "this can never hold: cpu.utilization lies between 0 % and 100 %"),
    ("cpu.utilization >= 0 %", "this always holds: cpu.utilization lies between 0 % and 100 %"),
    ("cpu.utilization > -1 %", "this always holds: cpu.utilization lies between 0 % and 100 %"),
    ("network.receive < 0 MiB/s", "this can never hold: network.receive is never less than 0"),
    ("network.receive > 10 MiB", f'network.receive: "MiB" is not its unit; write 10 with {RATES}'),
    ("network.receive > 10 mib/s", 'network.receive: unknown unit "mib/s"; did you mean MiB/s?'),
    ("disk.read.operations > 10 %", 'disk.read.operations: "%" is not its unit; write 10 with operations/s'),
    ("cpu.credit.balance < 10 %", 'cpu.credit.balance: "%" is not its unit; write 10'),
    ("cpu.utilization == 90 %", 'unknown comparison "=="; there are >, >=, < and <='),
    (
        "cpu.utilization 90 %",
        '"cpu.utilization 90 %" is no condition; write for example cpu.utilization > 90 %, or state is stopped',
    ),
    ("cpu.utilization is high", "cpu.utilization is measured, not seen; compare it with a number"),
    ("cpu.utilization > 90 % for 5 min", "the time stands under `for`, not in `when`"),
    ("cpu.utilization > 90 % and memory.utilization > 90 %", "one condition a rule; write a rule for each"),
    ("avrg(cpu.utilization) > 90 %", 'unknown function "avrg"; there are avg, min, max, sum, count and p1 to p99'),
    (
        "avg(state) > 3",
        "state is seen, not measured; write `state is` and starting, running, stopping, stopped, suspended, repairing, "
        "terminating, terminated or unknown",
    ),
    ("avg(cpu.utilization) > 90", "cpu.utilization: 90 has no unit; write 90 with %"),
    (
        "avg(cpu.utilization)",
        '"avg(cpu.utilization)" is no condition; write for example avg(cpu.utilization) > 80 %, '
        "or count(state is running) < 3",
    ),
    ("count(state is runing) < 3", 'state is never "runing"; did you mean running?'),
    ("count(state is running) < 0", "this can never hold: a count is never less than 0"),
    ("count(state is running) >= 0", "this always holds: a count is never less than 0"),
    (
        "count(avg(cpu.utilization) > 1 %) > 2",
        "count(...) holds a condition on one resource, such as count(state is running)",
    ),
    (
        "sum(cpu.utilization) > 90 %",
        "sum(cpu.utilization) adds up shares of different machines; avg says what is meant",
    ),
    (
        "change(cpu.utilization) > 5 %",
        "change(...) needs a metric and a time: change(cpu.utilization over 10 min) > 30 %",
    ),
    (
        "change(cpu.utilization over 10) > 5 %",
        'change(cpu.utilization): expected a duration such as 10 min, found "10"',
    ),
    (
        "change(cpu.utilization over 2 d) > 5 %",
        'change(cpu.utilization): "2 d" is not between 1 min and 1 d, in whole minutes',
    ),
    (
        "change(cpu.utilization over 10 min) > 100 %",
        "this can never hold: a change of cpu.utilization lies between -100 % and 100 %",
    ),
    ("avg(change(cpu.utilization over 10 min)) > 5 %", "avg(...) is over a metric, such as avg(cpu.utilization)"),
    ("p100(cpu.utilization) > 90 %", 'unknown function "p100"; there are avg, min, max, sum, count and p1 to p99'),
    ("state is stoped", 'state is never "stoped"; did you mean stopped?'),
    (
        "state is broken",
        'state is never "broken"; it is one of starting, running, stopping, stopped, suspended, repairing, '
        "terminating, terminated or unknown",
    ),
    (
        "check.system is impaired",
        'check.system is never "impaired"; known are ok, failed, initializing, insufficient-data and not-applicable',
    ),
    ("check is failed", 'unknown attribute "check" for instance; did you mean check.ebs?'),
    (
        "check.system > 0",
        "check.system is seen, not measured; write `check.system is` and ok, failed, initializing, "
        "insufficient-data or not-applicable",
    ),
]


@pytest.mark.parametrize(("when", "expected"), CONDITIONS)
def test_condition(when: str, expected: str, tmp_path: Path) -> None:
    (problem,) = problems_of(HEAD + rule(when), tmp_path)
    assert problem == f"nephoscope.yaml:6:11: {expected}"


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("region", 'unknown label "region"; did you mean cloud_region?'),
        ("cloud_regoin", 'unknown label "cloud_regoin"; did you mean cloud_region?'),
        ("tag:", 'unknown label "tag:"; there are cloud_provider, cloud_account_id, cloud_region, '
         "cloud_availability_zone, host_type and tag:NAME"),
    ],
)  # fmt: skip
def test_labels_of_groups(label: str, expected: str, tmp_path: Path) -> None:
    (problem,) = problems_of(HEAD + rule("count(state is running) < 3", f"by: ['{label}']"), tmp_path)
    assert problem == f"nephoscope.yaml:7:10: by: {expected}"


def test_bucket_rules_have_their_own_words(tmp_path: Path) -> None:
    assert problems_of(HEAD + rule("cpu.utilization > 90 %", on="bucket"), tmp_path) == [
        "nephoscope.yaml:6:11: cpu.utilization is a metric of instance, and this rule is on bucket; "
        "bucket has objects and size"
    ]
    assert problems_of(HEAD + rule("size > 5", on="bucket"), tmp_path) == [
        f"nephoscope.yaml:6:11: size: 5 has no unit; write 5 with {SIZES}"
    ]


CPU = "cpu.utilization > 90 %"
RULES = [
    ("for: 5 of 3 min", "7:10: 5 of 3 can never be: the first number is at most the second"),
    ("for: 3 of 5", '7:10: "3 of 5" of what? write 3 of 5 min'),
    ("for: 90 s", '7:10: "90 s" is not in whole minutes'),
    ("for: 0 min", "7:10: a duration of nothing; leave it out, and one point is enough"),
    ("for: 0 of 5 min", "7:10: a duration of nothing; leave it out, and one point is enough"),
    ("for: 10 m", '7:10: unknown unit "m"; durations are in s, min, h or d'),
    ("for: ten minutes", '7:10: expected a duration such as 10 min or 3 of 5 min, found "ten minutes"'),
    ("for: 2 d", "7:10: for: 2 d is too long; at most 1 d"),
    ("for: 999999999999999999999 d", "7:10: for: 999999999999 d is too long; at most 1 d"),
    ("for:", "7:9: rule.for: expected a text, found nothing"),
    ("for: [10 min]", "7:10: rule.for: expected a text, found a list"),
    ("clear: cpu.utilization > 80 %", "7:12: clear: > is what is bad; what is well lies in the other direction: <"),
    ("clear: cpu.utilization < 95 %", "7:12: clear: values would be bad and well at once; it must be at most 90 %"),
    ("clear: memory.utilization < 80 %", "7:12: clear: it must be on cpu.utilization, as the rule is"),
    ("clear: state is running", "7:12: clear: it must be on cpu.utilization, as the rule is"),
    (
        "clear: cpu.utilization < 80 % for 9 of 5 min",
        "7:12: 9 of 5 can never be: the first number is at most the second",
    ),
    (
        "missing: notbreaching",
        '7:14: rule.missing: expected ignore, missing, breaching, notBreaching or tell, found "notbreaching"; '
        "did you mean notBreaching?",
    ),
    ("severity: fatal", '7:15: rule.severity: expected info, warning or critical, found "fatal"'),
    ("sevrity: critical", '7:5: rule: unknown key "sevrity"; did you mean severity?'),
    ("by: [cloud_region]", "7:10: by: groups need a figure over each, such as avg(cpu.utilization) > 80 %"),
    (
        "group_by: [rule]",
        '7:5: "group_by" is not supported by this version: grouping by a rule; a channel has group_by',
    ),
    ("tell: [oncal]", '7:12: unknown channel "oncal"; did you mean oncall?'),
    ("tell: {oncall: yes}", "7:11: rule.tell: expected a text or a list of texts, found keys and values"),
    ("runbook: wiki/cpu", "7:14: runbook: expected the address of a page: https://..."),
    ("labels: {team-name: web}", '7:14: labels: "team-name" may have letters, digits and _ only, and no digit first'),
    ("labels: web", '7:13: rule.labels: expected names, each with a value, found "web"'),
    ("where: {tags: [web]}", "7:19: where.tags: expected names, each with a value, found a list"),
    ("where: {tags: {role: []}}", "7:26: tags.role: an empty list matches nothing; write * for any value"),
    ("where: {tag: {role: web}}", '7:13: where: unknown key "tag"; did you mean tags?'),
    ("name: two", '7:5: the key "name" stands twice; first in line 4'),
    ("summary: !include text.yaml", "7:14: rule.summary: !include brings rules; it stands under rules only"),
    (
        "summary: !!python/name:os.system x",
        '7:14: the tag "!!python/name:os.system" means nothing here; only !include FILE does',
    ),
    ("summary: *nowhere", '7:14: "*nowhere" refers to an anchor that no line before it defines'),
]


@pytest.mark.parametrize(("line", "expected"), RULES)
def test_rule(line: str, expected: str, tmp_path: Path) -> None:
    channels = "\ntell: {oncall: {sns: '${stack:AlertTopic}'}}\n"
    problems = problems_of(HEAD + rule(CPU, line) + channels, tmp_path)
    assert problems == [f"nephoscope.yaml:{expected}"]


OBSERVED = [
    ("for: 3 of 5 min", "7:10: for: what is seen is held, not counted: write for: 5 min"),
    ("for: 31 d", "7:10: for: 31 d is too long; at most 30 d"),
    ("missing: breaching", "7:14: missing: state has no points that could be missing"),
    ("clear: state is running", "7:12: clear: a rule on state is over when state is another; leave clear out"),
]


@pytest.mark.parametrize(("line", "expected"), OBSERVED)
def test_rule_on_what_is_seen(line: str, expected: str, tmp_path: Path) -> None:
    assert problems_of(HEAD + rule("state is stopped", line), tmp_path) == [f"nephoscope.yaml:{expected}"]


SECTIONS = [
    ("rules: {}", "3:8: rules: expected a list of rules or !include FILE, found keys and values"),
    ("rules: rules/*.yaml", '3:8: rules: expected a list of rules or !include FILE, found "rules/*.yaml"'),
    ("rules:", "3:7: rules: found nothing; write [] for no rules, or leave the key out for the starter rules"),
    ("rules: [one]", '3:9: rule: expected keys and values, found "one"'),
    ("rules: [{name: a, when: state is stopped}]", '3:9: rule: "on" is missing: The kind of resource.'),
    ("rules: !include none/*.yaml", "3:8: !include none/*.yaml: no such file"),
    ("mute: []", '3:1: "mute" is not supported by this version: muting one rule by another'),
    ("mute: []", '3:1: "mute" is not supported by this version: muting one rule by another'),
    ("ruels: []", '3:1: unknown key "ruels"; did you mean rules?'),
    (
        "zebra: 1",
        '3:1: unknown key "zebra"; known are fleet, gather, publish, page, rules, tell, routes, quiet, deploy, limits '
        "and prices",
    ),
    ("fleet: two", '3:1: the key "fleet" stands twice; first in line 1'),
    (
        "publish: {elasticsearch: {}}",
        '3:26: publish.elasticsearch: "url" is missing: https://HOST:PORT, or a reference to a secret that is one.',
    ),
    ("publish: {cloudwatch: {region: eu-wst-1}}", '3:32: unknown region "eu-wst-1"; did you mean eu-west-1?'),
    (
        "publish: {cloudwatch: {dashboard: my board}}",
        '3:35: dashboard: "my board" may have letters, digits, - and _ only',
    ),
    (
        "publish: {cloudwatch: {namespace: AWS/EC2}}",
        '3:35: namespace: "AWS/EC2" belongs to the provider: names that start with AWS/ do',
    ),
    (
        "publish: {cloudwatch: {distributions: [cpu.utilisation]}}",
        f'3:40: distributions: unknown metric "cpu.utilisation"; did you mean cpu.utilization? {CATALOG}',
    ),
    (
        "publish: {cloudwatch: {detail: all}}",
        '3:32: publish.cloudwatch.detail: expected fleet or resource, found "all"',
    ),
    ("tell: [oncall]", "3:7: tell: expected names, each with keys and values, found a list"),
    ("tell: {a: {}}", '3:8: channel "a" has neither sns, webhook nor pagerduty'),
    (
        "tell: {a: {sns: '${stack:T}', webhook: '${env:U}'}}",
        '3:11: channel "a" has sns and webhook both; one channel is one of them',
    ),
    (
        "tell: {a: {sns: '${stack:T}', format: json}}",
        '3:31: channel "a": format is for webhooks; an SNS topic has none',
    ),
    (
        "tell: {a: {pagerduty: 0123456789abcdef0123456789abcdef}}",
        "3:23: pagerduty: expected a reference such as ${stack:NAME}, not the value itself",
    ),
    (
        "tell: {a: {pagerduty: '${env:K}', format: slack}}",
        '3:35: channel "a": format is for webhooks; PagerDuty has its own',
    ),
    (
        "tell: {a: {sns: alerts}}",
        "3:17: sns: expected a topic's ARN (arn:aws:sns:eu-west-1:111111111111:alerts) or the deployment's own, "
        "${stack:AlertTopic}",
    ),
    ("tell: {a: {webhook: '${smm:/x}'}}", '3:21: webhook: unknown reference "smm"; did you mean ssm?'),
    (
        "tell: {a: {webhook: '${key-vault:-x/y}'}}",
        '3:21: webhook: "-x/y" cannot be the name in ${key-vault:...}',
    ),
    ("tell: {a: {webhook: '${ssm:/a b}'}}", '3:21: webhook: "/a b" cannot be the name in ${ssm:...}'),
    (
        "tell: {a: {webhook: 'ftp://x.example/'}}",
        "3:21: webhook: expected a reference such as ${secretsmanager:nephoscope/slack}, or an https:// URL",
    ),
    (
        "tell: {a: {webhook: 'http://x.example/alerts'}}",
        "3:21: webhook: http to x.example would send alerts in the clear; use https, or write allow: [http]",
    ),
    (
        "tell: {a: {webhook: 'https://10.1.2.3/alerts'}}",
        "3:21: webhook: 10.1.2.3 is a private address; write allow: [private] if that is meant",
    ),
    (
        "tell: {a: {webhook: 'https://169.254.169.254/', allow: [private]}}",
        "3:21: webhook: 169.254.169.254 is a metadata address; no message is ever sent there",
    ),
    (
        "tell: {a: {webhook: '${env:U}', secret: whsec_c2VjcmV0}}",
        "3:41: secret: expected a reference such as ${stack:NAME}, not the value itself",
    ),
    (
        "tell: {a: {webhook: '${env:U}', format: team}}",
        '3:41: channel.format: expected json, slack, teams, discord, google-chat or alertmanager, found "team"; did '
        "you mean teams?",
    ),
    (
        "tell: {a: {webhook: '${env:U}', group_by: [rule, cloud_regoin]}}",
        '3:50: group_by: unknown label "cloud_regoin"; did you mean cloud_region?',
    ),
    (
        "tell: {a: {webhook: '${env:U}', group_by: owner}}",
        '3:43: group_by: unknown label "owner"; there are rule, severity, cloud, cloud_account_id, cloud_region, '
        "cloud_availability_zone, host_type, resource, tag:NAME and label:NAME",
    ),
    ("tell: {a: {webhook: '${env:U}', group_by: ['tag:']}}", '3:44: group_by: "tag:" names no tag'),
    (
        "tell: {a: {webhook: '${env:U}', group_wait: 2 min}}",
        '3:33: channel "a": group_wait is for a channel with group_by',
    ),
    (
        "tell: {a: {webhook: '${env:U}', group_by: [], group_interval: 2 d}}",
        '3:63: group_interval: expected whole minutes from 1 min to 1 d, found "2 d"',
    ),
    (
        "tell: {a: {webhook: '${env:U}', group_by: [], group_wait: 30 s}}",
        '3:59: group_wait: expected whole minutes from 1 min to 1 h, found "30 s"',
    ),
    (
        "tell: {a: {pagerduty: '${ssm:/k}', group_by: [rule]}}",
        '3:36: channel "a": PagerDuty has an incident for each alert; none is grouped',
    ),
    ("tell: {a: {webhook: '${env:U}', fallback: yes}}", '3:43: channel.fallback: expected true or false, found "yes"'),
    (
        "tell: {a: {webhook: '${env:U}', max_age: 10 s}}",
        '3:42: max_age: expected whole minutes from 1 min to 14 d, found "10 s"',
    ),
    (
        "tell: {a: {webhook: '${env:U}', allow: [https]}}",
        '3:41: channel.allow: expected http or private, found "https"',
    ),
    (
        "tell: {a: {webhook: '${env:U}', repeat: 0 min}}",
        '3:41: repeat: expected whole minutes from 1 min to 30 d, found "0 min"',
    ),
    (
        "routes: [{match: {severity: fatal}, tell: [a]}]\ntell: {a: {webhook: '${env:U}'}}",
        '3:29: match.severity: expected info, warning or critical, found "fatal"',
    ),
    (
        "routes: [{match: {}, tell: [chta]}]\ntell: {chat: {webhook: '${env:U}'}}",
        '3:29: unknown channel "chta"; did you mean chat?',
    ),
    ("routes: [{match: {}}]", "3:10: route: neither tell nor escalate; it would tell nobody"),
    (
        "routes: [{match: {}, escalate: {after: 30 min}}]",
        '3:32: escalate: "tell" is missing: Channels that are told then.',
    ),
    (
        "quiet: [{every: Sunday 2-4}]",
        '3:17: every: "Sunday 2-4" is no time of the week, such as Sun 02:00-04:00 or Mon-Fri 22:00-06:00',
    ),
    ("quiet: [{every: 'Sun 02:00-02:00'}]", "3:17: every: it ends when it begins; a whole day is 00:00-24:00"),
    (
        "quiet: [{every: 'Sun 02:00-04:00', zone: Europe/Berln}]",
        '3:42: zone: unknown time zone "Europe/Berln"; did you mean Europe/Berlin?',
    ),
    ("quiet: [{zone: UTC}]", "3:9: quiet: one of every, cron and from says when it is; none is there"),
    (
        "quiet: [{every: 'Sun 02:00-04:00', cron: '0 2 * * 0', lasts: 2 h}]",
        "3:9: quiet: one of every, cron and from says when it is; found every and cron",
    ),
    ("quiet: [{cron: '0 25 * * *', lasts: 2 h}]", '3:16: cron: "25" is no hour: 0 to 23'),
    (
        "quiet: [{cron: '0 2 * * *'}]",
        "3:16: cron: it says when the window begins; lasts says how long it is, lasts: 2 h",
    ),
    (
        "quiet: [{from: 2026-12-24T18:00, to: 2026-12-27T06:00+01:00}]",
        '3:16: from: "2026-12-24T18:00" is not a time with its offset, such as 2026-12-24T18:00+01:00',
    ),
    (
        "quiet: [{from: 2026-12-24T18:00+01:00}]",
        "3:16: from: a single window needs its end, too; to: a time with its offset, such as 2026-12-24T18:00+01:00",
    ),
    (
        "quiet: [{from: 2026-12-24T18:00+01:00, to: 2026-12-23T06:00+01:00}]",
        "3:44: to: it lies before from",
    ),
    (
        "limits: {cloudwatch.get_metric: {queries: 1}}",
        '3:10: limits: the catalog has no row "cloudwatch.get_metric"; did you mean cloudwatch.get_metric_data?',
    ),
    (
        "limits: {cloudwatch.get_metric_data: {queries: 0}}",
        '3:48: limits.cloudwatch.get_metric_data.queries: expected a whole number greater than zero, found "0"',
    ),
    (
        "prices: {cloudwatch.custom_metric_month: {usd: NaN}}",
        '3:48: prices.cloudwatch.custom_metric_month.usd: expected a number of zero or more, found "NaN"',
    ),
]


@pytest.mark.parametrize(("text", "expected"), SECTIONS)
def test_section(text: str, expected: str, tmp_path: Path) -> None:
    problems = problems_of(HEAD + text, tmp_path)
    assert problems == [f"nephoscope.yaml:{expected}"]


ROLE = "arn:aws:iam::222222222222:role/nephoscope-reader"
SUBSCRIPTION = "0a1b2c3d-0000-4000-8000-00000000000f"
GATHERED = [
    ("gather: {}", "2:9: gather: no cloud; write at least `aws: {regions: [eu-west-1]}`"),
    (
        "gather: {gcp: {}}",
        "2:15: gather.gcp: no project; write projects: [acme-web], or search: folders/123 or organizations/123",
    ),
    (
        "gather: {gcp: {projects: []}}",
        "2:26: gather.gcp.projects: no project: nothing would be watched; name one, or write search in its place",
    ),
    (
        "gather: {gcp: {projects: [a]}}",
        '2:27: gather.gcp.projects: "a" is no project id: 6 to 30 small letters, digits and hyphens, a letter first',
    ),
    (
        "gather: {gcp: {projects: Acme_Web}}",
        '2:26: gather.gcp.projects: "Acme_Web" is no project id: 6 to 30 small letters, digits and hyphens, a letter '
        "first; did you mean acme-web?",
    ),
    (
        "gather: {gcp: {projects: [123456789012]}}",
        '2:27: gather.gcp.projects: "123456789012" is a project\'s number; write its id (gcloud projects list shows '
        "both)",
    ),
    ("gather: {gcp: {projects: [acme-web, acme-web]}}", '2:37: the project "acme-web" stands twice'),
    (
        "gather: {gcp: {projects: [acme-web], search: folders/1}}",
        "2:38: gather.gcp has projects and search both; one of them says what is watched",
    ),
    (
        "gather: {gcp: {search: folder/12}}",
        '2:24: gather.gcp.search: expected folders/NUMBER or organizations/NUMBER, found "folder/12"; did you mean '
        "folders/12?",
    ),
    (
        "gather: {gcp: {search: acme.example}}",
        '2:24: gather.gcp.search: expected folders/NUMBER or organizations/NUMBER, found "acme.example"',
    ),
    ("gather: {gcp: {project: acme-web}}", '2:16: gather.gcp: unknown key "project"; did you mean projects?'),
    (
        "gather: {gcp: {projects: [acme-web], regions: [europe-west1]}}",
        '2:38: "regions" is not supported by this version: choosing among Google\'s regions; `where` chooses by labels',
    ),
    (
        "gather: {gcp: {projects: [acme-web], resources: [server]}}",
        '2:50: gather.gcp.resources: expected instance or bucket, found "server"',
    ),
    (
        "gather: {gcp: {projects: [acme-web]}}",
        "1:1: publish.cloudwatch: no region; without gather.aws say where the dashboard is, region: eu-west-1",
    ),
    (
        "gather: {azure: {}}",
        '2:17: gather.azure: no subscription; write subscriptions: ["00000000-0000-0000-0000-000000000000"], or '
        "management_group: NAME",
    ),
    (
        "gather: {azure: {subscriptions: []}}",
        "2:33: gather.azure.subscriptions: no subscription; name one, or leave the key out",
    ),
    (
        "gather: {azure: {subscriptions: [production]}}",
        '2:34: gather.azure.subscriptions: "production" is no subscription id, such as '
        "00000000-0000-0000-0000-000000000000 (az account list shows them)",
    ),
    (
        f"gather: {{azure: {{subscriptions: [/subscriptions/{SUBSCRIPTION}]}}}}",
        f'2:34: gather.azure.subscriptions: "/subscriptions/{SUBSCRIPTION}" is no subscription id, such as '
        f"00000000-0000-0000-0000-000000000000; did you mean {SUBSCRIPTION}?",
    ),
    (
        f"gather: {{azure: {{subscriptions: [{SUBSCRIPTION}, {SUBSCRIPTION.upper()}]}}}}",
        f'2:72: the subscription "{SUBSCRIPTION}" stands twice',
    ),
    (
        f"gather: {{azure: {{subscriptions: [{SUBSCRIPTION}], management_group: acme}}}}",
        "2:73: gather.azure has subscriptions and management_group both; one of them says what is watched",
    ),
    (
        "gather: {azure: {management_group: /providers/Microsoft.Management/managementGroups/acme}}",
        '2:36: gather.azure.management_group: "/providers/Microsoft.Management/managementGroups/acme" is no name of a '
        "management group: letters, digits and - _ ( ) . only, 90 at most; did you mean acme?",
    ),
    (
        "gather: {azure: {management_group: acme, workspaces: [logs]}}",
        '2:55: gather.azure.workspaces: "logs" is no workspace id (az monitor log-analytics workspace show --query '
        "customerId shows it)",
    ),
    (
        "gather: {azure: {subscription: x}}",
        '2:18: gather.azure: unknown key "subscription"; did you mean subscriptions?',
    ),
    (
        "gather: {every: 7 min, gcp: {projects: [acme-web]}}",
        "2:17: every: 7 min does not divide an hour, and Google's and Azure's schedules need that",
    ),
    ("gather: {asure: {}}", '2:10: gather: unknown key "asure"; did you mean azure?'),
    ("gather: {aws: }", "2:14: gather.aws: no region; write regions: [eu-west-1], or all, or set AWS_REGION"),
    (
        "gather: {aws: {regions: []}}",
        "2:25: gather.aws.regions: no region: nothing would be watched; name one, or write all",
    ),
    ("gather: {aws: {regions: eu-wets-1}}", '2:25: unknown region "eu-wets-1"; did you mean eu-west-1?'),
    ("gather: {aws: {regions: [eu-west-1, all]}}", "2:37: gather.aws.regions: all stands alone: regions: all"),
    ("gather: {aws: {regions: [eu-west-1, eu-west-1]}}", '2:37: the region "eu-west-1" stands twice'),
    (
        "gather: {aws: {regions: all}}",
        "1:1: publish.cloudwatch: no region; with regions: all say where the dashboard is, region: eu-west-1",
    ),
    (
        "gather: {every: 30 s, aws: {regions: eu-west-1}}",
        '2:17: every: expected whole minutes from 1 min to 1 h, found "30 s"',
    ),
    ("gather: {every: 1, aws: {regions: eu-west-1}}", '2:17: every: expected a duration such as 10 min, found "1"'),
    (
        "gather: {aws: {regions: eu-west-1, accounts: [222222222222]}}",
        '2:47: accounts: expected keys and values, found "222222222222"',
    ),
    (
        "gather: {aws: {regions: eu-west-1, accounts: [{role: reader}]}}",
        '2:54: role: "reader" is not the ARN of a role; expected for example ' + ROLE,
    ),
    (
        f"gather: {{aws: {{regions: eu-west-1, accounts: [{{role: '{ROLE}', external_id: s3cret}}]}}}}",
        "2:119: external_id: expected a reference such as ${ssm:NAME}, not the value itself",
    ),
    (
        f"gather: {{aws: {{regions: eu-west-1, accounts: [{{role: '{ROLE}'}}, {{role: '{ROLE}'}}]}}}}",
        "2:107: gather.aws.accounts: the account 222222222222 stands twice",
    ),
    (
        "gather: {aws: {regions: eu-west-1, accounts: []}}",
        "2:46: gather.aws.accounts: no account; leave the key out for the one it runs in",
    ),
    (
        "gather: {aws: {regions: eu-west-1, resources: [server]}}",
        '2:48: gather.aws.resources: expected instance or bucket, found "server"',
    ),
    (
        "gather: {aws: {regions: eu-west-1, where: {env: prod}}}",
        '2:44: where: unknown key "env"; known are tags',
    ),
]


@pytest.mark.parametrize(("text", "expected"), GATHERED)
def test_what_is_gathered(text: str, expected: str, tmp_path: Path) -> None:
    assert f"nephoscope.yaml:{expected}" in problems_of(f"fleet: acme\n{text}", tmp_path)


AZURERM = "azurerm://RESOURCE-GROUP/STORAGE-ACCOUNT/CONTAINER"
DEPLOYED = [
    ("{aws: {}}", '3:10: deploy: unknown key "aws"; known are gcp, azure and notify'),
    (
        "{gcp: {location: europe-west1}}",
        '3:16: deploy.gcp: unknown key "location"; known are project, region and state',
    ),
    (
        "{gcp: {project: Acme_Ops}}",
        '3:25: deploy.gcp.project: "Acme_Ops" is no project id: 6 to 30 small letters, digits and hyphens, a letter '
        "first; did you mean acme-ops?",
    ),
    ("{gcp: {region: europe-wets1}}", '3:24: unknown region "europe-wets1"; did you mean europe-west1?'),
    ("{gcp: {region: europe-west1-b}}", '3:24: unknown region "europe-west1-b"; did you mean europe-west1?'),
    ("{gcp: {region: eu-west-1}}", '3:24: unknown region "eu-west-1"; it is one of AWS'),
    (
        "{gcp: {state: terraform-state}}",
        '3:23: deploy.gcp.state: "terraform-state" is no home for a state; expected gs://BUCKET/PREFIX, or local',
    ),
    (
        '{gcp: {state: "gcs://acme-state/nephoscope"}}',
        '3:23: deploy.gcp.state: "gcs://acme-state/nephoscope" is no home for a state; expected gs://BUCKET/PREFIX, '
        "or local; did you mean gs://acme-state/nephoscope?",
    ),
    (
        "{gcp: {state: Local}}",
        '3:23: deploy.gcp.state: "Local" is no home for a state; expected gs://BUCKET/PREFIX, or local; did you mean '
        "local?",
    ),
    (
        "{azure: {subscription: production}}",
        '3:32: deploy.azure.subscription: "production" is no subscription id, such as '
        "00000000-0000-0000-0000-000000000000 (az account list shows them)",
    ),
    ("{azure: {location: West Europe}}", '3:28: unknown region "West Europe"; did you mean westeurope?'),
    ("{azure: {location: Oslo}}", '3:28: unknown region "Oslo"'),
    (
        '{azure: {state: "s3://acme-state"}}',
        f'3:25: deploy.azure.state: "s3://acme-state" is no home for a state; expected {AZURERM}, or local',
    ),
    (
        '{azure: {state: "azurerm://group/Acme_State/tfstate"}}',
        f'3:25: deploy.azure.state: "azurerm://group/Acme_State/tfstate" is no home for a state; expected {AZURERM}, '
        "or local",
    ),
    (
        "{notify: [oncall]}",
        '3:19: deploy.notify: "oncall" is no mail address; the providers themselves write to it, for who is silent '
        "tells no channel",
    ),
    (
        "{notify: [a@example.com, a@example.com]}",
        '3:34: the address "a@example.com" stands twice',
    ),
]


@pytest.mark.parametrize(("section", "expected"), DEPLOYED)
def test_where_the_functions_live(section: str, expected: str, tmp_path: Path) -> None:
    assert problems_of(f"{HEAD}deploy: {section}\n", tmp_path) == [f"nephoscope.yaml:{expected}"]


def test_all_that_is_wrong_with_the_homes_at_once(tmp_path: Path) -> None:
    text = (
        "deploy:\n"
        "  gcp: {project: 123456789012, region: mars-west, state: s3://a}\n"
        "  azure: {location: westerneurope, state: https://acme.blob.core.windows.net/tfstate}\n"
        "  notify: oncall\n"
    )
    found = problems_of(HEAD + text, tmp_path)
    assert [problem.split(":")[1:3] for problem in found] == [
        ["4", "18"],
        ["4", "40"],
        ["4", "58"],
        ["5", "43"],
        ["6", "11"],
    ]


def test_a_kind_that_no_cloud_gathers_names_them_all(tmp_path: Path) -> None:
    text = "fleet: acme\ngather: {aws: {regions: [eu-west-1]}, gcp: {projects: [acme-web]}}\n"
    assert problems_of(text + rule("size > 5 TiB", on="bucket"), tmp_path) == [
        "nephoscope.yaml:5:9: bucket is not gathered; write resources: [instance, bucket] under gather.aws or "
        "gather.gcp"
    ]


def test_no_cloud_is_one_problem(tmp_path: Path) -> None:
    assert problems_of("fleet: acme\ngather: {}\n", tmp_path) == [f"nephoscope.yaml:{GATHERED[0][1]}"]


def test_a_rule_on_what_is_not_gathered(tmp_path: Path) -> None:
    text = "fleet: acme\ngather: {aws: {regions: [eu-west-1]}}\n" + rule("size > 5 TiB", on="bucket")
    assert problems_of(text, tmp_path) == [
        "nephoscope.yaml:5:9: bucket is not gathered; write resources: [instance, bucket] under gather.aws"
    ]
