"""Batches: one bad member costs only itself, a denial ends the asking, and what is lost is named."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nephoscope.catalog.loader import load_catalog
from nephoscope.clouds.batches import MOST_SPLITS, BatchRead
from nephoscope.clouds.gaps import Cause, gap_error, plan_gaps
from nephoscope.model.errors import ReadError, Reason
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Gap, SeriesRequest

SCOPE = Scope(Cloud.GCP, "acme-web", "europe-west1")
REFUSED = gap_error(SCOPE, "series.list", Reason.REJECTED, "a bad member")
DENIED = gap_error(SCOPE, "series.list", Reason.DENIED, "no")

Members = tuple[int, ...]


def halves(members: Members) -> Sequence[Members]:
    middle = len(members) // 2
    return (members[:middle], members[middle:]) if middle else ()


class Service:
    """Refuses every call with a bad member in it."""

    def __init__(self, bad: Members, error: ReadError = REFUSED) -> None:
        self._bad = frozenset(bad)
        self._error = error
        self.asked: list[Members] = []

    def ask(self, members: Members) -> tuple[str | None, ReadError | None]:
        self.asked.append(members)
        return (None, self._error) if self._bad & set(members) else (f"{len(members)} came", None)


def read(service: Service, *batches: Members) -> list[str]:
    reads: BatchRead[Members, str] = BatchRead(
        service.ask, lambda members, error: f"lost {members}: {error.reason}", halves, frozenset({Reason.REJECTED})
    )
    return reads.read(batches)


def test_one_bad_member_of_eight_costs_itself() -> None:
    service = Service(bad=(5,))
    assert read(service, tuple(range(8))) == ["4 came", "1 came", "lost (5,): rejected", "2 came"]
    assert len(service.asked) == 7  # the whole, two halves, two quarters, two single ones


def test_what_a_half_would_not_mend_is_not_halved() -> None:
    service = Service(bad=(1,), error=gap_error(SCOPE, "series.list", Reason.UNAVAILABLE))
    assert read(service, (0, 1, 2, 3)) == ["lost (0, 1, 2, 3): unavailable"]
    assert len(service.asked) == 1


def test_after_a_denial_nothing_more_is_asked() -> None:
    service = Service(bad=(1,), error=DENIED)
    reads: BatchRead[Members, str] = BatchRead(service.ask, lambda members, error: f"{members}: {error.reason}")
    assert reads.read([(1,)]) == ["(1,): denied"]
    assert reads.read([(2,)]) == ["(2,): denied"]
    assert service.asked == [(1,)]


def test_what_came_before_a_failure_is_kept() -> None:
    reads: BatchRead[Members, str] = BatchRead(lambda _: ("the first page", REFUSED), lambda *_: "lost")
    assert reads.read([(1, 2)]) == ["the first page"]


def test_where_all_is_bad_the_splitting_ends() -> None:
    service = Service(bad=tuple(range(1024)))
    lost = read(service, tuple(range(1024)))
    assert len(lost) == MOST_SPLITS + 1
    assert len(service.asked) == 2 * MOST_SPLITS + 1


def test_several_batches_keep_their_order() -> None:
    batches = [tuple(range(size)) for size in range(1, 9)]
    assert read(Service(bad=()), *batches) == [f"{size} came" for size in range(1, 9)]


@pytest.mark.parametrize(
    ("missed", "ids"),
    [(("a",), ("a",)), (("a", "b"), ())],
    ids=["some resources are named", "all are not: the metric is unread in the whole scope"],
)
def test_metrics_that_miss_the_same_for_one_cause_are_one_gap(missed: tuple[str, ...], ids: tuple[str, ...]) -> None:
    requests = [request_for(metric, name) for metric in ("cpu.utilization", "network.receive") for name in "ab"]
    cause = Cause("series.list", Reason.PARTIAL, "cut off")
    gaps = plan_gaps(SCOPE, [(each, cause) for each in requests if each.resource_id in missed], requests)
    metrics = ("cpu.utilization", "network.receive")
    assert gaps == [Gap(SCOPE, "series.list", Reason.PARTIAL, "cut off", metrics, ids)]


def test_causes_are_told_apart() -> None:
    one, other = request_for("cpu.utilization", "a"), request_for("cpu.utilization", "b")
    causes = [(one, Cause("series.list", Reason.DENIED)), (other, Cause("series.list", Reason.TIMEOUT))]
    found = [(gap.reason, gap.resource_ids) for gap in plan_gaps(SCOPE, causes, [one, other])]
    assert found == [(Reason.DENIED, ("a",)), (Reason.TIMEOUT, ("b",))]


def request_for(metric: str, resource: str) -> SeriesRequest:
    return SeriesRequest(resource, metric, load_catalog().metrics[metric].sources[Cloud.GCP], 60, 0, 300)
