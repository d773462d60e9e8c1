"""What doctor looks at, in the order in which a run needs it: accounts, calls, the memory, secrets, receivers.

AWS comes first: it is where everything is published and remembered, gathered or not. With --cloud only that cloud's
calls are made; AWS's part, with the memory and the channels, belongs to --cloud aws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nephoscope.app.outside import Outside
from nephoscope.app.scopes import find_scopes
from nephoscope.cli.call import Call
from nephoscope.cli.doctor_channels import check_references, check_webhooks, topics
from nephoscope.cli.doctor_history import check_history
from nephoscope.cli.doctor_readers import examine_cloud
from nephoscope.cli.doctor_secrets import check_kept
from nephoscope.cli.findings import Finding, Verdict
from nephoscope.cli.grants import Grant
from nephoscope.cli.probing import home_of, open_probe
from nephoscope.cli.reading import SECONDS, each_scope
from nephoscope.clouds.aws.probe import (
    AwsProbe,
    Need,
    entering_need,
    plan_needs,
    publishing_need,
    render_policy,
    topic_needs,
)
from nephoscope.model.errors import DeliveryError, ReadError, Reason, StoreError
from nephoscope.model.memory import Progress
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap
from nephoscope.model.time import MINUTE, Deadline, floor_to
from nephoscope.pipeline.publish import Figures, plan_self_metrics


@dataclass(frozen=True, slots=True)
class Examination:
    """findings: everything that was looked at. missing: the calls of AWS that are not granted. grants: what the other
    clouds lack. unknown: those of them to whom this shell is nobody."""

    findings: tuple[Finding, ...]
    missing: tuple[Need, ...] = ()
    grants: tuple[Grant, ...] = ()
    unknown: tuple[Cloud, ...] = ()

    @property
    def policies(self) -> dict[str, dict[str, object]]:
        """Whose role -> the policy that grants what it lacks."""
        by_owner: dict[str, list[Need]] = {}
        for need in self.missing:
            by_owner.setdefault(_owner(need), []).append(need)
        return {owner: render_policy(needs) for owner, needs in by_owner.items()}


def _owner(need: Need) -> str:
    if need.action == "sts:AssumeRole" or not need.scope.account:
        return "the role of the functions"
    return f"the role in account {need.scope.account}"


def examine(call: Call, outside: Outside) -> Examination:
    """Look at everything that this call is about; nothing is written, but for `--write` a heartbeat."""
    home = not call.args.cloud or Cloud.AWS in call.args.cloud
    aws = _examine_home(call, outside) if home else Examination(())
    others = {cloud: examine_cloud(call, outside, cloud) for cloud in outside.readers if cloud is not Cloud.AWS}
    kept = [pair for cloud in others for pair in check_kept(outside, cloud)]
    return Examination(
        (
            *aws.findings,
            *(finding for each in others.values() for finding in each.findings),
            *(finding for finding, _ in kept),
        ),
        aws.missing,
        (*(grant for each in others.values() for grant in each.grants), *(grant for _, grant in kept if grant)),
        tuple(cloud for cloud, each in others.items() if each.unknown),
    )


def _examine_home(call: Call, outside: Outside) -> Examination:
    """AWS, the memory, the channels."""
    deadline = call.deadline(SECONDS)
    home, identity = _identify(outside, deadline)
    if identity.verdict is not Verdict.WELL:  # every call would fail for the same reason
        return Examination((identity, *_apart_from_calls(call, outside, ())), ())
    with call.terminal.progress("looking for scopes"):
        found = find_scopes(only(outside, Cloud.AWS), deadline)
    closed = [(gap, _lacking(outside, gap)) for gap in found.gaps]
    tried = _try_all(call, outside, _needs(outside, found.scopes, home, int(call.clock.wall())), deadline)
    heartbeat = _heartbeat(call, outside, home, deadline) if call.args.write else None
    findings = [
        identity,
        *(_of_gap(gap.operation, gap, missing=need is not None) for gap, need in closed),
        *(finding for _, finding in tried if heartbeat is None or finding.check != HEARTBEAT),
        *([heartbeat] if heartbeat else []),
        *_apart_from_calls(call, outside, found.scopes),
    ]
    missing = [need for _, need in closed if need] + [n for n, f in tried if f.verdict is Verdict.MISSING]
    if heartbeat and heartbeat.verdict is Verdict.MISSING:
        missing.append(publishing_need(outside.config, home))
    return Examination(tuple(findings), tuple(missing))


def only(outside: Outside, cloud: Cloud) -> Outside:
    return replace(outside, readers={name: reader for name, reader in outside.readers.items() if name is cloud})


def _identify(outside: Outside, deadline: Deadline) -> tuple[Scope, Finding]:
    """Where it is published, and whether these credentials are any good. Everybody may ask who they are."""
    home = home_of(outside)
    try:
        number = open_probe(outside).read_own_account(home.region, deadline)
    except ReadError as error:
        why = f"{error.reason}: {error.detail}"
        return home, Finding(error.operation, str(home), Verdict.FAILED, why)
    home = home_of(outside, number)
    return home, Finding("sts:GetCallerIdentity", str(home), Verdict.WELL)


def _apart_from_calls(call: Call, outside: Outside, scopes: Sequence[Scope]) -> Iterator[Finding]:
    yield from _memory(call, outside, scopes)
    yield from check_references(outside)
    yield from check_webhooks(outside)
    yield from check_history(outside, call.clock, call.deadline(SECONDS))


def _lacking(outside: Outside, gap: Gap) -> Need | None:
    """The permission for want of which an account's scopes are not known; None where it failed for another reason."""
    if gap.reason is not Reason.DENIED:
        return None
    if gap.operation == "ec2:DescribeRegions":
        return Need(gap.scope, "ec2", "DescribeRegions")
    accounts = outside.config.gather.aws.accounts if outside.config.gather.aws else ()
    role = next((account.role for account in accounts if account.role and account.id == gap.scope.account), "")
    return entering_need(gap.scope, role) if role and gap.operation == "sts:AssumeRole" else None


