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
from nephoscope.localcloud.receivers import Receiver
from nephoscope.model.time import iso
from nephoscope.stores.dynamodb import create_table

TABLE = "nephoscope-demo"
TOPIC = "nephoscope-demo-alerts"
ENTRANCES = ("collect", "deliver", "widget")


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

    @property
    def widget_arn(self) -> str:
        return f"arn:aws:lambda:{self.aws.region}:{HOME_ACCOUNT}:function:{_named('widget')}"

    def collect(self, slot: int) -> Mapping[str, Any]:
        """Run the scheduled function for `slot` (epoch seconds); what it says of the run."""
        answer: Mapping[str, Any] = self.invoke("collect", {"scheduled_time": iso(slot)})
        return answer

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
        self.aws.client("secretsmanager").create_secret(Name="nephoscope/demo/signing", SecretString=signing)
        for channel in ("chat", "pager"):
            self.aws.client("ssm").put_parameter(
                Name=f"/nephoscope/demo/{channel}", Value=self.receiver.webhook_url(channel), Type="SecureString"
            )
        self.aws.client("sns").subscribe(TopicArn=self.topic, Protocol="http", Endpoint=self.receiver.sns_url("oncall"))
        if not self.receiver.wait_until_confirmed("oncall"):
            raise StageError("the subscription to the alert topic was not confirmed")

    def _deploy(self, entrance: str, artifact: bytes) -> None:
        self._lambda.create_function(
            FunctionName=_named(entrance),
            Runtime="python3.13",
            Role=f"arn:aws:iam::{HOME_ACCOUNT}:role/nephoscope-demo",
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
            "POWERTOOLS_LOG_LEVEL": "WARNING",
        }


def _named(entrance: str) -> str:
    return f"nephoscope-demo-{entrance}"
