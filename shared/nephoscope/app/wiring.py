"""The one table of what plugs in where. A room is imported only when its name is asked for, so that a Lambda never
imports another vendor's SDK. A new cloud, sink, notifier, store or queue is a row here."""

from __future__ import annotations

from importlib import import_module
from typing import Any

WIRING: dict[tuple[str, str], str] = {
    # port       name             module:factory
    ("cloud", "aws"): "nephoscope.clouds.aws.reader:open_reader",
    ("cloud", "gcp"): "nephoscope.clouds.gcp.reader:open_reader",
    ("cloud", "azure"): "nephoscope.clouds.azure.reader:open_reader",
    ("identity", "aws"): "nephoscope.clouds.aws.identity:open_identity",
    ("identity", "gcp"): "nephoscope.clouds.gcp.identity:open_identity",
    ("identity", "azure"): "nephoscope.clouds.azure.identity:open_identity",
    ("sink", "cloudwatch"): "nephoscope.sinks.cloudwatch:open_sink",
    ("dashboards", "cloudwatch"): "nephoscope.sinks.dashboards:open_dashboards",
    ("history", "elasticsearch"): "nephoscope.sinks.elasticsearch.sink:open_history",
    ("notifier", "sns"): "nephoscope.notifiers.sns:open_notifier",
    ("notifier", "webhook"): "nephoscope.notifiers.webhook:open_notifier",
    ("secrets", "aws"): "nephoscope.clouds.aws.secrets:open_secrets",
    ("secrets", "gcp"): "nephoscope.clouds.gcp.secrets:open_secrets",
    ("secrets", "azure"): "nephoscope.clouds.azure.secrets:open_secrets",
    ("store", "dynamodb"): "nephoscope.stores.dynamodb:open_table",
    ("store", "sqlite"): "nephoscope.stores.sqlite:open_table",
    ("queue", "sqs"): "nephoscope.queues.sqs:open_queue",
    ("queue", "pubsub"): "nephoscope.queues.pubsub:open_queue",
    ("admission", "aws"): "nephoscope.clouds.aws.admission:open_admission",
}


def wire(port: str, name: str) -> Any:
    """The factory for `name` at `port`, imported now. Raises KeyError for a pair that no row has."""
    module, _, factory = WIRING[port, name].partition(":")
    return getattr(import_module(module), factory)
