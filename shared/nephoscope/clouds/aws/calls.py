"""One scope's calls to AWS within one read, by service and operation. Nothing else in this room talks to a client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from botocore import xform_name
from botocore.exceptions import ClientError

from nephoscope.clouds.aws.errors import VENDOR_ERRORS, read_error
from nephoscope.clouds.calls import Border, PacedCalls
from nephoscope.clouds.limiter import Limiter
from nephoscope.model.errors import Reason
from nephoscope.model.scope import Scope
from nephoscope.model.time import Deadline

Answer = Mapping[str, Any]

ACTIONS: Mapping[tuple[str, str], str] = {
    ("s3", "ListBuckets"): "s3:ListAllMyBuckets",
    ("resourcegroupstaggingapi", "GetResources"): "tag:GetResources",
}
"""Where IAM's word for an operation is not `service:Operation`."""


class Door(Protocol):
    """What a scope's calls need of the reader: a client for a service, and the pace of an action there."""

    def client(self, service: str) -> Any: ...
    def limiter(self, action: str) -> Limiter: ...
    def limit_this_call(self, seconds: float) -> None: ...


class Calls(PacedCalls):
    """One read of one scope. Safe to use from several threads."""

    def __init__(
        self, scope: Scope, door: Door, deadline: Deadline, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(scope, BORDER, door.limiter, deadline, sleep)
        self._door = door

    def call(self, service: str, operation: str, parameters: Mapping[str, Any], units: int = 0) -> Answer:
        """One answer. units: what AWS bills for it, counted when it comes. Raises ReadError."""
        action = action_of(service, operation)
        self.check_time(action)
        ask = getattr(self._door.client(service), xform_name(operation))

        def send(seconds: float) -> Answer:
            self._door.limit_this_call(seconds)
            answer: Answer = ask(**parameters)
            return answer

        return self.perform(action, send, units)

    def pages(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, Any],
        expected: str,
        token: tuple[str, str] = ("NextToken", "NextToken"),
        units: int = 0,
    ) -> Iterator[Answer]:
        """Every page, each with the list `expected`. token: its name in the request and in the answer.

        Raises ReadError where a page fails, is not what was asked for, or leads back to itself.
        """
        asks, tells = token
        action = action_of(service, operation)

        def read(following: str) -> Answer:
            asked = {**parameters, asks: following} if following else parameters
            page = self.call(service, operation, asked, units)
            if not isinstance(page.get(expected), list):
                raise self.failure(action, Reason.MALFORMED, f"the answer holds no {expected}")
            return page

        return self.follow(action, read, lambda page: page.get(tells))


def action_of(service: str, operation: str) -> str:
    """IAM's word for a call: `ec2:DescribeInstances`."""
    return ACTIONS.get((service, operation), f"{service}:{operation}")


def retry_after(error: BaseException | None) -> float:
    """Seconds that the answer itself asks to wait; 0 where it says nothing."""
    if not isinstance(error, ClientError):
        return 0.0
    said = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", "")
    return float(said) if said.isdigit() else 0.0


BORDER = Border(VENDOR_ERRORS, read_error, retry_after)
