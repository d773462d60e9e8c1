"""What goes to CloudWatch at the end of a run or a sweep: what scopes have claimed, and what no scope can know."""

from __future__ import annotations

from collections.abc import Sequence

from nephoscope.app.deliver import DeliveryReport
from nephoscope.app.outside import Outside
from nephoscope.model.errors import DeliveryError
from nephoscope.model.memory import Progress
from nephoscope.model.publish import Datum
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.time import Deadline
from nephoscope.pipeline.publish import Figures, plan_self_metrics
from nephoscope.ports import Written


def publish(
    outside: Outside, claimed: Sequence[Datum], slot: int, figures: Figures, deadline: Deadline
) -> tuple[Written, list[str]]:
    """All in one go; what was written, and what went wrong in words. Raises nothing."""
    cloud = next(iter(outside.readers), Cloud.AWS)
    own = plan_self_metrics(outside.config, cloud, slot, figures, Progress(Scope(cloud, "", "")))
    data = [*claimed, *own.data]
    try:
        return outside.sink.write_metrics(data, deadline), []
    except DeliveryError as error:
        return Written(refused={error.reason: len(data)}), [str(error)]


def delivered(report: DeliveryReport) -> Figures:
    """What a delivery has to say of itself."""
    return Figures(sent=report.sent, dead=report.dead, refused=report.refused, heartbeat=False)
