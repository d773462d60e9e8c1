"""Whether history could be kept: the server answers, is one that we know, and lets us. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator

from nephoscope.app.outside import Outside
from nephoscope.app.secrets import open_secrets
from nephoscope.cli.doctor_channels import at_home
from nephoscope.cli.findings import Finding, Verdict
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.errors import DeliveryError
from nephoscope.model.time import Deadline
from nephoscope.ports import Clock
from nephoscope.sinks.elasticsearch.client import Client
from nephoscope.sinks.elasticsearch.inspection import Inspection, inspect
from nephoscope.sinks.elasticsearch.standing import strange

CHECK = "history"


def check_history(outside: Outside, clock: Clock, deadline: Deadline) -> Iterator[Finding]:
    """One finding where history is configured."""
    where = outside.config.history
    if where is None:
        return
    client = Client(where, open_secrets(at_home(outside)))
    try:
        found = inspect(client, where, int(clock.wall()), deadline)
    except DeliveryError as error:
        yield Finding(CHECK, client.name, Verdict.FAILED, f"{error.reason}: {error.detail}")
    else:
        yield _finding(client, where, found)
    finally:
        client.close()


def _finding(client: Client, where: PublishElasticsearch, found: Inspection) -> Finding:
    said = [str(found.server)]
    if found.lacking:
        said.append(f"{'its API key' if where.api_key else 'its user'} lacks {', '.join(found.lacking)}")
        return Finding(CHECK, client.name, Verdict.FAILED, "; ".join(said))
    if found.strangers:
        return Finding(CHECK, client.name, Verdict.FAILED, "; ".join([*said, strange(found.strangers)]))
    if found.templates:
        said.append("the first run puts its index templates")
    if found.lacking is None and (where.api_key or where.user):
        said.append("whether it may write only a run would tell")
    return Finding(CHECK, client.name, Verdict.WELL, "; ".join(said))
