"""What the deployment must know of a configuration: build/deploy.json, which serverless.yml reads.

Every key is always there (empty where there is nothing), so that a template needs no defaults of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from nephoscope.app.authoring.homes import Homes
from nephoscope.app.authoring.quantities import UnclearError
from nephoscope.app.authoring.references import parse_reference
from nephoscope.model.config import Channel, Config, GatherAzure, GatherGcp
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud
from nephoscope.model.time import MINUTE

_KINDS = ("env", "ssm", "secretsmanager", "gcp-secret", "key-vault", "own-cloud")


def plan_deployment(config: Config, homes: Homes) -> dict[str, Any]:
    """Plain JSON values; lists are sorted and have no doubles.

    region: where metrics and dashboard are, and so the stack. every: seconds; schedule: the same as EventBridge writes
    it. clouds: those that functions of their own gather; from_aws: those that AWS's functions read. watched: whose
    heartbeat AWS's alarms look at. regions, own_account, roles, resources, bucket_tags: what is gathered of AWS;
    regions may be `all` for every one; bucket_tags: buckets are chosen by their tags, which must be read, then. gcp,
    azure: what is gathered there; parent: a folder or an organization. homes: where the functions of these two live, as
    far as the file says; infra/terraform reads it. secrets: names by the kind of reference, without `#key`; each
    cloud's function is let in to those that it reads, and to no others. stack: outputs and resources of the deployment
    that are referred to. topics: ARNs that are published to beside those of the stack. history: whether it is kept.
    """
    aws = config.gather.aws
    kinds = aws.resources if aws else ()
    selected = aws is not None and bool(aws.where.tags or aws.where.except_tags)
    references = set(_references(config))
    return {
        "fleet": config.fleet,
        "every": config.gather.every,
        "schedule": render_rate(config.gather.every),
        "clouds": [str(cloud) for cloud in config.gather.kinds if cloud not in config.gather.from_aws],
        "from_aws": [str(cloud) for cloud in config.gather.from_aws],
        "watched": str(next(iter(config.gather.kinds), Cloud.AWS)),
        "region": config.publish.region,
        "regions": list(aws.regions) if aws else [],
        "own_account": bool(aws and any(not account.role for account in aws.accounts)),
        "roles": sorted(account.role for account in aws.accounts if account.role) if aws else [],
        "resources": sorted(kinds),
        "bucket_tags": Kind.BUCKET in kinds and (selected or _buckets_by_tag(config)),
        "gcp": _gcp(config.gather.gcp or GatherGcp(resources=())),
        "azure": _azure(config.gather.azure or GatherAzure(resources=())),
        "homes": asdict(homes),
        "dashboard": config.publish.dashboard,
        "history": config.history is not None,
        "namespace": config.publish.namespace,
        "secrets": {kind: _named(references, kind) for kind in _KINDS},
        "stack": _named(references, "stack"),
        "topics": sorted({c.sns for c in config.channels.values() if c.sns.startswith("arn:")}),
    }


def _gcp(gather: GatherGcp) -> dict[str, Any]:
    return {
        "projects": sorted(gather.projects),
        "parent": gather.parent,
        "resources": sorted(gather.resources),
    }


def _azure(gather: GatherAzure) -> dict[str, Any]:
    return {
        "subscriptions": sorted(gather.subscriptions),
        "management_group": gather.management_group,
        "workspaces": sorted(gather.workspaces),
        "resources": sorted(gather.resources),
    }


def render_rate(seconds: int) -> str:
    """EventBridge Scheduler's rate expression: 60 -> `rate(1 minute)`, 300 -> `rate(5 minutes)`."""
    minutes = seconds // MINUTE
    return f"rate({minutes} minute{'s' if minutes > 1 else ''})"


def _buckets_by_tag(config: Config) -> bool:
    return any(r.on is Kind.BUCKET and (r.where.tags or r.where.except_tags) for r in config.rules)


def _references(config: Config) -> Iterator[tuple[str, str]]:
    accounts = config.gather.aws.accounts if config.gather.aws else ()
    texts = [account.external_id for account in accounts]
    texts += [text for channel in config.channels.values() for text in _texts(channel)]
    if config.history:
        texts += [config.history.url, config.history.api_key, config.history.password]
    for text in texts:
        try:
            yield parse_reference(text)
        except UnclearError:
            continue  # an ARN, a plain address or nothing


def _texts(channel: Channel) -> tuple[str, ...]:
    return channel.sns, channel.webhook, channel.secret, channel.key


def _named(references: Iterable[tuple[str, str]], kind: str) -> list[str]:
    return sorted({name.partition("#")[0] for each, name in references if each == kind})
