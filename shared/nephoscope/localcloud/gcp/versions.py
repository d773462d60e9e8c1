"""What is kept of a secret. Source of the states:
https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    DESTROYED = "DESTROYED"


@dataclass(frozen=True, slots=True)
class Version:
    data: bytes
    state: State = State.ENABLED
