"""`nephoscope dashboard`: the dashboard as it follows from the configuration, for CloudWatch or another console,
printed or written."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace

from nephoscope.app.drawing import dashboards_of
from nephoscope.app.outside import Outside
from nephoscope.app.scopes import find_scopes
from nephoscope.app.settings import Settings
from nephoscope.cli.call import WELL, Call, CallError
from nephoscope.cli.consoles import CONSOLES, DEPLOYED, write_console
from nephoscope.cli.memory import registered
from nephoscope.cli.probing import home_of, open_probe
from nephoscope.cli.reading import SECONDS, report_gaps
from nephoscope.cli.show import positive
from nephoscope.model.publish import Dashboard
from nephoscope.model.scope import Scope
from nephoscope.model.series import Gap

HELP = "Print the dashboard, or write it: to CloudWatch, or as files for another console."
EXAMPLES = """\
examples:
  nephoscope dashboard > body.json
  nephoscope dashboard --part 2                      where it is split into several
  nephoscope dashboard --push --widget arn:aws:lambda:...
  nephoscope dashboard --for grafana --out build/grafana
  nephoscope dashboard --for grafana --opensearch --out build/grafana
  nephoscope dashboard --for gcp | gcloud monitoring dashboards create --config-from-file=-
  nephoscope dashboard --for azure > workbook.json

CloudWatch's scopes are those that runs have seen (--store, --table); where none are remembered,
those that the configuration names now. The others follow from the configuration alone; Azure's
is an ARM template."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--print", action="store_true", help="print the body as JSON (the default)")
    what.add_argument("--push", action="store_true", help="write what differs from what stands in CloudWatch")
    parser.add_argument(
        "--for", dest="console", choices=CONSOLES, default=CONSOLES[0], help="the console that it is for"
    )
    parser.add_argument("--out", metavar="DIR", help="with --for: write files there (grafana: its provisioning, too)")
    parser.add_argument(
        "--deployment",
        default=DEPLOYED,
        metavar="NAME",
        help=f"with --for gcp: service and stage of our functions (default: {DEPLOYED})",
    )
    parser.add_argument(
        "--opensearch",
        action="store_true",
        help="with --for grafana: history is kept by OpenSearch, which has a plugin",
    )
    parser.add_argument("--part", type=positive, default=1, metavar="N", help="which one to print (default: 1)")
    parser.add_argument("--widget", metavar="ARN", help="the custom widget's function (default: NEPHOSCOPE_WIDGET_ARN)")


def run(call: Call) -> int:
    if call.args.console != CONSOLES[0]:
        return _for_another(call)
    if call.args.out is not None:
        raise CallError("--out is for another console's files", "Say which: --for grafana, gcp or azure.")
    outside = call.outside_looking(lambda settings: _with_widget(settings, call.args.widget))
    scopes, gaps = _scopes_for(call, outside)
    code = report_gaps(call.terminal, gaps)
    if gaps and not scopes:
        return code
    dashboards = drawn(outside, scopes)
    return max(code, _push(call, outside, dashboards) if call.args.push else _print(call, dashboards))


def _for_another(call: Call) -> int:
    if call.args.push:
        raise CallError("--push writes to CloudWatch alone", "Leave it out; infra/ deploys the other consoles'.")
    return write_console(call)


def drawn(outside: Outside, scopes: Sequence[Scope]) -> tuple[Dashboard, ...]:
    """The dashboards of these scopes, as a run draws them."""
    return dashboards_of(outside, [scope for scope in scopes if not scope.is_fleet])


def differing(call: Call, outside: Outside, scopes: Sequence[Scope]) -> list[str]:
    """Names of the dashboards that a run would write. Raises ReadError where CloudWatch does not tell what stands."""
    with call.terminal.progress("comparing the dashboard"):
        probe = open_probe(outside)
        home, deadline = home_of(outside), call.deadline(SECONDS)
        return [
            each.name
            for each in drawn(outside, scopes)
            if probe.read_dashboard(home, each.name, deadline) != json.loads(json.dumps(each.body))
        ]


def _with_widget(settings: Settings, arn: str | None) -> Settings:
    return replace(settings, widget_arn=arn) if arn else settings


def _scopes_for(call: Call, outside: Outside) -> tuple[tuple[Scope, ...], tuple[Gap, ...]]:
    known = registered(outside)
    if known:
        return known, ()
    with call.terminal.progress("looking for scopes"):
        found = find_scopes(outside, call.deadline(SECONDS))
    return found.scopes, found.gaps


def _print(call: Call, dashboards: Sequence[Dashboard]) -> int:
    if call.args.part > len(dashboards):
        raise CallError(f"there is no part {call.args.part}: the dashboard has {len(dashboards)}")
    shown = dashboards[call.args.part - 1]
    call.terminal.json(shown.body, pretty=True)
    widgets = shown.body["widgets"]
    number = len(widgets) if isinstance(widgets, list) else 0
    call.terminal.note(f"{shown.name}: {number} widgets, part {call.args.part} of {len(dashboards)}")
    return WELL


def _push(call: Call, outside: Outside, dashboards: Sequence[Dashboard]) -> int:
    publish = outside.config.publish
    if not outside.settings.widget_arn:
        call.terminal.note("No --widget: the lists of worst machines and firing alerts are left out.")
    with call.terminal.progress("writing the dashboard"):
        changed = outside.dashboards.write_dashboards(dashboards, call.deadline(SECONDS))
    stands = f"{publish.dashboard} in {publish.region}"
    call.terminal.line(f"{stands}: {changed} written or removed" if changed else f"{stands}: stands as it should")
    return WELL
