"""`${gcp-secret:...}` and `${own-cloud:...}` in Google Secret Manager, over the wire."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from alert_records import VirtualClock
from nephoscope.app.secrets import Secrets, open_secrets
from nephoscope.app.settings import Settings
from nephoscope.clouds.gcp.checksum import crc32c
from nephoscope.localcloud.gcp.faults import Failing, Fault
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.localcloud.gcp.secret_manager import checksum
from nephoscope.localcloud.gcp.versions import State
from nephoscope.model.errors import DeliveryError, Reason

ACCESS = "secretmanager.projects.secrets.versions.access"
CHAT = "${gcp-secret:chat}"
Open = Callable[..., Secrets]


@pytest.fixture
def fresh(gcp: LocalGcp) -> Open:
    """A function's new process in the project acme-web."""

    def opened(clock: VirtualClock | None = None, project: str = "acme-web") -> Secrets:
        settings = Settings(clouds=("gcp",), account=project, endpoints={"gcp_secrets": gcp.url})
        return open_secrets(settings, {}, clock or VirtualClock())

    return opened


def refused(secrets: Secrets, reference: str = CHAT) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        secrets.read_secret(reference)
    error = caught.value
    assert (error.destination, error.__context__) == (reference, None)
    return error


def calls(gcp: LocalGcp) -> int:
    return sum(entry.action == ACCESS for entry in gcp.ledger.entries())


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("${gcp-secret:chat}", "new"),
        ("${gcp-secret:chat/versions/1}", "old"),
        ("${gcp-secret:chat/versions/latest}", "new"),
        ("${gcp-secret:projects/acme-web/secrets/chat}", "new"),
        ("${gcp-secret:projects/acme-data/secrets/chat}", "of another project"),
        ("${gcp-secret:projects/acme-data/secrets/chat/versions/1}", "of another project"),
        ("${gcp-secret:robot#signing-key}", "whsec_a"),
        ("${own-cloud:chat}", "new"),
        ("${own-cloud:robot#url}", "https://robot.test/"),
    ],
)
def test_each_form_of_a_reference(gcp: LocalGcp, fresh: Open, reference: str, value: str) -> None:
    gcp.keep_secret("chat", "old")
    gcp.keep_secret("chat", " new\n")
    gcp.keep_secret("chat", "of another project", project="acme-data")
    gcp.keep_secret("robot", '{"url": "https://robot.test/", "signing-key": "whsec_a"}')
    secret = fresh().read_secret(reference)
    assert (secret.reveal(), repr(secret)) == (value, "Secret(***)")


def test_a_value_is_kept_for_five_minutes(gcp: LocalGcp, fresh: Open) -> None:
    gcp.keep_secret("chat", "old")
    clock = VirtualClock()
    secrets = fresh(clock)
    assert secrets.read_secret(CHAT).reveal() == "old"
    gcp.keep_secret("chat", "new")
    clock.ticks += 299
    assert secrets.read_secret(CHAT).reveal() == "old"
    clock.ticks += 2
    assert secrets.read_secret(CHAT).reveal() == "new"
    assert calls(gcp) == 2


def test_threads_that_want_the_same_ask_once(gcp: LocalGcp, fresh: Open) -> None:
    gcp.keep_secret("robot", '{"url": "u", "key": "k"}')
    secrets = fresh()
    wanted = ["${gcp-secret:robot#url}", "${gcp-secret:robot#key}"] * 8
    with ThreadPoolExecutor(16) as pool:
        values = [secret.reveal() for secret in pool.map(secrets.read_secret, wanted)]
    assert (values, calls(gcp)) == (["u", "k"] * 8, 1)


# --- what is not there --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.DISABLED, State.DESTROYED])
def test_a_version_that_is_disabled_or_destroyed(gcp: LocalGcp, fresh: Open, state: State) -> None:
    gcp.keep_secret("chat", "old")
    gcp.keep_secret("chat", "new", state=state)
    error = refused(fresh())
    assert (error.reason, error.detail) == (Reason.SECRET_MISSING, "that version is disabled or destroyed")
    assert fresh().read_secret("${gcp-secret:chat/versions/1}").reveal() == "old"


@pytest.mark.parametrize("reference", [CHAT, "${gcp-secret:robot/versions/7}", "${own-cloud:chat}"])
def test_a_secret_or_version_that_is_missing_is_not_remembered_as_such(
    gcp: LocalGcp, fresh: Open, reference: str
) -> None:
    gcp.keep_secret("robot", "r")
    secrets = fresh()
    error = refused(secrets, reference)
    assert (error.reason, error.detail) == (Reason.SECRET_MISSING, "there is no such secret or version")
    assert not error.retryable
    for _ in range(7):
        gcp.keep_secret("robot", "there")
    gcp.keep_secret("chat", "there")
    assert secrets.read_secret(reference).reveal() == "there"


