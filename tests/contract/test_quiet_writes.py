"""What a quiet run writes: its progress and, when due, its snapshot; and for its cloud a sign of life."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.outside import SystemClock, open_outside
from nephoscope.app.run import collect
from nephoscope.app.settings import Settings
from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import simulate
from nephoscope.model.time import Deadline
from nephoscope.ports import Put, Row, Table, Write
from nephoscope.stores.memory import Memory
from nephoscope.stores.sqlite import open_table

NOON = 1_795_435_200
QUIET = """
fleet: acme
gather: {aws: {regions: [eu-central-1, eu-west-1]}}
rules: [{name: cpu-hot, on: instance, when: cpu.utilization > 99.9 %, for: 10 min}]
tell: {}
"""


@dataclass
class Counting:
    """ports.Table that counts what is put, by partition."""

    table: Table
    puts: Counter[str] = field(default_factory=Counter)

    def get(self, pk: str, sk: str) -> Row | None:
        return self.table.get(pk, sk)

    def query(self, pk: str, prefix: str, **more: Any) -> Sequence[Row]:
        return self.table.query(pk, prefix, **more)

    def transact(self, writes: Sequence[Write]) -> Literal["done", "conflict"]:
        self.puts.update(write.row.pk for write in writes if isinstance(write, Put))
        return self.table.transact(writes)


def test_a_quiet_run_writes_at_most_three_items_a_scope_and_one_for_the_cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nephoscope.yaml").write_text(QUIET)
    table = Counting(open_table(str(tmp_path / "quiet.sqlite")))
    runs: list[Counter[str]] = []
    fleet = simulate(5, 40, ("eu-central-1", "eu-west-1"), start=NOON - 3600, script=())
    with LocalAws(fleet, with_ministack=False) as aws:
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        settings = Settings(store="sqlite", table=str(tmp_path / "quiet.sqlite"), home_region="eu-central-1")
        outside = open_outside(compile_file(tmp_path / "nephoscope.yaml").config, settings, SystemClock())
        outside = replace(outside, memory=Memory(table, SystemClock()))
        for minute in range(12):
            aws.set_time(NOON + 60 * minute)
            table.puts.clear()
            report = collect(outside, NOON + 60 * minute, Deadline(time.monotonic() + 60, time.monotonic))
            assert {each.ended for each in report.scopes} == {"done"}
            runs.append(Counter(table.puts))
    for run in runs[1:]:
        assert run.pop("heartbeat#aws") == 1
        assert len(run) == 2, "the two scopes and nothing else"
        assert max(run.values()) <= 3
    assert max(max(run.values()) for run in runs[1:]) > 1, "a snapshot was due meanwhile"
    assert sum(sum(run.values()) == 2 for run in runs[1:]) > 6, "most runs write their progress alone"
