"""Google Cloud read by a function of AWS: google-auth's own signing, the exchange with real checks on both sides, and
every way in which it may be refused, as gaps that name what was refused."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from google.auth.compute_engine import _metadata

from nephoscope.app.settings import Settings
from nephoscope.app.wiring import wire
from nephoscope.catalog.loader import load_catalog
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.curves import Measure
from nephoscope.localcloud.fleet import Power
from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.gcp.faults import Failing, Fault
from nephoscope.localcloud.gcp.federation import Provider
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.model.config import Config, Gather, GatherGcp, GcpFederation, PublishCloudWatch
from nephoscope.model.errors import Reason
from nephoscope.model.resource import Kind
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import SeriesRequest
from nephoscope.model.time import Deadline
from nephoscope.ports import Clock, CloudReader

NOON = 1_795_435_200
ACCOUNT = "111111111111"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/nephoscope-prod-eu-central-1-collect"
POOL = "projects/123456789012/locations/global/workloadIdentityPools/nephoscope"
PROVIDER = Provider(f"{POOL}/providers/aws-lambda", ACCOUNT, frozenset({"nephoscope-prod-eu-central-1-collect"}))
WEB = Scope(Cloud.GCP, "acme-web", "europe-west1")
ENTRY = GcpFederation(PROVIDER.name, names.account_email("acme-web"))
CONFIG = Config(
    fleet="acme",
    gather=Gather(gcp=GatherGcp(("acme-web",), from_aws=ENTRY)),
    publish=PublishCloudWatch("eu-central-1", "acme"),
)


class SystemClock:
    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture
def google(gcp: LocalGcp, fleet_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalGcp:
    """A Google that trusts the role of a Lambda, and a process that has nothing but that role's keys."""
    gcp.federate(fleet_aws.url, PROVIDER)
    for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", "127.0.0.1:9")
    for name, value in fleet_aws.world.sessions.enter(ROLE, "nephoscope-prod-collect").items():
        monkeypatch.setenv(name, value)
    return gcp


class AheadClock(SystemClock):
    """The machine's own, put forward by hand."""

    ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


def open_reader(config: Config = CONFIG, clock: Clock | None = None) -> CloudReader:
    settings = replace(Settings.from_environment(os.environ), runs_in="aws", clouds=("aws", "gcp"))
    guest = wire("identity", "aws")(settings)
    opened: CloudReader = wire("cloud", "gcp")(config, settings, load_catalog(), clock or SystemClock(), None, guest)
    return opened


def soon() -> Deadline:
    return Deadline(time.monotonic() + 20, time.monotonic)


def test_instances_and_metrics_are_read_with_aws_keys_alone(google: LocalGcp, fleet_aws: LocalAws) -> None:
    reader = open_reader()
    found = reader.read_scopes(CONFIG, soon())
    assert (found.gaps, WEB in found.scopes) == ((), True)
    inventory = reader.read_inventory(WEB, CONFIG, soon())
    assert inventory.gaps == ()
    assert inventory.complete == {Kind.INSTANCE}
    expected = google.fleet.instances_at(NOON, WEB.account, WEB.region)
    assert {machine.id for machine in inventory.resources} == {names.machine_id(each.instance) for each in expected}

    machine = next(
        each.instance for each in expected if google.fleet.power(each.instance, NOON - 3600) is Power.RUNNING
    )
    source = load_catalog().metrics["cpu.utilization"].sources[Cloud.GCP]
    request = SeriesRequest(names.machine_id(machine), "cpu.utilization", source, 60, NOON - 840, NOON - 240)
    readings = reader.read_series(WEB, CONFIG, [request], soon())
    (series,) = readings.series
    assert readings.gaps == ()
    truth = [google.fleet.value(machine.id, Measure.CPU, at) for at in range(NOON - 840, NOON - 240, 60)]
    assert list(series.values) == pytest.approx(truth, rel=0.001)
    # one exchange for all of it, and what it read it read as the service account
    assert [google.ledger.calls(each) for each in ("sts.token", "iamcredentials.generateAccessToken")] == [1, 1]
    readers = {
        entry.principal for entry in google.ledger.entries() if entry.action.startswith(("compute", "monitoring"))
    }
    assert readers == {ENTRY.service_account}
    assert [entry.principal for entry in fleet_aws.ledger.entries("sts:GetCallerIdentity")] == [ROLE]


