"""The token's file: fresh, whole, for its owner's eyes; and what happens when no token can be had."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from nephoscope.app.federation import enter_aws
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.secret import Secret
from signed_tokens import Identity, Signer, google_claims

NOON = 1_795_435_200
SIGNER = Signer()


class At:
    """A clock that stands where a test puts it."""

    def __init__(self, now: float) -> None:
        self.now = now

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


def token(expires: float) -> str:
    return SIGNER.sign(google_claims(NOON, exp=int(expires)))


def refusal(reason: Reason = Reason.DENIED) -> ReadError:
    return ReadError(cloud="gcp", account="", region="", operation="identity", reason=reason, detail="no identity")


def test_the_token_stands_whole_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    file, good = tmp_path / "token", token(NOON + 3600)
    identity = Identity(good)
    assert enter_aws(identity, "nephoscope-prod", file, At(NOON)) is True
    assert file.read_text() == good
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert identity.asked == ["nephoscope-prod"]
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("after", "renewed"),
    [(0, False), (60, False), (2_999, False), (3_000, True), (3_599, True), (3_600, True), (90_000, True)],
)
def test_it_is_renewed_ten_minutes_before_it_expires(tmp_path: Path, after: int, renewed: bool) -> None:
    file = tmp_path / "token"
    first, second = token(NOON + 3600), token(NOON + 200_000)
    identity = Identity(first, second)
    enter_aws(identity, "a", file, At(NOON))
    assert enter_aws(identity, "a", file, At(NOON + after)) is renewed
    assert file.read_text() == (second if renewed else first)


@pytest.mark.parametrize("rubbish", ["", "no token", "a.b.c", "\N{SNOWMAN}", "a.e30.c"])
def test_what_is_no_token_in_the_file_is_replaced(tmp_path: Path, rubbish: str) -> None:
    file = tmp_path / "token"
    file.write_text(rubbish, encoding="utf-8")
    assert enter_aws(Identity(token(NOON + 3600)), "a", file, At(NOON)) is True
    assert file.read_text() == token(NOON + 3600)


def test_a_token_that_is_still_good_carries_over_a_platform_that_does_not_answer(tmp_path: Path, caplog) -> None:
    file, first = tmp_path / "token", token(NOON + 3600)
    identity = Identity(first, refusal(Reason.UNAVAILABLE))
    enter_aws(identity, "a", file, At(NOON))
    assert enter_aws(identity, "a", file, At(NOON + 3_300)) is False
    assert file.read_text() == first
    assert "good for 300 s and was not renewed: gcp" in caplog.text
    with pytest.raises(ReadError, match="no identity"):
        enter_aws(identity, "a", file, At(NOON + 3_600))
    assert file.read_text() == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [("not a token", "no token"), ("a.e30.c", "no token"), (token(NOON - 1), f"exp={NOON - 1} has passed")],
)
def test_a_platform_that_gives_no_good_token_is_an_error(tmp_path: Path, given: str, said: str) -> None:
    with pytest.raises(ReadError, match=said) as caught:
        enter_aws(Identity(given), "a", tmp_path / "token", At(NOON))
    assert caught.value.reason is Reason.MALFORMED
    assert given not in str(caught.value)
    assert (tmp_path / "token").read_text() == ""


def test_a_refused_token_is_asked_for_again_and_never_left_in_the_file(tmp_path: Path) -> None:
    file, asked = tmp_path / "token", []

    def admit(offered: Secret) -> None:
        asked.append(offered)
        if len(asked) == 1:
            raise refusal()

    identity = Identity(token(NOON + 3600))
    with pytest.raises(ReadError):
        enter_aws(identity, "a", file, At(NOON), admit)
    assert file.read_text() == ""
    assert enter_aws(identity, "a", file, At(NOON + 60), admit) is True
    assert enter_aws(identity, "a", file, At(NOON + 120), admit) is False
    assert len(asked) == 2  # once for each new token
