"""Rules that could never fire, or never clear: refused where they are written, with what is wrong and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from nephoscope.app.authoring.compile import compile_file
from nephoscope.app.authoring.possible import kept_for
from nephoscope.app.authoring.rules import LONGEST, LONGEST_DAILY
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.errors import ConfigError
from nephoscope.model.scope import Cloud
from nephoscope.model.time import DAY, HOUR

STATES = (
    *("starting", "running", "stopping", "stopped", "suspended"),
    *("repairing", "terminating", "terminated", "unknown"),
)
EVERY_STATE, LISTED = " or ".join(STATES), f"{', '.join(STATES[:-1])} or {STATES[-1]}"


def problems(rule: str, folder: Path) -> list[str]:
    path = folder / "nephoscope.yaml"
    head = "fleet: acme\ngather: {aws: {regions: [eu-west-1], resources: [instance, bucket]}}\ntell: {}\n"
    path.write_text(f"{head}rules: [{{name: x, {rule}}}]\n")
    try:
        compile_file(path, {})
    except ConfigError as error:
        return [problem.text for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (f"on: instance, when: 'state is {EVERY_STATE}'", f"when: this always holds: state is always one of {LISTED}"),
        (
            f"on: instance, when: 'state is not {EVERY_STATE}'",
            f"when: this can never hold: state is always one of {LISTED}",
        ),
        (
            "on: instance, when: state is stopped, where: {tags: {env: prod}}, except: {tags: {env: [prod, test]}}",
            "except: it leaves out all that `where` selects by tag env: the rule looks at nothing",
        ),
        (
            "on: instance, when: cpu.utilization > 90 %, where: {tags: {env: prod}}, except: {tags: {env: '*'}}",
            "except: it leaves out all that `where` selects by tag env: the rule looks at nothing",
        ),
        (
            "on: instance, when: cpu.utilization > 100 %",
            "this can never hold: cpu.utilization lies between 0 % and 100 %",
        ),
        ("on: instance, when: cpu.utilization >= 0 %", "this always holds: cpu.utilization lies between 0 % and 100 %"),
        (
            "on: instance, when: cpu.utilization > 90 %, clear: cpu.utilization < 0 %",
            "this can never hold: cpu.utilization lies between 0 % and 100 %",
        ),
        ("on: bucket, when: size < 0 B", "this can never hold: size is never less than 0"),
    ],
)
def test_what_can_never_fire_or_never_clear_is_refused(rule: str, said: str, tmp_path: Path) -> None:
    assert problems(rule, tmp_path) == [said]


@pytest.mark.parametrize(
    "rule",
    [
        "on: instance, when: state is not running",
        "on: instance, when: cpu.utilization > 90 %, where: {tags: {env: '*'}}, except: {tags: {env: test}}",
        "on: instance, when: cpu.utilization > 90 %, where: {tags: {env: [prod, test]}}, except: {tags: {env: test}}",
        "on: instance, when: cpu.utilization > 90 %, for: 1 d",
        "on: bucket, when: size > 1 TiB, for: 7 d",
    ],
)
def test_what_can_happen_is_allowed(rule: str, tmp_path: Path) -> None:
    assert problems(rule, tmp_path) == []


def test_a_window_that_is_longer_than_its_points_are_kept_is_refused(tmp_path: Path) -> None:
    """One-minute points of CloudWatch: 15 days, says GetMetricStatistics."""
    assert problems("on: instance, when: cpu.utilization > 90 %, for: 16 d", tmp_path) == [
        "for: 16 d is too long; at most 1 d",
        "for: its points are kept for 15 d; nobody can look back 16 d",
    ]
    (only,) = problems("on: instance, when: cpu.utilization > 90 %, for: 15 d", tmp_path)
    assert only == "for: 15 d is too long; at most 1 d"


def test_points_are_kept_as_long_as_their_providers_say() -> None:
    cpu = load_catalog().metrics["cpu.utilization"].sources
    size = load_catalog().metrics["size"].sources
    heartbeat = load_catalog().metrics["agent.heartbeat"].sources
    assert kept_for(cpu[Cloud.AWS], 60) == 15 * DAY
    assert kept_for(cpu[Cloud.AWS], 300) == 63 * DAY
    assert kept_for(size[Cloud.AWS], DAY) == 455 * DAY
    assert kept_for(cpu[Cloud.GCP], 60) == 42 * DAY
    assert kept_for(cpu[Cloud.AZURE], 60) == 93 * DAY
    assert kept_for(heartbeat[Cloud.AZURE], 60) == 30 * DAY


def test_the_longest_window_that_is_allowed_is_kept_everywhere() -> None:
    """With two periods for points that are late, and what a run may be behind: a day."""
    for metric in load_catalog().metrics.values():
        for source in metric.sources.values():
            period = source.period_of(fine=True)
            longest = LONGEST_DAILY if period >= HOUR else LONGEST
            assert longest + 2 * period + DAY < kept_for(source, period), metric.name
