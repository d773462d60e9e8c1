"""Secrets planted as canaries: every way of failing is provoked with all logs at DEBUG, and nothing that was written,
raised, printed or represented may hold one. Receivers' answers are canaries too: they are never echoed."""

from __future__ import annotations

import io
import logging
import socket
import ssl
import threading
import time
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trustme
from google.auth.compute_engine import _metadata

from nephoscope.app.secrets import open_secrets
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.ministack import Ministack
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.fleet import simulate
from nephoscope.localcloud.gcp.faults import Failing as GoogleFailing
from nephoscope.localcloud.gcp.faults import Fault as GoogleFault
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.model.alert import Notification, Subject, TransitionKind, Why
from nephoscope.model.config import Channel
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity
from nephoscope.model.time import Deadline
from nephoscope.notifiers.sns import open_notifier as open_topic
from nephoscope.notifiers.webhook import open_notifier

HOST = "canary-host.test"
KEY = b"CANARY-signing-key-32-bytes-long"
KEY_TEXT = "whsec_" + b64encode(KEY).decode()
CANARIES = (
    "canary-host",
    "CANARY-path",
    "CANARY-query",
    "CANARY-user",
    "CANARY-signing",
    KEY_TEXT.removeprefix("whsec_").rstrip("="),
    "CANARY-json",
    "CANARY-answer",
    "CANARY-short",
)
URL = f"https://{HOST}:{{port}}/services/CANARY-path?token=CANARY-query"
NOTICE = Notification(
    id="msg_1",
    alert_key="k" * 32,
    seq=1,
    channel="chat",
    fleet="acme",
    rule="cpu-hot",
    severity=Severity.CRITICAL,
    kind=TransitionKind.FIRED,
    why=Why.THRESHOLD_CROSSED,
    subject=Subject("aws", "111111111111", "eu-west-1", Kind.INSTANCE, "i-0abc"),
    condition="cpu.utilization > 90 %",
    at=1_795_464_300,
)


