"""How far a run has come, seen from its readers: each scope is read once, its metrics last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nephoscope.cli.terminal import Steps
from nephoscope.model.config import Config
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Inventory, Readings, SeriesRequest
from nephoscope.model.time import Deadline
from nephoscope.ports import CloudReader, FoundScopes


def counted(readers: Mapping[Cloud, CloudReader], steps: Steps) -> Mapping[Cloud, CloudReader]:
    """The same readers, which tell `steps` how many scopes there are and which are read."""
    return {cloud: CountedReader(reader, steps) for cloud, reader in readers.items()}


class CountedReader:
    """A CloudReader. Safe to use from several threads where the reader is: progress is."""

    def __init__(self, reader: CloudReader, steps: Steps) -> None:
        self._reader = reader
        self._steps = steps

    def read_scopes(self, config: Config, deadline: Deadline) -> FoundScopes:
        found = self._reader.read_scopes(config, deadline)
        self._steps.expect(len(found.scopes))
        return found

    def read_inventory(self, scope: Scope, config: Config, deadline: Deadline) -> Inventory:
        return self._reader.read_inventory(scope, config, deadline)

    def read_series(
        self, scope: Scope, config: Config, requests: Sequence[SeriesRequest], deadline: Deadline
    ) -> Readings:
        readings = self._reader.read_series(scope, config, requests, deadline)
        self._steps.step()
        return readings
