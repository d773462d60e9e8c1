"""What stands on a graph: a metric's title, a rule's threshold in the unit that we publish or in the vendor's own."""

from __future__ import annotations

from nephoscope.model.metric import Metric, Source, Unit
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.parts import Limit
from nephoscope.pipeline.units import SHOWN
from nephoscope.pipeline.wording import render_value

CLOUD_NAMES = {Cloud.AWS: "AWS", Cloud.GCP: "Google Cloud", Cloud.AZURE: "Azure"}

_ABBREVIATIONS = ("cpu", "ebs", "gpu", "io")
_DIGITS = ".13g"
"""0.9 * 100 and the like without the noise of binary fractions."""


def title_of(metric: Metric) -> str:
    """`cpu.utilization` -> CPU utilization; `size`, on a bucket -> Bucket size."""
    words = metric.name.replace("_", " ").split(".")
    words = [word.upper() if word in _ABBREVIATIONS else word for word in words]
    title = " ".join(words if len(words) > 1 else [str(metric.on), *words])
    return title[:1].upper() + title[1:]


def label_of(limit: Limit, unit: Unit) -> str:
    """`cpu-hot (> 90 %)`."""
    return f"{limit.rule} ({limit.comparison} {render_value(limit.value, unit)})"


def as_shown(value: float, unit: Unit) -> float:
    """A value of ours as we publish it and people read it: shares in percent."""
    return float(format(value * SHOWN[unit].factor, _DIGITS))


def as_vendor(value: float, source: Source) -> float:
    """A value of ours in the vendor's unit; for the whole period where the vendor gives totals, not rates."""
    return float(format((value - source.offset) / source.scale * seconds_in(source), _DIGITS))


def vendor_upward(source: Source, *, upward: bool) -> bool:
    """Whether larger is worse in the vendor's own figure: of free memory, smaller is."""
    return upward if source.scale > 0 else not upward


def seconds_in(source: Source) -> int:
    """What a vendor's total of a period is divided by to be our rate; 1 where it is none."""
    return source.period if source.per_second else 1
