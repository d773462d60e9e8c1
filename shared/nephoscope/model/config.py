"""The configuration as the functions see it: checked, defaults filled in, no secrets' values.

A person writes nephoscope.yaml; app/authoring checks it and compiles it to this, as plain JSON in the artifact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nephoscope.model.metric import Source
from nephoscope.model.quiet import QuietWindow, Route
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Rule, Selector
from nephoscope.model.scope import Cloud


@dataclass(frozen=True, slots=True)
class AwsAccount:
    """role: ARN to assume; empty = the account the function runs in. external_id: a reference, never a value. linked:
    the account shares its metrics with the dashboard's (cross-account observability)."""

    role: str = ""
    external_id: str = ""
    linked: bool = False

    @property
    def id(self) -> str:
        """The account's number out of the role's ARN; empty for the function's own account."""
        return self.role.split(":")[4] if self.role else ""


@dataclass(frozen=True, slots=True)
class GatherAws:
    """regions: names, or `("all",)` for every region the account has opted into."""

    regions: tuple[str, ...]
    accounts: tuple[AwsAccount, ...] = (AwsAccount(),)
    resources: tuple[Kind, ...] = (Kind.INSTANCE,)
    where: Selector = Selector()


@dataclass(frozen=True, slots=True)
class GcpFederation:
    """How AWS's functions enter Google Cloud. provider: of a workload identity pool, by its resource name
    (`projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/NAME`). service_account: whom they become
    there, an e-mail address. Neither is a secret."""

    provider: str
    service_account: str


@dataclass(frozen=True, slots=True)
class GatherGcp:
    """projects: ids. parent: `folders/N` or `organizations/N`, whose projects are searched; empty = none. from_aws:
    AWS's functions read them; None = functions of its own."""

    projects: tuple[str, ...] = ()
    parent: str = ""
    resources: tuple[Kind, ...] = (Kind.INSTANCE,)
    where: Selector = Selector()
    from_aws: GcpFederation | None = None


@dataclass(frozen=True, slots=True)
class AzureFederation:
    """How AWS's functions enter Azure. tenant: the directory's id. client: the client id of an app registration or a
    user-assigned identity with a federated credential for each function's role. Neither is a secret."""

    tenant: str
    client: str


@dataclass(frozen=True, slots=True)
class GatherAzure:
    """subscriptions: ids. management_group: whose subscriptions are searched; empty = none. workspaces: Log Analytics
    workspace ids that hold what the guests' agents send: disks and heartbeats. from_aws: AWS's functions read them;
    None = functions of its own."""

    subscriptions: tuple[str, ...] = ()
    management_group: str = ""
    workspaces: tuple[str, ...] = ()
    resources: tuple[Kind, ...] = (Kind.INSTANCE,)
    where: Selector = Selector()
    from_aws: AzureFederation | None = None


@dataclass(frozen=True, slots=True)
class Gather:
    """every: seconds between runs, a multiple of 60."""

    every: int = 60
    aws: GatherAws | None = None
    gcp: GatherGcp | None = None
    azure: GatherAzure | None = None

    @property
    def kinds(self) -> Mapping[Cloud, tuple[Kind, ...]]:
        """What is listed in each cloud that is gathered."""
        parts = {Cloud.AWS: self.aws, Cloud.GCP: self.gcp, Cloud.AZURE: self.azure}
        return {cloud: part.resources for cloud, part in parts.items() if part is not None}

    def reaches(self, source: Source) -> bool:
        """Whether what is configured leads to where the metric is kept: logs are kept in workspaces, which nobody lists
        for us."""
        return not source.query or (self.azure is not None and bool(self.azure.workspaces))

    @property
    def functions(self) -> tuple[Cloud, ...]:
        """The clouds whose own functions gather something, each once."""
        elsewhere = self.from_aws
        return tuple(dict.fromkeys(Cloud.AWS if cloud in elsewhere else cloud for cloud in self.kinds))

    @property
    def from_aws(self) -> tuple[Cloud, ...]:
        """The other clouds that AWS's functions read."""
        parts = {Cloud.GCP: self.gcp, Cloud.AZURE: self.azure}
        return tuple(cloud for cloud, part in parts.items() if part is not None and part.from_aws is not None)


