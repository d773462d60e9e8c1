"""The package into an Azure function app of the Flex Consumption plan.

Terraform's own zip deployment calls /api/zipdeploy, which this plan does not have (issue 29630 of the azurerm
provider). What Microsoft's tools do: POST the zip to the site's deployment host, `/api/publish?type=zip`, here with
RemoteBuild, for the package holds requirements.txt and Azure installs them. The answer is 200 when all is done, or 202
with the deployment's id while it goes on; `/api/deployments/latest` tells how far it is, as Kudu's DeployStatus:

    -1 unknown  0 pending  1 building  2 deploying  3 failed  4 success  5 conflict  6 partial success

Before that, one setting is taken away: the provider writes an empty AzureWebJobsStorage beside the settings that name
an identity (its issue 29693), and the host takes the empty one for a connection string and does not start.

Sources: Microsoft Learn, "Zip push deployment for Azure Functions" (One deploy); Azure/azure-cli, appservice
(enable_zip_deploy_flex); Azure/azure-functions-core-tools, DeployStatus; ARM, "Web Apps - Update Application Settings".
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any, Protocol

import requests

MANAGEMENT = "https://management.azure.com"
SCOPE = f"{MANAGEMENT}/.default"
API_VERSION = "2024-04-01"
SETTING = "AzureWebJobsStorage"
SECONDS = 600.0
EVERY = 3.0
TIMEOUT = (10, 230)  # to connect, to answer: Azure's front end gives up after 230 s
TRANSIENT = (404, 408, 429, 500, 502, 503, 504)
"""The deployment host is restarted with the site's settings, and knows no deployment for its first seconds."""


class UploadError(Exception):
    """The package is not there. Says what Azure said; a token never stands in it."""


class Status(IntEnum):
    UNKNOWN = -1
    PENDING = 0
    BUILDING = 1
    DEPLOYING = 2
    FAILED = 3
    SUCCESS = 4
    CONFLICT = 5
    PARTIAL = 6


ENDED = (Status.FAILED, Status.SUCCESS, Status.CONFLICT, Status.PARTIAL)


class Clock(Protocol):
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, /) -> None: ...


def put_package(
    package: Path,
    *,
    site_id: str,
    scm: str,
    token: Callable[[], str] | None = None,
    management: str = MANAGEMENT,
    clock: Clock = time,
) -> None:
    """Upload, and wait until Azure has taken it. scm: host, or a whole address (a test's). Raises UploadError."""
    site = _Site(scm if "://" in scm else f"https://{scm}", f"{management}{site_id}", token or read_token, clock)
    site.drop_empty_setting()
    before = site.latest().get("id")
    goes_on, deployment = site.publish(package)
    if goes_on:
        site.wait(deployment, before)


def read_token() -> str:
    """For Azure Resource Manager, of whoever Terraform deploys as. Raises UploadError."""
    from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415 - imported where Azure is deployed

    try:
        return str(open_credential(os.environ).get_token(SCOPE).token)
    except ClientAuthenticationError as error:
        raise UploadError(f"Azure gives no token: {error.message.splitlines()[0]}") from error


def open_credential(environment: Mapping[str, str]) -> Any:
    """Terraform's variables are ARM_*; where there are none, what Azure's SDK finds (az login, managed identity)."""
    from azure.identity import (  # noqa: PLC0415
        ClientAssertionCredential,
        ClientSecretCredential,
        DefaultAzureCredential,
        ManagedIdentityCredential,
    )

    tenant, client = environment.get("ARM_TENANT_ID", ""), environment.get("ARM_CLIENT_ID", "")
    if tenant and client and (secret := environment.get("ARM_CLIENT_SECRET")):
        return ClientSecretCredential(tenant, client, secret)
    if tenant and client and (file := environment.get("ARM_OIDC_TOKEN_FILE_PATH")):
        return ClientAssertionCredential(tenant, client, lambda: Path(file).read_text(encoding="utf-8").strip())
    if tenant and client and (assertion := environment.get("ARM_OIDC_TOKEN")):
        return ClientAssertionCredential(tenant, client, lambda: assertion)
    if environment.get("ARM_USE_MSI", "").lower() == "true":
        return ManagedIdentityCredential(client_id=client or None)
    return DefaultAzureCredential()


