"""A local Azure for each test: one for the session, as new for each.

azure: sixty machines in three regions of two subscriptions with the default story, at NOON; Azure's clients use it.
credential: the app's managed identity, by Microsoft's own client. management: a pipeline of azure-core to Resource
Manager that makes one try.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core import PipelineClient
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import ManagedIdentityCredential

from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.fleet import Fleet, simulate

NOON = 1_795_435_200
WEB = "11111111-aaaa-4000-8000-000000000001"
DATA = "22222222-bbbb-4000-8000-000000000002"
REGIONS = ("westeurope", "northeurope", "eastus")


@pytest.fixture(scope="session")
def azure_fleet() -> Fleet:
    return simulate(1, 60, REGIONS, (WEB, DATA), start=NOON)


@pytest.fixture(scope="session")
def _running_local_azure(azure_fleet: Fleet) -> Iterator[LocalAzure]:
    with LocalAzure(azure_fleet) as running:
        yield running


@pytest.fixture
def azure(_running_local_azure: LocalAzure, azure_fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> LocalAzure:
    _running_local_azure.reset(azure_fleet)
    _running_local_azure.set_time(NOON)
    for name in [name for name in os.environ if name.startswith(("AZURE_", "IDENTITY_", "MSI_", "IMDS_"))]:
        monkeypatch.delenv(name)
    for name, value in _running_local_azure.environment().items():
        monkeypatch.setenv(name, value)
    return _running_local_azure


@pytest.fixture
def credential(azure: LocalAzure) -> Iterator[ManagedIdentityCredential]:
    with ManagedIdentityCredential() as opened:
        yield opened


class Management:
    """Requests through azure-core's pipeline, as a reader's client sends them."""

    def __init__(self, url: str, credential: ManagedIdentityCredential, retry: RetryPolicy) -> None:
        policies = [retry, BearerTokenCredentialPolicy(credential, "https://management.azure.com/.default")]
        self.client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(url, policies=policies)

    def send(self, path: str, body: Any = None) -> HttpResponse:
        """GET, or POST where there is a body. path: or a whole address."""
        address = self.client.format_url(path)
        request = HttpRequest("GET" if body is None else "POST", address, json=body)
        return self.client.send_request(request)

    def ask(self, query: str, **scope: Any) -> Any:
        """Resource Graph's answer."""
        path = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
        return self.send(path, {"query": query, **scope}).json()


@pytest.fixture
def management(azure: LocalAzure, credential: ManagedIdentityCredential) -> Iterator[Management]:
    opened = Management(azure.url, credential, RetryPolicy.no_retries())
    with opened.client:
        yield opened


@pytest.fixture
def patient(azure: LocalAzure, credential: ManagedIdentityCredential) -> Iterator[Management]:
    """With azure-core's own retries."""
    opened = Management(azure.url, credential, RetryPolicy())
    with opened.client:
        yield opened
