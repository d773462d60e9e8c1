"""`${key-vault:...}` and `${own-cloud:...}` in Azure Key Vault, over the wire."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.credentials import AccessToken

from alert_records import VirtualClock
from canned_azure import CannedAzure, Reply, SignedIn
from nephoscope.app.secrets import Secrets, open_secrets
from nephoscope.app.settings import Settings
from nephoscope.clouds.azure.secrets import AzureKeeper
from nephoscope.clouds.azure.session import Sessions
from nephoscope.clouds.secrets import KeptSecrets
from nephoscope.localcloud.aws.faults import Failing, Fault
from nephoscope.localcloud.azure.key_vault import GET_SECRET
from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.model.errors import DeliveryError, Reason

CHAT = "${key-vault:acme-kv/chat}"
OWN = "nephoscopeprod0a1b2c3d"
Open = Callable[..., Secrets]


@pytest.fixture
def fresh(azure: LocalAzure) -> Open:
    """A function's new process."""

    def opened(clock: VirtualClock | None = None, vault: str = OWN) -> Secrets:
        settings = Settings(clouds=("azure",), vault=vault, endpoints={"azure_vault": azure.url + "/{vault}"})
        return open_secrets(settings, {}, clock or VirtualClock())

    return opened


def refused(secrets: Secrets | KeptSecrets, reference: str = CHAT) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        secrets.read_secret(reference)
    error = caught.value
    assert (error.destination, error.__context__) == (reference, None)
    return error


def calls(azure: LocalAzure) -> int:
    return sum(entry.action == GET_SECRET for entry in azure.ledger.entries())


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("${key-vault:acme-kv/chat}", "new"),
        ("${key-vault:Acme-KV/Chat}", "new"),
        ("${key-vault:other-kv/chat}", "of another vault"),
        ("${key-vault:acme-kv/robot#signing-key}", "whsec_a"),
        ("${own-cloud:chat}", "own"),
        ("${own-cloud:robot#url}", "https://robot.test/"),
    ],
)
def test_each_form_of_a_reference(azure: LocalAzure, fresh: Open, reference: str, value: str) -> None:
    azure.keep_secret("acme-kv", "chat", "old")
    azure.keep_secret("acme-kv", "chat", " new\n")
    azure.keep_secret("other-kv", "chat", "of another vault")
    azure.keep_secret(OWN, "chat", "own")
    for vault in ("acme-kv", OWN):
        azure.keep_secret(vault, "robot", '{"url": "https://robot.test/", "signing-key": "whsec_a"}')
    secret = fresh().read_secret(reference)
    assert (secret.reveal(), repr(secret)) == (value, "Secret(***)")


def test_a_value_is_kept_for_five_minutes(azure: LocalAzure, fresh: Open) -> None:
    azure.keep_secret("acme-kv", "chat", "old")
    clock = VirtualClock()
    secrets = fresh(clock)
    assert secrets.read_secret(CHAT).reveal() == "old"
    azure.keep_secret("acme-kv", "chat", "new")
    clock.ticks += 299
    assert secrets.read_secret(CHAT).reveal() == "old"
    clock.ticks += 2
    assert secrets.read_secret(CHAT).reveal() == "new"
    assert calls(azure) == 2


def test_threads_that_want_the_same_ask_once(azure: LocalAzure, fresh: Open) -> None:
    azure.keep_secret("acme-kv", "robot", '{"url": "u", "key": "k"}')
    secrets = fresh()
    wanted = ["${key-vault:acme-kv/robot#url}", "${key-vault:acme-kv/robot#key}"] * 8
    with ThreadPoolExecutor(16) as pool:
        values = [secret.reveal() for secret in pool.map(secrets.read_secret, wanted)]
    assert (values, calls(azure)) == (["u", "k"] * 8, 1)


# --- what is not there --------------------------------------------------------------------------------------------


def test_a_newest_version_that_is_disabled(azure: LocalAzure, fresh: Open) -> None:
    azure.keep_secret("acme-kv", "chat", "old")
    azure.keep_secret("acme-kv", "chat", "new", enabled=False)
    error = refused(fresh())
    assert (error.reason, error.detail, error.retryable) == (
        Reason.SECRET_MISSING,
        "the newest version is disabled",
        False,
    )


