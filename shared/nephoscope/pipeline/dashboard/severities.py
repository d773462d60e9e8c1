"""A rule's threshold as a line on a graph: the colour of its severity, and shade on the side that is bad."""

from __future__ import annotations

from nephoscope.model.rule import Severity
from nephoscope.pipeline.board import Limit
from nephoscope.pipeline.dashboard.widgets import Line

SEVERITY_COLORS = {Severity.CRITICAL: "#d62728", Severity.WARNING: "#ff7f0e", Severity.INFO: "#1f77b4"}


def line_of(limit: Limit, value: float, label: str) -> Line:
    """value: in the unit of the graph."""
    return Line(value, label, SEVERITY_COLORS[limit.severity], "above" if limit.comparison.upward else "below")
