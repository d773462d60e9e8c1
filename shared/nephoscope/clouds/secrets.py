"""What the keepers of all clouds have in common: a reference is taken apart, a value is kept for a while, one key of a
JSON secret is found, and what a vendor said ends here.

A value is kept for five minutes: a changed secret serves soon, and a storm of messages does not become a storm of
reads. A refusal is not kept: what a person mends serves at the next try.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.secret import Secret

KEPT_SECONDS = 300.0
TRIES = 2
PAUSE_SECONDS = 0.2
LONGEST_WAIT = 3600.0
"""Seconds: what a keeper asks beyond this is cut."""

OWN = "own-cloud"
"""The kind of a reference that each cloud's function resolves in its own cloud."""

_REFERENCE = re.compile(r"\$\{([a-z-]+):([^{}#]+)(?:#([^{}]+))?\}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a keeper gave nothing. detail: our own words, nothing of the keeper's. retry_after: seconds that it asks to
    wait. passing: the same may succeed at once."""

    reason: Reason
    detail: str = ""
    retry_after: float | None = None
    passing: bool = False

    def error(self, reference: str) -> DeliveryError:
        """Its destination is the reference, which is safe to print."""
        return DeliveryError(
            destination=reference,
            reason=self.reason,
            detail=self.detail,
            retry_after=None if self.retry_after is None else min(self.retry_after, LONGEST_WAIT),
            retryable=True if self.passing else None,
        )


Ask = Callable[[str, str], str | bytes | Refusal]
"""(kind, name) of a reference -> the secret's whole content, or why there is none. Raises nothing."""


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Secret
    until: float


class KeptSecrets:
    """ports.SecretReader over one keeper. Threads that want the same secret at once ask for it once; those that want
    different ones do not wait for each other."""

    def __init__(
        self,
        ask: Ask,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._sleep = sleep
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._asking: dict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    def read_secret(self, reference: str) -> Secret:
        """Raises DeliveryError that names the reference only."""
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise Refusal(Reason.SECRET_MISSING, "not a reference to a secret").error(reference)
        kind, name, key = match.groups()
        found = self._read(kind, name)
        if isinstance(found, Refusal):  # raised out here: no vendor's error is to be its context
            raise found.error(reference)
        value = _key_of(found.reveal(), key) if key else found.reveal()
        if value is None:
            said = f"the secret is no JSON object with a text under {key}"
            raise Refusal(Reason.SECRET_MISSING, said).error(reference)
        if not value.strip():
            raise Refusal(Reason.SECRET_MISSING, "the secret is empty").error(reference)
        return Secret(value.strip())

    def _read(self, kind: str, name: str) -> Secret | Refusal:
        with self._lock:
            asking = self._asking[kind, name]
        with asking:
            kept = self._kept.get((kind, name))
            if kept is not None and self._monotonic() < kept.until:
                return kept.value
            content = self._ask_again(kind, name)
            if isinstance(content, Refusal):
                return content
            value = _text_of(content)
            if isinstance(value, Secret):
                self._kept[kind, name] = _Kept(value, self._monotonic() + KEPT_SECONDS)
            return value

    def _ask_again(self, kind: str, name: str) -> str | bytes | Refusal:
        """Once more where the failure may be over at once: a kept connection that was closed, an answer that broke
        off. Whoever asked for a longer wait is left to the outbox."""
        for _ in range(TRIES - 1):
            content = self._ask(kind, name)
            if not (isinstance(content, Refusal) and content.passing):
                return content
            self._sleep(PAUSE_SECONDS)
        return self._ask(kind, name)


def _text_of(content: str | bytes) -> Secret | Refusal:
    try:
        return Secret(content.decode() if isinstance(content, bytes) else content)
    except UnicodeDecodeError:
        return Refusal(Reason.MALFORMED, "the secret is no text")


def _key_of(text: str, key: str) -> str | None:
    try:
        held = json.loads(text)
    except ValueError:
        return None
    value = held.get(key) if isinstance(held, dict) else None
    return value if isinstance(value, str) else None
