"""The map from Google's refusals and the libraries' exceptions to our reasons, row by row; and what is said of them."""

from __future__ import annotations

import grpc
import pytest
import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth

from nephoscope.clouds.gcp.errors import EXCEPTIONS, REASONS, STATUSES, read_error, reason_of
from nephoscope.model.errors import Reason
from nephoscope.model.scope import Cloud, Scope

SCOPE = Scope(Cloud.GCP, "acme-web", "europe-west1")


def refusal(status: int, reason: str = "", message: str = "no") -> api.GoogleAPICallError:
    errors = [{"reason": reason, "message": message}] if reason else []
    error: api.GoogleAPICallError = api.from_http_status(status, message, errors=errors)  # type: ignore[no-untyped-call]
    return error


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, Reason.REJECTED),
        (grpc.StatusCode.FAILED_PRECONDITION, Reason.REJECTED),
        (grpc.StatusCode.OUT_OF_RANGE, Reason.REJECTED),
        (grpc.StatusCode.UNAUTHENTICATED, Reason.DENIED),
        (grpc.StatusCode.PERMISSION_DENIED, Reason.DENIED),
        (grpc.StatusCode.NOT_FOUND, Reason.NOT_FOUND),
        (grpc.StatusCode.ABORTED, Reason.UNAVAILABLE),
        (grpc.StatusCode.ALREADY_EXISTS, Reason.UNAVAILABLE),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.THROTTLED),
        (grpc.StatusCode.CANCELLED, Reason.UNAVAILABLE),
        (grpc.StatusCode.DATA_LOSS, Reason.UNAVAILABLE),
        (grpc.StatusCode.UNKNOWN, Reason.UNAVAILABLE),
        (grpc.StatusCode.INTERNAL, Reason.UNAVAILABLE),
        (grpc.StatusCode.UNIMPLEMENTED, Reason.REJECTED),
        (grpc.StatusCode.UNAVAILABLE, Reason.UNAVAILABLE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, Reason.TIMEOUT),
    ],
)
def test_every_status_of_grpc(code: grpc.StatusCode, reason: Reason) -> None:
    assert reason_of(api.from_grpc_status(code, "no")) is reason  # type: ignore[no-untyped-call]


def test_no_status_of_grpc_is_left_out() -> None:
    told = {mark.args[1][row][0] for mark in test_every_status_of_grpc.pytestmark for row in range(len(mark.args[1]))}  # type: ignore[attr-defined]
    assert told == set(grpc.StatusCode) - {grpc.StatusCode.OK}


@pytest.mark.parametrize(("status", "reason"), list(STATUSES.items()))
def test_a_status_of_rest_speaks_where_no_reason_does(status: int, reason: Reason) -> None:
    assert reason_of(refusal(status)) is reason


def test_a_status_without_a_row() -> None:
    assert reason_of(refusal(418)) is Reason.REJECTED
    assert reason_of(refusal(599)) is Reason.UNAVAILABLE


@pytest.mark.parametrize(
    ("status", "word", "reason"),
    [
        (403, "rateLimitExceeded", Reason.THROTTLED),
        (403, "userRateLimitExceeded", Reason.THROTTLED),
        (403, "quotaExceeded", Reason.THROTTLED),
        (403, "forbidden", Reason.DENIED),
        (403, "accessNotConfigured", Reason.DENIED),
        (404, "notFound", Reason.NOT_FOUND),
        (400, "invalid", Reason.REJECTED),
        (400, "backendError", Reason.UNAVAILABLE),
        (403, "neverHeardOf", Reason.DENIED),
    ],
)
def test_the_reason_word_is_more_telling_than_the_status(status: int, word: str, reason: Reason) -> None:
    assert reason_of(refusal(status, word)) is reason


def test_every_reason_word_wins_over_a_server_error() -> None:
    for word, reason in REASONS.items():
        assert reason_of(refusal(503, word)) is reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (auth.DefaultCredentialsError("nobody"), Reason.DENIED),
        (auth.TransportError("gone"), Reason.UNAVAILABLE),
        (auth.TimeoutError("slow"), Reason.TIMEOUT),
        (auth.RefreshError("nobody answered"), Reason.UNAVAILABLE),
        (auth.RefreshError("no", {"error": "invalid_grant"}), Reason.DENIED),
        (auth.RefreshError("busy", retryable=True), Reason.UNAVAILABLE),
        (requests.ReadTimeout("slow"), Reason.TIMEOUT),
        (requests.ConnectTimeout("slow"), Reason.TIMEOUT),
        (requests.ConnectionError("gone"), Reason.UNAVAILABLE),
        (requests.exceptions.SSLError("who"), Reason.UNAVAILABLE),
        (requests.exceptions.ChunkedEncodingError("cut"), Reason.UNAVAILABLE),
        (requests.exceptions.ContentDecodingError("gzip"), Reason.MALFORMED),
        (requests.exceptions.InvalidURL("where"), Reason.REJECTED),
        (requests.exceptions.MissingSchema("where"), Reason.REJECTED),
        (requests.exceptions.InvalidSchema("where"), Reason.REJECTED),
        (requests.exceptions.TooManyRedirects("round"), Reason.REDIRECTED),
        (requests.exceptions.InvalidJSONError("what"), Reason.MALFORMED),
        (api.RetryError("slow", None), Reason.TIMEOUT),
    ],
)
def test_what_the_libraries_raise_by_themselves(error: Exception, reason: Reason) -> None:
    assert reason_of(error) is reason


def test_no_row_stands_behind_one_that_takes_its_errors() -> None:
    for place, (kind, _) in enumerate(EXCEPTIONS):
        assert not [before for before, _ in EXCEPTIONS[:place] if issubclass(kind, before)], kind


def test_an_api_that_is_not_switched_on_says_what_to_do() -> None:
    info = {"reason": "SERVICE_DISABLED", "metadata": {"service": "compute.googleapis.com"}}
    error = api.from_http_status(403, "A long paragraph of Google's.", error_info=info)  # type: ignore[no-untyped-call]
    translated = read_error(error, SCOPE, "compute.instances.list")
    assert translated.reason is Reason.DENIED
    assert translated.detail == (
        "compute.googleapis.com is not enabled: gcloud services enable compute.googleapis.com --project acme-web"
    )


def test_a_text_of_many_lines_becomes_one_of_300_characters() -> None:
    translated = read_error(refusal(403, "forbidden", "no\n\n" + "x" * 999), SCOPE, "compute.instances.list")
    assert translated.detail.startswith("forbidden: no xxx")
    assert len(translated.detail) == 300
    assert str(translated).startswith("gcp acme-web europe-west1: compute.instances.list: denied (forbidden: no xxx")