@dataclass(frozen=True, slots=True)
class PublishCloudWatch:
    """distributions: metrics published as fleet distributions on AWS where a rule reads them anyway.
    detail: `fleet` (distributions) or `resource` (a series each: the cost is shown by validate)."""

    region: str
    dashboard: str
    namespace: str = "nephoscope"
    distributions: tuple[str, ...] = ()
    detail: str = "fleet"


@dataclass(frozen=True, slots=True)
class PublishElasticsearch:
    """Where history is kept. url: `https://HOST:PORT`, or a reference. api_key, or user and password: references; the
    user's name is none. ca: the text of a PEM file. index: what all our indices' names begin with. keep: seconds of
    data time until a day is deleted; 0 = never. metrics: gathered whether or not a rule reads them. tags: names of
    tags that stand with each document, by which history can be grouped. replicas None: one where there are two nodes.
    """

    url: str
    api_key: str = ""
    user: str = ""
    password: str = ""
    ca: str = ""
    index: str = "nephoscope"
    keep: int = 90 * 86_400
    metrics: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    shards: int = 1
    replicas: int | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """A place that is told. One of sns (topic ARN or `${stack:...}`) and webhook (a secret reference or an URL).

    format: of a webhook, a name of notifiers/formats. secret: reference to the signing key (`whsec_...`).
    key: reference to a secret that the receiver wants in the body (PagerDuty's integration key).
    allow_http, allow_private: exceptions from the address check, for this channel alone.
    fallback: told when another channel is given up. max_age: seconds until an undeliverable message is given up.
    repeat: seconds after which it is told again of an alert that is open still; 0 = never.
    group_by: the labels (pipeline/grouping.py) whose equal values put messages into one; None = each is sent singly.
    group_wait, group_interval: seconds that the first of a group waits for company, and between two of its messages.
    """

    name: str
    sns: str = ""
    webhook: str = ""
    format: str = "json"
    secret: str = ""
    fallback: bool = False
    allow_http: bool = False
    allow_private: bool = False
    max_age: int = 86_400
    repeat: int = 0
    key: str = ""
    group_by: tuple[str, ...] | None = None
    group_wait: int = 60
    group_interval: int = 300


@dataclass(frozen=True, slots=True)
class Config:
    """page: where people reach nephoscope's own page, without a slash at its end; empty: nowhere. history: where what
    is gathered is kept; None: nowhere.
    limits, prices: the user's own figures in place of the catalog's rows (`cloudwatch.get_metric_data` ->
    `per_second` -> value); what they do not name stays as the catalog has it."""

    fleet: str
    gather: Gather
    publish: PublishCloudWatch
    rules: tuple[Rule, ...] = ()
    channels: Mapping[str, Channel] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    quiet: tuple[QuietWindow, ...] = ()
    blind_after: int = 300
    grace: int = 600  # seconds after its launch in which a machine's missing points are no news
    limits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    page: str = ""
    history: PublishElasticsearch | None = None

    @property
    def kept_metrics(self) -> tuple[str, ...]:
        """Metrics that are read for history's sake."""
        return self.history.metrics if self.history else ()

    @property
    def open_channels(self) -> tuple[str, ...]:
        """Who is told where nothing says who: every channel that is not kept as a fallback, or all, where all are."""
        return tuple(name for name, channel in self.channels.items() if not channel.fallback) or tuple(self.channels)

    @property
    def grouped_channels(self) -> frozenset[str]:
        return frozenset(name for name, channel in self.channels.items() if channel.group_by is not None)

    @property
    def fallback_channels(self) -> tuple[str, ...]:
        return tuple(name for name, channel in self.channels.items() if channel.fallback)
