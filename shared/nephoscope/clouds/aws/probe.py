"""What a configuration needs of AWS, call by call, and whether it is granted: tried by making each call once.

Only calls that change nothing are made. Those that write (metrics, the dashboard, a message) are listed as needs too,
for the statement that grants them, but whoever tries them decides to write.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.aws.buckets import selects_by_tags
from nephoscope.clouds.aws.calls import Calls, action_of
from nephoscope.clouds.aws.scopes import ALL, account_of
from nephoscope.clouds.gaps import gap_of
from nephoscope.clouds.limiter import Limiter
from nephoscope.model.config import AwsAccount, Config
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.metric import Source
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap
from nephoscope.model.time import HOUR, Deadline
from nephoscope.pipeline.need import metrics_of

_FEW = 5
"""Records that are asked for: one page, and a small one."""


@dataclass(frozen=True, slots=True)
class Need:
    """One call that the configuration makes in one scope. resource, condition: as a policy's statement names them.

    tried: whether calling it once changes nothing.
    """

    scope: Scope
    service: str
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    resource: str = "*"
    condition: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tried: bool = True

    @property
    def action(self) -> str:
        return action_of(self.service, self.operation)


def plan_needs(config: Config, scopes: Sequence[Scope], home_account: str, catalog: Catalog, now: int) -> list[Need]:
    """Every call of a run, once a scope; then what is written in the account and region that is published to.

    home_account: where that is. now: epoch seconds, for the window that is read.
    """
    sources = _sources(config, catalog)
    return [
        *(need for account in _own_first(scopes) for need in _regional(config, account)),
        *(need for scope in scopes for need in _listing(config, scope)),
        *(need for scope in scopes for need in _measuring(scope, sources, now)),
        *_publishing(config, Scope(Cloud.AWS, home_account, config.publish.region)),
    ]


def _own_first(scopes: Sequence[Scope]) -> list[Scope]:
    """A scope of each account."""
    return list({scope.account: scope for scope in reversed(scopes)}.values())[::-1]


def _sources(config: Config, catalog: Catalog) -> list[Source]:
    metrics = [catalog.metrics[name] for name in sorted(metrics_of(config.rules))]
    return [metric.sources[Cloud.AWS] for metric in metrics if Cloud.AWS in metric.sources]


def _regional(config: Config, scope: Scope) -> Iterator[Need]:
    if config.gather.aws and config.gather.aws.regions == ALL:
        yield Need(scope, "ec2", "DescribeRegions")


def _listing(config: Config, scope: Scope) -> Iterator[Need]:
    kinds = config.gather.aws.resources if config.gather.aws else ()
    if Kind.INSTANCE in kinds:
        yield Need(scope, "ec2", "DescribeInstances", {"MaxResults": _FEW})
        yield Need(scope, "ec2", "DescribeInstanceStatus", {"MaxResults": _FEW})
    if Kind.BUCKET in kinds:
        yield Need(scope, "s3", "ListBuckets", {"MaxBuckets": 1})
        if selects_by_tags(config):
            yield Need(scope, "resourcegroupstaggingapi", "GetResources", {"ResourcesPerPage": 1})


def _measuring(scope: Scope, sources: Sequence[Source], now: int) -> Iterator[Need]:
    if sources:
        yield Need(scope, "cloudwatch", "GetMetricData", _one_metric(sources[0], now))
    for source in sources:
        if source.discover:
            yield Need(scope, "cloudwatch", "ListMetrics", {"Namespace": source.namespace})
            return


def _one_metric(source: Source, now: int) -> Mapping[str, Any]:
    """One query, of a metric without dimensions: what it finds does not matter."""
    metric = {"Namespace": source.namespace, "MetricName": source.vendor_name}
    start = now - now % HOUR - HOUR
    return {
        "MetricDataQueries": [{"Id": "m", "MetricStat": {"Metric": metric, "Period": HOUR, "Stat": source.statistic}}],
        "StartTime": start,
        "EndTime": start + HOUR,
    }


def _publishing(config: Config, home: Scope) -> Iterator[Need]:
    name = config.publish.dashboard
    arn = f"arn:aws:cloudwatch::{home.account}:dashboard/{name}*"
    yield Need(home, "cloudwatch", "GetDashboard", {"DashboardName": name}, arn)
    for operation in ("PutDashboard", "DeleteDashboards"):
        yield Need(home, "cloudwatch", operation, resource=arn, tried=False)
    yield publishing_need(config, home)


def publishing_need(config: Config, home: Scope) -> Need:
    """Writing our metrics: granted for one namespace alone."""
    condition = {"StringEquals": {"cloudwatch:namespace": config.publish.namespace}}
    return Need(home, "cloudwatch", "PutMetricData", condition=condition, tried=False)


def entering_need(scope: Scope, role: str) -> Need:
    """Assuming a member account's role; its trust policy must agree."""
    return Need(scope, "sts", "AssumeRole", resource=role, tried=False)


