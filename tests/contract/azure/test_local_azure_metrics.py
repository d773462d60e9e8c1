"""`metrics:getBatch` by Microsoft's own client: values against the fleet, limits, the newest points, failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest
from azure.identity import ManagedIdentityCredential
from azure.monitor.querymetrics import Metric, MetricsClient

from nephoscope.localcloud.azure.local import LocalAzure
from nephoscope.localcloud.curves import Measure
from nephoscope.localcloud.fleet import Power, simulate
from nephoscope.localcloud.incidents import Happening, Incident
from nephoscope.localcloud.machines import Instance

NOON = 1_795_435_200
WEB = "11111111-aaaa-4000-8000-000000000001"
DATA = "22222222-bbbb-4000-8000-000000000002"
PLACE = "westeurope"
VMS = "Microsoft.Compute/virtualMachines"
ACCOUNTS = "Microsoft.Storage/storageAccounts"
SETTLED = NOON - 3600


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _open(azure: LocalAzure, credential: ManagedIdentityCredential, region: str = PLACE) -> MetricsClient:
    return MetricsClient(azure.metrics_endpoint(region), credential, retry_policy=RetryPolicy.no_retries())


@pytest.fixture
def metrics(azure: LocalAzure, credential: ManagedIdentityCredential) -> Iterator[MetricsClient]:
    with _open(azure, credential) as client:
        yield client


def _running(azure: LocalAzure, region: str = PLACE) -> list[Instance]:
    seen = azure.fleet.instances_at(NOON, WEB, region)
    return [row.instance for row in seen if row.power is Power.RUNNING]


def _query(
    client: MetricsClient,
    resource_ids: Sequence[str],
    names: Sequence[str],
    start: int,
    end: int,
    aggregations: Sequence[str] | None = None,
    minutes: int = 1,
    namespace: str = VMS,
    **more: Any,
) -> list[list[Metric]]:
    results = client.query_resources(
        resource_ids=resource_ids,
        metric_namespace=namespace,
        metric_names=names,
        timespan=(_time(start), _time(end)),
        granularity=timedelta(minutes=minutes),
        aggregations=aggregations,
        **more,
    )
    return [result.metrics for result in results]


def _points(metric: Metric, word: str, line: int = 0) -> dict[int, float | None]:
    return {int(row.timestamp.timestamp()): getattr(row, word) for row in metric.timeseries[line].data}


def _refused(client: MetricsClient, *arguments: Any, **more: Any) -> str:
    """The message of a refusal as a bad request."""
    with pytest.raises(HttpResponseError) as caught:
        _query(client, *arguments, **more)
    assert (caught.value.status_code, caught.value.error.code) == (400, "BadRequest")
    return str(caught.value.error.message)


# --- values --------------------------------------------------------------------------------------------------------


def test_processors_come_in_percent_and_bytes_by_the_interval(azure: LocalAzure, metrics: MetricsClient) -> None:
    machine = _running(azure)[0]
    minutes = range(SETTLED, SETTLED + 300, 60)
    ((cpu, net),) = _query(
        metrics,
        [azure.resource_id(machine.id)],
        ["Percentage CPU", "Network In Total"],
        SETTLED,
        SETTLED + 300,
        ["Average", "Maximum", "Minimum", "Total", "Count"],
        minutes=5,
    )
    loads = [100 * (azure.fleet.value(machine.id, Measure.CPU, at) or 0) for at in minutes]
    received = [60 * (azure.fleet.value(machine.id, Measure.RECEIVED, at) or 0) for at in minutes]
    assert (cpu.name, cpu.unit, net.unit) == ("Percentage CPU", "Percent", "Bytes")
    assert _points(cpu, "average") == pytest.approx({SETTLED: sum(loads) / 5})
    assert (_points(cpu, "maximum"), _points(cpu, "minimum")) == ({SETTLED: max(loads)}, {SETTLED: min(loads)})
    assert _points(cpu, "count") == {SETTLED: 5}
    assert _points(net, "total") == pytest.approx({SETTLED: sum(received)})
    assert _points(net, "average") == pytest.approx({SETTLED: sum(received) / 5})


UNITS = [
    ("Percentage CPU", Measure.CPU, 100, "Percent", "average"),
    ("Network Out Total", Measure.SENT, 60, "Bytes", "total"),
    ("Disk Read Bytes", Measure.READ_BYTES, 60, "Bytes", "total"),
    ("Disk Write Bytes", Measure.WRITTEN_BYTES, 60, "Bytes", "total"),
    ("Disk Read Operations/Sec", Measure.READS, 1, "CountPerSecond", "average"),
    ("Disk Write Operations/Sec", Measure.WRITES, 1, "CountPerSecond", "average"),
]


@pytest.mark.parametrize(("name", "measure", "scale", "unit", "word"), UNITS)
def test_each_metric_has_its_unit_and_its_own_aggregation(
    azure: LocalAzure, metrics: MetricsClient, name: str, measure: Measure, scale: float, unit: str, word: str
) -> None:
    machine = _running(azure)[1]
    ((metric,),) = _query(metrics, [azure.resource_id(machine.id)], [name], SETTLED, SETTLED + 120)
    expected = {at: scale * (azure.fleet.value(machine.id, measure, at) or 0) for at in (SETTLED, SETTLED + 60)}
    assert metric.unit == unit
    assert _points(metric, word) == pytest.approx(expected)
    others = {"average", "minimum", "maximum", "total", "count"} - {word}
    assert {value for other in others for value in _points(metric, other).values()} == {None}


def test_memory_is_seen_from_outside_with_or_without_an_agent(azure: LocalAzure, metrics: MetricsClient) -> None:
    machines = [next(row for row in _running(azure) if bool(row.agent) is agent) for agent in (True, False)]
    ids = [azure.resource_id(machine.id) for machine in machines]
    names = ["Available Memory Percentage", "Available Memory Bytes"]
    results = _query(metrics, ids, names, SETTLED, SETTLED + 60)
    used = azure.fleet.value(machines[0].id, Measure.MEMORY, SETTLED) or 0
    assert _points(results[0][0], "average") == pytest.approx({SETTLED: 100 - 100 * used})
    for percent, octets in results:
        size = (_points(octets, "average")[SETTLED] or 0) / (_points(percent, "average")[SETTLED] or 1) * 100
        assert size / 2**30 == pytest.approx(round(size / 2**30), abs=0.001)  # a whole number of GiB


def test_a_failed_check_makes_a_machine_unavailable(azure: LocalAzure, metrics: MetricsClient) -> None:
    machine = _running(azure)[0]
    azure.reset(azure.fleet.with_script([Incident(Happening.CHECK_FAILED, 60, 120, (machine.id,))]))
    azure.set_time(NOON + 1800)
    ids = [azure.resource_id(machine.id)]
    ((metric,),) = _query(metrics, ids, ["VmAvailabilityMetric"], NOON, NOON + 180)
    assert _points(metric, "average") == {NOON: 1, NOON + 60: 0, NOON + 120: 1}


def test_intervals_are_aligned_and_the_windows_end_is_open(azure: LocalAzure, metrics: MetricsClient) -> None:
    ids = [azure.resource_id(_running(azure)[0].id)]
    ((metric,),) = _query(metrics, ids, ["Percentage CPU"], SETTLED + 17, SETTLED + 1820, minutes=15)
    assert list(_points(metric, "average")) == [SETTLED, SETTLED + 900]


def test_a_machine_that_stands_has_no_series_and_one_that_starts_has_gaps(
    azure: LocalAzure, metrics: MetricsClient
) -> None:
    machine = _running(azure)[0]
    azure.reset(azure.fleet.with_script([Incident(Happening.STOPPED, 0, 600, (machine.id,))]))
    azure.set_time(NOON + 3600)
    ids = [azure.resource_id(machine.id)]
    ((metric,),) = _query(metrics, ids, ["Percentage CPU"], NOON + 60, NOON + 540)
    assert metric.timeseries == []
    ((metric,),) = _query(metrics, ids, ["Percentage CPU"], NOON - 60, NOON + 720, minutes=1)
    values = list(_points(metric, "average").values())
    assert values[1:12] == [None] * 11
    assert values[0] is not None and values[12] is not None


def test_used_capacity_is_hourly(azure: LocalAzure, credential: ManagedIdentityCredential) -> None:
    bucket = next(row for row in azure.fleet.buckets if row.account == WEB)
    hour = NOON - 4 * 3600
    with _open(azure, credential, bucket.region) as client:
        ids = [azure.resource_id(bucket.name)]
        ((metric,),) = _query(
            client, ids, ["UsedCapacity"], hour, hour + 7200, ["Average"], minutes=60, namespace=ACCOUNTS
        )
        held = sum(azure.fleet.stored(bucket, hour).values())
        assert (metric.unit, _points(metric, "average")) == ("Bytes", {hour: held, hour + 3600: held})
        text = _refused(client, ids, ["UsedCapacity"], hour, hour + 7200, namespace=ACCOUNTS)
    assert "does not support requested time grain: 00:01:00, supported ones are: 01:00:00" in text


def test_a_machine_without_credits_has_none(azure: LocalAzure, credential: ManagedIdentityCredential) -> None:
    burstable = [row for row in azure.fleet.instances if row.type.startswith("t") and not row.parked]
    machine = burstable[0]
    other = next(row for row in azure.fleet.members(machine.account, machine.region) if not row.type.startswith("t"))
    with _open(azure, credential, machine.region) as client:
        ids = [azure.resource_id(row.id) for row in (machine, other)]
        (some,), (none,) = _query(client, ids, ["CPU Credits Remaining"], SETTLED, SETTLED + 300, minutes=5)
    assert some.timeseries
    assert none.timeseries == []


# --- the newest points ---------------------------------------------------------------------------------------------


def test_the_newest_points_are_zero_or_partial_or_empty_until_they_settle(
    azure: LocalAzure, metrics: MetricsClient
) -> None:
    machines = _running(azure)
    ids = [azure.resource_id(machine.id) for machine in machines]
    kinds = set()
    for machine, (metric,) in zip(
        machines, _query(metrics, ids, ["Percentage CPU"], NOON - 600, NOON + 120), strict=True
    ):
        points = _points(metric, "average")
        true = {at: 100 * (azure.fleet.value(machine.id, Measure.CPU, at) or 0) for at in points}
        assert points[NOON] is points[NOON + 60] is None  # not over yet
        for at in range(NOON - 600, NOON - 240, 60):
            assert points[at] == pytest.approx(true[at])
        for at in range(NOON - 240, NOON, 60):
            value = points[at]
            kinds.add(
                "empty" if value is None else "zero" if value == 0 else "true" if value == true[at] else "partial"
            )
            assert value is None or value <= true[at]
    assert kinds == {"empty", "zero", "partial", "true"}


def test_what_was_zero_is_right_four_minutes_later(azure: LocalAzure, metrics: MetricsClient) -> None:
    machines = _running(azure)
    ids = [azure.resource_id(machine.id) for machine in machines]

    def read() -> list[float | None]:
        return [
            _points(metric, "average").get(NOON - 60)
            for (metric,) in _query(metrics, ids, ["Percentage CPU"], NOON - 120, NOON)
        ]

    assert 0.0 in read()
    azure.set_time(NOON + 180)
    assert read() == pytest.approx([100 * (azure.fleet.value(row.id, Measure.CPU, NOON - 60) or 0) for row in machines])


def test_late_points_are_empty_until_they_come(azure: LocalAzure, metrics: MetricsClient) -> None:
    machine = _running(azure)[0]
    late = Incident(Happening.LATE_POINTS, 0, 600, region=PLACE, seconds=900)
    azure.reset(azure.fleet.with_script([late]))
    ids = [azure.resource_id(machine.id)]
    seen = []
    for at in (300, 900, 1200):
        azure.set_time(NOON + at)
        ((metric,),) = _query(metrics, ids, ["Percentage CPU"], NOON - 60, NOON + 60)
        seen.append(_points(metric, "average")[NOON] is not None)
    assert seen == [False, False, True]


# --- limits --------------------------------------------------------------------------------------------------------


def test_fifty_resources_are_taken_and_fifty_one_are_refused(azure: LocalAzure, metrics: MetricsClient) -> None:
    azure.reset(simulate(1, 51, (PLACE,), (WEB,), start=NOON, script=()))
    azure.set_time(NOON)
    ids = [azure.resource_id(machine.id) for machine in azure.fleet.instances]
    assert len(_query(metrics, ids[:50], ["Percentage CPU"], SETTLED, SETTLED + 60)) == 50
    assert azure.ledger.units("Microsoft.Insights/metrics/read") == 50
    assert "51 exceeds the maximum of 50" in _refused(metrics, ids, ["Percentage CPU"], SETTLED, SETTLED + 60)


def test_a_batch_is_of_one_subscription_one_region_and_one_type(azure: LocalAzure, metrics: MetricsClient) -> None:
    here = azure.resource_id(azure.fleet.members(WEB, PLACE)[0].id)
    elsewhere = azure.resource_id(azure.fleet.members(WEB, "eastus")[0].id)
    foreign = azure.resource_id(azure.fleet.members(DATA, PLACE)[0].id)
    account = azure.resource_id(next(row.name for row in azure.fleet.buckets if row.account == WEB))
    window = (["Percentage CPU"], SETTLED, SETTLED + 60)
    assert f"is in eastus, not in {PLACE}" in _refused(metrics, [here, elsewhere], *window)
    assert f"is not in the subscription {WEB}" in _refused(metrics, [here, foreign], *window)
    assert f"is not of the type {VMS}" in _refused(metrics, [here, account], *window)
    assert "must be unique" in _refused(metrics, [here, here.upper()], *window)


REFUSED = [
    ({"names": ["Percentage RAM"]}, "metric: Percentage RAM, Valid metrics: Percentage CPU,"),
    ({"names": ["Percentage CPU"] * 21}, "21 exceeds the maximum of 20"),
    ({"minutes": 2}, "invalid value: PT2M for query parameter: 'interval'"),
    ({"aggregations": ["Median"]}, "invalid value: Median for query parameter: 'aggregation'"),
    ({"namespace": "Microsoft.Nothing/here"}, "invalid value: Microsoft.Nothing/here"),
    ({"start": SETTLED - 94 * 86_400}, "out of the Max metrics retention period"),
    ({"filter": "LUN eq '*'"}, "does not support requested dimension combination: LUN"),
    ({"names": ["Data Disk Read Bytes/sec"], "filter": "Slot eq '*'"}, "Slot, supported ones are: LUN"),
    ({"names": ["Data Disk Read Bytes/sec"], "filter": "LUN eq '*'", "max_results": 2**31}, "invalid TopN value"),
]


@pytest.mark.parametrize(("asked", "words"), REFUSED)
def test_a_wrong_question_is_refused_in_azures_words(
    azure: LocalAzure, metrics: MetricsClient, asked: dict[str, Any], words: str
) -> None:
    question = {"names": ["Percentage CPU"], "start": SETTLED, "end": SETTLED + 60, **asked}
    ids = [azure.resource_id(_running(azure)[0].id)]
    assert words in _refused(metrics, ids, **question)


def test_more_than_ten_series_are_cut_off_without_a_word(
    azure: LocalAzure, credential: ManagedIdentityCredential
) -> None:
    machine = next(row for row in azure.fleet.instances if row.role == "database" and not row.parked)
    ids, names, window = [azure.resource_id(machine.id)], ["Data Disk Read Bytes/sec"], (SETTLED, SETTLED + 60)
    with _open(azure, credential, machine.region) as client:
        ((cut,),) = _query(client, ids, names, *window, filter="LUN eq '*'")
        ((whole,),) = _query(client, ids, names, *window, filter="LUN eq '*'", max_results=100)
        ((total,),) = _query(client, ids, names, *window)
        ((third,),) = _query(client, ids, names, *window, filter="LUN eq '3'")
    assert [len(metric.timeseries) for metric in (cut, whole, total, third)] == [10, 16, 1, 1]
    assert [line.metadata_values for line in cut.timeseries[:2]] == [{"lun": "0"}, {"lun": "1"}]
    parts = [_points(whole, "average", line)[SETTLED] or 0 for line in range(16)]
    assert sum(parts) == pytest.approx(_points(total, "average")[SETTLED])
    assert _points(third, "average") == {SETTLED: parts[3]}


# --- what goes wrong -----------------------------------------------------------------------------------------------


def _raw(azure: LocalAzure, client: MetricsClient, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Each resource's metrics as they came: the client's own objects leave errorCode out."""
    path = f"/subscriptions/{WEB}/metrics:getBatch?api-version=2024-02-01&metricnamespace={VMS}"
    window = f"&metricnames=Percentage%20CPU&starttime={SETTLED_ISO}&interval=PT1M"
    body = {"resourceids": list(ids)}
    response = client.send_request(HttpRequest("POST", path + window, json=body))
    response.raise_for_status()
    return [item["value"][0] for item in response.json()["values"]]


