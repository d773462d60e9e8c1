"""Accounts x regions. An account that cannot be entered keeps its scopes where the configuration names them: that
nobody sees anything there is itself news, and is found by reading them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from nephoscope.clouds.aws.calls import Calls
from nephoscope.clouds.aws.session import ASSUME_ROLE, Sessions
from nephoscope.clouds.gaps import gap_error, gap_of
from nephoscope.model.config import AwsAccount, Config, GatherAws
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import Deadline
from nephoscope.ports import Clock, FoundScopes

ALL = ("all",)
KEPT_SECONDS = 900.0
"""Opting into a region takes minutes to hours; asking every quarter of an hour is soon enough."""

_AT_ONCE = 8
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")


@dataclass(frozen=True, slots=True)
class _Kept:
    regions: tuple[str, ...]
    until: float


class ScopeRead:
    """Finds the scopes of a configuration. open_calls: the calls of one scope. home: region where accounts are asked
    for their regions. known_id: the own account's number as the deployment gave it, for when STS does not answer."""

    def __init__(
        self,
        sessions: Sessions,
        open_calls: Callable[[Scope, AwsAccount, Deadline], Calls],
        clock: Clock,
        home: str,
        known_id: str = "",
    ) -> None:
        self._sessions = sessions
        self._open_calls = open_calls
        self._clock = clock
        self._home = home
        self._known_id = known_id
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def read(self, config: Config, deadline: Deadline) -> FoundScopes:
        gather = config.gather.aws
        if gather is None:
            return FoundScopes(())
        with ThreadPoolExecutor(max_workers=min(_AT_ONCE, len(gather.accounts))) as pool:
            found = list(pool.map(lambda account: self._read_account(account, gather, deadline), gather.accounts))
        scopes = {scope for each in found for scope in each.scopes}
        return FoundScopes(tuple(sorted(scopes)), tuple(gap for each in found for gap in each.gaps))

    def _read_account(self, account: AwsAccount, gather: GatherAws, deadline: Deadline) -> FoundScopes:
        try:
            number = self.number_of(account)
        except ReadError as error:
            return FoundScopes((), (gap_of(error, Scope(Cloud.AWS, "", self._home)),))
        asked_at = Scope(Cloud.AWS, number, self._home)
        try:
            self._sessions.enter(account)
        except ReadError as error:
            return FoundScopes(self._named(number, gather), (gap_of(error, asked_at),))
        if gather.regions != ALL:
            return FoundScopes(self._named(number, gather))
        return self._opted_in(account, asked_at, deadline)

    def number_of(self, account: AwsAccount) -> str:
        """An account's number: from the role, from STS, or from the deployment. Raises ReadError."""
        if account.role:
            if _ROLE.fullmatch(account.role) is None:
                scope = Scope(Cloud.AWS, "", self._home)
                raise gap_error(scope, ASSUME_ROLE, Reason.REJECTED, f"{account.role} is no role's ARN")
            return account.id
        try:
            return self._sessions.own_id()
        except ReadError:
            if not self._known_id:
                raise
            return self._known_id

    def _named(self, number: str, gather: GatherAws) -> tuple[Scope, ...]:
        regions = self._last_known(number) if gather.regions == ALL else gather.regions
        return tuple(Scope(Cloud.AWS, number, region) for region in regions)

    def _opted_in(self, account: AwsAccount, asked_at: Scope, deadline: Deadline) -> FoundScopes:
        """The account's own regions; those of the last answer, and a gap, where it does not tell."""
        number = asked_at.account
        with self._lock:
            kept = self._kept.get(number)
        if kept is not None and self._clock.monotonic() < kept.until:
            return FoundScopes(_scopes(number, kept.regions))
        try:
            regions = tuple(sorted(_read_regions(self._open_calls(asked_at, account, deadline))))
        except ReadError as error:
            return FoundScopes(_scopes(number, self._last_known(number)), (gap_of(error, asked_at),))
        with self._lock:
            self._kept[number] = _Kept(regions, self._clock.monotonic() + KEPT_SECONDS)
        return FoundScopes(_scopes(number, regions))

    def _last_known(self, number: str) -> tuple[str, ...]:
        with self._lock:
            kept = self._kept.get(number)
        return kept.regions if kept else ()


def account_of(scope: Scope, config: Config) -> AwsAccount:
    """How the configuration says to enter a scope's account: by its role, or with the function's own credentials."""
    accounts: Sequence[AwsAccount] = config.gather.aws.accounts if config.gather.aws else ()
    roles = (account for account in accounts if _ROLE.fullmatch(account.role))
    return next((account for account in roles if account.id == scope.account), AwsAccount())


def _read_regions(calls: Calls) -> Iterator[str]:
    """The regions an account may use. Without AllRegions, EC2 names only those."""
    answer = calls.call("ec2", "DescribeRegions", {})
    if not isinstance(answer.get("Regions"), list):
        raise calls.failure("ec2:DescribeRegions", Reason.MALFORMED, "the answer holds no Regions")
    yield from (region["RegionName"] for region in answer["Regions"] if region.get("OptInStatus") != "not-opted-in")


def _scopes(number: str, regions: Sequence[str]) -> tuple[Scope, ...]:
    return tuple(Scope(Cloud.AWS, number, region) for region in regions)
