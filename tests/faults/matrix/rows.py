"""The fault matrix as a table: what each row does to the code, where else it is tested, and how often it is tried.

A trial lives through a whole story and is judged by all six checkers. `in_ci` and `in_sweep` are its seeds: CI tries a
few, `make sweep` all. `elsewhere` names tests that look at the same row more closely; a test proves that they exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import trials_data as data
import trials_receivers as receivers
import trials_runs as runs
import trials_store as store
from trials import Trial

Where = Literal["sqlite", "dynamodb", "line", "folder"]
"""The store a trial is lived on. line: DynamoDB whose wire the trial breaks. folder: an SQLite file of its own."""


@dataclass(frozen=True)
class Cell:
    trial: Trial
    where: Where
    in_ci: tuple[int, ...]
    in_sweep: int
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        options = "".join(f"-{key}={value}" for key, value in self.options.items() if not isinstance(value, tuple))
        return f"{self.trial.__name__}{options}-{self.where}"  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Row:
    number: int
    what: str
    cells: tuple[Cell, ...]
    elsewhere: tuple[str, ...]


def both(trial: Any, ci: tuple[int, ...], sweep: int, in_dynamodb: int, *, slow: bool = False) -> tuple[Cell, ...]:
    """On both stores; fewer seeds on DynamoDB, where each input and output is an HTTP call. slow: there in the sweep
    alone."""
    return Cell(trial, "sqlite", ci, sweep), Cell(trial, "dynamodb", () if slow else ci[:1], in_dynamodb)


TELLING = (200, 204, 302, 401, 408, 410, 425, 429, 500, 503)
"""Statuses of each kind, where all five hundred would take too long."""

ROWS: tuple[Row, ...] = (
    Row(
        0,
        "OK, tombstone, fires again: other ids, also against a stale run",
        both(runs.fires_again, (0, 1, 2), 100, 20),
        (
            "contract/test_memory_commits.py::test_an_alert_that_ended_stays_and_its_version_goes_on",
            "contract/test_memory_commits.py::test_a_stale_run_finds_no_empty_place",
            "faults/test_delivery_interleavings.py::test_caught_versions_that_restart",
            "unit/test_lifecycle.py::test_a_second_incident_is_another_episode",
        ),
    ),
    Row(
        1,
        "killed before and after each input and output",
        (
            Cell(runs.killed_everywhere, "sqlite", (0, 1), 100),
            Cell(runs.killed_everywhere, "dynamodb", (0,), 20, {"every": 10}),
        ),
        (
            "faults/test_delivery_crashes.py::test_killed_at_each_step_on_sqlite",
            "faults/test_delivery_crashes.py::test_killed_at_each_step_on_dynamodb",
            "faults/test_delivery_crashes.py::test_killed_while_giving_up_on_sqlite",
            "faults/test_delivery_crashes.py::test_killed_again_and_again",
            "faults/test_delivery_processes.py::test_killed_outright_four_times",
        ),
    ),
    Row(
        2,
        "two to eight runs at once under a scheduler that owns the store's turns",
        (*both(runs.at_once, (0, 1, 2, 3), 300, 30), *both(runs.at_once_in_trouble, (0, 1, 2, 3), 300, 30)),
        (
            "faults/test_delivery_interleavings.py::test_three_runs_in_trouble_lose_nothing",
            "faults/test_delivery_interleavings.py::test_eight_runs_without_trouble_tell_everything_once",
            "faults/test_delivery_processes.py::test_four_processes_at_once_tell_everything_once",
            "faults/test_delivery_processes.py::test_runs_at_once_on_dynamodb_tell_everything_once",
            "faults/test_run_faults.py::test_every_run_doubled_at_the_same_moment_tells_and_publishes_once",
        ),
    ),
    Row(
        3,
        "store throttled, down, slow past the deadline",
        (
            *both(store.store_in_trouble, (0, 1, 2), 200, 20),
            Cell(store.dynamodb_in_trouble, "line", (1, 2, 3), 60),
        ),
        (
            "faults/test_run_faults.py::test_without_its_store_a_run_fails_loudly_and_the_next_makes_up_for_it",
            "faults/test_run_faults.py::test_without_its_store_the_fallback_hears_what_holds_once_a_quarter",
            "faults/test_delivery_in_time.py::test_a_scope_whose_store_fails_does_not_stop_the_others",
        ),
    ),
    Row(
        4,
        "commit applied, its answer lost",
        (
            *both(store.each_answer_lost, (0, 1), 100, 10, slow=True),
            Cell(store.each_answer_lost_on_the_wire, "line", (1,), 20, {"every": 3}),
        ),
        (
            "faults/test_commit_ambiguous.py::test_a_commit_is_there_once_whatever_is_lost",
            "faults/test_commit_ambiguous.py::test_every_step_of_a_delivery",
            "faults/test_commit_ambiguous.py::test_the_write_arrives_after_all_while_it_is_being_repeated",
        ),
    ),
    Row(
        5,
        "transaction conflicts and mixed cancellation reasons",
        (Cell(store.conflicts, "line", (0, 1, 2, 3), 80), Cell(store.busy_file, "folder", (0, 1), 60)),
        (
            "faults/matrix/test_cancellations.py::test_what_a_mixed_cancellation_means",
            "contract/test_table_contract.py::test_of_many_who_follow_one_version_exactly_one_wins",
        ),
    ),
    Row(
        6,
        "receiver accepts, then resets, times out or truncates",
        both(receivers.accepts_and_lies, (0, 1, 2), 100, 20),
        (
            "faults/test_webhook_faults.py::test_a_broken_answer_is_worth_another_try_and_is_never_repeated",
            "faults/test_webhook_faults.py::test_once_taken_it_is_taken_whatever_follows",
        ),
    ),
    Row(
        7,
        "every status from 100 to 599",
        (
            Cell(receivers.every_status, "sqlite", (0,), 1),
            Cell(receivers.every_status, "dynamodb", (0,), 1, {"statuses": TELLING}),
        ),
        (
            "contract/test_notifier_answers.py::test_what_a_status_means",
            "faults/test_delivery_failures.py::test_tried_again_slowly_and_somebody_is_told_at_once",
            "faults/test_delivery_failures.py::test_gone_disables_the_channel_and_gives_up_what_is_owed_to_it",
        ),
    ),
    Row(
        8,
        "storms of 429 and 503 with every kind of Retry-After, two hours, 10,000 owed",
        (
            Cell(receivers.storm, "sqlite", (1,), 1, {"items": 120, "hours": 1.0}),
            Cell(receivers.storm, "sqlite", (), 5, {"items": 200}),
            Cell(receivers.storm, "sqlite", (), 2, {"items": 200, "huge": True}),
            Cell(receivers.storm, "sqlite", (), 1, {"items": 10_000}),
            Cell(receivers.storm, "dynamodb", (), 1, {"items": 120, "hours": 1.0}),
        ),
        (
            "contract/test_notifier_answers.py::test_how_long_a_receiver_asks_to_wait",
            "faults/test_delivery_failures.py::test_never_before_the_receiver_said",
            "faults/test_delivery_failures.py::test_a_dead_receiver_costs_two_tries_a_run",
        ),
    ),
    Row(
        9,
        "black holes at connect, headers, body",
        both(receivers.black_holes, (0,), 5, 1, slow=True),
        (
            "faults/test_webhook_faults.py::test_a_slow_receiver_costs_what_the_deadline_leaves",
            "faults/test_webhook_faults.py::test_a_handshake_that_never_ends_costs_no_more",
            "faults/test_webhook_faults.py::test_an_endless_body_is_left_after_a_second",
            "faults/test_delivery_in_time.py::test_a_receiver_that_hangs_does_not_delay_the_others",
        ),
    ),
    Row(
        10,
        "clocks ten minutes off, jumping back",
        both(runs.wrong_clocks, (0, 1, 2, 3), 200, 20),
        (
            "faults/test_delivery_in_time.py::test_frozen_between_claim_and_send_nothing_is_sent",
            "faults/test_delivery_in_time.py::test_a_small_pause_or_a_clock_set_back_stops_nothing",
        ),
    ),
    Row(
        11,
        "frozen for five minutes, after the claim and everywhere else",
        (
            Cell(runs.frozen_everywhere, "sqlite", (0,), 60),
            Cell(runs.frozen_everywhere, "dynamodb", (0,), 16, {"every": 20}),
        ),
        (
            "faults/test_delivery_in_time.py::test_frozen_between_claim_and_send_nothing_is_sent",
            "contract/test_memory_outbox.py::test_a_lease_that_is_over_is_claimed_again_and_the_first_holder_is_shut_out",
        ),
    ),
    Row(
        12,
        "late, disordered, doubled, revised points; all 120 orders of five late ones",
        (*both(data.late_points, (0, 1, 2), 100, 10), Cell(data.all_orders, "sqlite", (7,), 64)),
        ("scenario/test_alert_stories.py::test_three_lost_runs_are_made_up_for_point_by_point",),
    ),
    Row(
        13,
        "provider partial in every way",
        both(data.answers_in_part, (0, 1, 2, 3), 200, 10),
        (
            "faults/test_aws_metric_faults.py::test_a_result_that_did_not_come_is_unknown_not_absent",
            "faults/test_aws_metric_faults.py::test_a_second_page_that_fails_leaves_what_the_first_brought",
            "faults/test_gcp_metric_faults.py::test_execution_errors_make_an_answer_partial",
            "faults/test_azure_metric_faults.py::test_a_region_that_does_not_answer_leaves_the_others",
            "unit/test_judge.py::test_a_finding_beside_unknowns_holds_for_every_content_of_them",
        ),
    ),
    Row(
        14,
        "NaN, infinities, nulls, strings, wrong units",
        both(data.no_numbers, (0, 1), 100, 10),
        (
            "faults/matrix/test_nonsense.py::test_aws_gives_no_number_for_what_is_none",
            "faults/test_aws_metric_faults.py::test_what_is_no_answer_is_malformed_and_never_no_data",
            "faults/test_gcp_metric_faults.py::test_a_number_that_is_none_is_left_out",
        ),
    ),
    Row(
        15,
        "poison in the outbox",
        both(data.poison, (0, 1, 2, 3), 200, 40),
        (
            "faults/test_delivery_in_time.py::test_a_row_that_nobody_can_read_is_set_aside_when_it_is_old_and_told",
            "contract/test_memory_outbox.py::test_a_row_that_nobody_can_read_blocks_nothing_and_is_set_aside",
        ),
    ),
    Row(
        16,
        "one of many channels dead for days",
        both(receivers.dead_for_days, (0, 1), 24, 1, slow=True),
        ("faults/test_delivery_in_time.py::test_a_receiver_that_hangs_does_not_delay_the_others",),
    ),
    Row(
        17,
        "rules and channels edited or removed while items are owed",
        both(data.edited_meanwhile, (0, 1, 2), 100, 10),
        (
            "faults/test_delivery_failures.py::test_a_channel_that_is_no_longer_configured_is_given_up_visibly",
            "faults/test_delivery_failures.py::test_a_disabled_channel_that_leads_elsewhere_by_now_is_a_new_one",
        ),
    ),
    Row(
        18,
        "fires and resolves while the receiver is down: both arrive, in order",
        both(receivers.down_meanwhile, (0, 1), 100, 10),
        ("faults/test_run_faults.py::test_a_receiver_that_is_down_gets_both_in_order_when_it_is_back",),
    ),
    Row(
        19,
        "expired items still present",
        both(store.expired_and_still_there, (0, 1, 2), 100, 10),
        ("contract/test_memory_commits.py::test_a_tombstone_past_its_time_that_still_stands_is_followed",),
    ),
    Row(
        20,
        "events six hours old, doubled, reversed",
        both(runs.events_in_disorder, (0, 1, 2), 100, 10),
        (
            "faults/test_run_faults.py::test_a_slot_that_was_run_is_not_run_again",
            "faults/test_run_faults.py::test_lost_runs_are_made_up_for",
        ),
    ),
)
