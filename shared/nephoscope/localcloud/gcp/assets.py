"""Cloud Asset Inventory's search, as far as it finds projects below a folder or an organization.

Every project of the fleet lies in the one folder of the one organization, and beside them one whose deletion was asked
for: it is found until it is gone, in another state. A search names a project by its id, an export by its number.
Source: https://cloud.google.com/asset-inventory/docs/reference/rest/v1/TopLevel/searchAllResources,
https://cloud.google.com/asset-inventory/docs/asset-names (which of the two names), and .../search-query-syntax, of
which `state:WORD` alone is known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.gcp.call import GoogleError, Status, invalid
from nephoscope.localcloud.gcp.compute import read_token, write_token
from nephoscope.localcloud.gcp.gate import Admitted
from nephoscope.localcloud.gcp.world import FOLDER, ORGANIZATION, World

PROJECT = "cloudresourcemanager.googleapis.com/Project"
DELETED = "acme-deleted"
PAGE = 500
"""At most, whatever is asked for."""

_STATE = re.compile(r"state[:=](\w+)")


def search_all_resources(world: World, _parent: str, query: Mapping[str, str], _admitted: Admitted) -> Any:
    """Raises GoogleError."""
    asked = query.get("pageSize", str(PAGE))
    if not asked.lstrip("-").isdigit():
        raise invalid(f"Invalid value at 'page_size' (TYPE_INT32), \"{asked}\"")
    size, start = min(max(int(asked), 0) or PAGE, PAGE), read_token(query.get("pageToken", ""))
    found = [row for row in _projects(world) if _wanted(row, query)]
    answer: dict[str, Any] = {"results": [_masked(row, query.get("readMask", "")) for row in found[start:][:size]]}
    if start + size < len(found):
        answer["nextPageToken"] = write_token(start + size)
    return answer


def _projects(world: World) -> Iterator[dict[str, Any]]:
    for project in (*world.projects, DELETED):
        yield {
            "name": f"//cloudresourcemanager.googleapis.com/projects/{project}",
            "assetType": PROJECT,
            "project": f"projects/{names.project_number(project)}",
            "folders": [FOLDER],
            "organization": ORGANIZATION,
            "displayName": project,
            "location": "global",
            "additionalAttributes": {"projectId": project},
            "state": "DELETE_REQUESTED" if project == DELETED else "ACTIVE",
            "parentFullResourceName": f"//cloudresourcemanager.googleapis.com/{FOLDER}",
            "parentAssetType": "cloudresourcemanager.googleapis.com/Folder",
        }


def _wanted(row: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    text = query.get("query", "").strip()
    state = _STATE.fullmatch(text)
    if text and state is None:
        raise GoogleError(Status.UNIMPLEMENTED, f"the query {text} is not known here")
    return query.get("assetTypes", PROJECT) == PROJECT and (state is None or state[1] == row["state"])


def _masked(row: Mapping[str, Any], mask: str) -> Mapping[str, Any]:
    """`*` and nothing keep all."""
    kept = {name.strip() for name in mask.split(",")} - {""}
    return row if not kept or "*" in kept else {name: value for name, value in row.items() if name in kept}
