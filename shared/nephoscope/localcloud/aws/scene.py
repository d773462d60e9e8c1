"""What an expression can see: the metrics of one account and region in one window, and the other queries."""

from __future__ import annotations

from collections.abc import Sequence

from nephoscope.localcloud.aws.course import Course
from nephoscope.localcloud.aws.streams import Window
from nephoscope.localcloud.aws.world import World


class Scene:
    """units: how many metrics have been read, which is what AWS bills. A scene of no request has no other queries."""

    def __init__(self, world: World, account: str, region: str, window: Window) -> None:
        self.world = world
        self.account = account
        self.region = region
        self.window = window
        self.units = 0

    def query(self, name: str) -> list[Course]:
        raise NotImplementedError(name)

    def metric_ids(self) -> Sequence[str]:
        return ()
