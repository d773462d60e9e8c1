"""`nephoscope list`: which machines there are and what state each is in, asked of the clouds now."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from nephoscope.cli.call import FAILED, Call, add_cloud_argument
from nephoscope.cli.reading import Looked, look, report_gaps
from nephoscope.cli.rows import COLUMNS, count_words, resource_object, resource_row
from nephoscope.model.resource import Resource, State

HELP = "List resources and their states, read from the clouds now."
EXAMPLES = """\
examples:
  nephoscope list
  nephoscope list --state stopped --tag env=prod
  nephoscope list --tag owner                      whatever its value
  nephoscope list --cloud gcp --cloud azure
  nephoscope list --json | jq -r '.[] | select(.state == "stopped") | .host_id'

--json prints a list of objects: cloud_provider, cloud_account_id, cloud_region,
host_id, name, type, state, vendor_state (the provider's own word), tags; zone,
launched_at and observations (status checks, provisioning) where they are known."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON list")
    add_cloud_argument(parser)
    parser.add_argument("--state", choices=[str(state) for state in State], help="only resources in this state")
    parser.add_argument(
        "--tag", action="append", default=[], metavar="KEY=VALUE", help="only with this tag; may be said several times"
    )


def run(call: Call) -> int:
    outside = call.outside_only()
    looked = look(call, outside)
    shown = [resource for resource in looked.resources if _wanted(resource, call.args)]
    if call.args.json and (shown or not looked.gaps):  # what could not be read is no empty list
        call.terminal.json_list(map(resource_object, shown))
    elif shown and not call.args.json:
        call.terminal.table(COLUMNS, [resource_row(resource) for resource in shown])
    _summary(call, looked, shown)
    code = report_gaps(call.terminal, looked.gaps)
    return code if looked.inventories else FAILED


def _wanted(resource: Resource, args: argparse.Namespace) -> bool:
    return args.state in (None, resource.state) and all(_has(resource, *tag.partition("=")) for tag in args.tag)


def _has(resource: Resource, key: str, sign: str, value: str) -> bool:
    return key in resource.tags and (not sign or resource.tags[key] == value)


def _summary(call: Call, looked: Looked, shown: Sequence[Resource]) -> None:
    scopes = len(looked.inventories)
    where = "1 scope" if scopes == 1 else f"{scopes} scopes"
    if not looked.inventories:
        call.terminal.note("no account and region could be looked into")
    elif not looked.resources:
        call.terminal.note(f"nothing in {where}; `where` and `except` of the configuration leave out the rest")
    elif not shown:
        call.terminal.note(f"none of {len(looked.resources)} resources in {where} is what was asked for")
    else:
        call.terminal.note(f"{count_words(shown)} in {where}")
