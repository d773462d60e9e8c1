"""References to secrets, resolved: `${env:X}`, `${stack:Name}`, `${ssm:/path}`, `${secretsmanager:name#key}`,
`${gcp-secret:name}`, `${key-vault:vault/name}`, `${own-cloud:name}`.

The configuration holds references and never values. `env` and `stack` are read here; the others by the room of the
cloud that keeps them, which is imported when the first such reference is read. An own-cloud secret is kept, under one
name, in the cloud of each function that reads it: so it can be read where another cloud is out of reach. A text that is
no reference is its own value (a topic's ARN, a test receiver's address).
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Mapping

from nephoscope.app.clock import SystemClock
from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.secret import Secret
from nephoscope.ports import Clock, SecretReader

REFERENCE = re.compile(r"\$\{([a-z-]+):([^{}]+)\}")
_KEPT_BY = {"ssm": "aws", "secretsmanager": "aws", "gcp-secret": "gcp", "key-vault": "azure"}
_OWN = "own-cloud"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]")


def open_secrets(
    settings: Settings, environment: Mapping[str, str] = os.environ, clock: Clock | None = None
) -> Secrets:
    """Nothing is read yet. clock: the machine's own where none is given."""
    ticking = clock or SystemClock()
    return Secrets(settings, environment, lambda cloud: wire("secrets", cloud)(settings, ticking))


class Secrets:
    """ports.SecretReader over the environment, the deployment and the clouds' own keepers."""

    def __init__(
        self, settings: Settings, environment: Mapping[str, str], open_room: Callable[[str], SecretReader]
    ) -> None:
        self._environment = environment
        self._kept_by = _KEPT_BY | {_OWN: settings.own_cloud}
        self._stack = {_plain(name): value for name, value in (settings.stack or {}).items()}
        self._open_room = open_room
        self._rooms: dict[str, SecretReader] = {}
        self._lock = threading.Lock()

    def read_secret(self, reference: str) -> Secret:
        """Raises DeliveryError; its destination is the reference, which is safe to print."""
        match = REFERENCE.fullmatch(reference.strip())
        if match is None:
            if reference.lstrip().startswith("${"):
                raise _missing("a reference", "a reference is written ${kind:name}")
            return Secret(reference)
        kind, name = match.groups()
        if kind == "env":
            return _present(match[0], self._environment.get(name, ""), "the environment has no such variable")
        if kind == "stack":
            return _present(match[0], self._stack.get(_plain(name), ""), "the deployment has no such name")
        if kind not in self._kept_by:
            raise _missing(match[0], f"nothing reads references of the kind {kind}")
        return self._room(self._kept_by[kind], match[0]).read_secret(match[0])

    def _room(self, cloud: str, reference: str) -> SecretReader:
        """A function's package holds its own cloud's room and AWS's: the others' are not there."""
        with self._lock:
            try:
                if cloud not in self._rooms:
                    self._rooms[cloud] = self._open_room(cloud)
            except ImportError as error:
                raise _missing(reference, f"what reads secrets of {cloud} is not installed here") from error
            return self._rooms[cloud]


def _present(reference: str, value: str, otherwise: str) -> Secret:
    if not value.strip():
        raise _missing(reference, otherwise)
    return Secret(value.strip())


def _missing(reference: str, detail: str) -> DeliveryError:
    return DeliveryError(destination=reference, reason=Reason.SECRET_MISSING, detail=detail)


def _plain(name: str) -> str:
    """AlertTopic, alert-topic and ALERT_TOPIC are one name: environments and templates spell them differently."""
    return _NOT_IN_NAMES.sub("", name.lower())
