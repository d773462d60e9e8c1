"""The errors that leave any room, and the reasons they carry.

NephoscopeError
├── ConfigError      what a person wrote is wrong: every Problem at once, found before anything runs
├── ReadError        one read of a cloud failed; the run keeps it as a Gap and goes on
├── DeliveryError    one destination did not take a message or a metric
└── StoreError       the alert memory did not answer; nothing may be decided on guesses

Every vendor's exception is translated at its border (`raise ... from`); nothing foreign leaks upward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a read, a write or a delivery did not succeed. The same word stands in the log, the message, the metric."""

    THROTTLED = "throttled"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    MALFORMED = "malformed"
    PARTIAL = "partial"  # the provider answered, and said that it did not answer everything
    TOO_LARGE = "too_large"
    REJECTED = "rejected"  # understood and refused: a repetition of the same would be refused again
    GONE = "gone"  # HTTP 410: the receiver asks never to be called again
    REDIRECTED = "redirected"  # never followed: the new address was not checked by anyone
    ADDRESS_REFUSED = "address_refused"  # loopback, link-local, private, metadata: see notifiers/address.py
    DEADLINE = "deadline"  # our own time ran out; the next run goes on from here
    SECRET_MISSING = "secret_missing"  # noqa: S105 - a reason, not a secret

    @property
    def retryable(self) -> bool:
        return self in _RETRYABLE


_RETRYABLE = frozenset({Reason.THROTTLED, Reason.UNAVAILABLE, Reason.TIMEOUT, Reason.PARTIAL, Reason.DEADLINE})


class NephoscopeError(Exception):
    """The root of everything that nephoscope raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a file: where, what, and what would be right. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text}"


class ConfigError(NephoscopeError):
    """Something a person wrote is wrong. Carries all problems at once, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class ReadError(NephoscopeError):
    """One read of a cloud failed: who was asked for what, and why nothing came."""

    def __init__(
        self, *, cloud: str, account: str, region: str, operation: str, reason: Reason, detail: str = ""
    ) -> None:
        self.cloud = cloud
        self.account = account
        self.region = region
        self.operation = operation
        self.reason = reason
        self.detail = detail
        super().__init__(f"{cloud} {account} {region}: {operation}: {reason}" + (f" ({detail})" if detail else ""))

    @property
    def retryable(self) -> bool:
        return self.reason.retryable


class DeliveryError(NephoscopeError):
    """A destination did not take what was sent. `destination` is a name that is safe to print, never a URL."""

    def __init__(
        self,
        *,
        destination: str,
        reason: Reason,
        detail: str = "",
        status: int | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
    ) -> None:
        self.destination = destination
        self.reason = reason
        self.detail = detail
        self.status = status
        self.retry_after = retry_after  # seconds from now, already made sane; None where nothing was said
        self.retryable = reason.retryable if retryable is None else retryable
        super().__init__(f"{destination}: {reason}" + (f" ({detail})" if detail else ""))


class StoreError(NephoscopeError):
    """The alert memory did not answer, or not as it must. `ambiguous`: the write may or may not have happened."""

    def __init__(self, *, operation: str, reason: Reason, detail: str = "", ambiguous: bool = False) -> None:
        self.operation = operation
        self.reason = reason
        self.detail = detail
        self.ambiguous = ambiguous
        super().__init__(f"alert memory: {operation}: {reason}" + (f" ({detail})" if detail else ""))
