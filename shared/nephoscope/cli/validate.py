"""`nephoscope validate`: all that is wrong with a configuration, or what it means and what it will cost."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from nephoscope.catalog.loader import Catalog, load_catalog
from nephoscope.cli.call import WELL, WRONG, Call
from nephoscope.cli.show import positive
from nephoscope.cli.table import Cell, Column
from nephoscope.model.config import AwsAccount, Config, Gather
from nephoscope.model.errors import ConfigError, Problem
from nephoscope.model.metric import Source
from nephoscope.model.rule import Selector
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.board.bounds import CLOUD_NAMES
from nephoscope.pipeline.cost import Bill, Line, assumed_fleet, forecast
from nephoscope.pipeline.dashboard import render_dashboards
from nephoscope.pipeline.need import metrics_of
from nephoscope.pipeline.wording import render_duration

HELP = "Check the configuration; say what it means, what will be read and what that costs."
EXAMPLES = """\
examples:
  nephoscope validate
  nephoscope validate staging.yaml --instances 1200
  nephoscope validate --explain            each rule in a sentence, as it was understood
  nephoscope validate --json

No cloud is asked. Every problem is told at once, with file, line and column; then the
exit code is 2."""

ASSUMED_INSTANCES = 100

EVERY_REGION = 17
"""Regions that an account has without opting into more: what `regions: all` is taken for where no cloud is asked.
Source: https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html"""

FOUND_BELOW = 5
"""Projects or subscriptions that a folder, organization or management group is taken to hold."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="instead of --config")
    parser.add_argument("--explain", action="store_true", help="print each rule as it was understood")
    parser.add_argument(
        "--instances",
        type=positive,
        metavar="N",
        help=f"machines to forecast the cost for, all regions together (default: {ASSUMED_INSTANCES})",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(call: Call) -> int:
    call.args.config = call.args.file or call.args.config
    try:
        config, warnings = call.checked()
    except ConfigError as error:
        if not call.args.json:
            raise
        call.terminal.json({"valid": False, "problems": [asdict(each) for each in error.problems]}, pretty=True)
        return WRONG
    catalog = load_catalog().configured(config)
    bill = _bill(config, catalog, call.args.instances or ASSUMED_INSTANCES)
    if call.args.json:
        call.terminal.json(_object(config, warnings, catalog, bill), pretty=True)
    else:
        call.terminal.listed([f"{warning} (warning)" for warning in warnings], "yellow")
        _show(call, config, catalog, bill)
    return WELL


def _bill(config: Config, catalog: Catalog, instances: int) -> Bill:
    """As if each rule concerned each machine: what tags there are is not known here."""
    everywhere = replace(config, rules=tuple(replace(rule, where=Selector()) for rule in config.rules))
    fleet = assumed_fleet(scopes_of(config), instances, {})
    dashboards = render_dashboards(config, list(fleet), catalog)
    return forecast(everywhere, fleet, catalog, len(dashboards))


def scopes_of(config: Config) -> list[Scope]:
    """Accounts times regions as far as the file tells them; accounts without a number are the function's own. Google's
    projects and Azure's subscriptions have one region each: which ones they use is not in the file."""
    gather = config.gather
    scopes: list[Scope] = []
    if gather.aws:
        every = [f"region-{number}" for number in range(1, EVERY_REGION + 1)]
        regions = every if gather.aws.regions == ("all",) else gather.aws.regions
        scopes += [Scope(Cloud.AWS, _account(account), region) for account in gather.aws.accounts for region in regions]
    if gather.gcp:
        projects = _found(gather.gcp.parent) or gather.gcp.projects
        scopes += [Scope(Cloud.GCP, project, SOMEWHERE) for project in projects]
    if gather.azure:
        subscriptions = _found(gather.azure.management_group) or gather.azure.subscriptions
        scopes += [Scope(Cloud.AZURE, subscription, SOMEWHERE) for subscription in subscriptions]
    return scopes


SOMEWHERE = "region"


def _found(below: str) -> list[str]:
    return [f"{below}-{number}" for number in range(1, FOUND_BELOW + 1)] if below else []


def _account(account: AwsAccount) -> str:
    return account.id or "own"


# --- for programs -------------------------------------------------------------------------------------------------


def _object(config: Config, warnings: Sequence[Problem], catalog: Catalog, bill: Bill) -> dict[str, object]:
    return {
        "valid": True,
        "warnings": [asdict(warning) for warning in warnings],
        "fleet": config.fleet,
        "scopes": len(scopes_of(config)),
        "metrics": sorted(metrics_of(config.rules)),
        "explanation": _explained(config, catalog),
        "forecast": {
            "instances": bill.resources,
            "custom_series": bill.series,
            "requests_per_hour": bill.calls,
            "usd_per_month": round(bill.usd, 2),
            "lines": [
                {
                    "action": line.what,
                    "requests_per_hour": line.calls,
                    "units_per_hour": line.units,
                    "usd_per_month": round(line.usd, 2),
                }
                for line in bill.lines
            ],
        },
    }


# --- for people ---------------------------------------------------------------------------------------------------

COLUMNS = (
    Column("WHAT"),
    Column("REQUESTS/H", rank=1, right=True),
    Column("UNITS/H", rank=2, right=True),
    Column("USD/MONTH", right=True),
    Column("NOTE", rank=3, flows=True, least=30),
)


def _show(call: Call, config: Config, catalog: Catalog, bill: Bill) -> None:
    terminal = call.terminal
    terminal.line(f"{call.config_path} is well.", "green")
    terminal.line()
    if call.args.explain:
        for sentence in _explained(config, catalog):
            terminal.line(sentence)
            terminal.line()
    else:
        _show_reads(call, config, catalog)
        terminal.line()
    terminal.heading(f"Forecast for {_assumed(call, config, bill)}")
    terminal.table(COLUMNS, [_row(line) for line in bill.lines])
    terminal.line()
    cost = f"{bill.calls:,.0f} requests an hour, {bill.usd:,.2f} USD a month at list price"
    terminal.line(f"In all {bill.series} custom series, {cost}.")
    if any(rule.where != Selector() for rule in config.rules):
        terminal.note("At most: rules with `where` are counted as if they concerned every machine.")


def _explained(config: Config, catalog: Catalog) -> list[str]:
    from nephoscope.app.authoring.explain import explain  # noqa: PLC0415 - pydantic and YAML only where needed

    return explain(config, catalog)


def _show_reads(call: Call, config: Config, catalog: Catalog) -> None:
    starter = [rule.name for rule in config.rules if rule.origin == "starter"]
    written = [rule.name for rule in config.rules if rule.origin == "user"]
    if starter:
        call.terminal.line(f"No rules are written; the starter rules apply: {', '.join(starter)}.")
    else:
        call.terminal.line(f"Rules: {', '.join(written) or 'none'}.")
    for name in sorted(metrics_of(config.rules)):
        call.terminal.line(f"Reads {name} {_pace(config, name, catalog)}")
    if not metrics_of(config.rules):
        call.terminal.line("Reads no metric: no rule needs one.")


def _pace(config: Config, name: str, catalog: Catalog) -> str:
    """`of instances every 5 min, 1 min with detailed monitoring, for cpu-hot.`"""
    metric = catalog.metrics[name]
    clouds = [cloud for cloud, kinds in config.gather.kinds.items() if metric.on in kinds and cloud in metric.sources]
    paces = [_every(metric.sources[cloud]) for cloud in clouds]
    if len(set(paces)) > 1:
        paces = [f"{pace} on {CLOUD_NAMES[cloud]}" for cloud, pace in zip(clouds, paces, strict=True)]
    needing = ", ".join(rule.name for rule in config.rules if name in metrics_of([rule]))
    return f"of {metric.on}s {'; '.join(dict.fromkeys(paces)) or 'nowhere'}, for {needing}."


def _every(source: Source) -> str:
    fine = f", {render_duration(source.fine_period)} with detailed monitoring" if source.fine_period else ""
    return f"every {render_duration(source.every or source.period)}{fine}"


def _assumed(call: Call, config: Config, bill: Bill) -> str:
    scopes = len(scopes_of(config))
    machines = "1 instance" if bill.resources == 1 else f"{bill.resources:,} instances"
    remarks = [] if call.args.instances else ["--instances says how many"]
    if config.gather.aws and config.gather.aws.regions == ("all",):
        remarks.append(f"`all` taken for {EVERY_REGION} regions")
    remarks += _guesses(config.gather)
    said = f" ({'; '.join(remarks)})" if remarks else ""
    return f"{machines} in {scopes} scope{'' if scopes == 1 else 's'}{said}:"


def _guesses(gather: Gather) -> Iterator[str]:
    """What had to be taken for granted, for no cloud is asked."""
    parts = [gather.gcp.parent if gather.gcp else "", gather.azure.management_group if gather.azure else ""]
    for below in filter(None, parts):
        yield f"{below} taken to hold {FOUND_BELOW}"
    whose = [what for what, there in (("project", gather.gcp), ("subscription", gather.azure)) if there]
    if whose:
        yield f"one region a {' and '.join(whose)}"


def _row(line: Line) -> list[Cell | str]:
    """What is there all the time (series, dashboards) has its number beside its name; the rest happens each hour."""
    standing = not line.calls and line.units
    what = f"{line.what} ({_number(line.units)})" if standing else line.what
    return [what, _number(line.calls), "" if standing else _number(line.units), f"{line.usd:,.2f}", line.note]


def _number(number: float) -> str:
    return f"{number:,.0f}" if number else ""
