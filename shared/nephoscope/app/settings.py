"""What the deployment gives: names of the things it made, from the environment. Nothing a user decides is here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """table: DynamoDB table's name, or the path of an SQLite file. store: `dynamodb` or `sqlite`.

    queue_url: where scopes are fanned out; empty = everything runs in one function. stack: outputs and resources of the
    deployment by logical name, for `${stack:...}`. widget_arn: the custom widget's function, empty = none.
    alarms: ARNs of the alarms that watch us, where the deployment made some; the dashboard shows their state.
    account: where the function itself runs, in its own cloud's words: the number of an AWS account, the id of a Google
    project or of an Azure subscription. home_region: AWS's, where memory, dashboard and topic are. vault: the key vault
    that is the function's own, on Azure; `${own-cloud:...}` is looked up there.
    clouds: those that this function gathers; empty = all that the configuration names. runs_in: the cloud that this
    function runs in, where it may read others beside it; empty = it reads its own alone, or this is a person's machine.
    endpoints: in place of a provider's own, by name (`gcp_compute`, `gcp_monitoring`, `gcp_sts`, `azure_management`,
    `azure_metrics`, `azure_logs`, `azure_login`, and of secrets `gcp_secrets`, `azure_vault`); AWS's SDK reads its own
    variables.
    aws_audience: whom the tokens are for by which a function of another cloud enters AWS; empty = it needs none.
    aws_role, aws_token_file: as boto3 reads them, too. timeout: seconds that an invocation has, where the platform does
    not say.
    """

    store: str = "dynamodb"
    table: str = "nephoscope"
    queue_url: str = ""
    home_region: str = ""
    account: str = ""
    widget_arn: str = ""
    alarms: tuple[str, ...] = ()
    stack: Mapping[str, str] | None = None
    clouds: tuple[str, ...] = ()
    endpoints: Mapping[str, str] | None = None
    runs_in: str = ""
    aws_audience: str = ""
    aws_role: str = ""
    aws_token_file: str = ""
    timeout: int = 55
    vault: str = ""

    @property
    def own_cloud(self) -> str:
        """The one that the function runs in."""
        return self.runs_in or (self.clouds[0] if self.clouds else "aws")

    @property
    def writes_dashboard(self) -> bool:
        """The dashboard has one writer: AWS's function. The others publish numbers only."""
        return not self.clouds or "aws" in self.clouds

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Reads NEPHOSCOPE_* and the platform's own region variable."""
        prefix, endpoint = "NEPHOSCOPE_STACK_", "NEPHOSCOPE_ENDPOINT_"
        return cls(
            store=environment.get("NEPHOSCOPE_STORE", "dynamodb"),
            table=environment.get("NEPHOSCOPE_TABLE", "nephoscope"),
            queue_url=environment.get("NEPHOSCOPE_QUEUE_URL", ""),
            home_region=environment.get("AWS_REGION", environment.get("AWS_DEFAULT_REGION", "")),
            account=environment.get("NEPHOSCOPE_ACCOUNT", ""),
            widget_arn=environment.get("NEPHOSCOPE_WIDGET_ARN", ""),
            alarms=tuple(environment.get("NEPHOSCOPE_ALARMS", "").split()),
            clouds=tuple(environment.get("NEPHOSCOPE_CLOUDS", "").split()),
            endpoints={
                key.removeprefix(endpoint).lower(): value
                for key, value in environment.items()
                if key.startswith(endpoint)
            },
            runs_in=environment.get("NEPHOSCOPE_RUNS_IN", ""),
            aws_audience=environment.get("NEPHOSCOPE_AUDIENCE", ""),
            aws_role=environment.get("AWS_ROLE_ARN", ""),
            aws_token_file=environment.get("AWS_WEB_IDENTITY_TOKEN_FILE", ""),
            timeout=int(environment.get("NEPHOSCOPE_TIMEOUT") or 55),
            vault=environment.get("NEPHOSCOPE_VAULT", ""),
            stack={key.removeprefix(prefix): value for key, value in environment.items() if key.startswith(prefix)},
        )
