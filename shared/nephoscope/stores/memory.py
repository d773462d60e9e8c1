"""The alert memory: everything that nephoscope must know between two runs, over any store.

Built once, over the two reads and the one conditional transaction of ports.Table, so that every store keeps the same
promises. Each part stands in a file of its own: alerts.py, outbox.py, groups.py, quiet.py, registry.py, snapshots.py;
keys.py shows where everything lies.
"""

from __future__ import annotations

from nephoscope.stores.groups import Groups
from nephoscope.stores.outbox import Owing, Unreadable
from nephoscope.stores.quiet import Quiet
from nephoscope.stores.registry import Registry
from nephoscope.stores.shelf import Committed
from nephoscope.stores.snapshots import Snapshots

__all__ = ["Committed", "Memory", "Owing", "Unreadable"]


class Memory(Snapshots, Groups, Registry, Quiet):
    """`Memory(table, clock)`. Safe to use from several threads where its table is."""
