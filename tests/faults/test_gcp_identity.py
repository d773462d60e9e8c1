"""The function's own token: asked of the metadata server, kept while it is good, and refused in clear words."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator

import pytest
from google.auth.compute_engine import _metadata

from canned_gcp import CannedGoogle, Rest
from nephoscope.app.settings import Settings
from nephoscope.clouds.gcp.identity import open_identity
from nephoscope.model.errors import ReadError, Reason

IDENTITY = "/service-accounts/default/identity"
AUDIENCE = "nephoscope-111111111111"


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[CannedGoogle]:
    with CannedGoogle() as canned:
        # google-auth reads GCE_METADATA_HOST when it is imported, long before this
        monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", canned.url.removeprefix("http://"))
        yield canned


def token(seconds: float, audience: str = AUDIENCE) -> str:
    claims = {"aud": audience, "exp": int(time.time() + seconds), "n": time.perf_counter_ns()}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "RS256"}, claims)]
    return b".".join([*parts, b"c2lnbmVk"]).decode()


def text(body: str, status: int = 200) -> Rest:
    return Rest(body.encode(), status, {"content-type": "text/html", "Metadata-Flavor": "Google"})


def test_a_token_is_asked_for_once_while_it_is_good(google: CannedGoogle) -> None:
    google.answer(IDENTITY, lambda asked: text(token(3600, asked.parameters["audience"])))
    identity = open_identity(Settings(account="acme-web"))
    first = identity.read_token(AUDIENCE)
    assert identity.read_token(AUDIENCE) == first
    assert identity.read_token("another") != first
    one, other = google.asked(IDENTITY)
    assert (one.parameters["audience"], other.parameters["audience"]) == (AUDIENCE, "another")
    assert one.headers["metadata-flavor"] == "Google"
    assert len(google.requests) == 2, "nothing else is asked"


def test_a_token_that_ends_within_five_minutes_is_renewed(google: CannedGoogle) -> None:
    google.answer(IDENTITY, lambda _: text(token(299)))
    identity = open_identity(Settings())
    assert identity.read_token(AUDIENCE) != identity.read_token(AUDIENCE)


def test_a_refused_token_is_a_clear_error(google: CannedGoogle) -> None:
    google.answer(IDENTITY, text("audience is not allowed", 403))
    with pytest.raises(ReadError) as raised:
        open_identity(Settings(account="acme-web")).read_token(AUDIENCE)
    error = raised.value
    assert (error.cloud, error.account, error.operation) == ("gcp", "acme-web", "metadata:identity")
    assert (error.reason, error.retryable) == (Reason.DENIED, False)
    assert "audience is not allowed" in error.detail


def test_what_is_no_token_is_not_quoted(google: CannedGoogle) -> None:
    google.answer(IDENTITY, text("half-a-secret.without-an-end"))
    with pytest.raises(ReadError) as raised:
        open_identity(Settings()).read_token(AUDIENCE)
    assert raised.value.reason is Reason.MALFORMED
    assert "half-a-secret" not in f"{raised.value}{raised.value.__cause__}"


def test_the_token_does_not_show_itself(google: CannedGoogle) -> None:
    google.answer(IDENTITY, lambda _: text(token(3600)))
    assert "ey" not in repr(open_identity(Settings()).read_token(AUDIENCE))
