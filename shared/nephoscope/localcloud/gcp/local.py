"""The local Google in one piece: a fleet, and the addresses that Google's own clients are pointed at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from nephoscope.localcloud.aws.ledger import Ledger
from nephoscope.localcloud.fleet import Fleet
from nephoscope.localcloud.gcp import authority, names
from nephoscope.localcloud.gcp.faults import Faults
from nephoscope.localcloud.gcp.federation import Provider
from nephoscope.localcloud.gcp.gate import Gate
from nephoscope.localcloud.gcp.monitoring import Monitoring
from nephoscope.localcloud.gcp.rest import Rest
from nephoscope.localcloud.gcp.server import RestServer
from nephoscope.localcloud.gcp.tokens import jwks, sign
from nephoscope.localcloud.gcp.versions import State, Version
from nephoscope.localcloud.gcp.world import World


class LocalGcp:
    """A context manager. The fleet's accounts are its projects.

    project: whose service account the callers run as; its first account where none is named. It may read every project
    of the fleet, as far as `world.permissions` goes. faults, ledger: what goes wrong on purpose, and what was called.
    """

    def __init__(self, fleet: Fleet, *, project: str = "", port: int = 0, monitoring_port: int = 0) -> None:
        self.ledger = Ledger()
        self.faults = Faults()
        self.world = World(fleet, project or next(iter(fleet.accounts), "nephoscope-local"))
        self._ports = (port, monitoring_port)
        self._rest: RestServer | None = None
        self._monitoring: Monitoring | None = None

    @property
    def fleet(self) -> Fleet:
        return self.world.fleet

    @property
    def project(self) -> str:
        return self.world.project

    @property
    def host(self) -> str:
        """127.0.0.1:port of everything but Monitoring. Raises RuntimeError before it is started."""
        if self._rest is None:
            raise RuntimeError("the local Google is not running")
        return self._rest.host

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def monitoring_host(self) -> str:
        """127.0.0.1:port of Cloud Monitoring, TLS. Raises RuntimeError before it is started."""
        if self._monitoring is None:
            raise RuntimeError("the local Google is not running")
        return self._monitoring.host

    def environment(self) -> dict[str, str]:
        """The variables that make a process use this Google and no other. google-auth reads the metadata server's when
        it is first imported, gRPC the roots when it opens its first secure channel."""
        return {
            "GCE_METADATA_HOST": self.host,
            "GCE_METADATA_IP": self.host,
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(authority.roots_file()),
            "GOOGLE_CLOUD_PROJECT": self.project,
            "CLOUDSDK_CONFIG": str(authority.directory()),
            "NEPHOSCOPE_ENDPOINT_GCP_COMPUTE": self.url,
            "NEPHOSCOPE_ENDPOINT_GCP_STORAGE": self.url,
            "NEPHOSCOPE_ENDPOINT_GCP_ASSETS": self.url,
            "NEPHOSCOPE_ENDPOINT_GCP_MONITORING": self.monitoring_host,
            "NEPHOSCOPE_ENDPOINT_GCP_SECRETS": self.url,
            "NEPHOSCOPE_ENDPOINT_GCP_STS": self.url,
            "NEPHOSCOPE_ENDPOINT_GCP_IAM": self.url,
        }

    def keep_secret(self, name: str, data: bytes | str, *, project: str = "", state: State = State.ENABLED) -> int:
        """A new version of a secret, of the own project where none is named. Returns its number."""
        place = (project or self.project, name)
        content = data.encode() if isinstance(data, str) else data
        self.world.secrets[place] = (*self.world.secrets.get(place, ()), Version(content, state))
        return len(self.world.secrets[place])

    def federate(self, aws: str, provider: Provider, service_account: str = "") -> None:
        """Let in who comes by the provider, as the service account (its own where none is named). aws: the address of
        the AWS that says who they are."""
        self.world.federation.aws = aws
        self.world.federation.trust(provider, service_account or names.account_email(self.project))

    def set_time(self, at: float | None) -> None:
        """What time it is for the fleet and its metrics: epoch seconds; None = the clock on the wall. Tokens follow the
        clock on the wall, as their holders do."""
        self.world.set_time(at)

    def reset(self, fleet: Fleet | None = None) -> None:
        """As if just started, with another fleet where one is given: everything set, called and granted is forgotten.
        The project stays."""
        self.world.use(fleet or self.fleet)
        self.world.tokens.seconds = 3600
        self.faults.clear()
        self.ledger.clear()

    def jwks(self) -> dict[str, Any]:
        """The key set (RFC 7517) that checks this Google's ID tokens."""
        return jwks()

    def sign_identity(self, claims: Mapping[str, Any]) -> str:
        """An ID token that says whatever is wanted, truly signed: for what a verifier must refuse all the same."""
        return sign(claims)

    @property
    def service_account(self) -> dict[str, str]:
        """`email`, and `unique_id`: what azp and sub of its ID tokens say."""
        return {"email": names.account_email(self.project), "unique_id": names.account_number(self.project)}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Raises OSError or RuntimeError when a port is taken."""
        gate = Gate(self.world, self.ledger, self.faults)
        self._rest = RestServer(Rest(self.world, gate), self._ports[0])
        try:
            self._monitoring = Monitoring(self.world, gate, self._ports[1])
        except BaseException:
            self._rest.server_close()
            raise
        self._rest.start()

    def stop(self) -> None:
        if self._monitoring:
            self._monitoring.stop()
        if self._rest:
            self._rest.stop()
