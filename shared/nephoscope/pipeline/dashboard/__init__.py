"""The dashboard as a value: what to show (sections), how to ask for it (expressions), where it stands (layout)."""

from nephoscope.pipeline.dashboard.render import render_dashboards

__all__ = ["render_dashboards"]
