"""Names that a shell completes: of the catalog, the configuration and a memory on this machine."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nephoscope.cli.defaults import DEFAULT_CONFIG, DEFAULT_STORE

if TYPE_CHECKING:
    from nephoscope.model.alert import AlertRecord
    from nephoscope.model.config import Config
    from nephoscope.stores.memory import Memory

Names = Callable[[argparse.Namespace], Iterable[str]]
"""What is offered, out of the arguments that have been written."""

LETTERS = 6
"""Of an alert's key, as `status` shows them."""


def metrics(_: argparse.Namespace) -> Iterable[str]:
    from nephoscope.catalog.loader import load_catalog  # noqa: PLC0415 - each only when it is asked for

    return load_catalog().metrics


def zones(_: argparse.Namespace) -> Iterable[str]:
    from zoneinfo import available_timezones  # noqa: PLC0415 - as above

    return available_timezones()


def words(_: argparse.Namespace) -> Iterable[str]:
    from nephoscope.pipeline.plotting.selecting import TAG, WORDS  # noqa: PLC0415 - as above

    return [*WORDS, TAG]


def choices(_: argparse.Namespace) -> Iterable[str]:
    return [f"{word}=" if not word.endswith(":") else word for word in words(_)]


def history_words(_: argparse.Namespace) -> Iterable[str]:
    from nephoscope.pipeline.asking.fields import ATTRIBUTE, BY, TAG  # noqa: PLC0415 - as above

    return [*BY, TAG, ATTRIBUTE]


def history_choices(_: argparse.Namespace) -> Iterable[str]:
    from nephoscope.pipeline.asking.fields import ATTRIBUTE, TAG, WHERE  # noqa: PLC0415 - as above

    return [*(f"{word}=" for word in WHERE), TAG, ATTRIBUTE]


def rules(args: argparse.Namespace) -> Iterable[str]:
    return [rule.name for rule in _config(args).rules]


def channels(args: argparse.Namespace) -> Iterable[str]:
    return _config(args).channels


def alerts(args: argparse.Namespace) -> Iterator[str]:
    """Rules, and the letters of what is remembered."""
    yield from rules(args)
    yield from (record.alert_key[:LETTERS] for record, _ in _remembered(args))


def alerted(args: argparse.Namespace) -> Iterator[str]:
    """Machines that have an alert of the rule that has been written."""
    for record, name in _remembered(args):
        if record.rule == getattr(args, "alert", record.rule):
            yield from filter(None, (name, record.resource_id))


def machines(args: argparse.Namespace) -> Iterator[str]:
    """Those of the last snapshots."""
    memory = _memory(args)
    for row in memory.read_registry():
        snapshot = memory.read_snapshot(row.scope)
        for resource in snapshot.resources if snapshot else ():
            yield from filter(None, (resource.name, resource.id))


def silences(args: argparse.Namespace) -> Iterator[str]:
    memory = _memory(args)
    clouds = dict.fromkeys(row.scope.cloud for row in memory.read_registry())
    yield from (said.id for cloud in clouds for said in memory.read_silences(cloud))


def outbox(args: argparse.Namespace) -> Iterator[str]:
    """Messages that are owed; of `enable` channels."""
    if getattr(args, "action", "") == "enable":
        yield from channels(args)
        return
    memory = _memory(args)
    for row in memory.read_registry():
        yield from (item.notification.id for item in memory.read_outbox(row.scope))


NAMES: Mapping[tuple[str, str], Names] = {
    ("plot", "metric"): metrics,
    ("plot", "resource"): machines,
    ("plot", "zone"): zones,
    ("plot", "by"): words,
    ("plot", "where"): choices,
    ("metrics", "metric"): metrics,
    ("history", "metric"): metrics,
    ("history", "by"): history_words,
    ("history", "where"): history_choices,
    ("history", "zone"): zones,
    ("states", "host"): machines,
    ("backtest", "rule"): rules,
    ("silence", "rule"): rules,
    ("silence", "resource"): machines,
    ("silence", "id"): silences,
    ("ack", "alert"): alerts,
    ("ack", "resource"): alerted,
    ("timeline", "alert"): alerts,
    ("timeline", "resource"): alerted,
    ("explain", "alert"): alerts,
    ("explain", "resource"): alerted,
    ("outbox", "id"): outbox,
    ("send-test", "channel"): channels,
}
"""(command, argument) -> who knows its values."""


# --- where they stand ---------------------------------------------------------------------------------------------


def _config(args: argparse.Namespace) -> Config:
    path = Path(getattr(args, "config", None) or DEFAULT_CONFIG)
    if path.suffix == ".json":
        from nephoscope.app.config import load_config  # noqa: PLC0415 - as above

        return load_config(path.read_text(encoding="utf-8"))
    from nephoscope.app.authoring.compile import compile_file  # noqa: PLC0415 - as above

    return compile_file(path, os.environ).config


def _memory(args: argparse.Namespace) -> Memory:
    """Only a file here: a table would be a call to a cloud. Raises FileNotFoundError."""
    from nephoscope.app.clock import SystemClock  # noqa: PLC0415 - as above
    from nephoscope.stores.memory import Memory as Opened  # noqa: PLC0415 - as above
    from nephoscope.stores.sqlite import open_table  # noqa: PLC0415 - as above

    path = _file(args)
    if not path or not Path(path).is_file():
        raise FileNotFoundError(path)
    return Opened(open_table(path), SystemClock())


def _file(args: argparse.Namespace) -> str:
    """As Call.settings has it; empty where the memory is a table."""
    if store := getattr(args, "store", None):
        return str(store)
    kind, table = (os.environ.get(name, "") for name in ("NEPHOSCOPE_STORE", "NEPHOSCOPE_TABLE"))
    if getattr(args, "table", None) or ((kind or table) and kind != "sqlite"):
        return ""
    return table or DEFAULT_STORE


def _remembered(args: argparse.Namespace) -> Iterator[tuple[AlertRecord, str]]:
    """Alerts with the names of their machines."""
    memory = _memory(args)
    for row in memory.read_registry():
        records = memory.read_alerts(row.scope)
        snapshot = memory.read_snapshot(row.scope) if records else None
        names = {resource.id: resource.name for resource in (snapshot.resources if snapshot else ())}
        yield from ((record, names.get(record.resource_id, "")) for record in records.values())
