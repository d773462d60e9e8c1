"""What could not be read, in the one form that the run knows: a ReadError on its way out, a Gap once it is a fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Scope
from nephoscope.model.series import Gap, SeriesRequest


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something has no whole answer. operation: what failed; it may have been the way into the account."""

    operation: str
    reason: Reason
    detail: str = ""

    @classmethod
    def of(cls, error: ReadError) -> Cause:
        return cls(error.operation, error.reason, error.detail)


def gap_error(scope: Scope, operation: str, reason: Reason, detail: str = "") -> ReadError:
    """An error of a scope. detail: on one line; never a credential."""
    return ReadError(
        cloud=scope.cloud,
        account=scope.account,
        region=scope.region,
        operation=operation,
        reason=reason,
        detail=detail,
    )


def gap_of(error: ReadError, scope: Scope, affected: Iterable[str] = (), ids: Iterable[str] = ()) -> Gap:
    """The failure as a fact. affected, ids: what it leaves unknown (model.series.Gap)."""
    return Gap(scope, error.operation, error.reason, error.detail, tuple(affected), tuple(ids))


def plan_gaps(
    scope: Scope, missed: Iterable[tuple[SeriesRequest, Cause]], requests: Iterable[SeriesRequest]
) -> list[Gap]:
    """One gap for each cause, metrics that miss the same resources together. No resource is named where all are missed;
    then the metric is unread in the whole scope.

    missed: requests without a whole answer. requests: all that were made.
    """
    asked: dict[str, set[str]] = {}
    for request in requests:
        asked.setdefault(request.metric, set()).add(request.resource_id)
    grouped: dict[tuple[Cause, tuple[str, ...]], list[str]] = {}
    for (metric, cause), ids in _by_metric(missed).items():
        named = () if ids == asked[metric] else tuple(sorted(ids))
        grouped.setdefault((cause, named), []).append(metric)
    return [
        Gap(scope, cause.operation, cause.reason, cause.detail, tuple(metrics), ids)
        for (cause, ids), metrics in grouped.items()
    ]


def _by_metric(missed: Iterable[tuple[SeriesRequest, Cause]]) -> Mapping[tuple[str, Cause], set[str]]:
    """Metric and cause -> the resources that it left unknown."""
    found: dict[tuple[str, Cause], set[str]] = {}
    for request, cause in missed:
        found.setdefault((request.metric, cause), set()).add(request.resource_id)
    return found
