"""A look with what follows from it, each worked out once, whatever number of pages asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from nephoscope.pipeline.looking.alerts import Happened, OpenAlert, happened, open_alerts
from nephoscope.pipeline.looking.answer import Answer, answer
from nephoscope.pipeline.looking.coverage import Coverage, cover
from nephoscope.pipeline.looking.fleet import FleetRow, fleet_rows
from nephoscope.pipeline.looking.look import Look
from nephoscope.pipeline.looking.table import MachineTable, machine_table, same_machines, whole


class Shown:
    """number: of the reading, from 1; a page that has seen this number has nothing to ask. before: of the reading
    before; what nothing has changed of is taken from there."""

    def __init__(self, look: Look, number: int = 1, before: Shown | None = None) -> None:
        self.look = look
        self.number = number
        if before is not None and same_machines(look, before.look):
            self.table, self.rows = before.table, before.rows  # twenty thousand rows are half a second's work

    @cached_property
    def coverage(self) -> tuple[Coverage, ...]:
        return cover(self.look)

    @cached_property
    def answer(self) -> Answer:
        return answer(self.look, self.coverage)

    @cached_property
    def open_alerts(self) -> tuple[OpenAlert, ...]:
        return open_alerts(self.look)

    @cached_property
    def happened(self) -> tuple[Happened, ...]:
        return happened(self.look)

    @cached_property
    def fleet(self) -> tuple[FleetRow, ...]:
        return fleet_rows(self.coverage)

    @cached_property
    def table(self) -> MachineTable:
        return machine_table(self.look)

    @cached_property
    def rows(self) -> str:
        """The whole table as JSON."""
        return whole(self.table)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page shows. shown None: nothing could be read yet. problem: why there is nothing newer, a sentence without
    its stop; empty where all is as it should be. at: when what is shown was read, epoch seconds; 0: never."""

    shown: Shown | None
    problem: str = ""
    at: int = 0

    @property
    def number(self) -> int:
        return self.shown.number if self.shown else 0
