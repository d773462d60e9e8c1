"""The metadata server of an instance or a function: who am I, and a token, please.

Everything under /computeMetadata/v1 wants the header `Metadata-Flavor: Google` and refuses what a proxy passed on;
every answer carries the header itself, by which google-auth knows where it runs.
Sources: https://cloud.google.com/compute/docs/metadata/querying-metadata,
https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys, and google/auth/compute_engine/_metadata.py for
what is asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.gcp.call import Answer
from nephoscope.localcloud.gcp.tokens import identity_claims, sign
from nephoscope.localcloud.gcp.world import World

ROOT = "/computeMetadata/v1"
SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/monitoring.read",
)
_FLAVOR = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
_Query = Mapping[str, str]


def answer(world: World, path: str, query: _Query, headers: Mapping[str, str]) -> Answer:
    """headers: names in lower case. Never raises: the server's errors are plain pages."""
    if path in ("", "/"):
        return _text("0.1/\ncomputeMetadata/\n")
    if headers.get("metadata-flavor", "").lower() != "google":
        return _text('Missing required header "Metadata-Flavor": "Google"', 403)
    if "x-forwarded-for" in headers:
        return _text("Requests with the header X-Forwarded-For are refused", 403)
    served = _paths(world.project).get(path.removeprefix(ROOT + "/"))
    return served(world, query) if served else _text("Not Found", 404)


def action(path: str) -> str:
    """What the ledger calls it: `metadata.token`, `metadata.identity`, `metadata.ping`, or the last word asked for."""
    return f"metadata.{path.rstrip('/').rpartition('/')[2] or 'ping'}"


def _paths(project: str) -> Mapping[str, Callable[[World, _Query], Answer]]:
    account = {
        "": _account,
        "aliases": _says("default\n"),
        "email": _says(names.account_email(project)),
        "scopes": _says("".join(f"{scope}\n" for scope in SCOPES)),
        "token": _token,
        "identity": _identity,
    }
    return {
        "project/project-id": _says(project),
        "project/numeric-project-id": _says(names.project_number(project)),
        "universe/universe-domain": _says("googleapis.com"),
        "instance/service-accounts/": _says(f"default/\n{names.account_email(project)}/\n"),
        **{
            f"instance/service-accounts/{who}/{name}": served
            for who in ("default", names.account_email(project))
            for name, served in account.items()
        },
    }


def _says(text: str) -> Callable[[World, _Query], Answer]:
    return lambda _world, _query: _text(text)


def _account(world: World, query: _Query) -> Answer:
    if query.get("recursive", "").lower() != "true":
        return _text("aliases\nemail\nidentity\nscopes\ntoken\n")
    return _json({"aliases": ["default"], "email": names.account_email(world.project), "scopes": list(SCOPES)})


def _token(world: World, query: _Query) -> Answer:
    return _json(world.tokens.grant(world.project, query.get("scopes", "")))


def _identity(world: World, query: _Query) -> Answer:
    if not query.get("audience"):
        return _text("non-empty audience parameter required", 400)
    return _text(sign(identity_claims(world.project, query["audience"])))


def _text(text: str, status: int = 200) -> Answer:
    kind = "application/text" if status == 200 else "text/html; charset=UTF-8"
    return Answer(status, {"Content-Type": kind, **_FLAVOR}, text.encode())


def _json(content: Mapping[str, object]) -> Answer:
    return Answer(200, {"Content-Type": "application/json", **_FLAVOR}, json.dumps(content).encode())
