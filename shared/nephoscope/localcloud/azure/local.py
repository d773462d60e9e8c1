"""The local Azure in one piece: a fleet, a tenant with one managed identity, and two servers that clients talk to."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any, Self

import trustme

from nephoscope.localcloud.aws.call import Answer, Request
from nephoscope.localcloud.aws.ledger import Ledger
from nephoscope.localcloud.azure.entra import PATH as TOKEN_PATH
from nephoscope.localcloud.azure.entra import Entra
from nephoscope.localcloud.azure.faults import Faults
from nephoscope.localcloud.azure.front import Front
from nephoscope.localcloud.azure.identity import PATH, Identity, TokenService
from nephoscope.localcloud.azure.key_vault import Version
from nephoscope.localcloud.azure.logs import workspace_of
from nephoscope.localcloud.azure.names import account_id, machine_id
from nephoscope.localcloud.azure.server import Server
from nephoscope.localcloud.azure.tokens import Issuer
from nephoscope.localcloud.azure.world import World
from nephoscope.localcloud.fleet import Fleet

TENANT = "72f988bf-0000-4000-8000-00000000ac3e"
CLIENT_ID = "c11e0000-0000-4000-8000-000000000001"
OBJECT_ID = "0b1ec700-0000-4000-8000-000000000002"
IDENTITY_HEADER = "local-identity-header"


class LocalAzure:
    """A context manager. Up in some tens of milliseconds (the process's first takes the making of a signing key, too).

    fleet: its accounts are subscription ids, its regions Azure's (`westeurope`). object_id, client_id: of the app's one
    managed identity; object_id is the `sub` of its tokens. applications: the registered `api://...` audiences; None =
    any.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        port: int = 0,
        tenant: str = TENANT,
        object_id: str = OBJECT_ID,
        client_id: str = CLIENT_ID,
        applications: Collection[str] | None = None,
    ) -> None:
        self.ledger = Ledger()
        self.faults = Faults()
        self.world = World(fleet, tenant)
        self.issuer = Issuer(tenant)
        where = f"/subscriptions/{(fleet.accounts or (tenant,))[0]}/resourceGroups/nephoscope"
        resource = f"{where}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/nephoscope"
        self.identity = Identity(client_id, object_id, resource, IDENTITY_HEADER)
        self.tokens = TokenService(self.issuer, self.identity, applications)
        self.entra = Entra(self.issuer, self.identity, self.ledger, self.faults)
        self._port = port
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._servers: tuple[Server, Server] | None = None

    @property
    def fleet(self) -> Fleet:
        return self.world.fleet

    @property
    def url(self) -> str:
        """Of Resource Manager, and the origin of everything else. Raises RuntimeError before it is started."""
        return self._running[0].url

    @property
    def certificates(self) -> str:
        """The file with the authority that signed the server's certificate. Raises RuntimeError before the start."""
        if self._folder is None:
            raise RuntimeError("the local Azure is not running")
        return str(Path(self._folder.name, "ca.pem"))

    @property
    def workspace(self) -> str:
        """The id of the one Log Analytics workspace."""
        return workspace_of(self.issuer.tenant)

    def metrics_endpoint(self, region: str) -> str:
        """What stands for `https://<region>.metrics.monitor.azure.com`."""
        return f"{self.url}/{region}"

    def environment(self) -> dict[str, str]:
        """The variables that make a client, or a process of its own, use this Azure and no other. The metrics' endpoint
        has `{region}` where the region's name belongs, the vaults' one `{vault}`."""
        return {
            "IDENTITY_ENDPOINT": self._running[1].url + PATH,
            "IDENTITY_HEADER": self.identity.header,
            "REQUESTS_CA_BUNDLE": self.certificates,
            "NEPHOSCOPE_ENDPOINT_AZURE_MANAGEMENT": self.url,
            "NEPHOSCOPE_ENDPOINT_AZURE_METRICS": self.url + "/{region}",
            "NEPHOSCOPE_ENDPOINT_AZURE_LOGS": self.url,
            "NEPHOSCOPE_ENDPOINT_AZURE_VAULT": self.url + "/{vault}",
            "NEPHOSCOPE_ENDPOINT_AZURE_LOGIN": self.url,
        }

    def jwks(self) -> dict[str, Any]:
        """The keys by which the identity's tokens can be checked."""
        return self.issuer.jwks()

    def token(self, audience: str, *, lifetime: int = 86_400, **claims: Any) -> str:
        """One that the identity endpoint would give, or with other claims, or (a negative lifetime) expired."""
        identity = self.identity
        return self.issuer.issue(audience, identity.object_id, identity.client_id, lifetime=lifetime, **claims)

    def keep_secret(self, vault: str, name: str, value: str, *, enabled: bool = True) -> str:
        """A new version of a secret in a key vault. Returns its id."""
        place = (vault.lower(), name.lower())
        version = Version(value, enabled)
        self.world.secrets[place] = (*self.world.secrets.get(place, ()), version)
        return version.id

    def resource_id(self, fleet_id: str) -> str:
        """Of a machine by the fleet's id, or of a bucket by its name. Raises KeyError."""
        instance = self.fleet.instance(fleet_id)
        if instance:
            return machine_id(instance)
        return account_id({bucket.name: bucket for bucket in self.fleet.buckets}[fleet_id])

    def deny(self, subscription: str) -> None:
        """The identity loses its role in a subscription."""
        self.world.denied.add(subscription)

    def set_time(self, at: float | None) -> None:
        """What time it is for the fleet and its metrics: epoch seconds; None = the clock on the wall. Tokens always
        follow the wall."""
        self.world.set_time(at)

    def reset(self, fleet: Fleet | None = None) -> None:
        """As if just started, with another fleet where one is given: everything called and set is forgotten."""
        self.world.use(fleet or self.fleet)
        self.entra.clear()
        self.faults.clear()
        self.ledger.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Raises OSError when the port is taken."""
        authority = trustme.CA(organization_name="nephoscope local Azure")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        front = Front(self.world, self.issuer, self.ledger, self.faults)

        def answer(request: Request) -> Answer:
            asked = TOKEN_PATH.fullmatch(request.path) if request.method == "POST" else None
            return self.entra.answer(request, asked[1]) if asked else front.answer(request)

        secured = Server(answer, port=self._port, context=context)
        self._folder = tempfile.TemporaryDirectory(prefix="local-azure-")
        authority.cert_pem.write_to_path(self.certificates)
        self._servers = (secured, Server(self.tokens.answer))
        for server in self._servers:
            server.serve()

    def stop(self) -> None:
        for server in self._servers or ():
            server.stop()
        self._servers = None
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    @property
    def _running(self) -> tuple[Server, Server]:
        if self._servers is None:
            raise RuntimeError("the local Azure is not running")
        return self._servers
