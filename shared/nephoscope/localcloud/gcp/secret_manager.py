"""Secret Manager's projects.secrets.versions.access, over what a test has put there.

`latest` is the newest version, whatever its state; one that is disabled or destroyed is refused. An answer names the
project by its number, as Google does.

Sources: https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access, SecretPayload
there; the words of a refusal are from the issues of clients (google-github-actions/get-secretmanager-secrets 268,
external-secrets 4042, googleapis/python-secret-manager 389); those for what is not there are from memory.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from nephoscope.localcloud.gcp.call import GoogleError, Status
from nephoscope.localcloud.gcp.gate import Admitted
from nephoscope.localcloud.gcp.names import project_number
from nephoscope.localcloud.gcp.versions import State
from nephoscope.localcloud.gcp.world import World


def access_version(world: World, project: str, query: Mapping[str, str], admitted: Admitted) -> Any:
    """query: with `secret` and `version` out of the path. Raises GoogleError."""
    number = project_number(project)
    secret = f"projects/{number}/secrets/{query['secret']}"
    versions = world.secrets.get((project, query["secret"]), ())
    if not versions:
        raise GoogleError(Status.NOT_FOUND, f"Secret [{secret}] not found or has no versions.")
    wanted = query["version"]
    index = len(versions) if wanted == "latest" else int(wanted) if wanted.isdigit() else 0
    name = f"{secret}/versions/{index or wanted}"
    if not 1 <= index <= len(versions):
        raise GoogleError(Status.NOT_FOUND, f"Secret Version [{name}] not found.")
    found = versions[index - 1]
    if found.state is not State.ENABLED:
        raise GoogleError(Status.FAILED_PRECONDITION, f"Secret Version [{name}] is in {found.state} state.")
    data = found.data[::-1] if admitted.corrupt else found.data
    payload = {"data": base64.b64encode(data).decode(), "dataCrc32c": str(checksum(found.data))}
    return {"name": name, "payload": payload}


def checksum(data: bytes) -> int:
    """CRC-32C bit by bit, as RFC 3720 describes it: on purpose another way than a client's."""
    register = 0xFFFFFFFF
    for byte in data:
        for place in range(8):
            low = (register ^ (byte >> place)) & 1
            register = (register >> 1) ^ (0x82F63B78 * low)
    return register ^ 0xFFFFFFFF
