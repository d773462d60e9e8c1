"""Azure read by a function of AWS: a token that AWS signs for the function's role, azure-identity's own exchange of it,
and every way in which it may be refused, as gaps that name what was refused."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.aws import outbound
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.azure.entra import ACTION, FederatedCredential
from nephoscope.localcloud.azure.local import CLIENT_ID, TENANT, LocalAzure
from nephoscope.localcloud.curves import Measure
from nephoscope.model.config import AzureFederation, Config, Gather, GatherAzure, PublishCloudWatch
from nephoscope.model.errors import Reason
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.secret import Secret
from nephoscope.model.series import Gap, SeriesRequest
from nephoscope.model.time import Deadline
from nephoscope.ports import Clock, CloudReader, IdentityReader

NOON = 1_795_435_200
WEB = "11111111-aaaa-4000-8000-000000000001"
WEST = Scope(Cloud.AZURE, WEB, "westeurope")
ACCOUNT = "111111111111"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/nephoscope-prod-eu-central-1-collect"
TRUSTED = FederatedCredential(outbound.issuer_of(ACCOUNT), ROLE)
ENTRY = AzureFederation(TENANT, CLIENT_ID)
SIGN = "sts:GetWebIdentityToken"
CATALOG = load_catalog()


def config_for(entry: AzureFederation = ENTRY) -> Config:
    return Config("acme", Gather(azure=GatherAzure((WEB,), from_aws=entry)), PublishCloudWatch("eu-west-1", "acme"))


CONFIG = config_for()


class SystemClock:
    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class AheadClock(SystemClock):
    """The machine's own, put forward by hand."""

    ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def entra(azure: LocalAzure, fleet_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAzure:
    """An Azure that trusts the role of a Lambda, and a process that has nothing but that role's keys."""
    azure.entra.trust(TRUSTED, outbound.jwks())
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.delenv(name)
    for name, value in fleet_aws.world.sessions.enter(ROLE, "nephoscope-prod-collect").items():
        monkeypatch.setenv(name, value)
    return azure


def open_reader(
    config: Config = CONFIG, guest: IdentityReader | None = None, clock: Clock | None = None
) -> CloudReader:
    settings = replace(Settings.from_environment(os.environ), runs_in="aws", clouds=("aws", "azure"))
    guest = guest or wire("identity", "aws")(settings)
    opened: CloudReader = wire("cloud", "azure")(config, settings, CATALOG, clock or SystemClock(), None, guest)
    return opened


def soon() -> Deadline:
    return Deadline(time.monotonic() + 30, time.monotonic)


def request_for(azure: LocalAzure) -> tuple[SeriesRequest, Any]:
    """CPU of a machine that ran through the last quarter of an hour."""
    source = CATALOG.metrics["cpu.utilization"].sources[Cloud.AZURE]
    minutes = range(NOON - 900, NOON - 300, 60)
    machine = next(
        each
        for each in azure.fleet.members(WEB, WEST.region)
        if all(azure.fleet.value(each.id, Measure.CPU, at) for at in minutes)
    )
    name = azure.resource_id(machine.id).lower()
    return SeriesRequest(name, "cpu.utilization", source, source.period, minutes.start, minutes.stop), machine


def test_instances_and_metrics_are_read_with_aws_keys_alone(entra: LocalAzure, fleet_aws: LocalAws) -> None:
    reader = open_reader()
    found = reader.read_scopes(CONFIG, soon())
    assert (found.gaps, WEST in found.scopes) == ((), True)
    inventory = reader.read_inventory(WEST, CONFIG, soon())
    assert (inventory.gaps, inventory.complete) == ((), {Kind.INSTANCE})
    assert inventory.resources
    request, machine = request_for(entra)
    readings = reader.read_series(WEST, CONFIG, [request], soon())
    (series,) = readings.series
    assert readings.gaps == ()
    load = [entra.fleet.value(machine.id, Measure.CPU, at) for at in series.times]
    assert list(series.values) == pytest.approx(load, rel=0.01)
    # a token for Resource Manager and one for the metrics, each with an assertion of its own
    assert (entra.ledger.calls(ACTION), fleet_aws.ledger.calls(SIGN)) == (2, 2)
    assert {entry.principal for entry in fleet_aws.ledger.entries(SIGN)} == {ROLE}
    assert {entry.principal for entry in entra.ledger.entries()} == {entra.identity.object_id}


def refused(config: Config = CONFIG, guest: IdentityReader | None = None) -> Gap:
    """The one gap of a first look."""
    found = open_reader(config, guest).read_scopes(config, soon())
    (gap,) = found.gaps
    return gap


PREFIX = f"no token for client {CLIENT_ID} in tenant {TENANT}: "


@pytest.mark.parametrize(
    ("trusted", "said"),
    [
        (replace(TRUSTED, subject=ROLE.replace("collect", "work")),
         f"AADSTS700213: No matching federated identity record found for presented assertion subject '{ROLE}'."),
        (replace(TRUSTED, subject=ROLE.upper()),
         f"AADSTS7002138: No matching federated identity record found for presented assertion subject '{ROLE}'."),
        (replace(TRUSTED, issuer=outbound.issuer_of("222222222222")),
         f"AADSTS700211: No matching federated identity record found for presented assertion issuer "
         f"'{outbound.issuer_of(ACCOUNT)}'."),
        (replace(TRUSTED, audience="api://another"),
         "AADSTS7002121: No matching federated identity record found for presented assertion audience "
         "'api://AzureADTokenExchange'."),
    ],
    ids=["another role", "another case", "another account", "another audience"],
)  # fmt: skip
def test_a_federated_credential_that_does_not_fit_is_named(
    entra: LocalAzure, trusted: FederatedCredential, said: str
) -> None:
    entra.entra.clear()
    entra.entra.trust(trusted, outbound.jwks())
    gap = refused()
    assert gap.reason is Reason.DENIED
    assert gap.detail.startswith((PREFIX + said)[:300])
    assert "Trace ID" not in gap.detail


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (replace(ENTRY, client="c11e0000-0000-4000-8000-00000000000f"), "AADSTS700016: Application with identifier "),
        (replace(ENTRY, tenant="72f988bf-0000-4000-8000-00000000000f"), "AADSTS90002: Tenant "),
    ],
)
def test_so_is_an_application_or_a_tenant_that_is_not_there(
    entra: LocalAzure, entry: AzureFederation, said: str
) -> None:
    gap = refused(config_for(entry))
    assert (gap.reason, gap.detail.partition(": ")[2].startswith(said)) == (Reason.DENIED, True), gap.detail


