"""Every kind of failure that Microsoft's clients know, in our words; and that no text holds what nobody should see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from azure.core import exceptions
from azure.core.exceptions import AzureError, HttpResponseError
from azure.identity import AuthenticationRequiredError, CredentialUnavailableError

from nephoscope.clouds.azure.errors import read_error, reason_of, retry_after
from nephoscope.model.errors import Reason
from nephoscope.model.scope import Cloud, Scope

HERE = Scope(Cloud.AZURE, "sub", "westeurope")


class Answer:
    """What azure-core's exceptions take of a response."""

    def __init__(self, status: int, body: Any = None, headers: dict[str, str] | None = None) -> None:
        self.status_code = status
        self.reason = "because"
        self.headers = headers or {}
        self.content_type = "application/json"
        self._body = json.dumps(body) if body is not None else "secret page"

    def text(self) -> str:
        return self._body

    def body(self) -> bytes:
        return self._body.encode()


def refused(status: int, code: str = "", *details: str, **headers: str) -> HttpResponseError:
    body = {"error": {"code": code, "message": "told", "details": [{"code": c, "message": "why"} for c in details]}}
    answer: Any = Answer(status, body if code else None, {n.replace("_", "-"): v for n, v in headers.items()})
    return HttpResponseError(response=answer)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (refused(429, "RateLimiting"), Reason.THROTTLED),
        (refused(429, "BadRequest"), Reason.THROTTLED),
        (refused(413, "BadRequest"), Reason.TOO_LARGE),
        (refused(400, "BadRequest", "NoValidSubscriptionsInQueryRequest"), Reason.DENIED),
        (refused(400, "BadRequest", "ResponsePayloadTooLarge"), Reason.TOO_LARGE),
        (refused(400, "BadRequest", "InvalidQuery"), Reason.REJECTED),
        (refused(400, "BadRequest"), Reason.REJECTED),
        (refused(401, "InvalidAuthenticationToken"), Reason.DENIED),
        (refused(401), Reason.DENIED),
        (refused(403, "AuthorizationFailed"), Reason.DENIED),
        (refused(403, "NobodyKnows"), Reason.DENIED),
        (refused(404, "ResourceNotFound"), Reason.NOT_FOUND),
        (refused(408), Reason.TIMEOUT),
        (refused(500, "InternalServerError"), Reason.UNAVAILABLE),
        (refused(502), Reason.UNAVAILABLE),
        (refused(503, "ServerBusy"), Reason.UNAVAILABLE),
        (refused(504), Reason.TIMEOUT),
        (exceptions.ServiceRequestTimeoutError("x"), Reason.TIMEOUT),
        (exceptions.ServiceResponseTimeoutError("x"), Reason.TIMEOUT),
        (exceptions.ServiceRequestError("no route"), Reason.UNAVAILABLE),
        (exceptions.ServiceResponseError("cut"), Reason.UNAVAILABLE),
        (exceptions.IncompleteReadError("cut"), Reason.UNAVAILABLE),
        (exceptions.DecodeError("no json"), Reason.MALFORMED),
        (exceptions.ClientAuthenticationError("no token"), Reason.DENIED),
        (CredentialUnavailableError("no identity"), Reason.DENIED),
        (AuthenticationRequiredError(["scope"]), Reason.DENIED),
        (AzureError("something else"), Reason.REJECTED),
    ],
)
def test_reasons(error: Exception, reason: Reason) -> None:
    assert reason_of(error) is reason


def test_the_more_exact_code_is_told_and_the_cause_kept() -> None:
    error = read_error(refused(400, "BadRequest", "NoValidSubscriptionsInQueryRequest"), HERE, "list")
    assert str(error) == "azure sub westeurope: list: denied (NoValidSubscriptionsInQueryRequest: why)"


def test_an_answer_that_is_no_error_of_azures_is_not_repeated() -> None:
    assert read_error(refused(502), HERE, "list").detail == "HTTP 502"


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (refused(429, "X", Retry_After="7"), 7.0),
        (refused(429, "X", x_ms_user_quota_resets_after="00:01:05"), 65.0),
        (refused(429, "X", Retry_After="2", x_ms_user_quota_resets_after="00:01:05"), 2.0),
        (refused(429, "X", Retry_After="Mon, 23 Nov 2026 12:00:00 GMT"), 0.0),
        (refused(429, "X"), 0.0),
        (exceptions.ServiceRequestError("x"), 0.0),
        (None, 0.0),
    ],
)
def test_how_long_azure_asks_to_wait(error: Exception | None, seconds: float) -> None:
    assert retry_after(error) == seconds
