"""How many calls a set of requests makes, and what each asks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))  # for azure_reading, which several rooms of the tests use

from azure_reading import NOON, machine_id, request_for
from nephoscope.clouds.azure.queries import Batch, interval_of, plan_batches, render_body, render_parameters
from nephoscope.model.series import SeriesRequest

CPU, IN, READ = "cpu.utilization", "network.receive", "disk.read"


def plan(requests: list[SeriesRequest]) -> tuple[Batch, ...]:
    return plan_batches(requests, 50, 20)


def test_fifty_machines_and_five_metrics_are_one_call() -> None:
    metrics = (CPU, IN, READ, "disk.write", "memory.utilization")
    (batch,) = plan([request_for(metric, machine_id(f"m{n}")) for n in range(50) for metric in metrics])
    assert (len(batch.resources), len(batch.metrics), len(batch.requests)) == (50, 5, 250)
    assert batch.top == 251


def test_a_fifty_first_machine_is_a_second_call() -> None:
    batches = plan([request_for(CPU, machine_id(f"m{n}")) for n in range(51)])
    assert sorted(len(batch.resources) for batch in batches) == [1, 50]


def test_more_metrics_than_fit_are_a_second_call() -> None:
    batches = plan_batches([request_for(metric, machine_id("m")) for metric in (CPU, IN, READ)], 50, 2)
    assert sorted(len(batch.metrics) for batch in batches) == [1, 2]


def test_what_is_asked() -> None:
    (batch,) = plan([request_for(CPU, machine_id("a")), request_for(IN, machine_id("a"), start=NOON - 600)])
    assert render_parameters(batch) == {
        "api-version": "2024-02-01",
        "starttime": "2026-11-23T11:50:00.000Z",
        "endtime": "2026-11-23T12:00:00.000Z",
        "interval": "PT1M",
        "metricnamespace": "Microsoft.Compute/virtualMachines",
        "metricnames": "Network In Total,Percentage CPU",
        "aggregation": "average,total",
        "top": "3",
    }
    assert render_body(batch) == {"resourceids": [machine_id("a")]}


def test_members_of_scale_sets_are_of_another_type() -> None:
    member = machine_id("x").replace("virtualmachines/x", "virtualmachinescalesets/web/virtualmachines/0")
    batches = plan([request_for(CPU, machine_id("a")), request_for(CPU, member)])
    assert {batch.namespace for batch in batches} == {
        "Microsoft.Compute/virtualMachines",
        "Microsoft.Compute/virtualMachineScaleSets/virtualMachines",
    }


def test_what_is_far_behind_goes_apart_and_first() -> None:
    late = request_for(CPU, machine_id("late"), start=NOON - 6 * 3600)
    near = [request_for(CPU, machine_id("a")), request_for(CPU, machine_id("b"), start=NOON - 1200)]
    first, second = plan([*near, late])
    assert (first.resources, first.start) == ((machine_id("late"),), NOON - 6 * 3600)
    assert (len(second.resources), second.start) == (2, NOON - 1200)


def test_halves_are_by_machine_and_then_by_metric() -> None:
    (batch,) = plan([request_for(metric, machine_id(name)) for name in "ab" for metric in (CPU, IN)])
    one, other = batch.halves()
    assert (one.resources, other.resources) == ((machine_id("a"),), (machine_id("b"),))
    first, second = one.halves()
    assert {first.metrics, second.metrics} == {("Network In Total",), ("Percentage CPU",)}
    assert first.halves() == ()


@pytest.mark.parametrize(("period", "word"), [(60, "PT1M"), (300, "PT5M"), (3600, "PT1H"), (86_400, "P1D")])
def test_intervals(period: int, word: str) -> None:
    assert interval_of(period) == word


@given(
    st.lists(
        st.builds(
            request_for,
            st.sampled_from([CPU, IN, READ, "disk.write"]),
            st.integers(0, 30).map(lambda n: machine_id(f"m{n}")),
            start=st.sampled_from([NOON - 300, NOON - 1800, NOON - 7200]),
        ),
        unique_by=lambda request: (request.metric, request.resource_id),
    ),
    st.integers(1, 7),
    st.integers(1, 3),
)
def test_batching_loses_and_doubles_nothing(requests: list[SeriesRequest], resources: int, metrics: int) -> None:
    batches = plan_batches(requests, resources, metrics)
    packed = [(each.metric, each.resource_id) for batch in batches for each in batch.requests]
    assert sorted(packed) == sorted((each.metric, each.resource_id) for each in requests)
    for batch in batches:
        assert len(batch.resources) <= resources
        assert len(batch.metrics) <= metrics
        assert all(batch.start <= each.start for each in batch.requests)
