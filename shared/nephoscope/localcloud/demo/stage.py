"""The stage: what `serverless.yml` deploys, set up on the local AWS by plain API calls, so that the demonstration needs
no Node. The function is the artifact that would be deployed, run by the emulator as Lambda runs it.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT
from nephoscope.localcloud.aws.visitors import visitor
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.localcloud.receivers import Receiver
from nephoscope.model.scope import Cloud
from nephoscope.stores.dynamodb import create_table

NAME = "nephoscope-demo"
TABLE = NAME
TOPIC = f"{NAME}-alerts"
SIGNING = "nephoscope/demo/signing"
PARAMETERS = "/nephoscope/demo/"
ENTRANCES = ("collect", "deliver", "widget")
_ANYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


class StageError(RuntimeError):
    """The local AWS did not take what the demonstration needs, or the function failed in it."""


class Stage:
    """Table, topic, secrets, subscriptions and functions on one local AWS, with a receiver for every channel."""

    def __init__(self, aws: LocalAws, receiver: Receiver) -> None:
        self.aws = aws
        self.receiver = receiver
        self.topic = ""
        self._lambda = aws.client("lambda")

    def build(self, artifact: Path) -> None:
        """Set everything up. Raises StageError when a subscription is not confirmed."""
        create_table(self.aws.client("dynamodb"), TABLE)
        self.topic = self.aws.client("sns").create_topic(Name=TOPIC)["TopicArn"]
        self._channels()
        for entrance in ENTRANCES:
            self._deploy(entrance, artifact.read_bytes())

    def let_in(self, google: LocalGcp, azure: LocalAzure) -> dict[Cloud, dict[str, str]]:
        """The functions of the other clouds: roles that trust their identities, with no more than a deployment grants,
        which is enforced from here on. Returns their environments; no key is in them."""
        entering = {cloud: visitor(cloud, NAME, self.aws.region) for cloud in (Cloud.GCP, Cloud.AZURE)}
        entering[Cloud.GCP].trust_google(self.aws, google)
        entering[Cloud.AZURE].trust_azure(self.aws, azure)
        for one in entering.values():
            one.grant(self.aws, TABLE, self.topic, *self._secrets_read())
        for own in ("lambda", HOME_ACCOUNT):
            self.aws.policies.attach(own, _ANYTHING)
        self.aws.policies.enforce = True
        below = {Cloud.GCP: google.environment(), Cloud.AZURE: azure.environment()}
        homes = {Cloud.GCP: google.project, Cloud.AZURE: azure.fleet.accounts[0]}
        return {
            cloud: {**below[cloud], **one.environment(self.aws, TABLE, self.topic, homes[cloud], token_file="")}
            for cloud, one in entering.items()
        }

    def _secrets_read(self) -> list[Mapping[str, Any]]:
        """The channels' addresses and keys."""
        where = f"{self.aws.region}:{HOME_ACCOUNT}"
        parameters = f"arn:aws:ssm:{where}:parameter{PARAMETERS}*"
        signing = f"arn:aws:secretsmanager:{where}:secret:{SIGNING}-??????"
        return [
            {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": parameters},
            {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": signing},
        ]

    @property
    def widget_arn(self) -> str:
        return f"arn:aws:lambda:{self.aws.region}:{HOME_ACCOUNT}:function:{_named('widget')}"

    def invoke(self, entrance: str, event: Mapping[str, Any]) -> Any:
        """Raises StageError with the function's own error."""
        answer = self._lambda.invoke(FunctionName=_named(entrance), Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            raise StageError(f"{entrance}: {payload}")
        return payload

    def _channels(self) -> None:
        """A place for each channel of the demonstration's configuration; the key is made anew each time."""
        signing = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        self.receiver.expect_key("chat", signing)
        self.aws.client("secretsmanager").create_secret(Name=SIGNING, SecretString=signing)
        for channel in ("chat", "pager"):
            self.aws.client("ssm").put_parameter(
                Name=PARAMETERS + channel, Value=self.receiver.webhook_url(channel), Type="SecureString"
            )
        self.aws.client("sns").subscribe(TopicArn=self.topic, Protocol="http", Endpoint=self.receiver.sns_url("oncall"))
        if not self.receiver.wait_until_confirmed("oncall"):
            raise StageError("the subscription to the alert topic was not confirmed")

    def _deploy(self, entrance: str, artifact: bytes) -> None:
        self._lambda.create_function(
            FunctionName=_named(entrance),
            Runtime="python3.13",
            Role=f"arn:aws:iam::{HOME_ACCOUNT}:role/{NAME}",
            Handler=f"handler.{entrance}",
            Code={"ZipFile": artifact},
            Timeout=55,
            MemorySize=512,
            Environment={"Variables": self._variables()},
        )

    def _variables(self) -> dict[str, str]:
        return {
            "NEPHOSCOPE_TABLE": TABLE,
            "NEPHOSCOPE_STACK_ALERTTOPIC": self.topic,
            "NEPHOSCOPE_WIDGET_ARN": self.widget_arn,
            "NEPHOSCOPE_ACCOUNT": HOME_ACCOUNT,
            "NEPHOSCOPE_CLOUDS": Cloud.AWS,
            "POWERTOOLS_LOG_LEVEL": "WARNING",
        }


def _named(entrance: str) -> str:
    return f"{NAME}-{entrance}"
