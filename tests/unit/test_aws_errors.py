"""botocore's errors -> ours: the map itself, walked over everything that botocore can raise."""

from __future__ import annotations

import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.session import get_session

from nephoscope.clouds.aws.errors import CODES, EXCEPTIONS, VENDOR_ERRORS, read_error, reason_of
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Cloud, Scope

SCOPE = Scope(Cloud.AWS, "111111111111", "eu-central-1")


def refusal(code: str, status: int = 400, message: str = "no") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetMetricData"
    )


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("RequestLimitExceeded", 503, Reason.THROTTLED),
        ("Throttling", 400, Reason.THROTTLED),
        ("UnauthorizedOperation", 403, Reason.DENIED),
        ("AccessDenied", 403, Reason.DENIED),
        ("AuthFailure", 401, Reason.DENIED),
        ("OptInRequired", 401, Reason.DENIED),
        ("ExpiredToken", 400, Reason.DENIED),
        ("ValidationError", 400, Reason.REJECTED),
        ("InvalidParameterValue", 400, Reason.REJECTED),
        ("InternalError", 500, Reason.UNAVAILABLE),
        ("ServiceUnavailable", 503, Reason.UNAVAILABLE),
        ("RequestTimeout", 408, Reason.TIMEOUT),
        ("413", 413, Reason.TOO_LARGE),
        ("AnythingElse", 413, Reason.TOO_LARGE),
        ("AnythingElse", 429, Reason.THROTTLED),
        ("AnythingElse", 403, Reason.DENIED),
        ("AnythingElse", 502, Reason.UNAVAILABLE),
        ("AnythingElse", 400, Reason.REJECTED),
        ("", 0, Reason.REJECTED),
    ],
)
def test_codes_and_statuses(code: str, status: int, reason: Reason) -> None:
    assert reason_of(refusal(code, status)) is reason


def test_every_row_of_the_codes_is_what_is_told() -> None:
    assert len(CODES) > 50
    for code, reason in CODES.items():
        assert reason_of(refusal(code)) is reason, code


@pytest.mark.parametrize(
    ("service", "operations"),
    [
        ("cloudwatch", ("GetMetricData", "ListMetrics")),
        ("resourcegroupstaggingapi", ("GetResources",)),
    ],
)
def test_every_modelled_error_of_what_we_call_has_a_row(service: str, operations: tuple[str, ...]) -> None:
    model = get_session().get_service_model(service)
    shapes = [shape for operation in operations for shape in model.operation_model(operation).error_shapes]
    assert shapes
    assert [
        shape.name for shape in shapes if shape.metadata.get("error", {}).get("code", shape.name) not in CODES
    ] == []


def test_every_modelled_server_fault_of_cloudwatch_is_worth_another_try() -> None:
    model = get_session().get_service_model("cloudwatch")
    faults = [
        shape.metadata["error"]
        for shape in map(model.shape_for, model.shape_names)
        if shape.metadata.get("error", {}).get("httpStatusCode", 0) >= 500
    ]
    assert faults
    assert all(reason_of(refusal(error["code"], error["httpStatusCode"])).retryable for error in faults)


def all_exceptions() -> list[type[Exception]]:
    found = [each for each in vars(botocore.exceptions).values() if isinstance(each, type)]
    return [each for each in found if issubclass(each, BotoCoreError)]


def test_every_exception_of_botocore_is_translated_and_caught() -> None:
    kinds = all_exceptions()
    assert len(kinds) > 50
    for kind in kinds:
        error = kind.__new__(kind)  # their constructors want as many shapes of arguments as there are classes
        Exception.__init__(error, "text")
        assert isinstance(error, VENDOR_ERRORS)
        translated = read_error(error, SCOPE, "cloudwatch:GetMetricData")
        assert isinstance(translated, ReadError)
        assert translated.reason in Reason


def test_every_row_of_the_exceptions_is_reached() -> None:
    for kind, reason in EXCEPTIONS:
        error = kind.__new__(kind)
        Exception.__init__(error, "text")
        assert reason_of(error) is reason, kind


def test_whose_connection_failed_is_worth_another_try_and_whose_key_is_missing_is_not() -> None:
    told = {kind.__name__: reason_of(kind.__new__(kind)) for kind in all_exceptions()}
    assert told["ReadTimeoutError"] is Reason.TIMEOUT
    assert told["ConnectTimeoutError"] is Reason.TIMEOUT
    assert told["EndpointConnectionError"] is Reason.UNAVAILABLE
    assert told["ConnectionClosedError"] is Reason.UNAVAILABLE
    assert told["ProxyConnectionError"] is Reason.UNAVAILABLE
    assert told["SSLError"] is Reason.UNAVAILABLE
    assert told["NoCredentialsError"] is Reason.DENIED
    assert told["ParamValidationError"] is Reason.REJECTED


def test_the_text_is_one_short_line_and_never_the_answer_itself() -> None:
    long = read_error(refusal("AccessDenied", message="a\nb " * 500), SCOPE, "x")
    assert len(long.detail) <= 300
    assert "\n" not in long.detail
    assert long.detail.startswith("AccessDenied: a b")
    parser = ResponseParserError("invalid XML received: <Secret>canary</Secret>")
    assert "canary" not in str(read_error(parser, SCOPE, "x"))
    assert reason_of(parser) is Reason.MALFORMED
