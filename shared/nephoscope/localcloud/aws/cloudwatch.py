"""CloudWatch's operations over the world: what is answered here. Alarms are ministack's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nephoscope.localcloud.aws.call import Answer, AwsError, Call, invalid_value
from nephoscope.localcloud.aws.datum import REQUEST_BYTES
from nephoscope.localcloud.aws.protocol import render_answer
from nephoscope.localcloud.aws.streams import Stream
from nephoscope.localcloud.aws.world import World

PAGE = 500
_THREE_HOURS = 3 * 3600
_TWO_WEEKS = 14 * 86_400


def list_metrics(world: World, call: Call) -> Answer:
    """500 a page, of the last two weeks or three hours.
    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html"""
    recent = call.params.get("RecentlyActive")
    if recent not in (None, "PT3H"):
        raise invalid_value("The parameter RecentlyActive must be PT3H.")
    try:
        start = int(call.params.get("NextToken", 0))
    except ValueError as error:
        raise AwsError("InvalidNextToken", "The token is not valid.") from error
    seconds = _THREE_HOURS if recent else _TWO_WEEKS
    question = (call.account, call.region, seconds, json.dumps(call.params.get("Dimensions", [])))
    named = (str(call.params.get("Namespace", "")), str(call.params.get("MetricName", "")))
    every = world.remembered((*question, *named), lambda: tuple(_listed(world, call, seconds)))
    listed = every[start : start + PAGE + 1]
    answer: dict[str, Any] = {"Metrics": [_metric(stream) for stream in listed[:PAGE]], "OwningAccounts": []}
    if len(listed) > PAGE:
        answer["NextToken"] = str(start + PAGE)
    return render_answer(call, answer)


def _listed(world: World, call: Call, seconds: int) -> Iterator[Stream]:
    filters: Sequence[Mapping[str, str]] = call.params.get("Dimensions", [])
    name, namespace = call.params.get("MetricName", ""), call.params.get("Namespace", "")
    now = world.now
    for stream in world.named(call.account, call.region, namespace, name):
        first_put = getattr(stream, "first_put", now - world.listing_delay)
        if first_put + world.listing_delay <= now and _has(stream, filters) and stream.active(now - seconds, now):
            yield stream


def _has(stream: Stream, filters: Sequence[Mapping[str, str]]) -> bool:
    """A filter without a value asks only for the dimension."""
    dimensions = dict(stream.key.dimensions)
    return all(
        row["Name"] in dimensions and ("Value" not in row or dimensions[row["Name"]] == row["Value"]) for row in filters
    )


def _metric(stream: Stream) -> Mapping[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in stream.key.dimensions]
    return {"Namespace": stream.key.namespace, "MetricName": stream.key.name, "Dimensions": dimensions}


def put_metric_data(world: World, call: Call) -> Answer:
    size = len(call.request.body)
    if size > REQUEST_BYTES:
        raise AwsError("RequestEntityTooLarge", f"Request size {size} exceeded {REQUEST_BYTES} bytes", 413)
    world.custom.put(call.account, call.region, call.params, world.now)
    return render_answer(call, {})


def put_dashboard(world: World, call: Call) -> Answer:
    return render_answer(call, world.dashboards.put(call.account, call.params, world.now))


def get_dashboard(world: World, call: Call) -> Answer:
    return render_answer(call, world.dashboards.get(call.account, call.params))


def list_dashboards(world: World, call: Call) -> Answer:
    return render_answer(call, world.dashboards.listed(call.account, call.params))


def delete_dashboards(world: World, call: Call) -> Answer:
    return render_answer(call, world.dashboards.delete(call.account, call.params))
