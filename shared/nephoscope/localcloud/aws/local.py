"""The local AWS in one piece: a fleet, ministack, and the front that every SDK talks to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from nephoscope.localcloud.aws.backend import Backend
from nephoscope.localcloud.aws.faults import Faults
from nephoscope.localcloud.aws.front import Front
from nephoscope.localcloud.aws.ledger import Ledger
from nephoscope.localcloud.aws.ministack import HOME_ACCOUNT, HOME_REGION, Ministack, open_client, sdk_environment
from nephoscope.localcloud.aws.policy import Policies
from nephoscope.localcloud.aws.server import FrontServer
from nephoscope.localcloud.aws.world import World
from nephoscope.localcloud.fleet import Fleet


class LocalAws:
    """A context manager. The Lambdas that ministack runs see the same front by AWS_ENDPOINT_URL.

    with_ministack: without it only what the front answers itself is there (EC2 listings, CloudWatch, S3's listing, STS,
    tags), up in a few milliseconds. auth: ministack checks signatures and identity policies of what it answers.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        port: int = 0,
        region: str = HOME_REGION,
        with_ministack: bool = True,
        auth: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.region = region
        self.ledger = Ledger()
        self.faults = Faults()
        self.policies = Policies()
        self.world = World(fleet)
        self.ministack: Ministack | None = None
        self._with_ministack = with_ministack
        self._auth = auth
        self._settings = settings
        self._port = port
        self._server: FrontServer | None = None
        self._backend: Backend | None = None

    @property
    def fleet(self) -> Fleet:
        return self.world.fleet

    @property
    def url(self) -> str:
        """Raises RuntimeError before it is started."""
        if self._server is None:
            raise RuntimeError("the local AWS is not running")
        return self._server.url

    def environment(self, account: str = HOME_ACCOUNT) -> dict[str, str]:
        """The variables that make an SDK, or a process of its own, use this AWS and no other."""
        return sdk_environment(self.url, account, self.region)

    def client(self, service: str, region: str = "", account: str = HOME_ACCOUNT) -> Any:
        """A boto3 client for `service` here, as `account`."""
        return open_client(self.url, service, region or self.region, account)

    def set_time(self, at: float | None) -> None:
        """What time it is for the fleet and its metrics: epoch seconds; None = the clock on the wall."""
        self.world.set_time(at)

    def reset(self, fleet: Fleet | None = None) -> None:
        """As if just started, with another fleet where one is given: everything put, called and set is forgotten."""
        self.world.use(fleet or self.fleet)
        self.faults.clear()
        self.policies.clear()
        if self.ministack:
            self.ministack.reset()
        self.ledger.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Raises MinistackError, or OSError when the port is taken."""
        self._server = FrontServer(self._port)
        if self._with_ministack:
            self.ministack = Ministack(
                sdk_url=self._server.url, region=self.region, auth=self._auth, settings=self._settings
            )
            try:
                self.ministack.start()
            except BaseException:
                self._server.server_close()
                raise
            self._backend = Backend(self.ministack.port)
        self._server.serve(Front(self.world, self.ledger, self.faults, self.policies, self._backend))

    def stop(self) -> None:
        if self._server:
            self._server.stop()
        if self._backend:
            self._backend.close()
        if self.ministack:
            self.ministack.stop()
