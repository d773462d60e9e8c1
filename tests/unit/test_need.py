"""What is read, and from where: windows worked out by hand."""

from dataclasses import replace

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.memory import Progress
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Rule, Threshold, Window
from nephoscope.model.scope import Cloud, Scope
from nephoscope.pipeline.need import plan_reads

SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
FINE = Resource(SCOPE, Kind.INSTANCE, "i-1", fine=True, state=State.RUNNING)
HOT = Rule("hot", Kind.INSTANCE, Threshold("cpu.utilization", Comparison.GREATER, 0.9), Window(180, 300))
NOON = 1_790_035_200  # 12:00:00, a multiple of an hour
KEY = "cpu.utilization@60"


def reads(progress, slot, resource=FINE, rules=(HOT,)):
    return plan_reads([resource], rules, load_catalog().metrics, progress, slot)


def test_noon_is_a_whole_hour():
    assert NOON % 3600 == 0


def test_the_window_reaches_from_the_watermark_back_over_the_rule_and_late_points_to_the_horizon():
    (request,) = reads(Progress(SCOPE, watermarks={KEY: NOON - 180}), NOON)
    # horizon: two minutes after a period's end; range: 5 + 2 periods, overlap: 3
    assert (request.start, request.end) == (NOON - 180 - 10 * 60, NOON - 120)


def test_lost_runs_widen_the_window():
    (request,) = reads(Progress(SCOPE, watermarks={KEY: NOON - 1200}), NOON)
    assert (request.start, request.end) == (NOON - 1200 - 10 * 60, NOON - 120)


def test_nothing_is_read_where_no_new_point_can_have_come():
    assert reads(Progress(SCOPE, watermarks={KEY: NOON - 120}), NOON) == ()


def test_a_weekend_of_lost_runs_is_made_up_for_only_six_hours_back():
    (request,) = reads(Progress(SCOPE, watermarks={KEY: NOON - 200_000}), NOON)
    assert request.start == NOON - 120 - 6 * 3600 - 60 - 10 * 60


def test_a_series_that_fell_behind_is_read_from_where_it_stopped_and_the_others_are_not():
    progress = Progress(SCOPE, watermarks={KEY: NOON - 120}, behind={"cpu.utilization|i-1": NOON - 600})
    (request,) = reads(progress, NOON)
    assert (request.resource_id, request.start) == ("i-1", NOON - 600 - 10 * 60)


def test_a_stopped_machine_is_not_asked_for():
    assert reads(Progress(SCOPE), NOON, replace(FINE, state=State.STOPPED)) == ()


def test_a_bucket_without_an_answer_is_asked_again_only_every_six_hours():
    large = Rule("large", Kind.BUCKET, Threshold("size", Comparison.GREATER, 5e12))
    bucket = Resource(SCOPE, Kind.BUCKET, "photos")
    day = NOON - NOON % 86_400
    known = Progress(SCOPE, watermarks={"size@86400": day - 3 * 86_400}, slot=NOON)
    assert reads(known, NOON + 60, bucket, (large,)) == ()
    assert len(reads(known, NOON + 6 * 3600, bucket, (large,))) == 1
