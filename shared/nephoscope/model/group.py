"""Several notifications to one channel that leave as one message, because the channel groups them."""

from __future__ import annotations

from dataclasses import dataclass

from nephoscope.model.alert import Notification

Labels = tuple[tuple[str, str], ...]
"""What the members of a group have in common: name and value, in the order that the channel names them."""


@dataclass(frozen=True, slots=True)
class GroupMessage:
    """What is sent. key: the same for every message of this group in this scope. labels: what its members share.

    members: never empty; of one alert in order of seq, so that the last of them is how it stands now.
    """

    id: str
    key: str
    channel: str
    labels: Labels
    members: tuple[Notification, ...]

    @property
    def fleet(self) -> str:
        return self.members[0].fleet


Message = Notification | GroupMessage