def topic_needs(home: Scope, topic: str) -> tuple[Need, Need]:
    """Looking at a topic, which only doctor does; and publishing to it, which only an alert does."""
    region = topic.split(":")[3] if topic.count(":") == 5 else home.region
    scope = Scope(Cloud.AWS, home.account, region)
    look = Need(scope, "sns", "GetTopicAttributes", {"TopicArn": topic}, topic)
    return look, Need(scope, "sns", "Publish", resource=topic, tried=False)


def render_policy(needs: Iterable[Need]) -> dict[str, Any]:
    """The policy that grants these calls: a statement for each resource and condition, actions sorted."""
    groups: dict[str, set[str]] = {}
    for need in needs:
        groups.setdefault(json.dumps([need.resource, need.condition], sort_keys=True), set()).add(need.action)
    statements = []
    for group, actions in sorted(groups.items()):
        resource, condition = json.loads(group)
        statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": resource}
        statements.append(statement | ({"Condition": condition} if condition else {}))
    return {"Version": "2012-10-17", "Statement": statements}


class Ways(Protocol):
    """What the reader gives: clients with the right credentials, at the right pace."""

    def client(self, account: AwsAccount, region: str, service: str) -> Any: ...
    def limiter(self, scope: Scope, action: str) -> Limiter: ...
    def limit_this_call(self, seconds: float) -> None: ...


class AwsProbe:
    """Makes a need's call once."""

    def __init__(self, ways: Ways, config: Config) -> None:
        self._ways = ways
        self._config = config

    def try_call(self, need: Need, deadline: Deadline) -> Gap | None:
        """None where the call is allowed: it was answered, be it with "there is no such thing"."""
        try:
            self._calls(need.scope, deadline).call(need.service, need.operation, need.parameters)
        except ReadError as error:
            found_nothing = error.reason is Reason.NOT_FOUND and need.operation == "GetDashboard"
            return None if found_nothing else gap_of(error, need.scope)
        return None

    def read_own_account(self, region: str, deadline: Deadline) -> str:
        """The number of the account that this shell's credentials belong to. Raises ReadError."""
        answer = self._calls(Scope(Cloud.AWS, "", region), deadline).call("sts", "GetCallerIdentity", {})
        return str(answer.get("Account", ""))

    def read_dashboard(self, home: Scope, name: str, deadline: Deadline) -> object:
        """The body that stands there, parsed; None where there is none. Raises ReadError."""
        try:
            answer = self._calls(home, deadline).call("cloudwatch", "GetDashboard", {"DashboardName": name})
        except ReadError as error:
            if error.reason is Reason.NOT_FOUND:
                return None
            raise
        return json.loads(answer.get("DashboardBody", "null"))

    def _calls(self, scope: Scope, deadline: Deadline) -> Calls:
        account = account_of(scope, self._config)
        return Calls(scope, _Door(self._ways, scope, account), deadline)


@dataclass(frozen=True, slots=True)
class _Door:
    """calls.Door, seen from one scope."""

    ways: Ways
    scope: Scope
    account: AwsAccount

    def client(self, service: str) -> Any:
        return self.ways.client(self.account, self.scope.region, service)

    def limiter(self, action: str) -> Limiter:
        return self.ways.limiter(self.scope, action)

    def limit_this_call(self, seconds: float) -> None:
        self.ways.limit_this_call(seconds)
