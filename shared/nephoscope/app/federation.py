"""The way into AWS for the functions of the other clouds: no key, but a token of the platform's own identity.

boto3 enters by itself where the deployment names a role and a file (AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE,
AWS_ROLE_SESSION_NAME): it reads the token there whenever its credentials must be renewed. What is left to do is to keep
a fresh token in that file. Called at the start of each invocation, it costs one look at the file nearly always.

The file is always there, empty where no token could be had: boto3 then refuses to call, which every room translates.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from nephoscope.clouds.aws.admission import claims_of
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.secret import Secret
from nephoscope.ports import Clock, IdentityReader

RENEW_BEFORE = 600
"""Seconds before a token's expiry from which a new one is asked for: longer than any invocation lasts."""

Admission = Callable[[Secret], None]
"""Asks whether AWS lets a token in. Raises ReadError that says what was refused."""

logger = logging.getLogger("nephoscope")


def enter_aws(
    identity: IdentityReader, audience: str, token_file: Path, clock: Clock, admit: Admission | None = None
) -> bool:
    """Keep a token for `audience` in the file that is good for this invocation; whether it was renewed.

    admit: asked once for each new token. Raises ReadError when there is none that is good: the platform gives none, it
    is no token, or AWS refuses it; the file is empty then, and the next call tries again.
    """
    left = seconds_left(token_file, clock)
    if left > RENEW_BEFORE:
        return False
    try:
        token = _new_token(identity, audience, clock, admit)
    except ReadError as error:
        if left > 0:
            logger.warning("the token for AWS is good for %.0f s and was not renewed: %s", left, error)
            return False
        write_token(token_file, Secret(""))
        raise
    write_token(token_file, token)
    return True


def seconds_left(token_file: Path, clock: Clock) -> float:
    """How long the file's token is good; 0 where there is none."""
    try:
        token = Secret(token_file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0
    return max(0.0, _expiry(token) - clock.wall())


def write_token(token_file: Path, token: Secret) -> None:
    """All of it or nothing, for the owner's eyes only: a run beside this one may be reading."""
    handle, unfinished = tempfile.mkstemp(dir=token_file.parent, prefix=token_file.name)  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(token.reveal())
        Path(unfinished).replace(token_file)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def _new_token(identity: IdentityReader, audience: str, clock: Clock, admit: Admission | None) -> Secret:
    token = identity.read_token(audience)
    expires = claims_of(token).get("exp")
    if _expiry(token) <= clock.wall():
        raise _refused("no token" if expires is None else f"exp={expires} has passed; is this machine's clock right?")
    if admit is not None:
        admit(token)
    return token


def _expiry(token: Secret) -> float:
    """Epoch seconds; 0 for what is no token."""
    expires = claims_of(token).get("exp", 0)
    return float(expires) if isinstance(expires, int | float) else 0.0


def _refused(detail: str) -> ReadError:
    return ReadError(cloud="aws", account="", region="", operation="read_token", reason=Reason.MALFORMED, detail=detail)
