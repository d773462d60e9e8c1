"""What is seen rather than measured: the attributes of each kind of resource and the words they can be.

A reader gives these words in `Resource.observations`; a rule's condition (`check.system is failed`) may use no others.
"""

from __future__ import annotations

from collections.abc import Mapping

from nephoscope.model.resource import Kind, State

CHECK_WORDS = ("ok", "failed", "initializing", "insufficient-data", "not-applicable")
"""A provider's status check in one vocabulary. EC2's own words: ok, impaired (failed here), the rest alike."""

SIGHT_WORDS = ("clear", "partial", "blind")
"""Whether we see a scope at all: everything was read, some of it, nothing."""

OBSERVATIONS: Mapping[Kind, Mapping[str, tuple[str, ...]]] = {
    Kind.INSTANCE: {
        "state": tuple(State),
        "check.system": CHECK_WORDS,
        "check.instance": CHECK_WORDS,
        "check.ebs": CHECK_WORDS,
    },
    Kind.BUCKET: {},
    Kind.SCOPE: {"sight": SIGHT_WORDS},
}