def _needs(outside: Outside, scopes: Sequence[Scope], home: Scope, now: int) -> list[Need]:
    needs = plan_needs(outside.config, scopes, home.account, outside.catalog, now)
    for _, topic in topics(outside):
        needs += topic_needs(home, topic)
    return needs


def _try_all(call: Call, outside: Outside, needs: Sequence[Need], deadline: Deadline) -> list[tuple[Need, Finding]]:
    probe = open_probe(outside)
    by_scope: dict[Scope, list[Need]] = {}
    for need in needs:
        by_scope.setdefault(need.scope, []).append(need)

    def work(scope: Scope) -> list[tuple[Need, Finding]]:
        return [(need, _try(probe, need, deadline)) for need in by_scope[scope]]

    done = each_scope(call, "trying each call", list(by_scope), work)
    return [pair for pairs in done.values() for pair in pairs]


def _try(probe: AwsProbe, need: Need, deadline: Deadline) -> Finding:
    if not need.tried:
        return Finding(need.action, str(need.scope), Verdict.UNTRIED, "only doing it would tell")
    gap = probe.try_call(need, deadline)
    return Finding(need.action, str(need.scope), Verdict.WELL) if gap is None else _of_gap(need.action, gap)


def _of_gap(action: str, gap: Gap, *, missing: bool = True) -> Finding:
    verdict = Verdict.MISSING if gap.reason is Reason.DENIED and missing else Verdict.FAILED
    return Finding(action, str(gap.scope), verdict, ": ".join(filter(None, (gap.reason, gap.detail))))


HEARTBEAT = "cloudwatch:PutMetricData"


def _heartbeat(call: Call, outside: Outside, home: Scope, deadline: Deadline) -> Finding:
    """One datum, as each run writes it."""
    where = str(home)
    slot = floor_to(int(call.clock.wall()), MINUTE)
    data = plan_self_metrics(outside.config, Cloud.AWS, slot, Figures(), Progress(home)).data
    try:
        outside.sink.write_metrics(data, deadline)
    except DeliveryError as error:
        verdict = Verdict.MISSING if error.reason is Reason.DENIED else Verdict.FAILED
        return Finding(HEARTBEAT, where, verdict, f"{error.reason}: {error.detail}")
    return Finding(HEARTBEAT, where, Verdict.WELL, "a heartbeat was written")


def _memory(call: Call, outside: Outside, scopes: Sequence[Scope]) -> Iterator[Finding]:
    """Reading it; writing is left to runs."""
    settings = call.settings()
    where = f"{settings.store} {settings.table}"
    if not call.has_memory:
        yield Finding("alert memory", where, Verdict.UNTRIED, "there is none yet; the first run makes it")
        return
    try:
        outside.memory.read_registry()
        for scope in scopes[:1]:
            outside.memory.read_progress(scope)
    except StoreError as error:
        yield Finding("alert memory", where, Verdict.FAILED, str(error))
    else:
        yield Finding("alert memory", where, Verdict.WELL)
