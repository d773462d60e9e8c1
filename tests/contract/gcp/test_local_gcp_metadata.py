"""The metadata server as google-auth asks it, its tokens, and what a service says to a token that is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import google.auth
import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.compute_engine import Credentials, IDTokenCredentials
from google.auth.transport.requests import AuthorizedSession, Request

import nephoscope
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.localcloud.gcp.tokens import sign

ROOT = "/computeMetadata/v1/"
AUDIENCE = "sts.example/nephoscope"


def _get(gcp: LocalGcp, path: str, **headers: str) -> requests.Response:
    return requests.get(gcp.url + path, headers=headers, timeout=5)


def _identity(gcp: LocalGcp) -> str:
    path = f"{ROOT}instance/service-accounts/default/identity?audience={AUDIENCE}&format=full"
    return _get(gcp, path, **{"Metadata-Flavor": "Google"}).text


def _decoded(gcp: LocalGcp, token: str, audience: str = AUDIENCE) -> dict[str, Any]:
    key = jwt.PyJWKSet.from_dict(gcp.jwks())[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer="https://accounts.google.com")


def test_the_default_credentials_are_the_metadata_servers(gcp: LocalGcp) -> None:
    credentials, project = google.auth.default()
    credentials.refresh(Request())
    assert (type(credentials), project) == (Credentials, "acme-web")
    assert credentials.service_account_email == gcp.service_account["email"]
    assert credentials.valid


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("project/project-id", "acme-web"),
        ("universe/universe-domain", "googleapis.com"),
        ("instance/service-accounts/default/email", "nephoscope@acme-web.iam.gserviceaccount.test"),
    ],
)
def test_paths_answer_with_the_flavor_and_only_to_it(gcp: LocalGcp, path: str, expected: str) -> None:
    answer = _get(gcp, ROOT + path, **{"Metadata-Flavor": "Google"})
    assert (answer.status_code, answer.text, answer.headers["Metadata-Flavor"]) == (200, expected, "Google")
    refused = _get(gcp, ROOT + path)
    assert (refused.status_code, refused.headers["Metadata-Flavor"]) == (403, "Google")
    assert "Metadata-Flavor" in refused.text
    passed_on = _get(gcp, ROOT + path, **{"Metadata-Flavor": "Google", "X-Forwarded-For": "10.0.0.1"})
    assert passed_on.status_code == 403


def test_an_unknown_path_is_not_found_and_an_identity_needs_an_audience(gcp: LocalGcp) -> None:
    flavor = {"Metadata-Flavor": "Google"}
    assert _get(gcp, ROOT + "instance/nothing", **flavor).status_code == 404
    assert _get(gcp, ROOT + "instance/service-accounts/default/identity", **flavor).status_code == 400


def test_an_identity_token_says_who_and_for_whom(gcp: LocalGcp) -> None:
    request = Request()
    credentials = IDTokenCredentials(request, AUDIENCE, use_metadata_identity_endpoint=True)
    credentials.refresh(request)
    claims = _decoded(gcp, credentials.token)
    number = gcp.service_account["unique_id"]
    assert (claims["aud"], claims["azp"], claims["sub"]) == (AUDIENCE, number, number)
    assert number.isdigit() and len(number) == 21
    assert claims["email"] == gcp.service_account["email"]
    assert 3590 <= claims["exp"] - time.time() <= 3600


def test_an_identity_token_for_another_audience_or_of_another_key_is_no_good(gcp: LocalGcp) -> None:
    token = _identity(gcp)
    with pytest.raises(jwt.InvalidAudienceError):
        _decoded(gcp, token, "somebody.else")
    forger = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    with pytest.raises(jwt.InvalidSignatureError):
        _decoded(gcp, sign(_decoded(gcp, token), forger))
    over = gcp.sign_identity(_decoded(gcp, token) | {"exp": int(time.time()) - 60})
    with pytest.raises(jwt.ExpiredSignatureError):
        _decoded(gcp, over)


@pytest.mark.parametrize(
    ("header", "reason"),
    [({}, "CREDENTIALS_MISSING"), ({"Authorization": "Bearer ya29.forged"}, "ACCESS_TOKEN_TYPE_UNSUPPORTED")],
)
def test_no_token_and_a_forged_one_are_told_apart(gcp: LocalGcp, header: dict[str, str], reason: str) -> None:
    answer = requests.get(f"{gcp.url}/compute/v1/projects/acme-web/regions", headers=header, timeout=5)
    error = answer.json()["error"]
    assert (answer.status_code, error["status"]) == (401, "UNAUTHENTICATED")
    assert error["details"][0]["reason"] == reason
    (entry,) = gcp.ledger.entries("compute.regions.list")
    assert (entry.allowed, entry.status) == (False, 401)


def test_a_token_that_is_over_is_refused_and_the_session_fetches_another(
    gcp: LocalGcp, session: AuthorizedSession
) -> None:
    url = f"{gcp.url}/compute/v1/projects/acme-web/regions"
    assert session.get(url).status_code == 200
    gcp.world.tokens.expire()
    assert session.get(url).status_code == 200
    assert [entry.status for entry in gcp.ledger.entries("compute.regions.list")] == [200, 401, 200]


def test_a_token_is_handed_out_again_until_shortly_before_its_end(gcp: LocalGcp) -> None:
    path = ROOT + "instance/service-accounts/default/token"
    first, second = (_get(gcp, path, **{"Metadata-Flavor": "Google"}).json() for _ in range(2))
    assert first["access_token"] == second["access_token"]
    assert 3500 < second["expires_in"] <= first["expires_in"] <= 3600
    gcp.world.tokens.expire()
    third = _get(gcp, path, **{"Metadata-Flavor": "Google"}).json()
    assert third["access_token"] != first["access_token"]


PROGRAM = """
import json, sys
import google.auth
from google.auth.transport.requests import AuthorizedSession
from google.cloud.monitoring_v3 import MetricServiceClient

credentials, project = google.auth.default()
regions = AuthorizedSession(credentials).get(sys.argv[1] + "/compute/v1/projects/acme-web/regions").json()
client = MetricServiceClient(client_options={"api_endpoint": sys.argv[2]})
metrics = [row.type for row in client.list_metric_descriptors(name="projects/acme-web")]
print(json.dumps([project, [row["name"] for row in regions["items"]], metrics]))
"""


def test_a_process_of_its_own_needs_the_environment_only(gcp: LocalGcp) -> None:
    given = gcp.environment()
    paths = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(nephoscope.__file__).parents[1])}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM,
            given["NEPHOSCOPE_ENDPOINT_GCP_COMPUTE"],
            given["NEPHOSCOPE_ENDPOINT_GCP_MONITORING"],
        ],
        env=given | paths,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    project, regions, metrics = json.loads(done.stdout)
    assert (project, regions) == ("acme-web", ["europe-west1", "us-central1"])
    assert "compute.googleapis.com/instance/cpu/utilization" in metrics