def refused(config: Config = CONFIG) -> str:
    """The one gap of a first look, by its reason and its words."""
    found = open_reader(config).read_scopes(config, soon())
    assert found.scopes == (Scope(Cloud.GCP, "acme-web", "global"),)  # so that somebody is told
    (gap,) = found.gaps
    assert gap.scope.account == "acme-web"
    return f"{gap.reason}: {gap.detail}"


def with_entry(**changes: str) -> Config:
    return replace(CONFIG, gather=Gather(gcp=GatherGcp(("acme-web",), from_aws=replace(ENTRY, **changes))))


OTHER_ROLE = "nephoscope-prod-eu-central-1-other"


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (replace(PROVIDER, roles=frozenset({OTHER_ROLE})),
         "denied: no token: unauthorized_client: The given credential is rejected by the attribute condition. "
         f"Asked of {PROVIDER.name}"),
        (replace(PROVIDER, account="222222222222"),
         f"denied: no token: invalid_grant: The AWS account 111111111111 is not the one of the provider. Asked of "
         f"{PROVIDER.name}"),
        (replace(PROVIDER, disabled=True), "denied: no token: invalid_target: The target service indicated by the"),
        (replace(PROVIDER, name=f"{POOL}/providers/another"), "denied: no token: invalid_target: The target service"),
    ],
    ids=["another role", "another account", "switched off", "another provider"],
)  # fmt: skip
def test_a_provider_that_does_not_let_it_in_is_named(
    google: LocalGcp, fleet_aws: LocalAws, provider: Provider, said: str
) -> None:
    google.world.federation.clear()
    google.federate(fleet_aws.url, provider)
    assert refused().startswith(said)
    assert google.ledger.calls("iamcredentials.generateAccessToken") == 0


def test_a_service_account_that_the_pool_may_not_become_is_named(google: LocalGcp) -> None:
    other = "somebody@acme-web.iam.gserviceaccount.test"
    assert refused(with_entry(service_account=other)) == (
        f"denied: no token: {other}: the pool may not become it: it needs roles/iam.workloadIdentityUser there"
    )
    assert google.ledger.calls("sts.token") == 1


