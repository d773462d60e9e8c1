"""A scope: one cloud, one account, one region. The unit of reading, of fan-out and of the store's partitions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cloud(StrEnum):
    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"


FLEET = "fleet"
"""Stands for an account: no provider's is named so (AWS's are numbers, Azure's UUIDs, Google's have six letters)."""


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """Where resources live. `account` is an AWS account, a Google project or an Azure subscription."""

    cloud: Cloud
    account: str
    region: str

    @property
    def key(self) -> str:
        """The partition of this scope in the store: `aws#111111111111#eu-west-1`."""
        return f"{self.cloud}#{self.account}#{self.region}"

    @property
    def is_fleet(self) -> bool:
        """Whether it is no place, but where alerts on groups over several scopes live."""
        return self.account == FLEET

    @classmethod
    def from_key(cls, key: str) -> Scope:
        """Raises ValueError when `key` is not three parts or the cloud is unknown."""
        cloud, account, region = key.split("#")
        return cls(Cloud(cloud), account, region)

    def __str__(self) -> str:
        return f"{self.cloud} {self.account} {self.region}"


def fleet_scope(cloud: Cloud) -> Scope:
    """Where the functions of this cloud keep the alerts on groups."""
    return Scope(cloud, FLEET, "groups")
