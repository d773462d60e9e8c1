"""`nephoscope doctor`: is everything there that the configuration needs? Each call once in each scope."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from nephoscope.cli.call import FAILED, WELL, Call, add_cloud_argument
from nephoscope.cli.findings import Finding, Verdict
from nephoscope.cli.grants import SIGNING_IN, Grant
from nephoscope.cli.reading import NO_CREDENTIALS
from nephoscope.cli.table import Cell, Column
from nephoscope.pipeline.wording import clean

if TYPE_CHECKING:
    from nephoscope.cli.examination import Examination

HELP = "Check permissions, secrets and receivers: each call that the configuration needs, once in each scope."
EXAMPLES = """\
examples:
  nephoscope doctor
  nephoscope doctor --table TableName           that output of the deployment
  nephoscope doctor --write                     also publish one heartbeat
  nephoscope doctor --cloud gcp                 only the calls to Google Cloud

The calls are made with the credentials of this shell: to check the functions' own role,
assume it first. What only a write could tell (the dashboard, the memory, a message) is
listed as not tried. Exit code 1 where something is missing."""

COLUMNS = (Column("CHECK"), Column("RESULT"), Column("WHERE", flows=True), Column("WHY", rank=1, flows=True))
_STYLES = {Verdict.WELL: "green", Verdict.MISSING: "red", Verdict.FAILED: "red", Verdict.UNTRIED: "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_cloud_argument(parser)
    parser.add_argument("--write", action="store_true", help="try PutMetricData too, with a heartbeat")
    parser.add_argument("--json", action="store_true", help="one JSON list: check, where, verdict, detail")


def run(call: Call) -> int:
    from nephoscope.cli.examination import examine  # noqa: PLC0415 - an SDK is imported only where it is needed

    examination = examine(call, call.outside_looking())
    findings = examination.findings
    if call.args.json:
        call.terminal.json_list(map(asdict, findings))
    else:
        call.terminal.table(COLUMNS, [_row(finding) for finding in condensed(findings)])
        _show_policies(call, examination.policies)
        _show_grants(call, examination.grants)
    bad = [finding for finding in findings if finding.verdict in (Verdict.MISSING, Verdict.FAILED)]
    if not bad:
        call.terminal.note(f"{len(findings)} checks: nothing is missing")
        return WELL
    call.terminal.listed([": ".join(filter(None, (each.check, clean(each.where), clean(each.detail)))) for each in bad])
    call.terminal.problem(f"{len(bad)} of {len(findings)} checks failed", _hint(examination, bad))
    return FAILED


def _hint(examination: Examination, bad: Sequence[Finding]) -> str:
    """What to do next about each kind of trouble."""
    hints = []
    if examination.missing:
        hints.append("Add the statements above to the role, then call doctor again.")
    if examination.grants:
        hints.append("Run the commands above, or have them run, then call doctor again.")
    hints += [SIGNING_IN[cloud] for cloud in examination.unknown]
    if bad[0].check == "sts:GetCallerIdentity" and "denied" in bad[0].detail:
        hints.append(NO_CREDENTIALS)
    return "\n".join(hints)


# --- telling ------------------------------------------------------------------------------------------------------


def condensed(findings: Iterable[Finding]) -> list[Finding]:
    """What is alike in many places on one line; what is wrong stays by itself."""
    groups: dict[tuple[str, Verdict, str], list[Finding]] = {}
    for finding in findings:
        alone = finding.where if finding.verdict in (Verdict.MISSING, Verdict.FAILED) else finding.detail
        groups.setdefault((finding.check, finding.verdict, alone), []).append(finding)
    return [same[0] if len(same) == 1 else replace(same[0], where=f"{len(same)} places") for same in groups.values()]


def _row(finding: Finding) -> list[Cell | str]:
    return [
        finding.check,
        Cell(finding.verdict, _STYLES[finding.verdict]),
        clean(finding.where),
        clean(finding.detail),
    ]


def _show_grants(call: Call, grants: Sequence[Grant]) -> None:
    """Commands for Google and Azure; whom to grant it to is not ours to guess."""
    if grants:
        call.terminal.line()
        call.terminal.heading("Grant to whom the functions run as:")
        for command in dict.fromkeys(grant.command for grant in grants):
            call.terminal.line(command)


def _show_policies(call: Call, policies: Mapping[str, Mapping[str, object]]) -> None:
    for owner, policy in policies.items():
        call.terminal.line()
        call.terminal.heading(f"Add to {owner}:")
        call.terminal.json(policy, pretty=True)