def test_a_member_of_the_pool_under_another_role_may_not_either(google: LocalGcp, fleet_aws: LocalAws) -> None:
    """The provider has no condition; the binding alone says who."""
    google.world.federation.clear()
    google.federate(fleet_aws.url, replace(PROVIDER, roles=frozenset({OTHER_ROLE})))
    google.world.federation.providers[PROVIDER.name] = replace(PROVIDER, roles=None)
    assert "the pool may not become it" in refused()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (
            "AWS_SECRET_ACCESS_KEY",
            "stolen",
            "invalid_grant: Received invalid AWS response of type SignatureDoesNotMatch",
        ),
        ("AWS_SESSION_TOKEN", "stolen", "invalid_grant: Received invalid AWS response of type InvalidClientTokenId"),
        ("AWS_ACCESS_KEY_ID", "", "AWS's keys are not in the environment (AWS_ACCESS_KEY_ID, "),
    ],
)
def test_keys_that_are_none_are_told(
    google: LocalGcp, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert refused().startswith(f"denied: no token: {said}")


def test_an_exchange_that_is_out_of_order_is_tried_once_a_run_and_again_in_the_next(google: LocalGcp) -> None:
    google.faults.add(Fault(Failing.UNAVAILABLE, "sts.token"))
    clock = AheadClock()
    reader = open_reader(clock=clock)
    (gap,) = reader.read_scopes(CONFIG, soon()).gaps
    assert (gap.reason, gap.detail) == (
        Reason.UNAVAILABLE,
        f"no token: the exchange for {PROVIDER.name} is not answered as it should be",
    )
    assert reader.read_inventory(WEB, CONFIG, soon()).gaps[0].reason is Reason.UNAVAILABLE
    assert google.ledger.calls("sts.token") == 1
    google.faults.clear()
    clock.ahead = 60
    assert reader.read_scopes(CONFIG, soon()).gaps == ()


def test_an_exchange_that_does_not_answer_costs_seconds_and_not_the_run(
    google: LocalGcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nephoscope.clouds.gcp.federation.TOKEN_SECONDS", 0.3)
    google.faults.add(Fault(Failing.SLOW, "sts.token", seconds=1.0))
    reader = open_reader()
    with ThreadPoolExecutor(8) as pool:
        inventories = list(pool.map(lambda _: reader.read_inventory(WEB, CONFIG, soon()), range(8)))
    assert {gap.reason for each in inventories for gap in each.gaps} == {Reason.UNAVAILABLE}
    time.sleep(1.0)  # until Google has answered whatever it was asked
    assert google.ledger.calls("sts.token") == 1


def test_a_token_is_renewed_before_its_end(google: LocalGcp) -> None:
    """google-auth asks 3 minutes and 45 seconds ahead; these live for three."""
    google.world.tokens.seconds = 180
    reader = open_reader()
    for _ in range(2):
        assert reader.read_inventory(WEB, CONFIG, soon()).gaps == ()
    assert google.ledger.calls("iamcredentials.generateAccessToken") >= 2
    assert google.ledger.calls("sts.token") >= 2


def test_a_renewal_that_fails_leaves_the_token_that_is_still_good(
    google: LocalGcp, caplog: pytest.LogCaptureFixture
) -> None:
    google.world.tokens.seconds = 180
    reader = open_reader()
    assert reader.read_inventory(WEB, CONFIG, soon()).gaps == ()
    google.faults.add(Fault(Failing.UNAVAILABLE, "sts.token"))
    assert reader.read_inventory(WEB, CONFIG, soon()).gaps == ()
    assert "the token for Google is still good and was not renewed: " in caplog.text


def test_tokens_that_google_takes_back_are_a_gap_until_new_ones_are_given(
    google: LocalGcp, fleet_aws: LocalAws
) -> None:
    """The pool's own token too, which google-auth keeps and believes in for an hour."""
    clock = AheadClock()
    reader = open_reader(clock=clock)
    assert reader.read_inventory(WEB, CONFIG, soon()).gaps == ()
    google.world.tokens.expire()
    google.world.federation.clear()
    (gap,) = reader.read_inventory(WEB, CONFIG, soon()).gaps
    assert gap.reason is Reason.DENIED
    google.federate(fleet_aws.url, PROVIDER)
    clock.ahead = 60
    assert reader.read_inventory(WEB, CONFIG, soon()).gaps == ()


def test_no_secret_stands_in_a_gap_or_in_the_log(
    google: LocalGcp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    google.world.federation.members.clear()
    said = refused() + caplog.text
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        assert os.environ[name] not in said
    assert not any(token in said for token in google.world.tokens._granted)


def test_at_home_the_function_is_its_own_service_account(gcp: LocalGcp) -> None:
    """A function of Google's reads the same configuration, and needs no other cloud for it."""
    reader: CloudReader = wire("cloud", "gcp")(
        CONFIG, Settings.from_environment(os.environ), load_catalog(), SystemClock(), None, None
    )
    assert reader.read_inventory(WEB, CONFIG, soon()).gaps == ()
    assert gcp.ledger.calls("metadata.token") == 1
    assert gcp.ledger.calls("sts.token") == 0
