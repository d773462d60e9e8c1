"""Resources as other programs and people read them: one JSON object, one row of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from nephoscope.cli.table import Cell, Column
from nephoscope.cli.terminal import SEVERITY_STYLES, STATE_STYLES
from nephoscope.model.observation import FAILED_WORDS
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.time import iso
from nephoscope.pipeline.wording import clean, render_id


def resource_object(resource: Resource) -> dict[str, object]:
    """The documented keys; zone, launched_at and observations only where they are known. vendor_state: the provider's
    own word. observations: what rules may ask for beside the state."""
    known: dict[str, object] = {
        "cloud_provider": resource.scope.cloud,
        "cloud_account_id": resource.scope.account,
        "cloud_region": resource.scope.region,
        "host_id": resource.id,
        "name": resource.name,
        "type": resource.type or ("" if resource.kind is Kind.INSTANCE else str(resource.kind)),
        "state": resource.state,
        "vendor_state": resource.vendor_state,
        "tags": dict(sorted(resource.tags.items())),
    }
    if resource.zone:
        known["zone"] = resource.zone
    if resource.launched_at is not None:
        known["launched_at"] = iso(resource.launched_at)
    if seen := {name: word for name, word in sorted(resource.observations.items()) if name != "state"}:
        known["observations"] = seen
    return known


COLUMNS = (
    Column("ID"),
    Column("NAME", rank=1, flows=True),
    Column("STATE"),
    Column("TYPE", rank=3),
    Column("REGION", rank=2),
    Column("ZONE", rank=6),
    Column("ACCOUNT", rank=4),
    Column("CLOUD", rank=5),
    Column("LAUNCHED", rank=7),
    Column("TAGS", rank=8, flows=True),
)


def resource_row(resource: Resource) -> list[Cell | str]:
    return [
        id_words(resource),
        name_words(resource),
        state_cell(resource),
        clean(resource.type) or ("" if resource.kind is Kind.INSTANCE else str(resource.kind)),
        resource.scope.region,
        resource.zone,
        resource.scope.account,
        resource.scope.cloud,
        iso(resource.launched_at) if resource.launched_at is not None else "",
        " ".join(clean(f"{key}={value}") for key, value in sorted(resource.tags.items()) if value != resource.name),
    ]


def id_words(resource: Resource) -> str:
    return clean(render_id(resource.id))


def name_words(resource: Resource) -> str:
    """Empty where the id is the name, as a bucket's is."""
    return "" if resource.name == resource.id else clean(resource.name)


def state_cell(resource: Resource) -> Cell:
    """Our word; beside it the provider's own where ours says nothing, and what failed."""
    if resource.state is None:
        return Cell("")
    failed = [f"{name} {word}" for name, word in sorted(resource.observations.items()) if word in FAILED_WORDS]
    notes = [clean(resource.vendor_state or "nothing was said")] if resource.state is State.UNKNOWN else []
    if resource.vendor_state in FAILED_WORDS and failed:
        notes = []  # a state that was read off a failure says it once
    said = ", ".join([*notes, *failed])
    return Cell(
        f"{resource.state} ({said})" if said else str(resource.state),
        SEVERITY_STYLES["critical"] if failed else STATE_STYLES.get(resource.state, ""),
    )


def count_words(resources: Iterable[Resource]) -> str:
    """`300 instances: 288 running, 12 stopped; 4 buckets`."""
    each = list(resources)
    states = Counter(str(resource.state or State.UNKNOWN) for resource in each if resource.kind is Kind.INSTANCE)
    kinds = Counter(resource.kind for resource in each)
    parts = [f"{number} {kind}{'' if number == 1 else 's'}" for kind, number in sorted(kinds.items())]
    listed = ", ".join(f"{number} {state}" for state, number in states.most_common())
    if listed:
        place = sorted(kinds).index(Kind.INSTANCE)
        parts[place] += f" ({listed})"
    return ", ".join(parts) or "nothing"
