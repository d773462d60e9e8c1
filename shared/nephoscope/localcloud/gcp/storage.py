"""Cloud Storage's buckets.list (JSON API) over the fleet's buckets.

Source: https://cloud.google.com/storage/docs/json_api/v1/buckets/list
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.gcp.call import invalid
from nephoscope.localcloud.gcp.compute import read_token, write_token
from nephoscope.localcloud.gcp.fields import Known, select
from nephoscope.localcloud.gcp.gate import Admitted
from nephoscope.localcloud.gcp.world import World
from nephoscope.localcloud.machines import Bucket
from nephoscope.model.time import iso

PAGE = 1000
_KNOWN: Known = {"kind": None, "nextPageToken": None, "items": None, "prefixes": None}


def list_buckets(world: World, project: str, query: Mapping[str, str], _admitted: Admitted) -> Any:
    """Raises GoogleError."""
    asked = query.get("maxResults", str(PAGE))
    if not asked.isdigit():
        raise invalid("Invalid argument: maxResults")
    size, start = min(int(asked) or PAGE, PAGE), read_token(query.get("pageToken", ""))
    found = [row for row in world.buckets(project) if row.name.startswith(query.get("prefix", ""))]
    answer: dict[str, Any] = {"kind": "storage#buckets"}
    if start + size < len(found):
        answer["nextPageToken"] = write_token(start + size)
    answer["items"] = [_bucket(project, row) for row in found[start : start + size]]
    return select(answer, query.get("fields", ""), _KNOWN)


def _bucket(project: str, bucket: Bucket) -> dict[str, Any]:
    created = iso(bucket.created_at).replace("Z", ".000Z")
    labels = names.labels_of(bucket)
    resource = {
        "kind": "storage#bucket",
        "id": bucket.name,
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{bucket.name}",
        "name": bucket.name,
        "projectNumber": names.project_number(project),
        "location": bucket.region.upper(),
        "locationType": "region",
        "storageClass": "STANDARD",
        "timeCreated": created,
        "updated": created,
        "metageneration": "1",
        "etag": "CAE=",
    }
    return resource | ({"labels": labels} if labels else {})