class _Site:
    def __init__(self, scm: str, arm: str, token: Callable[[], str], clock: Clock) -> None:
        self._scm, self._arm, self._token, self._clock = scm, arm, token, clock
        self._deadline = clock.monotonic() + SECONDS

    def drop_empty_setting(self) -> None:
        address = f"{self._arm}/config/appsettings"
        listed = self._call("POST", f"{address}/list?api-version={API_VERSION}")
        _expect(listed, (200,), "reading the site's settings")
        settings = _json(listed).get("properties", {})
        if settings.get(SETTING, "kept").strip():
            return
        kept = {name: value for name, value in settings.items() if name != SETTING}
        written = self._call("PUT", f"{address}?api-version={API_VERSION}", json={"properties": kept})
        _expect(written, (200,), "writing the site's settings")

    def publish(self, package: Path) -> tuple[bool, str]:
        """Whether the deployment goes on, and its id where one was given. An upload is repeated only where the host
        certainly did not take it."""
        while True:
            with package.open("rb") as file:
                answer = self._call(
                    "POST",
                    f"{self._scm}/api/publish?type=zip&RemoteBuild=true",
                    data=file,
                    headers={"Content-Type": "application/zip", "Cache-Control": "no-cache"},
                )
            if answer.status_code == 409:
                raise UploadError("another deployment of this site is under way; try again when it has ended")
            if answer.status_code not in (404, 429, 503):
                break
            self._rest("the deployment host does not take the package", answer)
        _expect(answer, (200, 202), "uploading the package")
        return answer.status_code == 202, answer.text.strip().strip('"')

    def latest(self) -> Mapping[str, Any]:
        """The newest deployment; empty where there is none, or the host is not ready to say."""
        answer = self._call("GET", f"{self._scm}/api/deployments/latest")
        if answer.status_code in TRANSIENT:
            return {}
        _expect(answer, (200, 202), "asking for the deployment")
        return _json(answer)

    def wait(self, deployment: str, before: object) -> None:
        """Until this deployment has ended; where its id is not known, one that is not `before`."""
        while True:
            said = self.latest()
            ours = said.get("id") == deployment if deployment else said.get("id") != before
            if ours and said.get("status") in ENDED:
                break
            self._rest(f"the deployment has not ended ({_name(said.get('status'))})")
        if said["status"] != Status.SUCCESS:
            reason = said.get("status_text") or "no reason given"
            raise UploadError(f"the deployment ended as {_name(said['status'])}: {reason}")

    def _rest(self, doing: str, answer: requests.Response | None = None) -> None:
        told = answer.headers.get("Retry-After", "") if answer is not None else ""
        pause = float(told) if told.isdigit() else EVERY
        if self._clock.monotonic() + pause > self._deadline:
            raise UploadError(f"{doing}, after {SECONDS:.0f} s")
        self._clock.sleep(pause)

    def _call(self, method: str, address: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._token()}", **more.pop("headers", {})}
        try:
            return requests.request(method, address, headers=headers, timeout=TIMEOUT, allow_redirects=False, **more)
        except requests.RequestException as error:
            raise UploadError(f"{address.partition('?')[0]}: {type(error).__name__}") from error


def _expect(answer: requests.Response, good: tuple[int, ...], doing: str) -> None:
    if answer.status_code not in good:
        raise UploadError(f"{doing}: HTTP {answer.status_code} {answer.text.strip()[:300]}".rstrip())


def _json(answer: requests.Response) -> Mapping[str, Any]:
    try:
        said = answer.json()
    except requests.JSONDecodeError as error:
        raise UploadError(f"not an answer of Azure's: {answer.text.strip()[:100]}") from error
    if not isinstance(said, Mapping):
        raise UploadError(f"not an answer of Azure's: {answer.text.strip()[:100]}")
    return said


def _name(status: object) -> str:
    return Status(status).name.lower() if isinstance(status, int) and status in list(Status) else str(status)