@pytest.mark.parametrize(("reference", "vault"), [(CHAT, "acme-kv"), ("${own-cloud:chat}", OWN)])
def test_a_secret_that_is_missing_is_not_remembered_as_such(
    azure: LocalAzure, fresh: Open, reference: str, vault: str
) -> None:
    secrets = fresh()
    error = refused(secrets, reference)
    assert (error.reason, error.detail) == (Reason.SECRET_MISSING, "there is no such secret")
    azure.keep_secret(vault, "chat", "there")
    assert secrets.read_secret(reference).reveal() == "there"


def test_the_own_vault_must_be_known(fresh: Open) -> None:
    error = refused(fresh(vault=""), "${own-cloud:chat}")
    assert error.reason is Reason.SECRET_MISSING
    assert "NEPHOSCOPE_VAULT" in error.detail


# --- faults -------------------------------------------------------------------------------------------------------


def test_the_role_that_is_not_assigned_is_named(azure: LocalAzure, fresh: Open) -> None:
    azure.keep_secret("acme-kv", "chat", "x")
    azure.faults.add(Fault(Failing.DENY, GET_SECRET))
    error = refused(fresh())
    assert (error.reason, error.retryable) == (Reason.DENIED, False)
    assert error.detail == (
        "Microsoft.KeyVault/vaults/secrets/getSecret/action is not granted (the role Key Vault Secrets User holds it)"
    )


def test_throttled_is_left_to_the_outbox_with_the_wait_that_azure_asks_for(azure: LocalAzure, fresh: Open) -> None:
    azure.keep_secret("acme-kv", "chat", "x")
    azure.faults.add(Fault(Failing.THROTTLE, GET_SECRET, seconds=7))
    error = refused(fresh())
    assert (error.reason, error.retryable, error.retry_after) == (Reason.THROTTLED, True, 7.0)
    assert calls(azure) == 1


@pytest.mark.parametrize(
    ("failing", "reason"),
    [
        (Failing.MALFORMED, Reason.MALFORMED),
        (Failing.UNAVAILABLE, Reason.UNAVAILABLE),
        (Failing.ERROR, Reason.UNAVAILABLE),
        (Failing.CUT, Reason.UNAVAILABLE),
    ],
)
def test_what_may_pass_is_tried_once_more_and_then_left_to_the_outbox(
    azure: LocalAzure, fresh: Open, failing: Failing, reason: Reason
) -> None:
    azure.keep_secret("acme-kv", "chat", "x")
    azure.faults.add(Fault(failing, GET_SECRET, calls=1))
    assert fresh().read_secret(CHAT).reveal() == "x"
    azure.faults.clear()
    azure.faults.add(Fault(failing, GET_SECRET))
    error = refused(fresh())
    assert (error.reason, error.retryable) == (reason, True)


class Ended:
    """A credential whose first token has ended already."""

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure
        self.asked: list[str] = []

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.asked.append(scopes[0])
        ended = len(self.asked) == 1
        token = self._azure.token("https://vault.azure.net", lifetime=-60 if ended else 3600)
        return AccessToken(token, 4_000_000_000)  # it is thought to hold


def test_a_token_that_has_ended_is_refused_in_words_of_ours(azure: LocalAzure) -> None:
    azure.keep_secret("acme-kv", "chat", "x")
    credential = Ended(azure)
    sessions = Sessions(credential, {"azure_vault": azure.url + "/{vault}"})
    error = refused(KeptSecrets(AzureKeeper(sessions, "").ask))
    assert (error.reason, error.detail) == (Reason.DENIED, "the vault does not take this identity's token")
    assert credential.asked == ["https://vault.azure.net/.default"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"value": 7}', b'{"id": "x"}', b"<html>"])
def test_answers_that_hold_no_secret(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with CannedAzure() as canned:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", canned.certificates)
        canned.answer("/v/secrets/chat", Reply(body))
        sessions = Sessions(SignedIn(), {"azure_vault": canned.url + "/{vault}"})
        error = refused(KeptSecrets(AzureKeeper(sessions, "").ask, sleep=lambda _: None), "${key-vault:v/chat}")
    assert (error.reason, error.detail) == (Reason.MALFORMED, "the answer holds no secret")