def test_the_own_project_must_be_known(fresh: Open) -> None:
    error = refused(fresh(project=""))
    assert error.reason is Reason.SECRET_MISSING
    assert "NEPHOSCOPE_ACCOUNT" in error.detail


@pytest.mark.parametrize(
    ("content", "reference", "reason", "detail"),
    [
        (b"\xff\xfe", CHAT, Reason.MALFORMED, "the secret is no text"),
        (b" \n", CHAT, Reason.SECRET_MISSING, "the secret is empty"),
        (b"{", "${gcp-secret:chat#a}", Reason.SECRET_MISSING, "the secret is no JSON object with a text under a"),
        (b'{"a": 1}', "${gcp-secret:chat#a}", Reason.SECRET_MISSING,
         "the secret is no JSON object with a text under a"),
    ],
)  # fmt: skip
def test_what_cannot_be_used(
    gcp: LocalGcp, fresh: Open, content: bytes, reference: str, reason: Reason, detail: str
) -> None:
    gcp.keep_secret("chat", content)
    error = refused(fresh(), reference)
    assert (error.reason, error.detail) == (reason, detail)


# --- faults -------------------------------------------------------------------------------------------------------


def test_the_permission_that_is_not_granted_is_named(gcp: LocalGcp, fresh: Open) -> None:
    gcp.keep_secret("chat", "x")
    gcp.world.permissions = frozenset({"compute.instances.list"})
    error = refused(fresh())
    assert (error.reason, error.retryable) == (Reason.DENIED, False)
    assert error.detail == "secretmanager.versions.access is not granted, or there is no such secret"


def test_an_api_that_is_switched_off_is_named_with_what_switches_it_on(gcp: LocalGcp, fresh: Open) -> None:
    gcp.faults.add(Fault(Failing.DISABLED, ACCESS))
    error = refused(fresh())
    assert error.reason is Reason.DENIED
    assert error.detail.endswith("gcloud services enable secretmanager.googleapis.com --project acme-web")


def test_throttled_is_left_to_the_outbox_with_the_wait_that_google_asks_for(gcp: LocalGcp, fresh: Open) -> None:
    gcp.keep_secret("chat", "x")
    gcp.faults.add(Fault(Failing.THROTTLE, ACCESS, seconds=7))
    error = refused(fresh())
    assert (error.reason, error.retryable, error.retry_after) == (Reason.THROTTLED, True, 7.0)
    assert calls(gcp) == 1


PASSING = [
    (Failing.CORRUPT, Reason.MALFORMED, "the secret came with a wrong checksum"),
    (Failing.MALFORMED, Reason.MALFORMED, "the answer is no JSON"),
    (Failing.UNAVAILABLE, Reason.UNAVAILABLE, ""),
    (Failing.ERROR, Reason.UNAVAILABLE, ""),
    (Failing.CUT, Reason.UNAVAILABLE, ""),
]


@pytest.mark.parametrize(("failing", "reason", "detail"), PASSING)
def test_what_may_pass_is_tried_once_more_and_then_left_to_the_outbox(
    gcp: LocalGcp, fresh: Open, failing: Failing, reason: Reason, detail: str
) -> None:
    gcp.keep_secret("chat", "https://chat.test/")
    gcp.faults.add(Fault(failing, ACCESS, calls=1))
    assert fresh().read_secret(CHAT).reveal() == "https://chat.test/"
    gcp.faults.clear()
    gcp.faults.add(Fault(failing, ACCESS))
    error = refused(fresh())
    assert (error.reason, error.detail, error.retryable) == (reason, detail, True)


def test_a_token_that_has_ended_is_renewed(gcp: LocalGcp, fresh: Open) -> None:
    gcp.keep_secret("chat", "x")
    gcp.keep_secret("other", "y")
    secrets = fresh()
    assert secrets.read_secret(CHAT).reveal() == "x"
    gcp.world.tokens.expire()
    assert secrets.read_secret("${gcp-secret:other}").reveal() == "y"


# --- the checksum -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("summed", [crc32c, checksum], ids=["ours", "the local cloud's"])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_crc_32c_as_rfc_3720_has_it(summed: Callable[[bytes], int], data: bytes, expected: int) -> None:
    """Appendix B.4; its bytes stand there in the order of the wire."""
    assert summed(data) == expected
