"""A machine's series, read from its provider when somebody looks at the machine."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from nephoscope.app.outside import Outside
from nephoscope.model.errors import NephoscopeError
from nephoscope.model.resource import Resource
from nephoscope.model.scope import Scope
from nephoscope.model.time import MINUTE, Deadline, floor_to
from nephoscope.pipeline.looking.course import SPANS, Read, lay_courses, plan_course
from nephoscope.pipeline.looking.look import Look
from nephoscope.pipeline.wording import clean

logger = logging.getLogger("nephoscope")

KEPT_SECONDS = MINUTE
"""A provider bills for each metric of each read, and points come by the minute at most."""
PATIENCE = 30.0
MOST_KEPT = 64


class Machines:
    """Reads through the cloud's own reader, and keeps what it read for a minute, so that tabs share it."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._kept: dict[tuple[Scope, str, str], tuple[float, Read]] = {}
        self._lock = threading.Lock()

    def read(self, look: Look, resource: Resource, span: str) -> Read:
        """The courses of the last `span` (a key of SPANS). Raises nothing: what goes wrong is said."""
        key, now = (resource.scope, resource.id, span), self._outside.clock.monotonic()
        with self._lock:
            at, known = self._kept.get(key, (0.0, None))
        if known is not None and now - at < KEPT_SECONDS:
            return known
        read = self._read(look, resource, span)
        with self._lock:
            self._kept[key] = now, read
            while len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return read

    def _read(self, look: Look, resource: Resource, span: str) -> Read:
        outside, cloud, now = self._outside, resource.scope.cloud, int(self._outside.clock.wall())
        if cloud not in outside.readers:
            return Read(problem=f"{cloud} is not gathered by this configuration", at=now)
        rules = tuple(look.rules.values())
        slot = floor_to(now, MINUTE)
        requests = plan_course(resource, rules, _known(look, resource), look.metrics, SPANS[span], slot)
        if not requests:
            return Read(at=now)
        deadline = Deadline(outside.clock.monotonic() + PATIENCE, outside.clock.monotonic)
        try:
            readings = outside.readers[cloud].read_series(resource.scope, outside.config, requests, deadline)
        except ModuleNotFoundError as error:
            return Read(problem=f"its reader needs {error.name}: pip install 'nephoscope[gcp,azure]'", at=now)
        except NephoscopeError as error:
            return Read(problem=clean(str(error), 300), at=now)
        except Exception as error:
            logger.exception("%s: a fault of our own", cloud)
            return Read(problem=f"a fault of our own: {type(error).__name__}", at=now)
        laid = lay_courses(resource, rules, look.metrics, requests, readings.series, readings.gaps)
        return Read(laid, at=now)


def _known(look: Look, resource: Resource) -> list[str]:
    """Metrics with a value of this machine in the snapshot."""
    values: Mapping[str, Mapping[str, object]] = {}
    for place in look.places:
        if place.scope == resource.scope and place.snapshot:
            values = place.snapshot.values
    return [name for name, known in values.items() if resource.id in known]
