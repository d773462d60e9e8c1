"""A receiver, taken over or badly set up, that sends us on to where secrets are: nobody goes."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from nephoscope.app.clock import SystemClock
from nephoscope.localcloud.receivers import Receiver, Reply
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.secret import Secret
from nephoscope.model.time import Deadline
from nephoscope.notifiers.endpoint import connect_to
from nephoscope.notifiers.webhook import open_notifier
from tests.alert_records import a_notification

INWARD = [
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token",
    "http://169.254.170.2/v2/credentials",
    "http://[fd00:ec2::254]/latest/api/token",
    "http://168.63.129.16/machine?comp=goalstate",
    "http://127.0.0.1:9/",
    "//169.254.169.254/",
    "file:///etc/passwd",
]


class OwnValue:
    def read_secret(self, reference: str) -> Secret:
        return Secret(reference)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", INWARD)
def test_no_redirect_leads_anywhere(receiver: Receiver, status: int, location: str) -> None:
    receiver.script("chat", [Reply(status, {"Location": location})])
    reached: list[str] = []

    def noted(address: str, port: int, seconds: float) -> socket.socket:
        reached.append(f"{address}:{port}")
        return connect_to(address, port, seconds)

    channel = Channel("chat", webhook=receiver.webhook_url("chat"), allow_http=True, allow_private=True)
    notifier: Any = open_notifier(channel, OwnValue(), SystemClock(), connect=noted)
    with pytest.raises(DeliveryError) as caught:
        notifier.send(a_notification(), Deadline(time.monotonic() + 5, time.monotonic))
    assert (caught.value.reason, caught.value.status) == (Reason.REDIRECTED, status)
    assert reached == [receiver.url.removeprefix("http://")]
    assert location not in str(caught.value)
