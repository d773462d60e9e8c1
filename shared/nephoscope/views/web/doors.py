"""What a view may ask for; app/looking/doors.py gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from nephoscope.model.resource import Resource
from nephoscope.pipeline.looking.course import Read
from nephoscope.pipeline.looking.look import Look
from nephoscope.pipeline.looking.shown import Seen


class Doors(Protocol):
    every: float
    """Seconds between two readings of the memory."""

    def now(self) -> Seen:
        """The newest look that there is."""
        ...

    def machine(self, look: Look, resource: Resource, span: str) -> Read:
        """A machine's series of the last `span`. Raises nothing that is foreign."""
        ...

    def origins(self) -> Mapping[str, str]:
        """The dashboards that can be drawn: what the address calls it -> what a person reads."""
        ...

    def dashboard(self, origin: str, span: str) -> str:
        """Its page as HTML. Raises NephoscopeError whose text says why there is none."""
        ...
