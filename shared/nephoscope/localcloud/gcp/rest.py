"""Everything that is spoken over plain HTTP, at one address: the metadata server, the token exchange, Compute, Storage,
Secret Manager and the search for projects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from nephoscope.localcloud.gcp import federation as federate
from nephoscope.localcloud.gcp import metadata
from nephoscope.localcloud.gcp.assets import search_all_resources
from nephoscope.localcloud.gcp.call import Answer, Call, GoogleError, Status, invalid, json_answer, render_error
from nephoscope.localcloud.gcp.compute import list_instances, list_regions, list_zones
from nephoscope.localcloud.gcp.gate import (
    ASSETS,
    COMPUTE,
    IAM,
    METADATA,
    SECRETS,
    STORAGE,
    STS,
    Admitted,
    Gate,
    Served,
)
from nephoscope.localcloud.gcp.secret_manager import access_version
from nephoscope.localcloud.gcp.storage import list_buckets
from nephoscope.localcloud.gcp.world import World

_Serve = Callable[[World, str, Mapping[str, str], Admitted], Any]


@dataclass(frozen=True, slots=True)
class Route:
    """path: with the project (or the folder or organization) as its first group, where it stands there and not in the
    query. What other groups have names for is put among the query's parameters."""

    path: re.Pattern[str]
    action: str
    permission: str
    service: str
    serve: _Serve


def _compute(path: str, action: str, permission: str, serve: _Serve) -> Route:
    return Route(re.compile(f"/compute/v1/projects/([^/]+)/{path}"), action, permission, COMPUTE, serve)


ROUTES = (
    _compute("aggregated/instances", "compute.instances.aggregatedList", "compute.instances.list", list_instances),
    _compute("regions", "compute.regions.list", "compute.regions.list", list_regions),
    _compute("zones", "compute.zones.list", "compute.zones.list", list_zones),
    Route(re.compile("/storage/v1/b"), "storage.buckets.list", "storage.buckets.list", STORAGE, list_buckets),
    Route(
        re.compile("/v1/projects/([^/]+)/(?P<within>secrets/(?P<secret>[^/]+)/versions/(?P<version>[^/:]+)):access"),
        "secretmanager.projects.secrets.versions.access",
        "secretmanager.versions.access",
        SECRETS,
        access_version,
    ),
    Route(
        re.compile("/v1/([^/]+/[^/]+):searchAllResources"),
        "cloudasset.searchAllResources",
        "cloudasset.assets.searchAllResources",
        ASSETS,
        search_all_resources,
    ),
)


class Rest:
    def __init__(self, world: World, gate: Gate) -> None:
        self._world = world
        self._gate = gate

    def answer(self, method: str, target: str, headers: Mapping[str, str], sent: bytes = b"") -> Answer:
        """headers: names in lower case. Raises CutError where a fault wants the connection cut."""
        path, _, raw = target.partition("?")
        query = dict(parse_qsl(raw, keep_blank_values=True))
        path = unquote(path)
        try:
            if path in ("", "/") or path.startswith("/computeMetadata/"):
                return self._metadata(path, query, headers)
            if method == "POST":
                return self._token(path, headers, sent)
            body, spoilt = self._api(method, path, query, headers)
        except GoogleError as error:
            return render_error(error, older=not path.startswith("/v1/"))
        whole = json_answer(body)
        return Answer(whole.status, whole.headers, whole.body[: len(whole.body) // 2]) if spoilt else whole

    def _metadata(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        call = Call(metadata.action(path), "", METADATA, self._world.project, "")

        return self._gate.run(call, lambda _: _as_answered(metadata.answer(self._world, path, query, headers)))[0]

    def _token(self, path: str, headers: Mapping[str, str], sent: bytes) -> Answer:
        """The exchange speaks OAuth's errors, the impersonation Google's. Raises GoogleError."""
        federation, project = self._world.federation, self._world.project
        if path == federate.TOKEN_PATH:
            exchange = Call("sts.token", "", STS, project, "")
            return self._gate.run(exchange, lambda _: _as_answered(federation.exchange(sent)))[0]
        if (found := federate.GENERATE.fullmatch(path)) is None:
            raise GoogleError(Status.NOT_FOUND, f"The requested URL {path} was not found on this server.")
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        call = Call("iamcredentials.generateAccessToken", federate.IMPERSONATE, IAM, project, bearer)

        def serve(_: Admitted) -> Served[Answer]:
            return Served(json_answer(federation.generate(found[1], bearer, sent)))

        return self._gate.run(call, serve)[0]

    def _api(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> tuple[Any, bool]:
        for route in ROUTES:
            if (found := route.path.fullmatch(path)) and method == "GET":
                project = found.group(1) if found.groups() else query.get("project", "")
                break
        else:
            raise GoogleError(Status.NOT_FOUND, f"The requested URL {path} was not found on this server.")
        if not project:
            raise invalid("Required parameter: project")
        token = headers.get("authorization", "").removeprefix("Bearer ")
        named = found.groupdict()
        call = Call(route.action, route.permission, route.service, project, token, within=named.get("within", ""))
        asked = {**query, **named}
        return self._gate.run(call, lambda admitted: Served(route.serve(self._world, project, asked, admitted)))


def _as_answered(answer: Answer) -> Served[Answer]:
    return Served(answer, status=answer.status)
