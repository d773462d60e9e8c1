"""AWS is out of reach: memory, topics and AWS's keepers of secrets with it. The functions of Google and Azure look on,
and tell the fallback channel whose address is kept in their own cloud; afterwards they make up for what was missed."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from google.auth.compute_engine import _metadata

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import Outside, SystemClock, open_outside
from nephoscope.app.report import RunReport
from nephoscope.app.run import collect
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.fleet import Fleet, simulate
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.receivers import Receiver
from nephoscope.model.time import Deadline
from nephoscope.stores import dynamodb

NOON = 1_795_435_200
SUBSCRIPTION = "11111111-aaaa-4000-8000-000000000001"
VAULT = "nephoscopeprod0a1b2c3d"
CONFIG = f"""
fleet: acme
gather:
  aws: {{regions: [eu-central-1]}}
  gcp: {{projects: [acme-web]}}
  azure: {{subscriptions: [{SUBSCRIPTION}]}}
rules:
  - {{name: cpu-hot, on: instance, when: cpu.utilization > 90 %, for: 3 of 5 min, severity: critical, tell: [chat]}}
tell:
  chat: {{webhook: "${{ssm:/nephoscope/chat}}", allow: [http, private]}}
  near: {{webhook: "${{own-cloud:nephoscope-near#url}}", allow: [http, private], fallback: true}}
  far: {{webhook: "${{ssm:/nephoscope/far}}", allow: [http, private], fallback: true}}
"""


class Line:
    """What lies between a function and AWS: a port of its own that leads there, until it is cut. A context manager."""

    def __init__(self, url: str) -> None:
        self._beyond = urlsplit(url)
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._listen()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def cut(self) -> None:
        """Nobody listens any more, and what was connected is not."""
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open = []

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listen()

    def _listen(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.create_connection((self._beyond.hostname or "", self._beyond.port or 80))
                self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=_carry, args=pair, daemon=True).start()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@dataclass
class Story:
    """A function of one cloud, its cloud, the line to AWS, and who listens."""

    cloud: Any
    line: Line
    receiver: Receiver
    open_new: Callable[[], Outside]

    def live(self, outside: Outside, *minutes: int) -> list[RunReport]:
        reports = []
        for minute in minutes:
            self.cloud.set_time(NOON + 60 * minute)
            until = Deadline(time.monotonic() + 30, time.monotonic)
            reports.append(collect(outside, NOON + 60 * minute, until))
        return reports

    def told(self, place: str) -> list[str]:
        return [one.json()["data"]["transition"] for one in self.receiver.received(place)]


def fleet_of(account: str, region: str) -> Fleet:
    """Six machines, of which one is saturated from minute 5 to 15."""
    calm = simulate(5, 6, (region,), (account,), start=NOON, script=())
    hot = next(one for one in calm.instances if not one.parked)
    return calm.with_script([Incident(Happening.CPU_SATURATED, 300, 900, (hot.id,))])


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalGcp]:
    with LocalGcp(fleet_of("acme-web", "europe-west1")) as running:
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", running.host)
        yield running


@pytest.fixture
def azure() -> Iterator[LocalAzure]:
    with LocalAzure(fleet_of(SUBSCRIPTION, "westeurope")) as running:
        yield running


@pytest.fixture(params=["google", "azure"])
def story(
    request: pytest.FixtureRequest, local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Story]:
    cloud = request.getfixturevalue(request.param)
    (tmp_path / "nephoscope.yaml").write_text(CONFIG)
    compiled = compile_file(tmp_path / "nephoscope.yaml")
    table = f"nephoscope-{uuid4().hex}"
    dynamodb.create_table(local_aws.client("dynamodb"), table)
    with Receiver() as receiver, Line(local_aws.url) as line:
        keep(cloud, f'{{"url": "{receiver.webhook_url("near")}"}}')
        for name in ("chat", "far"):
            local_aws.client("ssm").put_parameter(
                Name=f"/nephoscope/{name}", Value=receiver.webhook_url(name), Type="SecureString", Overwrite=True
            )
        own = {"google": ("gcp", "acme-web"), "azure": ("azure", SUBSCRIPTION)}[request.param]
        given = {"NEPHOSCOPE_TABLE": table, "NEPHOSCOPE_CLOUDS": own[0], "NEPHOSCOPE_ACCOUNT": own[1]}
        given |= {"NEPHOSCOPE_VAULT": VAULT, "AWS_ENDPOINT_URL": line.url}
        for name, value in (cloud.environment() | given).items():
            monkeypatch.setenv(name, value)
        yield Story(
            cloud,
            line,
            receiver,
            lambda: open_outside(compiled.config, Settings.from_environment(), SystemClock()),
        )


def keep(cloud: LocalGcp | LocalAzure, text: str) -> None:
    if isinstance(cloud, LocalAzure):
        cloud.keep_secret(VAULT, "nephoscope-near", text)
    else:
        cloud.keep_secret("nephoscope-near", text)


def test_the_fallback_of_the_own_cloud_hears_one_digest_a_scope_and_quarter_and_then_all_is_made_up_for(
    story: Story,
) -> None:
    outside = story.open_new()
    story.live(outside, 2, 3, 4)
    assert story.told("chat") == story.told("near") == []

    story.line.cut()
    reports = story.live(outside, 8, 14, 15, 19)
    assert all(report.failed for report in reports)
    digests = [one.json() for one in story.receiver.received("near")]
    assert {digest["data"]["why"] for digest in digests} == {"memory_unavailable"}
    assert Counter(digest["data"]["resource"]["cloud_region"] for digest in digests).most_common() == [
        (digests[0]["data"]["resource"]["cloud_region"], 2)  # 12:08 to 12:14, and 12:15 to 12:19
    ]
    assert "cpu-hot on" in digests[1]["data"]["summary"]
    assert "alert memory" in digests[1]["data"]["summary"]
    assert len({digest["id"] for digest in digests}) == 2
    assert story.told("chat") == story.told("far") == []

    story.line.mend()
    (report,) = story.live(outside, 25)
    assert [each.ended for each in report.scopes] == ["done"]
    assert story.told("chat") == ["fired", "resolved"]  # nobody remembered while the machine was hot
    assert len(story.receiver.received("near")) == 2


def test_a_function_that_starts_while_aws_is_away_finds_its_fallback_all_the_same(story: Story) -> None:
    story.line.cut()
    story.live(story.open_new(), 12)
    (digest,) = story.receiver.received("near")
    assert "cpu-hot on" in digest.json()["data"]["summary"]
    story.line.mend()


def test_a_secret_that_is_put_there_during_the_outage_serves_at_the_next_run(story: Story) -> None:
    story.cloud.world.secrets.clear()
    story.line.cut()
    outside = story.open_new()
    (report,) = story.live(outside, 11)
    assert "near: secret_missing" in report.scopes[0].error
    assert story.receiver.received("near") == ()
    keep(story.cloud, f'{{"url": "{story.receiver.webhook_url("near")}"}}')
    story.live(outside, 12)
    assert len(story.receiver.received("near")) == 1
    story.line.mend()
