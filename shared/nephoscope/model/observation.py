"""What is seen rather than measured: the attributes of each kind of resource and the words they can be.

A reader gives these words in `Resource.observations`; a rule's condition (`check.system is failed`) may use no others.
"""

from __future__ import annotations

from collections.abc import Mapping

from nephoscope.model.resource import Kind, State
from nephoscope.model.scope import Cloud

CHECK_WORDS = ("ok", "failed", "initializing", "insufficient-data", "not-applicable")
"""A provider's status check in one vocabulary. EC2's own words: ok, impaired (failed here), the rest alike."""

PROVISIONING_WORDS = ("succeeded", "failed", "canceled", "creating", "updating", "migrating", "deleting")
"""How the last change to the machine itself ended, or that it goes on, where the provider tells (Azure).
Source: https://learn.microsoft.com/azure/virtual-machines/states-billing (provisioning states)"""

FAILED_WORDS = frozenset({"failed", "canceled"})
"""Of a check or of provisioning: what a person should see at a glance."""

SIGHT_WORDS = ("clear", "partial", "blind")
"""Whether we see a scope at all: everything was read, some of it, nothing."""

OBSERVATIONS: Mapping[Kind, Mapping[str, tuple[str, ...]]] = {
    Kind.INSTANCE: {
        "state": tuple(State),
        "check.system": CHECK_WORDS,
        "check.instance": CHECK_WORDS,
        "check.ebs": CHECK_WORDS,
        "provisioning": PROVISIONING_WORDS,
    },
    Kind.BUCKET: {},
    Kind.SCOPE: {"sight": SIGHT_WORDS},
    Kind.GROUP: {},
}

ONLY_ON: Mapping[str, tuple[Cloud, ...]] = {
    "check.system": (Cloud.AWS,),
    "check.instance": (Cloud.AWS,),
    "check.ebs": (Cloud.AWS,),
    "provisioning": (Cloud.AZURE,),
}
"""Attributes that not every provider tells; those without a row are seen everywhere."""