class SystemClock:
    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that any logger says at DEBUG, with the repr of each argument and the whole of each exception."""
    text = io.StringIO()

    class Everything(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text.write(f"{record.name} {record.getMessage()} {record.args!r}\n")
            if record.exc_info:
                text.write("".join(traceback.format_exception(*record.exc_info)))  # type: ignore[arg-type]

    root, handler = logging.getLogger(), Everything()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.fixture
def aws(ministack: Ministack, monkeypatch: pytest.MonkeyPatch) -> Ministack:
    for name, value in ministack.environment().items():
        monkeypatch.setenv(name, value)
    return ministack


def everything_said(error: BaseException | None) -> str:
    """An error as any tool may show it: text, repr, fields, traceback, and all that stands behind it."""
    said = []
    while error is not None:
        said += [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(said)


def assert_silent(*texts: str) -> None:
    for text in texts:
        found = [canary for canary in CANARIES if canary.lower() in text.lower()]
        assert not found, f"{found} in: {text[:3000]}"


def read_request(connection: socket.socket) -> None:
    """All of it: a connection that is closed with something unread is reset, and the answer may be lost with it."""
    with connection.makefile("rb") as request:
        length = 0
        while (line := request.readline()).strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        request.read(length)


def serve(answer: bytes, context: Any = None) -> tuple[socket.socket, int]:
    """A receiver on 127.0.0.1 that says `answer` to each request, through TLS where a context is given."""
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            speaking = context.wrap_socket(connection, server_side=True) if context else connection
            with speaking:
                read_request(speaking)
                speaking.sendall(answer)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener, listener.getsockname()[1]


OK = b"HTTP/1.1 200 OK\r\nX-A: CANARY-answer\r\nContent-Length: 13\r\n\r\nCANARY-answer"
BAD = b"HTTP/1.1 500 CANARY-answer\r\nRetry-After: CANARY-answer\r\nContent-Length: 13\r\n\r\nCANARY-answer"
MOVED = b"HTTP/1.1 302 Found\r\nLocation: https://CANARY-answer.test/\r\n\r\n"
GARBAGE = b"CANARY-answer\r\n\r\n"


def resolver(*addresses: str) -> Callable[..., list[str]]:
    return lambda *_: list(addresses)


def no_such_name(*_: object) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, f"{HOST} CANARY-path")


WAYS: dict[str, tuple[bytes | None, dict[str, str], Any, Reason | None]] = {
    "taken": (OK, {}, resolver("127.0.0.1"), None),
    "server error": (BAD, {}, resolver("127.0.0.1"), Reason.UNAVAILABLE),
    "redirect": (MOVED, {}, resolver("127.0.0.1"), Reason.REDIRECTED),
    "garbage": (GARBAGE, {}, resolver("127.0.0.1"), Reason.MALFORMED),
    "hangs up": (b"", {}, resolver("127.0.0.1"), Reason.UNAVAILABLE),
    "nobody listens": (None, {}, resolver("127.0.0.1"), Reason.UNAVAILABLE),
    "unknown name": (OK, {}, no_such_name, Reason.UNAVAILABLE),
    "no address": (OK, {}, resolver(), Reason.UNAVAILABLE),
    "refused address": (OK, {}, resolver("169.254.169.254"), Reason.ADDRESS_REFUSED),
    "odd address": (OK, {}, resolver("CANARY-answer"), Reason.ADDRESS_REFUSED),
    "other name": (OK, {"URL": URL.replace(HOST, f"x.{HOST}")}, resolver("127.0.0.1"), Reason.UNAVAILABLE),
    "plain http": (OK, {"URL": URL.replace("https", "http")}, resolver("127.0.0.1"), Reason.ADDRESS_REFUSED),
    "user": (OK, {"URL": URL.replace("://", "://CANARY-user:x@")}, resolver("127.0.0.1"), Reason.MALFORMED),
    "bad port": (OK, {"URL": f"https://{HOST}:CANARY-path/"}, resolver("127.0.0.1"), Reason.MALFORMED),
    "bad brackets": (OK, {"URL": f"https://[{HOST}/CANARY-path"}, resolver("127.0.0.1"), Reason.MALFORMED),
    "odd characters": (OK, {"URL": f"https://{HOST}/CANARY-path é\r\n"}, resolver("127.0.0.1"), Reason.MALFORMED),
    "no scheme": (OK, {"URL": "CANARY-path"}, resolver("127.0.0.1"), Reason.MALFORMED),
    "short key": (OK, {"KEY": "whsec_" + b64encode(b"CANARY-short").decode()}, None, Reason.MALFORMED),
    "key without prefix": (OK, {"KEY": "CANARY-signing"}, None, Reason.MALFORMED),
    "key not base64": (OK, {"KEY": "whsec_CANARY-signing!"}, None, Reason.MALFORMED),
    "no key": (OK, {"KEY": ""}, None, Reason.SECRET_MISSING),
}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize("way", WAYS)
def test_a_webhooks_secrets_stay_secret(
    way: str,
    authority: trustme.CA,
    written: io.StringIO,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer, changes, resolve, reason = WAYS[way]
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    listener, port = serve(answer or b"", context)
    if answer is None:
        listener.close()
    environment = {"URL": URL.format(port=port), "KEY": KEY_TEXT}
    environment |= {name: value.replace("{port}", str(port)) for name, value in changes.items()}
    secrets = open_secrets(Settings(), environment)
    channel = Channel("chat", webhook="${env:URL}", secret="${env:KEY}", allow_private=True)
    notifier = open_notifier(channel, secrets, SystemClock(), resolve=resolve or resolver("127.0.0.1"))
    error = outcome(notifier)
    listener.close()
    assert (error.reason if error else None) is reason
    printed = capfd.readouterr()
    assert_silent(
        written.getvalue(),
        printed.out,
        printed.err,
        everything_said(error),
        repr(notifier),
        repr(secrets),
        str(channel),
    )


def outcome(notifier: Any) -> DeliveryError | None:
    try:
        notifier.send(NOTICE, Deadline(time.monotonic() + 5, time.monotonic))
    except DeliveryError as error:
        logging.getLogger("test").exception("as a careless caller would write it")
        return error
    return None


def test_what_aws_keeps_stays_secret(aws: Ministack, written: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    name = uuid4().hex
    url = URL.format(port=9)
    aws.client("ssm").put_parameter(Name=f"/{name}", Value=url, Type="SecureString")
    manager = aws.client("secretsmanager")
    manager.create_secret(Name=name, SecretString='{"a": "CANARY-json", "b": 1')
    manager.create_secret(Name=f"{name}-bytes", SecretBinary=b"CANARY-json\xff")
    manager.create_secret(Name=f"{name}-good", SecretString=f'{{"url": "{url}", "other": "CANARY-json"}}')
    written.truncate(0)
    written.seek(0)  # what the test itself has just planted by way of the SDK is not the product's word
    secrets = open_secrets(Settings(), {})
    errors = []
    for reference, fails in {
        f"${{ssm:/{name}}}": False,
        f"${{secretsmanager:{name}-good#url}}": False,
        f"${{secretsmanager:{name}-good#missing}}": True,
        f"${{secretsmanager:{name}#a}}": True,
        f"${{secretsmanager:{name}-bytes}}": True,
        f"${{secretsmanager:{name}-gone}}": True,
    }.items():
        try:
            assert "CANARY" in secrets.read_secret(reference).reveal()
        except DeliveryError as error:
            logging.getLogger("test").exception("as a careless caller would write it")
            errors.append(error)
            assert fails, reference
    assert len(errors) == 4
    printed = capfd.readouterr()
    assert "botocore" in written.getvalue(), "the SDK was not heard at all: this test would prove nothing"
    assert_silent(written.getvalue(), printed.out, printed.err, repr(secrets), *map(everything_said, errors))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[LocalGcp, LocalAzure]]:
    fleet = simulate(1, 1, start=1_795_435_200, script=())
    with LocalGcp(fleet) as google, LocalAzure(fleet) as azure:
        for name, value in (google.environment() | azure.environment()).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", google.host)
        yield google, azure


HELD = {
    "good": (f'{{"url": "{URL.format(port=9)}", "other": "CANARY-json"}}', "#url"),
    "missing-key": (f'{{"url": "{URL.format(port=9)}"}}', "#elsewhere"),
    "no-json": ('{"a": "CANARY-json", "b": 1', "#a"),
}


@pytest.mark.parametrize("failing", ["", "deny", "throttle", "malformed", "error", "cut"])
@pytest.mark.parametrize("cloud", ["gcp", "azure"])
def test_what_the_own_cloud_keeps_stays_secret(
    cloud: str,
    failing: str,
    elsewhere: tuple[LocalGcp, LocalAzure],
    written: io.StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    google, azure = elsewhere
    for name, (text, _) in HELD.items():
        google.keep_secret(name, text)
        azure.keep_secret("own", name, text)
    if failing:
        google.faults.add(GoogleFault(GoogleFailing(failing), "secretmanager.*"))
        azure.faults.add(Fault(Failing(failing), "Microsoft.KeyVault/*"))
    written.truncate(0)
    written.seek(0)
    settings = replace(Settings.from_environment(), clouds=(cloud,), account=google.project, vault="own")
    secrets = open_secrets(settings, {})
    errors = []
    for name, (_, key) in HELD.items():
        try:
            secrets.read_secret(f"${{own-cloud:{name}{key}}}")
        except DeliveryError as error:
            logging.getLogger("test").exception("as a careless caller would write it")
            errors.append(error)
    assert len(errors) == (3 if failing else 2)
    printed = capfd.readouterr()
    assert "urllib3" in written.getvalue(), "the client was not heard at all: this test would prove nothing"
    said = [everything_said(error) for error in errors]
    assert_silent(written.getvalue(), printed.out, printed.err, repr(secrets), *said)


def test_a_topic_given_by_a_secret_that_is_none_stays_secret(written: io.StringIO) -> None:
    secrets = open_secrets(Settings(), {"TOPIC": "CANARY-path:not:a:topic"})
    error = outcome(open_topic(Channel("oncall", sns="${env:TOPIC}"), secrets, SystemClock()))
    assert error
    assert error.reason is Reason.MALFORMED
    assert_silent(written.getvalue(), everything_said(error))


def test_the_canaries_would_be_found() -> None:
    with pytest.raises(AssertionError, match="CANARY-path"):
        assert_silent(everything_said(ValueError(URL)))
