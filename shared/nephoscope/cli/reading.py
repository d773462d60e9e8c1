"""Looking at the clouds now, for `list`, `metrics` and `doctor`: scopes side by side, progress while it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TypeVar

from nephoscope.app.outside import Outside
from nephoscope.app.scopes import find_scopes
from nephoscope.cli.call import FAILED, WELL, Call
from nephoscope.cli.terminal import Terminal
from nephoscope.model.errors import Reason
from nephoscope.model.resource import Resource
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap, Inventory
from nephoscope.pipeline.wording import clean

SECONDS = 300.0
"""How long a person waits at most for a look at the clouds."""

AT_ONCE = 8

T = TypeVar("T")

_NO_WAY = "Is the network up, and does AWS_ENDPOINT_URL, where it is set, name what it should?"
_NO_WAY_ELSEWHERE = "Is the network up, and do NEPHOSCOPE_ENDPOINT_*, where they are set, name what they should?"
_HINTS: Mapping[Reason, str] = {
    Reason.DENIED: "nephoscope doctor names the missing permissions, with the statements to add.",
    Reason.UNAVAILABLE: _NO_WAY,
    Reason.TIMEOUT: _NO_WAY,
    Reason.THROTTLED: "Others use the same limits of this account; try again in a minute.",
    Reason.DEADLINE: "It took too long; ask for fewer regions or accounts at a time.",
}
NO_CREDENTIALS = (
    "This shell has no credentials, or they are not valid any more: `aws configure`, `aws sso login`, AWS_PROFILE\n"
    "or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY give some."
)


@dataclass(frozen=True, slots=True)
class Looked:
    """What there is, by scope, in the scopes' order; and what could not be read."""

    inventories: Mapping[Scope, Inventory]
    gaps: tuple[Gap, ...]

    @property
    def resources(self) -> tuple[Resource, ...]:
        return tuple(resource for inventory in self.inventories.values() for resource in inventory.resources)


def look(call: Call, outside: Outside) -> Looked:
    """The inventories of all scopes, read now. Failures are gaps."""
    deadline = call.deadline(SECONDS)
    with call.terminal.progress("looking for scopes"):
        found = find_scopes(outside, deadline)
    inventories = each_scope(
        call,
        "reading the inventory",
        found.scopes,
        lambda scope: outside.readers[scope.cloud].read_inventory(scope, outside.config, deadline),
    )
    gaps = found.gaps + tuple(gap for inventory in inventories.values() for gap in inventory.gaps)
    return Looked(inventories, gaps)


def each_scope(call: Call, what: str, scopes: Sequence[Scope], work: Callable[[Scope], T]) -> dict[Scope, T]:
    """`work` for every scope, several at a time; results in the scopes' order."""
    results: dict[Scope, T] = {}
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        with call.terminal.progress(what, len(scopes)) as steps:
            running = {pool.submit(work, scope): scope for scope in scopes}
            for future in as_completed(running):
                results[running[future]] = future.result()
                steps.step()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C nobody waits for calls under way
    return {scope: results[scope] for scope in scopes}


def report_gaps(terminal: Terminal, gaps: Sequence[Gap]) -> int:
    """Say what could not be read, and what to do about it; the exit code that follows."""
    if not gaps:
        return WELL
    terminal.listed([clean(str(gap)) for gap in gaps])
    number = "1 read failed" if len(gaps) == 1 else f"{len(gaps)} reads failed"
    hints = dict.fromkeys(filter(None, map(_hint, gaps)))
    terminal.problem(f"{number}; what could be read is shown", "\n".join(hints))
    return FAILED


def _hint(gap: Gap) -> str:
    """Everybody may ask who they are: a refusal there is one of the credentials themselves."""
    if gap.operation == "sts:GetCallerIdentity" and gap.reason is Reason.DENIED:
        return NO_CREDENTIALS
    hint = _HINTS.get(gap.reason, "")
    return _NO_WAY_ELSEWHERE if hint is _NO_WAY and gap.scope.cloud is not Cloud.AWS else hint
