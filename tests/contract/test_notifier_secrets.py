"""References, resolved against a real Parameter Store and Secrets Manager, and against one that refuses."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from uuid import uuid4

import pytest

from nephoscope.app.secrets import Secrets, open_secrets
from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.clouds.aws.secrets import REASONS
from nephoscope.localcloud.aws.ministack import Ministack
from nephoscope.model.errors import DeliveryError, Reason

SETTINGS = Settings(stack={"ALERT_TOPIC": "arn:aws:sns:eu-west-1:111111111111:t", "EMPTY": ""})


@pytest.fixture
def aws(ministack: Ministack, monkeypatch: pytest.MonkeyPatch) -> Ministack:
    for name, value in ministack.environment().items():
        monkeypatch.setenv(name, value)
    return ministack


def fresh(environment: dict[str, str] | None = None) -> Secrets:
    return open_secrets(SETTINGS, environment or {})


def refused(secrets: Secrets, reference: str) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        secrets.read_secret(reference)
    return caught.value


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("${env:HOOK}", "https://x.test/a"),
        (" ${env:HOOK}\n", "https://x.test/a"),
        ("${stack:AlertTopic}", "arn:aws:sns:eu-west-1:111111111111:t"),
        ("${stack:alert-topic}", "arn:aws:sns:eu-west-1:111111111111:t"),
        ("arn:aws:sns:eu-west-1:1:t", "arn:aws:sns:eu-west-1:1:t"),
        ("https://x.test/${env:HOOK}", "https://x.test/${env:HOOK}"),
        ("", ""),
    ],
)
def test_what_is_read_without_any_cloud(reference: str, value: str) -> None:
    secret = fresh({"HOOK": " https://x.test/a\n"}).read_secret(reference)
    assert secret.reveal() == value
    assert repr(secret) == "Secret(***)"


@pytest.mark.parametrize(
    ("reference", "detail"),
    [
        ("${env:NOT_THERE}", "the environment has no such variable"),
        ("${env:BLANK}", "the environment has no such variable"),
        ("${stack:Other}", "the deployment has no such name"),
        ("${stack:Empty}", "the deployment has no such name"),
        ("${vault:x}", "nothing reads references of the kind vault"),
        ("${env:}", "a reference is written ${kind:name}"),
        ("${ENV:X}", "a reference is written ${kind:name}"),
        ("${env:X", "a reference is written ${kind:name}"),
        ("${env:X}${env:Y}", "a reference is written ${kind:name}"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_reference_only(reference: str, detail: str) -> None:
    error = refused(fresh({"BLANK": "  "}), reference)
    assert (error.reason, error.detail, error.retryable) == (Reason.SECRET_MISSING, detail, False)
    assert error.destination in (reference, "a reference")


def test_parameters_and_secrets_of_aws(aws: Ministack) -> None:
    name = uuid4().hex
    aws.client("ssm").put_parameter(Name=f"/nephoscope/{name}", Value="https://x.test/p ", Type="SecureString")
    manager = aws.client("secretsmanager")
    arn = manager.create_secret(Name=f"nephoscope/{name}", SecretString='{"url": "https://x.test/s", "n": 1}')["ARN"]
    manager.create_secret(Name=f"nephoscope/{name}-bytes", SecretBinary=b"https://x.test/b")
    secrets = fresh()
    for reference, value in {
        f"${{ssm:/nephoscope/{name}}}": "https://x.test/p",
        f"${{secretsmanager:nephoscope/{name}#url}}": "https://x.test/s",
        f"${{secretsmanager:nephoscope/{name}}}": '{"url": "https://x.test/s", "n": 1}',
        f"${{secretsmanager:{arn}#url}}": "https://x.test/s",
        f"${{secretsmanager:nephoscope/{name}-bytes}}": "https://x.test/b",
    }.items():
        assert secrets.read_secret(reference).reveal() == value
    for key in ("other", "n"):
        error = refused(secrets, f"${{secretsmanager:nephoscope/{name}#{key}}}")
        assert error.detail == f"the secret is no JSON object with a text under {key}"
    error = refused(secrets, f"${{secretsmanager:nephoscope/{name}-bytes#url}}")
    assert error.reason is Reason.SECRET_MISSING


def test_a_value_is_kept_and_a_new_reader_sees_the_new_one(aws: Ministack) -> None:
    name = f"/nephoscope/{uuid4().hex}"
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=name, Value="old", Type="String")
    secrets = fresh()
    assert secrets.read_secret(f"${{ssm:{name}}}").reveal() == "old"
    ssm.put_parameter(Name=name, Value="new", Type="String", Overwrite=True)
    assert secrets.read_secret(f"${{ssm:{name}}}").reveal() == "old"
    assert fresh().read_secret(f"${{ssm:{name}}}").reveal() == "new"


@pytest.mark.parametrize("reference", ["${ssm:/nephoscope/not-there}", "${secretsmanager:nephoscope/not-there}"])
def test_what_aws_does_not_have_is_missing(aws: Ministack, reference: str) -> None:
    error = refused(fresh(), reference)
    assert (error.reason, error.destination, error.retryable) == (Reason.SECRET_MISSING, reference, False)


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """An endpoint that answers every call with the error code in `says`, as AWS's JSON protocol writes it."""
    says: dict[str, Any] = {"code": "", "status": 400}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"__type": says["code"], "message": "the reason"}).encode()
            self.send_response(says["status"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)  # the SDK's one retry does not wait
    yield says
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("code", "reason", "retryable"),
    [
        ("AccessDeniedException", Reason.DENIED, False),
        ("DecryptionFailure", Reason.DENIED, False),
        ("ThrottlingException", Reason.THROTTLED, True),
        ("InternalServiceError", Reason.UNAVAILABLE, True),
        ("SomethingNobodyKnows", Reason.UNAVAILABLE, True),
    ],
)
@pytest.mark.parametrize("reference", ["${ssm:/a}", "${secretsmanager:a}"])
def test_why_aws_did_not_give_it(
    refusing: dict[str, Any], reference: str, code: str, reason: Reason, retryable: bool
) -> None:
    refusing["code"] = code
    error = refused(fresh(), reference)
    assert (error.destination, error.reason, error.retryable) == (reference, reason, retryable)
    assert error.__context__ is None


@pytest.mark.parametrize("reference", ["${ssm:/a}", "${secretsmanager:a}"])
def test_an_endpoint_that_is_not_there(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    error = refused(fresh(), reference)  # tests/conftest.py points every call to a closed port
    assert (error.destination, error.reason, error.retryable) == (reference, Reason.UNAVAILABLE, True)


@pytest.mark.parametrize(
    ("service", "version", "operation"),
    [("ssm", "2014-11-06", "GetParameter"), ("secretsmanager", "2017-10-17", "GetSecretValue")],
)
def test_every_error_of_the_sdks_own_model_has_a_reason(service: str, version: str, operation: str) -> None:
    model = json.loads(
        gzip.decompress((files("botocore") / f"data/{service}/{version}/service-2.json.gz").read_bytes())
    )
    errors = {error["shape"] for error in model["operations"][operation]["errors"]}
    assert errors
    assert errors <= set(REASONS)


def test_the_room_is_reached_by_the_wiring() -> None:
    assert wire("secrets", "aws").__module__ == "nephoscope.clouds.aws.secrets"
