"""The alert memory: everything that nephoscope must know between two runs, over any store.

Built once, over the two reads and the one conditional transaction of ports.Table, so that every store keeps the same
promises. Each part stands in a file of its own: alerts.py, beats.py, groups.py, keeping.py, outbox.py, quiet.py,
registry.py, snapshots.py, withholding.py; keys.py shows where everything lies.
"""

from __future__ import annotations

from nephoscope.stores.beats import Beats
from nephoscope.stores.groups import Groups
from nephoscope.stores.keeping import KeptHistory
from nephoscope.stores.outbox import Owing, Unreadable
from nephoscope.stores.quiet import Quiet
from nephoscope.stores.registry import Registry
from nephoscope.stores.shelf import Committed
from nephoscope.stores.withholding import Withholding

__all__ = ["Committed", "Memory", "Owing", "Unreadable"]


class Memory(KeptHistory, Groups, Withholding, Registry, Quiet, Beats):
    """`Memory(table, clock)`. Safe to use from several threads where its table is."""
