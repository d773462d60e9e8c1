"""One read's calls to Azure. Nothing else in this room sends a request."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest

from nephoscope.clouds.azure.errors import VENDOR_ERRORS, read_error, retry_after
from nephoscope.clouds.azure.session import Client
from nephoscope.clouds.calls import Border, PacedCalls
from nephoscope.clouds.limiter import Limiter
from nephoscope.model.errors import Reason
from nephoscope.model.scope import Scope
from nephoscope.model.time import Deadline

BORDER = Border(VENDOR_ERRORS, read_error, retry_after)

_CONNECTING = 5.0
_OK = 200


class Calls(PacedCalls):
    """One read of one place. limiter_for: the pace of an action there. Safe to use from several threads."""

    def __init__(
        self,
        scope: Scope,
        limiter_for: Callable[[str], Limiter],
        deadline: Deadline,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(scope, BORDER, limiter_for, deadline, sleep)

    def call(
        self, action: str, client: Client, request: Callable[[], HttpRequest], units: int = 0
    ) -> Mapping[str, Any]:
        """One answer's JSON object. action: by the permission that it needs (`Microsoft.Insights/metrics/read`).
        request: made anew for each try. units: what Azure bills for it, counted when it comes. Raises ReadError."""
        return self.perform(action, lambda seconds: self._parsed(action, _send(client, request(), seconds)), units)

    def _parsed(self, action: str, body: bytes) -> Mapping[str, Any]:
        try:
            answer = json.loads(body)
            if isinstance(answer, str):  # the metrics service is known to wrap its answer in a string now and then
                answer = json.loads(answer)
        except ValueError as error:
            raise self.failure(action, Reason.MALFORMED, "the answer is no JSON") from error
        if not isinstance(answer, dict):
            raise self.failure(action, Reason.MALFORMED, "the answer is not what it should be")
        return answer


def _send(client: Client, request: HttpRequest, seconds: float) -> bytes:
    response = client.send_request(
        request, stream=True, connection_timeout=min(_CONNECTING, seconds), read_timeout=seconds
    )
    body = response.read()
    if response.status_code != _OK:
        raise HttpResponseError(response=response)
    return body
