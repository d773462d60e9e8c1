"""What is drawn of series: cut to the time, gaps never joined, extremes never lost, bands by hand-made sums."""

from __future__ import annotations

import math
from array import array
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nephoscope.pipeline.plotting.bands import Grid, badness, band_of, grid_of, percentile, worst_of
from nephoscope.pipeline.plotting.placing import spread
from nephoscope.pipeline.plotting.selecting import Choice, is_named, is_word, label_of
from nephoscope.pipeline.plotting.sparks import spark_of
from nephoscope.pipeline.plotting.thinning import lone_points, thin
from nephoscope.pipeline.plotting.tracks import tracks_of
from tests.plot_world import BEGIN, HOUR, machine, recording, track

NAN = math.nan


def plain(values: array[float]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values]


# --- tracks -------------------------------------------------------------------------------------------------------


def test_only_points_within_the_time_are_kept() -> None:
    (found,) = tracks_of([recording(track([0.1, 0.2, 0.3, 0.4]))], "cpu.utilization", BEGIN + 60, BEGIN + 180)
    assert list(found.values) == [0.2, 0.3]


def test_what_is_no_number_is_a_gap() -> None:
    (found,) = tracks_of([recording(track([0.1, NAN, 0.3]))], "cpu.utilization", BEGIN, BEGIN + HOUR)
    assert (list(found.times), list(found.values)) == ([BEGIN, BEGIN + 120], [0.1, 0.3])


def test_a_machine_that_gave_no_point_is_there_with_none() -> None:
    found = tracks_of([recording(track([0.1]), asked=[machine("silent")])], "cpu.utilization", BEGIN, BEGIN + HOUR)
    assert [(each.name, len(each.times)) for each in found] == [("silent", 0), ("web-1", 1)]


def test_machines_are_chosen_and_sorted_by_name() -> None:
    whole = [recording(track([0.1], "b"), track([0.2], "a"), track([0.3], "c"))]
    found = tracks_of(whole, "cpu.utilization", BEGIN, BEGIN + HOUR, lambda each: each.name != "c")
    assert [each.name for each in found] == ["a", "b"]


def test_a_series_of_a_disk_says_which() -> None:
    assert replace(track([0.5]), attributes=(("device", "/dev/sda1"),)).name == "web-1 [/dev/sda1]"


# --- thinning -----------------------------------------------------------------------------------------------------


def test_a_gap_is_never_joined() -> None:
    _, values = thin(track([0.1, 0.2, None, 0.4, 0.5]), BEGIN, BEGIN + 300)
    assert plain(values) == [0.1, 0.2, None, 0.4, 0.5]


def test_a_point_without_a_neighbour_is_a_dot() -> None:
    times, values = thin(track([0.1, None, 0.3, None, 0.5, 0.6]), BEGIN, BEGIN + 360)
    assert list(lone_points(times, values)[1]) == [0.1, 0.3]


def test_a_single_point_is_a_dot() -> None:
    times, values = thin(track([0.7]), BEGIN, BEGIN + HOUR)
    assert list(lone_points(times, values)[1]) == [0.7]


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=400).filter(
        lambda each: any(v is not None for v in each)
    ),
    st.integers(1, 40),
)
def test_thinning_keeps_the_extremes_and_invents_nothing(values: list[float | None], columns: int) -> None:
    full = track(values)
    times, thinned = thin(full, BEGIN, BEGIN + 60 * len(values), columns)
    drawn = [(at, value) for at, value in zip(times, thinned, strict=True) if not math.isnan(value)]
    truth = dict(zip(full.times, full.values, strict=True))
    assert all(truth[int(at)] == value for at, value in drawn)
    assert min(truth.values()) == min(value for _, value in drawn)
    assert max(truth.values()) == max(value for _, value in drawn)
    assert [at for at, _ in drawn] == sorted(at for at, _ in drawn)


