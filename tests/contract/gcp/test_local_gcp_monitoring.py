"""Cloud Monitoring by its own client over TLS: the fleet's measures in Google's kinds and units; what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from google.api_core import exceptions
from google.auth.transport.requests import AuthorizedSession
from google.cloud.monitoring_v3 import MetricServiceClient

from nephoscope.localcloud.curves import Measure
from nephoscope.localcloud.fleet import Power
from nephoscope.localcloud.gcp import names
from nephoscope.localcloud.gcp.faults import Failing, Fault
from nephoscope.localcloud.gcp.local import LocalGcp
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Instance

NOON = 1_795_435_200
CPU = "compute.googleapis.com/instance/cpu/utilization"
RECEIVED = "compute.googleapis.com/instance/network/received_bytes_count"
WRITTEN = "compute.googleapis.com/instance/disk/write_bytes_count"
MEMORY = "agent.googleapis.com/memory/percent_used"
AGENT_UPTIME = "agent.googleapis.com/agent/uptime"
UPTIME = "compute.googleapis.com/instance/uptime"
UPTIME_TOTAL = "compute.googleapis.com/instance/uptime_total"
GAUGE, DELTA, CUMULATIVE = 1, 2, 3  # google.api.MetricDescriptor.MetricKind
INT64, DOUBLE = 2, 3  # and its ValueType
TOTAL_BYTES = "storage.googleapis.com/storage/total_bytes"


def _pages(
    client: MetricServiceClient, wanted: str, start: int, end: int, *, project: str = "acme-web", **more: Any
) -> list[Any]:
    interval = {"start_time": {"seconds": start}, "end_time": {"seconds": end}}
    request = {"name": f"projects/{project}", "filter": wanted, "interval": interval, **more}
    return list(client.list_time_series(request=request).pages)


def _read(client: MetricServiceClient, wanted: str, start: int, end: int, **more: Any) -> list[Any]:
    return [series for page in _pages(client, wanted, start, end, **more) for series in page.time_series]


def _points(series: Any) -> dict[int, float]:
    whole = series.value_type == INT64
    return {
        int(point.interval.end_time.timestamp()): point.value.int64_value if whole else point.value.double_value
        for point in series.points
    }


def _of(metric: str, instance: Instance, more: str = "") -> str:
    return f'metric.type = "{metric}" AND resource.labels.instance_id = "{names.machine_id(instance)}"{more}'


def _play(gcp: LocalGcp, *script: Incident) -> None:
    """Another story for the same machines, at noon."""
    gcp.reset(gcp.fleet.with_script(script))
    gcp.set_time(NOON)


def _machine(
    gcp: LocalGcp, roles: Sequence[str] = (), *, agent: bool = False, region: str = "europe-west1"
) -> Instance:
    return next(
        seen.instance
        for seen in gcp.fleet.instances_at(NOON - 7200, "acme-web", region)
        if seen.power is Power.RUNNING
        and (not roles or seen.instance.role in roles)
        and (not agent or seen.instance.agent)
    )


def _aligned(aligner: str, period: int = 60, reducer: str = "REDUCE_NONE", by: Sequence[str] = ()) -> Mapping[str, Any]:
    return {
        "alignment_period": {"seconds": period},
        "per_series_aligner": aligner,
        "cross_series_reducer": reducer,
        "group_by_fields": list(by),
    }


# --- the fleet's measures ----------------------------------------------------------------------------------------


def test_processors_are_a_fraction_and_the_newest_point_comes_first(gcp: LocalGcp, monitoring: Any) -> None:
    machine = _machine(gcp)
    (series,) = _read(monitoring, _of(CPU, machine), NOON - 900, NOON - 600)
    minutes = range(NOON - 900, NOON - 600, 60)
    assert _points(series) == {at + 60: gcp.fleet.value(machine.id, Measure.CPU, at) for at in minutes}
    ends = [point.interval.end_time.timestamp() for point in series.points]
    assert ends == sorted(ends, reverse=True)
    assert all(point.interval.start_time == point.interval.end_time for point in series.points)
    assert (series.metric_kind, series.value_type) == (GAUGE, DOUBLE)
    assert dict(series.resource.labels) == {
        "project_id": "acme-web",
        "instance_id": names.machine_id(machine),
        "zone": names.zone_of(machine),
    }


def test_bytes_are_counted_over_a_minute_and_split_by_the_load_balancer(gcp: LocalGcp, monitoring: Any) -> None:
    machine = _machine(gcp, ("web", "api"))
    both = _read(monitoring, _of(RECEIVED, machine), NOON - 660, NOON - 600)
    assert sorted(series.metric.labels["loadbalanced"] for series in both) == ["false", "true"]
    rate = gcp.fleet.value(machine.id, Measure.RECEIVED, NOON - 660) or 0
    total = sum(_points(series)[NOON - 600] for series in both)
    assert total == pytest.approx(60 * rate, abs=1)
    (point,) = both[0].points
    assert (both[0].metric_kind, both[0].value_type) == (DELTA, INT64)
    assert (point.interval.end_time - point.interval.start_time).total_seconds() == 60


def test_disks_are_summed_and_made_a_rate_by_the_server(gcp: LocalGcp, monitoring: Any) -> None:
    machine = _machine(gcp, ("database", "cache"))
    aggregation = _aligned("ALIGN_RATE", 300, "REDUCE_SUM", ["resource.labels.instance_id"])
    (series,) = _read(monitoring, _of(WRITTEN, machine), NOON - 900, NOON - 600, aggregation=aggregation)
    rates = [gcp.fleet.value(machine.id, Measure.WRITTEN_BYTES, at) or 0 for at in range(NOON - 900, NOON - 600, 60)]
    assert _points(series) == {NOON - 600: pytest.approx(sum(rates) / 5, rel=1e-4)}
    assert (series.metric_kind, series.value_type) == (GAUGE, DOUBLE)
    assert dict(series.resource.labels) == {"project_id": "acme-web", "instance_id": names.machine_id(machine)}
    assert not series.metric.labels
    assert len(_read(monitoring, _of(WRITTEN, machine), NOON - 660, NOON - 600)) == 2


def test_memory_is_in_percent_by_state_and_only_with_an_agent(gcp: LocalGcp, monitoring: Any) -> None:
    machine = _machine(gcp, agent=True)
    states = _read(monitoring, _of(MEMORY, machine), NOON - 660, NOON - 600)
    held = {series.metric.labels["state"]: _points(series)[NOON - 600] for series in states}
    assert held["used"] == pytest.approx(100 * (gcp.fleet.value(machine.id, Measure.MEMORY, NOON - 660) or 0))
    assert sum(held.values()) == pytest.approx(100)
    used = ' AND metric.labels.state = "used"'
    every = _read(monitoring, f'metric.type = "{MEMORY}"{used}', NOON - 660, NOON - 600)
    agents = [
        seen
        for seen in gcp.fleet.instances_at(NOON - 660, "acme-web")
        if seen.instance.agent and seen.power == "running"
    ]
    assert len(every) == len(agents) > 1


def test_a_cumulative_counts_from_the_last_start(gcp: LocalGcp, monitoring: Any) -> None:
    machine = _machine(gcp, agent=True)
    stop = Incident(Happening.STOPPED, 0, 600, (machine.id,))
    _play(gcp, stop)
    gcp.set_time(NOON + 1800)
    (series,) = _read(monitoring, _of(AGENT_UPTIME, machine), NOON + 600, NOON + 1200)
    # It pends for 45 s from 12:10 on, so the first whole running minute is that of 12:11.
    assert _points(series) == {NOON + at: at - 600 for at in range(720, 1201, 60)}
    assert {int(point.interval.start_time.timestamp()) for point in series.points} == {NOON + 600}
    assert series.metric_kind == CUMULATIVE
    (rate,) = _read(
        monitoring, _of(AGENT_UPTIME, machine), NOON + 900, NOON + 1200, aggregation=_aligned("ALIGN_RATE", 300)
    )
    assert _points(rate) == {NOON + 1200: 1.0}


def test_uptime_is_what_each_minute_added_and_in_total_begins_anew_with_a_start(gcp: LocalGcp, monitoring: Any) -> None:
    machine = _machine(gcp)
    _play(gcp, Incident(Happening.STOPPED, 0, 600, (machine.id,)))
    gcp.set_time(NOON + 1800)
    (total,) = _read(monitoring, _of(UPTIME_TOTAL, machine), NOON - 120, NOON + 900)
    before = {at - NOON: value for at, value in _points(total).items() if at <= NOON}
    assert before == {at: NOON + at - machine.launched_at for at in (-60, 0)}
    # stopped at noon, started at 12:10, running from the minute of 12:11 on
    after = {at - NOON: value for at, value in _points(total).items() if at > NOON}
    assert after == {720: 120, 780: 180, 840: 240, 900: 300}
    assert (total.metric_kind, total.value_type) == (GAUGE, INT64)
    assert all(point.interval.start_time == point.interval.end_time for point in total.points)

    (added,) = _read(monitoring, _of(UPTIME, machine), NOON - 120, NOON + 900)
    assert {at - NOON: value for at, value in _points(added).items()} == dict.fromkeys((-60, 0, *after), 60.0)
    assert (added.metric_kind, added.value_type) == (DELTA, DOUBLE)
    spans = {point.interval.end_time - point.interval.start_time for point in added.points}
    assert [span.total_seconds() for span in spans] == [60]


def test_buckets_by_storage_class_at_yesterdays_weight(gcp: LocalGcp, monitoring: Any) -> None:
    bucket = next(row for row in gcp.fleet.buckets if row.account == "acme-web")
    wanted = f'metric.type = "{TOTAL_BYTES}" AND resource.labels.bucket_name = "{bucket.name}"'
    found = _read(monitoring, wanted, NOON - 3600, NOON - 900)
    midnight = NOON - 12 * 3600
    expected = gcp.fleet.stored(bucket, midnight - 86_400)
    words = {"standard": "STANDARD", "infrequent": "NEARLINE", "archive": "ARCHIVE"}
    weights = {series.metric.labels["storage_class"]: set(_points(series).values()) for series in found}
    assert weights == {words[name]: {size} for name, size in expected.items()}
    assert sorted(_points(found[0])) == list(range(NOON - 3300, NOON - 899, 300))


# --- when ---------------------------------------------------------------------------------------------------------


def test_a_point_is_there_240_seconds_after_its_end_and_not_long_before(gcp: LocalGcp, monitoring: Any) -> None:
    machine = _machine(gcp)
    seen = []
    for wait in (179, 240):
        gcp.set_time(NOON + wait)
        seen.append(len(_read(monitoring, _of(CPU, machine), NOON - 60, NOON)))
    assert seen == [0, 1]


def test_late_points_come_later_and_come(gcp: LocalGcp, monitoring: Any) -> None:
    machine = _machine(gcp)
    late = Incident(Happening.LATE_POINTS, 0, 600, region="europe-west1", seconds=300)
    _play(gcp, late)
    seen = []
    for wait in (479, 540):
        gcp.set_time(NOON + 60 + wait)
        seen.append(len(_read(monitoring, _of(CPU, machine), NOON, NOON + 60)))
    assert seen == [0, 1]


def test_the_interval_leaves_its_start_out_and_has_its_end(gcp: LocalGcp, monitoring: Any) -> None:
    machine = _machine(gcp)
    (series,) = _read(monitoring, _of(CPU, machine), NOON - 780, NOON - 660)
    assert sorted(_points(series)) == [NOON - 720, NOON - 660]


def test_a_stopped_machine_has_no_series_in_the_interval(gcp: LocalGcp, monitoring: Any) -> None:
    parked = next(row for row in gcp.fleet.instances if row.account == "acme-web" and row.parked)
    assert _read(monitoring, _of(CPU, parked), NOON - 3600, NOON) == []


# --- pages, views, filters ----------------------------------------------------------------------------------------


def test_a_page_holds_points_and_a_series_goes_on_on_the_next(gcp: LocalGcp, monitoring: Any) -> None:
    wanted = f'metric.type = "{CPU}" AND resource.labels.zone = starts_with("europe-west1")'
    whole = {
        row.resource.labels["instance_id"]: _points(row) for row in _read(monitoring, wanted, NOON - 900, NOON - 300)
    }
    pages = _pages(monitoring, wanted, NOON - 900, NOON - 300, page_size=7)
    sizes = [sum(len(row.points) for row in page.time_series) for page in pages]
    assert set(sizes[:-1]) == {7}
    assert sum(sizes) == 10 * len(whole)
    pieces: dict[str, dict[int, float]] = {}
    for row in (row for page in pages for row in page.time_series):
        pieces.setdefault(row.resource.labels["instance_id"], {}).update(_points(row))
    assert pieces == whole


def test_headers_come_without_points_and_are_counted_as_series(gcp: LocalGcp, monitoring: Any) -> None:
    pages = _pages(monitoring, f'metric.type = "{CPU}"', NOON - 900, NOON - 300, view="HEADERS", page_size=10)
    running = [seen for seen in gcp.fleet.instances_at(NOON - 600, "acme-web") if seen.power is Power.RUNNING]
    assert [len(page.time_series) for page in pages] == [10, 10, len(running) - 20]
    assert not any(row.points for page in pages for row in page.time_series)


FILTERS = [
    'resource.labels.zone = "europe-west1-b"',
    'resource.label."zone" = "europe-west1-b"',
    'project = "acme-web" AND resource.labels.zone = one_of("europe-west1-b", "nowhere")',
    'resource.type = "gce_instance" resource.labels.zone = ends_with("1-b") '
    'NOT resource.labels.zone = has_substring("us")',
    '(resource.labels.zone = "europe-west1-b" OR resource.labels.zone = "nowhere")',
    'resource.labels.zone = monitoring.regex.full_match("europe-west1-[ab]")',
    'resource.labels.zone:"europe-west1-b"',
    'resource.labels.zone != "us-central1-a" AND -resource.labels.zone = monitoring.regex.full_match(".*[^b]") '
    'AND resource.labels.zone != "us-central1-b"',
]


@pytest.mark.parametrize("wanted", FILTERS)
def test_filters_that_choose_one_zone(gcp: LocalGcp, monitoring: Any, wanted: str) -> None:
    found = _read(monitoring, f'metric.type = "{CPU}" AND {wanted}', NOON - 660, NOON - 600)
    expected = {
        names.machine_id(seen.instance)
        for seen in gcp.fleet.instances_at(NOON - 660, "acme-web", "europe-west1")
        if seen.power is Power.RUNNING and names.zone_of(seen.instance) == "europe-west1-b"
    }
    assert {row.resource.labels["instance_id"] for row in found} == expected
    assert len(expected) > 1


def test_user_labels_choose_machines(gcp: LocalGcp, monitoring: Any) -> None:
    wanted = f'metric.type = "{CPU}" AND metadata.user_labels.role = "web"'
    found = _read(monitoring, wanted, NOON - 660, NOON - 600)
    expected = [
        seen
        for seen in gcp.fleet.instances_at(NOON - 660, "acme-web")
        if seen.power is Power.RUNNING and seen.instance.tags.get("role") == "web"
    ]
    assert len(found) == len(expected) > 1


@pytest.mark.parametrize(
    ("wanted", "more", "error"),
    [
        ("", {}, exceptions.InvalidArgument),
        ('resource.type = "gce_instance"', {}, exceptions.InvalidArgument),
        ('metric.type = starts_with("compute")', {}, exceptions.InvalidArgument),
        (f'metric.type = "{CPU}" AND resource.labels.region = "x"', {}, exceptions.InvalidArgument),
        (f'metric.type = "{CPU}" AND (', {}, exceptions.InvalidArgument),
        (f'metric.type = "{CPU}" )', {}, exceptions.InvalidArgument),
        (f'metric.type = "{CPU}"', {"aggregation": _aligned("ALIGN_RATE")}, exceptions.InvalidArgument),
        (f'metric.type = "{CPU}"', {"aggregation": _aligned("ALIGN_MEAN", 30)}, exceptions.InvalidArgument),
        (
            f'metric.type = "{CPU}"',
            {"aggregation": _aligned("ALIGN_NONE", 60, "REDUCE_SUM")},
            exceptions.InvalidArgument,
        ),
        (f'metric.type = "{CPU}"', {"page_token": "bm8="}, exceptions.InvalidArgument),
        (f'metric.type = "{CPU}"', {"aggregation": _aligned("ALIGN_PERCENT_CHANGE")}, exceptions.MethodNotImplemented),
        ('metric.type = "compute.googleapis.com/instance/nothing"', {}, exceptions.NotFound),
    ],
)
def test_requests_that_are_refused(
    gcp: LocalGcp, monitoring: Any, wanted: str, more: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        _read(monitoring, wanted, NOON - 900, NOON - 600, **more)


# --- descriptors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "kind", "value_type", "unit", "period", "delay"),
    [
        (CPU, "GAUGE", "DOUBLE", "10^2.%", 60, 240),
        (RECEIVED, "DELTA", "INT64", "By", 60, 240),
        (WRITTEN, "DELTA", "INT64", "By", 60, 240),
        (MEMORY, "GAUGE", "DOUBLE", "%", 60, 120),
        (AGENT_UPTIME, "CUMULATIVE", "INT64", "s", 60, 120),
        (UPTIME, "DELTA", "DOUBLE", "s{uptime}", 60, 240),
        (UPTIME_TOTAL, "GAUGE", "INT64", "s", 60, 240),
        (TOTAL_BYTES, "GAUGE", "DOUBLE", "By", 300, 600),
    ],
)
def test_a_descriptor_says_kind_unit_and_when(
    monitoring: Any, metric: str, kind: str, value_type: str, unit: str, period: int, delay: int
) -> None:
    found = monitoring.get_metric_descriptor(name=f"projects/acme-web/metricDescriptors/{metric}")
    kinds, types = type(found).MetricKind, type(found).ValueType
    assert (kinds.Name(found.metric_kind), types.Name(found.value_type), found.unit) == (kind, value_type, unit)
    assert (found.metadata.sample_period.seconds, found.metadata.ingest_delay.seconds) == (period, delay)


def test_descriptors_are_listed_by_prefix_in_pages(gcp: LocalGcp, monitoring: Any) -> None:
    request = {
        "name": "projects/acme-web",
        "filter": 'metric.type = starts_with("agent.googleapis.com/")',
        "page_size": 2,
    }
    listed = [row.type for row in monitoring.list_metric_descriptors(request=request)]
    assert sorted(listed) == [
        "agent.googleapis.com/agent/uptime",
        "agent.googleapis.com/disk/percent_used",
        "agent.googleapis.com/memory/percent_used",
    ]
    assert gcp.ledger.calls("monitoring.projects.metricDescriptors.list") == 2


def test_a_descriptor_that_does_not_exist(monitoring: Any) -> None:
    with pytest.raises(exceptions.NotFound, match="Could not find descriptor"):
        monitoring.get_metric_descriptor(name="projects/acme-web/metricDescriptors/custom.googleapis.com/x")


# --- what goes wrong, and what it costs ---------------------------------------------------------------------------


def test_without_the_permission_nothing_is_read(gcp: LocalGcp, monitoring: Any) -> None:
    gcp.world.permissions = frozenset({"monitoring.metricDescriptors.get"})
    with pytest.raises(exceptions.PermissionDenied, match=r"monitoring\.timeSeries\.list") as refused:
        _read(monitoring, f'metric.type = "{CPU}"', NOON - 900, NOON - 600)
    assert refused.value.reason == "IAM_PERMISSION_DENIED"
    (entry,) = gcp.ledger.entries("monitoring.projects.timeSeries.list")
    assert (entry.allowed, entry.units) == (False, 0)


def test_a_project_without_the_api(gcp: LocalGcp, monitoring: Any) -> None:
    gcp.faults.add(Fault(Failing.DISABLED, "monitoring.*", project="acme-web"))
    with pytest.raises(exceptions.PermissionDenied) as refused:
        _read(monitoring, f'metric.type = "{CPU}"', NOON - 900, NOON - 600)
    assert refused.value.reason == "SERVICE_DISABLED"
    assert refused.value.metadata["service"] == "monitoring.googleapis.com"
    assert _read(monitoring, f'metric.type = "{CPU}"', NOON - 900, NOON - 600, project="acme-data")


def test_half_of_the_calls_are_throttled_while_the_script_says_so(gcp: LocalGcp, monitoring: Any) -> None:
    _play(gcp, Incident(Happening.THROTTLED, 0, 60, region="europe-west1", share=0.5))
    here = f'metric.type = "{CPU}" AND resource.labels.zone = starts_with("europe-west1")'
    there = f'metric.type = "{CPU}" AND resource.labels.zone = starts_with("us-central1")'
    outcomes = []
    for wanted in (here, here, here, here, there, there):
        try:
            outcomes.append(len(_read(monitoring, wanted, NOON - 900, NOON - 600)) > 0)
        except exceptions.ResourceExhausted as error:
            assert error.reason == "RATE_LIMIT_EXCEEDED"
            outcomes.append(False)
    assert outcomes == [True, False, True, False, True, True]


def test_a_blind_region_is_an_execution_error_beside_the_others_series(gcp: LocalGcp, monitoring: Any) -> None:
    _play(gcp, Incident(Happening.REGION_DENIED, 0, 60, region="us-central1"))
    (page,) = _pages(monitoring, f'metric.type = "{CPU}"', NOON - 900, NOON - 600)
    zones = {row.resource.labels["zone"][:-2] for row in page.time_series}
    assert zones == {"europe-west1"}
    assert [(error.code, "us-central1" in error.message) for error in page.execution_errors] == [(14, True)]


def test_partial_data_loses_its_newer_half_and_says_so(gcp: LocalGcp, monitoring: Any) -> None:
    _play(gcp, Incident(Happening.PARTIAL_DATA, 0, 60, region="europe-west1", share=1.0))
    machine = _machine(gcp)
    (page,) = _pages(monitoring, _of(CPU, machine), NOON - 900, NOON - 660)
    assert sorted(_points(page.time_series[0])) == [NOON - 840, NOON - 780]
    assert len(page.execution_errors) == 1
    other = _machine(gcp, region="us-central1")
    (page,) = _pages(monitoring, _of(CPU, other), NOON - 900, NOON - 660)
    assert (len(page.time_series[0].points), len(page.execution_errors)) == (4, 0)


def test_a_token_that_is_over_is_unauthenticated(gcp: LocalGcp, monitoring: Any) -> None:
    _read(monitoring, f'metric.type = "{CPU}"', NOON - 660, NOON - 600)
    gcp.world.tokens.expire()
    with pytest.raises(exceptions.Unauthenticated) as refused:
        _read(monitoring, f'metric.type = "{CPU}"', NOON - 660, NOON - 600)
    assert refused.value.reason == "ACCESS_TOKEN_EXPIRED"


def test_the_ledger_counts_the_series_that_google_bills(
    gcp: LocalGcp, monitoring: Any, session: AuthorizedSession
) -> None:
    found = _read(monitoring, f'metric.type = "{CPU}"', NOON - 660, NOON - 600)
    session.get(f"{gcp.url}/compute/v1/projects/acme-web/zones")
    assert gcp.ledger.units("monitoring.projects.timeSeries.list") == len(found) > 20
    assert gcp.ledger.units("compute.zones.list") == 0
    assert {need.action for need in gcp.ledger.needs()} == {"monitoring.timeSeries.list", "compute.zones.list"}
    assert {entry.principal for entry in gcp.ledger.entries("compute.zones.list")} == {gcp.service_account["email"]}