class Guest:
    """ports.IdentityReader that hands out what it is told to."""

    def __init__(self, token: str) -> None:
        self._token = token

    def read_token(self, audience: str) -> Secret:
        return Secret(self._token)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {"iss": TRUSTED.issuer, "sub": ROLE, "aud": TRUSTED.audience, "iat": now, "exp": now + 300}
    return said | changes


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: outbound.sign(claims(), key=_another_key()), "AADSTS700027: Client assertion contains an invalid"),
        (lambda: outbound.sign(claims(), "ES384"), "AADSTS700027: Client assertion contains an invalid"),
        (lambda: outbound.sign(claims(exp=int(time.time()) - 3600)), "AADSTS700024: Client assertion is not within"),
        (lambda: outbound.sign(claims(iat=int(time.time()) + 3600)), "AADSTS700024: Client assertion is not within"),
        (lambda: "no token", "AADSTS50027: JWT token is invalid or malformed."),
    ],
    ids=["forged", "another algorithm", "expired", "not yet", "no token"],
)
def test_an_assertion_that_is_not_aws_is_refused(entra: LocalAzure, make: Callable[[], str], said: str) -> None:
    token = make()
    gap = refused(guest=Guest(token))
    assert (gap.reason, gap.detail.startswith(PREFIX + said)) == (Reason.DENIED, True), gap.detail
    assert token not in gap.detail or token == "no token"


def _another_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(65_537, 2048)


def test_a_token_that_aws_does_not_give_is_aws_gap(entra: LocalAzure, fleet_aws: LocalAws) -> None:
    fleet_aws.world.sessions.outbound.disabled.add(ACCOUNT)
    gap = refused()
    assert (gap.operation, gap.reason) == (SIGN, Reason.DENIED)
    assert "aws iam enable-outbound-web-identity-federation" in gap.detail
    assert entra.ledger.calls(ACTION) == 0


def test_an_exchange_that_is_out_of_order_is_tried_once_a_run_and_again_in_the_next(entra: LocalAzure) -> None:
    """Twice by azure-identity itself, for all threads and all of our own tries together."""
    entra.faults.add(Fault(Failing.UNAVAILABLE, ACTION))
    clock = AheadClock()
    reader = open_reader(clock=clock)
    with ThreadPoolExecutor(3) as pool:
        inventories = list(pool.map(lambda _: reader.read_inventory(WEST, CONFIG, soon()), range(3)))
    assert {(gap.reason, gap.detail) for each in inventories for gap in each.gaps} == {
        (Reason.UNAVAILABLE, "Entra's token endpoint does not answer as it should")
    }
    assert entra.ledger.calls(ACTION) == 2
    entra.faults.clear()
    clock.ahead = 60
    assert reader.read_inventory(WEST, CONFIG, soon()).gaps == ()


def test_a_token_is_renewed_before_its_end(entra: LocalAzure) -> None:
    """azure-identity asks five minutes ahead, and not twice in thirty seconds."""
    entra.entra.lifetime = 200
    reader = open_reader()
    assert reader.read_scopes(CONFIG, soon()).gaps == ()
    before = entra.ledger.calls(ACTION)
    credential: Any = reader._sessions._credential  # type: ignore[attr-defined]
    credential._inner._last_request_time -= 31
    assert reader.read_scopes(CONFIG, soon()).gaps == ()
    assert entra.ledger.calls(ACTION) == before + 1


def test_no_secret_stands_in_a_gap_or_in_the_log(
    entra: LocalAzure, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tokens: list[str] = []

    class Remembering:
        def read_token(self, audience: str) -> Secret:
            token: Secret = wire("identity", "aws")(Settings.from_environment(os.environ)).read_token(audience)
            tokens.append(token.reveal())
            return token

    caplog.set_level("INFO")  # a person who asks azure-identity for DEBUG is told to expect more
    entra.entra.clear()
    entra.entra.trust(replace(TRUSTED, subject="another"), outbound.jwks())
    said = refused(guest=Remembering()).detail + caplog.text
    assert tokens
    assert not any(token in said or token.rpartition(".")[2] in said for token in tokens)
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in said


def test_at_home_the_function_is_its_own_identity(azure: LocalAzure) -> None:
    """A function of Azure's reads the same configuration, and needs no other cloud for it."""
    reader: CloudReader = wire("cloud", "azure")(
        CONFIG, Settings.from_environment(os.environ), CATALOG, SystemClock(), None, None
    )
    assert reader.read_inventory(WEST, CONFIG, soon()).gaps == ()
    assert azure.ledger.calls(ACTION) == 0
