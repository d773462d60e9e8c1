"""The fleet's machines and buckets under the names that Google would give them.

Everything follows from what the fleet says: the same machine has the same numeric id in every run.
Sources: https://cloud.google.com/compute/docs/regions-zones (europe-west1 and us-east1 have no zone a),
https://cloud.google.com/compute/docs/instances/instance-lifecycle (the words for states; a deleted instance is gone at
once, TERMINATED is what a person calls stopped),
https://cloud.google.com/compute/docs/labeling-resources (labels are lower case, at most 63 characters).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from nephoscope.localcloud.fleet import Power, Sighting
from nephoscope.localcloud.machines import Bucket, Instance

_SPARE_ZONES = {"europe-west1": "bcd", "us-east1": "bcd"}
_FAMILIES = {"m": "standard", "c": "highcpu", "r": "highmem"}
_CORES = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16}
_STAGING_SECONDS = 20
STATUSES: Mapping[Power, str] = {
    Power.PENDING: "PROVISIONING",
    Power.RUNNING: "RUNNING",
    Power.STOPPING: "STOPPING",
    Power.STOPPED: "TERMINATED",
    Power.TERMINATING: "STOPPING",
}
STORAGE_CLASSES = {"standard": "STANDARD", "infrequent": "NEARLINE", "archive": "ARCHIVE"}
"""Source: https://cloud.google.com/storage/docs/storage-classes"""


def machine_id(instance: Instance) -> str:
    """Nineteen digits, as Google's instance ids have."""
    return str(10**18 + instance.number % (8 * 10**18))


def machine_name(instance: Instance) -> str:
    """The fleet's, or a made-up one: Google lets no instance be without."""
    return instance.name or f"instance-{instance.id[2:10]}"


def machine_type(instance: Instance) -> str:
    """Google's nearest to the type that the fleet drew: m7g.xlarge -> n2-standard-4."""
    family, _, size = instance.type.partition(".")
    if size in ("micro", "medium"):
        return f"e2-{size}"
    return f"n2-{_FAMILIES[family[0]]}-{_CORES[size]}"


def cores(instance: Instance) -> int:
    return _CORES.get(instance.type.partition(".")[2], 2)


def zones_of(region: str) -> tuple[str, ...]:
    return tuple(f"{region}-{letter}" for letter in _SPARE_ZONES.get(region, "abc"))


def zone_of(instance: Instance) -> str:
    return zones_of(instance.region)["abc".index(instance.zone[-1])]


def status_of(sighting: Sighting, at: float) -> str | None:
    """Google's word; None for a machine that was deleted."""
    started = sighting.started_at or sighting.instance.launched_at
    if sighting.power is Power.PENDING and at - started >= _STAGING_SECONDS:
        return "STAGING"
    return STATUSES.get(sighting.power)


def labels_of(owner: Instance | Bucket) -> dict[str, str]:
    """The tags as labels. The tag `Name` is no label: an instance has a name."""
    return {_label(key): _label(value) for key, value in owner.tags.items() if key != "Name"}


def project_number(project: str) -> str:
    """Twelve digits."""
    return str(10**11 + _number(f"project/{project}") % (9 * 10**11))


def account_email(project: str) -> str:
    """Of the project's service account. It ends in .test on purpose: for an address of gserviceaccount.com google-auth
    asks iamcredentials.googleapis.com for the account's allowed locations, in the background, and nothing here may
    reach the real Google."""
    return f"nephoscope@{project}.iam.gserviceaccount.test"


def account_number(project: str) -> str:
    """The service account's unique id, 21 digits: what azp and sub of its tokens say."""
    return str(10**20 + _number(f"account/{project}"))


def _label(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "_", text.lower())[:63]


def _number(what: str) -> int:
    return int.from_bytes(hashlib.sha256(what.encode()).digest()[:8])
