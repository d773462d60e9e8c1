"""The clients of a process's life: Resource Manager's one door, and a metrics door in each region.

Microsoft's clients do what they are good at (tokens, TLS, connections); retries are ours, so that the pace holds for
every request and a wait never outlasts the deadline. Answers are taken as bytes: nobody needs their objects.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.pipeline.policies import (
    BearerTokenCredentialPolicy,
    HeadersPolicy,
    ProxyPolicy,
    RequestIdPolicy,
    RetryPolicy,
    UserAgentPolicy,
)
from azure.core.rest import HttpRequest, HttpResponse
from azure.monitor.query import LogsQueryClient
from azure.monitor.querymetrics import MetricsClient

MANAGEMENT = "https://management.azure.com"
METRICS = "https://{region}.metrics.monitor.azure.com"
LOGS = "https://api.loganalytics.io"
VAULT = "https://{vault}.vault.azure.net"
VAULTS = "https://vault.azure.net"
"""Whom tokens for Key Vault are for, whatever the vault's name; a slash behind it would be another.
Source: https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses"""
_AGENT = "nephoscope"


class Client(Protocol):
    """What is used of a client: sending one request."""

    def send_request(self, request: HttpRequest, *, stream: bool = False, **options: float) -> HttpResponse: ...


class Sessions:
    """endpoints: in place of Azure's own, by name: `azure_management`; `azure_metrics`, in which `{region}` stands for
    the region; `azure_logs`; `azure_vault`, in which `{vault}` stands for the vault's name. Safe to use from several
    threads."""

    def __init__(self, credential: TokenCredential, endpoints: Mapping[str, str]) -> None:
        self._credential = credential
        self._management = endpoints.get("azure_management") or MANAGEMENT
        self._metrics = endpoints.get("azure_metrics") or METRICS
        self._logs = endpoints.get("azure_logs") or LOGS
        self._vault = endpoints.get("azure_vault") or VAULT
        self._clients: dict[str, Client] = {}
        self._lock = threading.Lock()

    def management(self) -> Client:
        """Resource Manager. A request's address is relative to it."""
        with self._lock:
            if "" not in self._clients:
                self._clients[""] = _Pipeline(self._management, self._credential, MANAGEMENT)
            return self._clients[""]

    def logs(self) -> Client:
        """The query service of all workspaces. A request's address is relative to it."""
        with self._lock:
            if "logs" not in self._clients:
                self._clients["logs"] = LogsQueryClient(
                    self._credential,
                    endpoint=self._logs,
                    audience=LOGS,
                    retry_policy=RetryPolicy.no_retries(),
                    user_agent=_AGENT,
                )
            return self._clients["logs"]

    def vault(self, name: str) -> Client:
        """The data plane of a key vault. A request's address is relative to it."""
        with self._lock:
            if f"vault {name}" not in self._clients:
                endpoint = self._vault.replace("{vault}", name)
                self._clients[f"vault {name}"] = _Pipeline(endpoint, self._credential, VAULTS)
            return self._clients[f"vault {name}"]

    def metrics(self, region: str) -> Client:
        """The metrics data plane of a region. A request's address is relative to it."""
        with self._lock:
            if region not in self._clients:
                endpoint = self._metrics.replace("{region}", region)
                self._clients[region] = MetricsClient(
                    endpoint, self._credential, retry_policy=RetryPolicy.no_retries(), user_agent=_AGENT
                )
            return self._clients[region]


class _Pipeline:
    """Resource Manager and Key Vault by azure-core's pipeline alone: the packages for them build an object for every
    row, and cost an import. audience: whom its tokens are for. Nothing here writes to a log."""

    def __init__(self, endpoint: str, credential: TokenCredential, audience: str) -> None:
        policies = [
            RequestIdPolicy(),
            HeadersPolicy(),
            UserAgentPolicy(base_user_agent=_AGENT),
            ProxyPolicy(),
            RetryPolicy.no_retries(),
            BearerTokenCredentialPolicy(credential, f"{audience}/.default"),
        ]
        self._client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(endpoint, policies=policies)

    def send_request(self, request: HttpRequest, *, stream: bool = False, **options: float) -> HttpResponse:
        request.url = self._client.format_url(request.url)
        return self._client.send_request(request, stream=stream, **options)
