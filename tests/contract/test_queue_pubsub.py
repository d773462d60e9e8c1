"""Fan-out over Pub/Sub's REST API: what is sent over the wire, and what becomes of each answer."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.credentials import Credentials

from nephoscope.app.wiring import wire
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.queues.message import parse_message
from nephoscope.queues.pubsub import PubsubQueue

TOPIC = "projects/acme-web/topics/nephoscope-prod-work"


class Topic(ThreadingHTTPServer):
    """A topic that answers with `status`; requests: (path, bearer, body) in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.requests: list[tuple[str, str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Topic

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, self.headers["Authorization"], body))
        answer = json.dumps({"messageIds": [str(n) for n, _ in enumerate(body["messages"])]}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """A test reads `requests`."""


@pytest.fixture
def topic() -> Iterator[Topic]:
    with Topic() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def queue_at(url: str) -> PubsubQueue:
    return PubsubQueue(TOPIC, url, AuthorizedSession(Credentials("a-token")))


def scopes(number: int) -> list[Scope]:
    return [Scope(Cloud.GCP, f"project-{each:05}", "europe-west1") for each in range(number)]


def test_every_scope_gets_one_message_with_its_slot(topic: Topic) -> None:
    queue_at(topic.url).send_scopes(scopes(12), 1_800_000_060)
    ((path, bearer, body),) = topic.requests
    assert (path, bearer) == (f"/v1/{TOPIC}:publish", "Bearer a-token")
    sent = [parse_message(base64.b64decode(each["data"]).decode()) for each in body["messages"]]
    assert sent == [(scope, 1_800_000_060) for scope in scopes(12)]


def test_a_request_has_a_thousand_messages_at_most(topic: Topic) -> None:
    queue_at(topic.url).send_scopes(scopes(2_001), 60)
    assert [len(body["messages"]) for _, _, body in topic.requests] == [1000, 1000, 1]


def test_no_scopes_are_no_call() -> None:
    queue_at("http://127.0.0.1:9").send_scopes([], 60)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, Reason.DENIED),
        (404, Reason.NOT_FOUND),
        (429, Reason.THROTTLED),
        (500, Reason.UNAVAILABLE),
        (503, Reason.UNAVAILABLE),
        (400, Reason.REJECTED),
    ],
)
def test_what_is_not_taken_is_said(topic: Topic, status: int, reason: Reason) -> None:
    topic.status = status
    with pytest.raises(DeliveryError, match=f"the queue: {reason} \\(HTTP {status}\\)") as caught:
        queue_at(topic.url).send_scopes(scopes(1), 60)
    assert caught.value.reason is reason
    assert len(topic.requests) == 1


def test_a_topic_that_does_not_answer(topic: Topic) -> None:
    with pytest.raises(DeliveryError) as caught:
        queue_at("http://127.0.0.1:9").send_scopes(scopes(1), 60)
    assert caught.value.reason is Reason.UNAVAILABLE


def test_it_is_wired_by_its_topics_name_and_opens_without_a_call() -> None:
    assert isinstance(wire("queue", "pubsub")(TOPIC, ""), PubsubQueue)
