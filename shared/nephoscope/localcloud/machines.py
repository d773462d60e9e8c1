"""What a simulated fleet is made of, and how each piece is drawn from the seed alone.

A machine is drawn by its place in the fleet: a larger fleet begins with the machines of the smaller one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

_DAY = 86_400

_TYPES = {
    "web": ("m7g.large", "c7g.large", "t3.medium"),
    "api": ("c7g.xlarge", "m7g.large"),
    "database": ("r7g.2xlarge", "r7g.xlarge"),
    "cache": ("r7g.large",),
    "batch": ("c7g.2xlarge", "c7g.4xlarge"),
    "build": ("c7g.2xlarge", "m7g.xlarge"),
    "bastion": ("t3.micro",),
}
_ROLE_WEIGHTS = (30, 22, 12, 8, 14, 10, 4)
_OWNERS = ("shop", "payments", "search", "platform", "data")
_STORES = ("logs", "backup", "assets", "exports", "uploads", "archive")


@dataclass(frozen=True, slots=True)
class Instance:
    """number: the machine's own, from which its curves follow. fine: measured each minute by the provider. agent: how
    a guest agent labels its metrics (0: there is none). parked: it was stopped before the fleet's start."""

    id: str
    number: int
    account: str
    region: str
    zone: str
    name: str
    type: str
    role: str
    launched_at: int
    tags: Mapping[str, str]
    fine: bool
    agent: int
    parked: bool


@dataclass(frozen=True, slots=True)
class Bucket:
    """classes: storage class (standard, infrequent, archive) -> bytes on the day of the fleet's start."""

    name: str
    number: int
    account: str
    region: str
    created_at: int
    tags: Mapping[str, str]
    classes: Mapping[str, float]
    objects: int


def draw_instance(seed: int, place: int, account: str, region: str, start: int) -> Instance:
    """The machine at `place`. One in twelve has no tag and no name; one in eight is parked; of those past the
    fortieth, one in fifty is launched only during the first hour."""
    number, draw = _draw(f"{seed}/machine/{place}/{account}/{region}")
    role = draw.choices(tuple(_TYPES), _ROLE_WEIGHTS)[0]
    env = draw.choices(("prod", "staging", "dev"), (6, 2, 2))[0]
    tagged = draw.random() >= 1 / 12
    late = place >= 40 and draw.random() < 1 / 50
    name = f"{role}-{env}-{place:04d}" if tagged else ""
    drawn = Instance(
        id=f"i-{hashlib.sha256(f'{number}'.encode()).hexdigest()[:17]}",
        number=number,
        account=account,
        region=region,
        zone=region + draw.choice("abc"),
        name=name,
        type=draw.choice(_TYPES[role]),
        role=role,
        launched_at=start + draw.randint(300, 3300) if late else start - draw.randint(2, 400) * _DAY - place,
        tags=_tags(draw, name, env, role) if tagged else {},
        fine=draw.random() < (0.6 if env == "prod" else 0.1),
        agent=draw.choice((1, 2, 3)) if tagged and draw.random() < 0.5 else 0,
        parked=not late and draw.random() < (1 / 16 if env == "prod" else 1 / 4),
    )
    if not drawn.parked:
        return drawn
    tags = {key: value for key, value in drawn.tags.items() if key != "always-on"}  # nobody parks what must be on
    return replace(drawn, tags=tags)


def draw_bucket(seed: int, place: int, account: str, region: str, start: int) -> Bucket:
    number, draw = _draw(f"{seed}/bucket/{place}/{account}/{region}")
    size = 10 ** draw.uniform(6, 13)
    classes = {"standard": size}
    if draw.random() < 0.5:
        classes["infrequent"] = size * draw.uniform(0.5, 4)
    if draw.random() < 0.2:
        classes["archive"] = size * draw.uniform(2, 20)
    owner = draw.choice(_OWNERS)
    return Bucket(
        name=f"{owner}-{draw.choice(_STORES)}-{account[-4:]}-{place:03d}",
        number=number,
        account=account,
        region=region,
        created_at=start - draw.randint(30, 900) * _DAY,
        tags={"env": draw.choice(("prod", "dev")), "owner": owner} if draw.random() < 0.8 else {},
        classes=classes,
        objects=max(1, round(sum(classes.values()) / 10 ** draw.uniform(4, 6))),
    )


def _draw(what: str) -> tuple[int, Random]:
    number = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8])
    return number, Random(number)  # noqa: S311 - a simulation, and it must repeat


def _tags(draw: Random, name: str, env: str, role: str) -> dict[str, str]:
    tags = {"Name": name, "env": env, "role": role, "owner": draw.choice(_OWNERS)}
    if env == "prod" and draw.random() < 0.4:
        tags["always-on"] = "true"
    return tags