@given(st.lists(st.booleans(), min_size=60, max_size=300), st.integers(3, 20))
def test_a_line_never_crosses_a_period_without_a_point(there: list[bool], columns: int) -> None:
    full = track([0.5 if each else None for each in there])
    times, values = thin(full, BEGIN, BEGIN + 60 * len(there), columns)
    for index in range(1, len(values)):
        if math.isnan(values[index]) or math.isnan(values[index - 1]):
            continue
        between = range(int(times[index - 1] - BEGIN) // 60, int(times[index] - BEGIN) // 60)
        assert all(there[number] for number in between)


def test_a_day_of_minutes_is_no_more_points_than_pixels() -> None:
    full = track([0.5 + 0.4 * ((number * 7919) % 97) / 97 for number in range(1440)])
    times, _ = thin(full, BEGIN, BEGIN + 24 * HOUR, 300)
    assert len(times) <= 2 * 301


# --- bands --------------------------------------------------------------------------------------------------------


def test_percentiles_lie_between_the_two_nearest() -> None:
    """numpy.percentile's own default, its documented `linear` method; the figures are worked out by hand."""
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.5
    assert percentile([0.0, 10.0], 0.9) == pytest.approx(9.0)
    assert percentile([7.0], 0.1) == 7.0
    assert math.isnan(percentile([], 0.5))


def test_a_band_is_of_the_machines_and_its_top_is_the_highest_point() -> None:
    machines = [track([0.1 * number] * 5 + [0.1 * number + 0.05] * 5, f"m{number}") for number in range(1, 6)]
    band = band_of(machines, Grid(BEGIN, 300, 2))
    assert [round(value, 6) for value in band.median] == [0.3, 0.35]
    assert [round(value, 6) for value in band.lowest_tenth] == [0.14, 0.19]
    assert [round(value, 6) for value in band.highest] == [0.5, 0.55]


def test_a_spike_of_one_minute_stays_in_the_top_of_the_band() -> None:
    band = band_of([track([0.1, 0.1, 0.97, 0.1, 0.1])], Grid(BEGIN, 300, 1))
    assert (band.highest[0], round(band.median[0], 3)) == (0.97, 0.274)


def test_a_step_in_which_no_machine_has_a_point_is_a_gap() -> None:
    band = band_of([track([0.1, None, 0.3])], Grid(BEGIN, 60, 3))
    assert plain(band.median) == [0.1, None, 0.3]
    assert plain(band.highest) == [0.1, None, 0.3]


def test_machines_of_one_and_of_five_minutes_meet_in_steps_of_five() -> None:
    grid = grid_of([track([0.1] * 60), track([0.1] * 12, "slow", 300)], BEGIN, BEGIN + HOUR)
    assert (grid.step, grid.count) == (300, 12)


@given(st.integers(60, 14 * 24 * HOUR), st.sampled_from([60, 300, 3600, 86_400]))
def test_a_grid_covers_the_time_in_few_steps(span: int, period: int) -> None:
    grid = grid_of([track([0.1], period=period)], BEGIN, BEGIN + span)
    assert grid.begin <= BEGIN
    assert grid.begin + grid.step * grid.count >= BEGIN + span
    assert grid.step % period == 0
    assert grid.count <= 302


# --- the worst ----------------------------------------------------------------------------------------------------


def test_an_hour_of_trouble_is_worse_than_a_spike() -> None:
    spike = track([0.1] * 700 + [1.0] + [0.1] * 700, "spike")
    trouble = track([0.1] * 600 + [0.95] * 60 + [0.1] * 600, "trouble")
    assert worst_of([spike, trouble], 2, BEGIN, BEGIN + 24 * HOUR, upward=True) == (1, 0)


def test_where_low_is_bad_the_lowest_is_the_worst() -> None:
    assert worst_of([track([0.9] * 60), track([0.1] * 60)], 1, BEGIN, BEGIN + HOUR, upward=False) == (1,)


def test_who_had_an_alert_comes_first_and_who_has_no_point_never() -> None:
    tracks = [track([0.9] * 60), track([0.2] * 60), track([])]
    assert worst_of(tracks, 3, BEGIN, BEGIN + HOUR, upward=True, alerted=frozenset({1})) == (1, 0)
    assert badness(tracks[2], []) == -math.inf


# --- groups and names ---------------------------------------------------------------------------------------------


def test_words_choose_machines() -> None:
    web = machine("web-1", tags={"env": "prod"}, zone="eu-west-1a")
    assert Choice("tag:env", "prod").holds(web)
    assert Choice("region", "eu-*").holds(web)
    assert not Choice("tag:owner", "*").holds(web)
    assert not Choice("zone", "us-*").holds(web)
    assert (label_of(web, "tag:env"), label_of(web, "tag:owner")) == ("prod", "no owner")
    assert is_named(web, ["web-*"])
    assert is_named(web, ["i-web-1"])
    assert not is_named(web, ["web"])
    assert (is_word("tag:env"), is_word("tag:"), is_word("regoin")) == (True, False, False)


def test_a_name_with_brackets_is_meant_as_it_is_written() -> None:
    assert is_named(machine("web[1]"), ["web[1]"])


# --- names beside lines -------------------------------------------------------------------------------------------


def test_names_move_apart_as_little_as_they_must() -> None:
    assert spread([0.5, 0.5], 0.1, 0.0, 1.0) == pytest.approx((0.5, 0.6))
    assert spread([1.0, 0.99, 0.2], 0.1, 0.0, 1.0) == pytest.approx((1.0, 0.9, 0.2))


@given(st.lists(st.floats(-0.5, 1.5), max_size=10))
def test_no_two_names_overlap_where_there_is_room(wanted: list[float]) -> None:
    placed = sorted(spread(wanted, 0.1, 0.0, 1.0))
    assert all(after - before >= 0.1 - 1e-9 for before, after in pairwise(placed))
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in placed)


# --- sparks -------------------------------------------------------------------------------------------------------


def spark(values: list[float | None], cells: int, period: int = 60) -> str:
    one = track(values, period=period)
    return spark_of(one.times, one.values, period, (BEGIN, BEGIN + period * len(values)), cells, (0.0, 1.0)).text


def test_blocks_rise_with_the_values_and_gaps_are_blank() -> None:
    assert spark([0.0, 0.5, 1.0, None, 0.99, 0.13], 6) == "▁▅█ █▂"


def test_a_block_of_several_points_shows_the_highest() -> None:
    assert spark([0.0, 1.0, 0.0, 0.0], 2) == "█▁"


def test_few_points_are_drawn_wider() -> None:
    assert spark([0.0, None, 1.0], 6, 300) == "▁▁  ██"


def test_without_a_point_there_are_no_numbers() -> None:
    found = spark_of([], [], 60, (BEGIN, BEGIN + HOUR), 5, (0.0, 1.0))
    assert (found.text, found.low, found.high, found.last) == (" " * 5, None, None, None)
