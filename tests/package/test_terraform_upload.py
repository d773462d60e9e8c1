"""The upload of Azure's package against a stand-in for the site's deployment host and for Resource Manager.

The stand-in follows Microsoft Learn, "Zip push deployment for Azure Functions" (One deploy), and what azure-cli does
with the answers: 202 with the deployment's id, then /api/deployments/latest until its status has ended.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra.azure.upload import UploadError, open_credential, put_package

SITE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/nephoscope"
TOKEN = "a-token-that-must-not-be-shown"
OLD = {"id": "before", "status": 4, "status_text": ""}


def deployment(status: int, text: str = "", id: str = "new") -> dict[str, Any]:
    return {"id": id, "status": status, "status_text": text, "complete": status in (3, 4)}


@dataclass
class Azure:
    """One site. publishes, deployments: (status, body) for each call in turn, the last one for ever."""

    publishes: list[tuple[int, Any]] = field(default_factory=lambda: [(202, "new")])
    deployments: list[tuple[int, Any]] = field(default_factory=lambda: [(200, OLD), (200, deployment(4))])
    settings: dict[str, str] = field(default_factory=lambda: {"NEPHOSCOPE_CLOUDS": "azure"})
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        self.asked.append(f"{method} {path.partition('?')[0]}")
        if path == f"{SITE}/config/appsettings/list?api-version=2024-04-01" and method == "POST":
            return 200, {"properties": self.settings}
        if path == f"{SITE}/config/appsettings?api-version=2024-04-01" and method == "PUT":
            self.settings = json.loads(body)["properties"]
            return 200, {"properties": self.settings}
        if path == "/api/publish?type=zip&RemoteBuild=true" and method == "POST":
            self.taken.append(body)
            return self.publishes.pop(0) if len(self.publishes) > 1 else self.publishes[0]
        if path == "/api/deployments/latest" and method == "GET":
            return self.deployments.pop(0) if len(self.deployments) > 1 else self.deployments[0]
        return 404, "no such place"


class Handler(BaseHTTPRequestHandler):
    def respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        azure: Azure = self.server.azure  # type: ignore[attr-defined]
        allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        status, said = azure.answer(self.command, self.path, body) if allowed else (401, "who are you?")
        answer = said.encode() if isinstance(said, str) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in azure.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = respond  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:
        """What is asked is kept by the stand-in."""


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def azure() -> Iterator[Azure]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.azure = Azure()  # type: ignore[attr-defined]
        server.azure.place = f"http://127.0.0.1:{server.server_address[1]}"  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.azure  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "azure.zip"
    path.write_bytes(b"PK a package")
    return path


def put(azure: Azure, package: Path, token: str = TOKEN) -> Clock:
    clock = Clock()
    place = azure.place  # type: ignore[attr-defined]
    put_package(package, site_id=SITE, scm=place, token=lambda: token, management=place, clock=clock)
    return clock


def test_the_package_is_put_and_waited_for(azure: Azure, package: Path) -> None:
    azure.deployments = [(200, OLD), (200, deployment(0)), (200, deployment(1)), (200, deployment(4))]
    clock = put(azure, package)
    assert azure.taken == [b"PK a package"]
    assert clock.slept == [3.0, 3.0]
    assert azure.asked[-3:] == ["GET /api/deployments/latest"] * 3


def test_the_success_of_an_earlier_deployment_is_not_taken_for_ours(azure: Azure, package: Path) -> None:
    azure.deployments = [(200, OLD), (200, OLD), (200, OLD), (200, deployment(3, "no space left"))]
    with pytest.raises(UploadError, match="ended as failed: no space left"):
        put(azure, package)


def test_nor_where_the_host_could_not_say_what_was_there_before(azure: Azure, package: Path) -> None:
    azure.deployments = [(503, "restarting"), (200, OLD), (200, deployment(4))]
    assert put(azure, package).slept == [3.0]


def test_a_deployment_without_an_id_is_known_by_being_another(azure: Azure, package: Path) -> None:
    azure.publishes = [(202, "")]
    azure.deployments = [(200, OLD), (200, OLD), (200, deployment(4))]
    assert put(azure, package).slept == [3.0]


def test_an_answer_that_all_is_done_is_enough(azure: Azure, package: Path) -> None:
    azure.publishes = [(200, "")]
    put(azure, package)
    assert azure.asked[-1] == "POST /api/publish"


def test_a_host_that_restarts_is_tried_again(azure: Azure, package: Path) -> None:
    azure.publishes = [(503, "restarting"), (404, ""), (202, "new")]
    azure.headers = {"Retry-After": "7"}
    put(azure, package)
    assert azure.taken == [b"PK a package"] * 3


def test_the_hosts_own_pause_is_kept(azure: Azure, package: Path) -> None:
    azure.publishes = [(429, "slowly"), (202, "new")]
    azure.headers = {"Retry-After": "7"}
    assert put(azure, package).slept == [7.0]


@pytest.mark.parametrize("status", [500, 502])
def test_an_upload_that_may_have_been_taken_is_not_repeated(azure: Azure, package: Path, status: int) -> None:
    azure.publishes = [(status, "<html>Bad Gateway")]
    with pytest.raises(UploadError, match=f"uploading the package: HTTP {status} <html>Bad Gateway"):
        put(azure, package)
    assert len(azure.taken) == 1


def test_another_deployment_under_way_is_said(azure: Azure, package: Path) -> None:
    azure.publishes = [(409, "")]
    with pytest.raises(UploadError, match="another deployment of this site is under way"):
        put(azure, package)


@pytest.mark.parametrize(("status", "name"), [(3, "failed"), (5, "conflict"), (6, "partial")])
def test_an_end_that_is_no_success_is_a_failure(azure: Azure, package: Path, status: int, name: str) -> None:
    azure.deployments = [(200, OLD), (200, deployment(status))]
    with pytest.raises(UploadError, match=f"ended as {name}: no reason given"):
        put(azure, package)


def test_what_never_ends_is_given_up(azure: Azure, package: Path) -> None:
    azure.deployments = [(200, OLD), (200, deployment(2))]
    with pytest.raises(UploadError, match=re.escape("has not ended (deploying), after 600 s")):
        put(azure, package)


def test_the_empty_storage_setting_is_taken_away_and_the_others_stay(azure: Azure, package: Path) -> None:
    azure.settings = {"AzureWebJobsStorage": "", "AzureWebJobsStorage__accountName": "store", "A": "b"}
    put(azure, package)
    assert azure.settings == {"AzureWebJobsStorage__accountName": "store", "A": "b"}
    assert azure.asked.index(f"PUT {SITE}/config/appsettings") < azure.asked.index("POST /api/publish")


@pytest.mark.parametrize("settings", [{"A": "b"}, {"AzureWebJobsStorage": "a connection", "A": "b"}])
def test_other_settings_are_not_touched(azure: Azure, package: Path, settings: dict[str, str]) -> None:
    azure.settings = dict(settings)
    put(azure, package)
    assert azure.settings == settings
    assert not any(each.startswith("PUT") for each in azure.asked)


def test_whoever_may_not_is_told_so_and_no_token_is_shown(azure: Azure, package: Path) -> None:
    with pytest.raises(UploadError, match="reading the site's settings: HTTP 401 who are you") as caught:
        put(azure, package, token="another-token")
    assert "token" not in str(caught.value)


def test_a_host_that_is_not_there_is_named(package: Path) -> None:
    with pytest.raises(UploadError, match=r"http://127\.0\.0\.1:9/.*ConnectionError"):
        put_package(
            package, site_id=SITE, scm="http://127.0.0.1:9", token=lambda: TOKEN, management="http://127.0.0.1:9"
        )


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({"ARM_TENANT_ID": "common", "ARM_CLIENT_ID": "c", "ARM_CLIENT_SECRET": "s"}, "ClientSecretCredential"),
        ({"ARM_TENANT_ID": "common", "ARM_CLIENT_ID": "c", "ARM_OIDC_TOKEN": "t"}, "ClientAssertionCredential"),
        ({"ARM_USE_MSI": "true"}, "ManagedIdentityCredential"),
        ({}, "DefaultAzureCredential"),
    ],
)
def test_the_upload_is_by_whom_terraform_deploys_as(environment: dict[str, str], kind: str) -> None:
    with open_credential(environment) as credential:
        assert type(credential).__name__ == kind
