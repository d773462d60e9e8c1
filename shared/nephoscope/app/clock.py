"""What time it is, for everything that asks the machine."""

from __future__ import annotations

import time


class SystemClock:
    """The machine's own clocks."""

    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()
