"""What deciding costs: planning the reads and judging a large scope, in processor time and memory.

    python tests/bench/bench_deciding.py [--instances 20000]

No network and no store: plan_reads and plan alone, on series of a quiet fleet under five rules on metrics and one on
states. Prints its figures as one JSON object, and a line for people on standard error.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from array import array
from collections.abc import Sequence

from nephoscope.catalog.loader import load_catalog
from nephoscope.model.config import Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.memory import Progress, Remembered
from nephoscope.model.resource import Kind, Resource, State
from nephoscope.model.rule import Comparison, Observation, Rule, Threshold, Window
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.series import Facts, Inventory, Readings, Series, SeriesKey, SeriesRequest
from nephoscope.pipeline.need import plan_reads
from nephoscope.pipeline.notify import Stamp
from nephoscope.pipeline.plan import plan

SLOT = 1_790_035_200
SCOPE = Scope(Cloud.AWS, "111111111111", "eu-west-1")
METRICS = ("cpu.utilization", "cpu.utilization", "network.receive", "network.transmit", "disk.read")


def rules() -> tuple[Rule, ...]:
    watched = [
        Rule(
            f"rule-{number}",
            Kind.INSTANCE,
            Threshold(metric, Comparison.GREATER, 0.9),
            Window(180, 300),
            Threshold(metric, Comparison.LESS, 0.8),
            Window(180, 180),
        )
        for number, metric in enumerate(METRICS)
    ]
    return (*watched, Rule("down", Kind.INSTANCE, Observation("state", ("stopped",)), Window(600, 600)))


def machines(count: int) -> tuple[Resource, ...]:
    seen = {"state": "running", "check.system": "ok"}
    return tuple(
        Resource(
            SCOPE, Kind.INSTANCE, f"i-{place:017x}", f"web-{place}", state=State.RUNNING, fine=True, observations=seen
        )
        for place in range(count)
    )


def quiet(requests: Sequence[SeriesRequest]) -> tuple[Series, ...]:
    chance = random.Random(1)  # noqa: S311 - a seed, not a secret
    found = []
    for request in requests:
        times = array("q", range(request.start, request.end, request.period))
        values = array("d", (chance.random() * 0.7 for _ in times))
        key = SeriesKey(request.resource_id, request.metric)
        found.append(Series(key, request.period, request.start, request.end, times=times, values=values))
    return tuple(found)


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--instances", type=int, default=20_000)
    count = arguments.parse_args().instances
    catalog, resources = load_catalog(), machines(count)
    gather, publish = Gather(60, GatherAws(("eu-west-1",))), PublishCloudWatch("eu-west-1", "acme", "acme", METRICS[:1])
    config = Config("acme", gather, publish, rules())
    watermarks = {f"{metric}@60": SLOT - 180 for metric in METRICS}
    progress = Progress(SCOPE, watermarks=watermarks)
    began = time.process_time()
    requests = plan_reads(resources, config.rules, catalog.metrics, progress, SLOT)
    planned = time.process_time()
    readings = Readings(quiet(requests))
    facts = Facts(SCOPE, SLOT, Inventory(resources, complete=frozenset({Kind.INSTANCE})), readings)
    before = time.process_time()
    plan(facts, requests, Remembered(progress), config, catalog, Stamp("acme", SLOT, "run", SLOT, catalog.metrics))
    judged = time.process_time() - before
    figures = {
        "instances": count,
        "series": len(requests),
        "judgements": count * len(METRICS),
        "plan_reads_seconds": round(planned - began, 2),
        "plan_seconds": round(judged, 2),
        "judgements_a_second": round(count * len(METRICS) / judged),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    sys.stderr.write(
        f"{count:,} machines, {len(requests):,} series: judged in {judged:.1f} s of processor time, "
        f"{figures['judgements_a_second']:,} judgements a second, {figures['peak_mb']} MB at the most\n"
    )
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