SETTLED_ISO = "2026-11-23T11:00:00.000Z"


def test_a_resource_that_is_gone_costs_only_itself(azure: LocalAzure, metrics: MetricsClient) -> None:
    here = azure.resource_id(_running(azure)[0].id)
    found, lost = _raw(azure, metrics, [here, here + "-gone"])
    assert (found["errorCode"], lost["errorCode"], lost["timeseries"]) == ("Success", "ResourceNotFound", [])
    assert found["timeseries"][0]["data"][0]["timeStamp"] == "2026-11-23T11:00:00Z"
    assert found["id"] == f"{here}/providers/Microsoft.Insights/metrics/Percentage CPU"


def test_partial_data_is_an_error_of_some_resources(azure: LocalAzure, metrics: MetricsClient) -> None:
    azure.reset(azure.fleet.with_script([Incident(Happening.PARTIAL_DATA, -600, 600, region=PLACE, share=0.5)]))
    azure.set_time(NOON)
    codes = [row["errorCode"] for row in _raw(azure, metrics, [azure.resource_id(row.id) for row in _running(azure)])]
    assert set(codes) == {"Success", "InternalServerError"}


def test_a_blind_and_a_throttled_region(azure: LocalAzure, credential: ManagedIdentityCredential) -> None:
    script = [
        Incident(Happening.REGION_DENIED, -600, 600, region="eastus"),
        Incident(Happening.THROTTLED, -600, 600, region=PLACE, share=0.5),
    ]
    azure.reset(azure.fleet.with_script(script))
    azure.set_time(NOON)
    seen: dict[str, list[int]] = {"eastus": [], PLACE: [], "northeurope": []}
    for region, statuses in seen.items():
        with _open(azure, credential, region) as client:
            for _ in range(4):
                try:
                    _query(
                        client, [azure.resource_id(_running(azure, region)[0].id)], ["Percentage CPU"], SETTLED, NOON
                    )
                    statuses.append(200)
                except HttpResponseError as error:
                    statuses.append(int(error.status_code or 0))
    assert seen == {"eastus": [403] * 4, PLACE: [200, 429, 200, 429], "northeurope": [200] * 4}


def test_metrics_may_be_refused_where_the_inventory_is_not(
    azure: LocalAzure, metrics: MetricsClient, management: Any
) -> None:
    azure.world.unmonitored.add(WEB)
    with pytest.raises(HttpResponseError) as caught:
        _query(metrics, [azure.resource_id(_running(azure)[0].id)], ["Percentage CPU"], SETTLED, NOON)
    assert (caught.value.status_code, caught.value.error.code) == (403, "AuthorizationFailed")
    assert management.ask("resources | take 1")["count"] == 1
