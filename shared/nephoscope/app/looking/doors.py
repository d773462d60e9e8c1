"""What the page asks, opened when it is asked: the memory may come to be while the page stands open."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from nephoscope.app.looking.dashboard import Bodies, BodyError
from nephoscope.app.looking.machine import Machines
from nephoscope.app.looking.reading import Reading
from nephoscope.app.looking.source import Source
from nephoscope.app.outside import Outside
from nephoscope.model.errors import NephoscopeError
from nephoscope.model.resource import Resource
from nephoscope.pipeline.looking.course import Read
from nephoscope.pipeline.looking.look import Look
from nephoscope.pipeline.looking.shown import Seen
from nephoscope.ports import Clock


class NothingYetError(NephoscopeError):
    """There is no memory to look into; its text says what to do."""


class Doors:
    """open_outside: everything that touches the world; raises NothingYetError without a memory. files: dashboard
    bodies that may be drawn, by name. every: seconds between two readings of the memory."""

    def __init__(
        self, open_outside: Callable[[], Outside], clock: Clock, files: Mapping[str, Path], every: float
    ) -> None:
        self._open = open_outside
        self.files = files
        self._lock = threading.Lock()
        self._opened: tuple[Outside, Reading, Machines] | None = None
        self._source = Source(self._read, clock, every)
        self.every = every

    @property
    def opened(self) -> Outside:
        """What is asked. Raises NothingYetError, ConfigError."""
        return self._all()[0]

    def now(self) -> Seen:
        return self._source.now()

    def machine(self, look: Look, resource: Resource, span: str) -> Read:
        return self._all()[2].read(look, resource, span)

    def origins(self) -> Mapping[str, str]:
        return Bodies.named(self.files)

    def dashboard(self, origin: str, span: str) -> str:
        """HTML; or the reason why there is none, as the text of a NephoscopeError."""
        try:
            return Bodies(self.opened, self.files).page(origin, span)
        except NothingYetError as error:
            raise BodyError(str(error)) from error

    def _read(self) -> Look:
        return self._all()[1].read()

    def _all(self) -> tuple[Outside, Reading, Machines]:
        with self._lock:
            if self._opened is None:
                outside = self._open()
                self._opened = outside, Reading(outside), Machines(outside)
            return self._opened
