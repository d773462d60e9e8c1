"""`metrics:getBatch`, the data plane of Azure Monitor: up to 20 metrics of up to 50 resources in one call.

All resources are of one subscription, one region (that of the endpoint) and one type. A result has a datum for each
interval of the window, without a value where there is none; a series without any value is left out altogether. Where
a dimension is filtered for, `top` series (10 unless asked otherwise) of each metric and resource are given, and
nothing says that there were more. A resource that is not there costs only itself: its metrics carry an `errorCode`.
Source: https://learn.microsoft.com/rest/api/monitor/metrics-batch/batch (api-version 2024-02-01; the specification
data-plane/Insights/stable/2024-02-01/metricBatch.json and its example), restrictions and troubleshooting in
https://learn.microsoft.com/azure/azure-monitor/metrics/migrate-to-batch-api. No document says how a batch with a
missing resource is answered, nor in which words a 51st one is refused: there the words are ours, the shape Azure's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nephoscope.localcloud.aws.call import Answer
from nephoscope.localcloud.azure.call import AzureError, Call, bad_request, json_answer
from nephoscope.localcloud.azure.names import data_disks, type_of
from nephoscope.localcloud.azure.series import CATALOG, Line, Metric, Sample
from nephoscope.localcloud.azure.world import World
from nephoscope.localcloud.curves import noise
from nephoscope.localcloud.incidents import Happening
from nephoscope.localcloud.machines import Bucket, Instance
from nephoscope.model.time import floor_to, iso

RESOURCES = 50
METRICS = 20
TOP = 10
RETENTION = 93 * 86_400
AGGREGATIONS = ("average", "minimum", "maximum", "total", "count")
INTERVALS = {
    "PT1M": 60, "PT5M": 300, "PT15M": 900, "PT30M": 1800, "PT1H": 3600, "PT6H": 21_600, "PT12H": 43_200, "P1D": 86_400,
}  # fmt: skip
_FILTER = re.compile(r"lun\s+eq\s+'(\*|\d+)'", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked for, checked. start, end: as given, seconds. interval: 0 = FULL. disk: of the filter, `*` or a
    LUN; empty = no filter."""

    namespace: str
    metrics: tuple[Metric, ...]
    aggregations: tuple[str, ...]
    start: float
    end: float
    interval: int
    word: str
    top: int
    disk: str
    now: float

    def buckets(self) -> range:
        """The starts of the intervals: those that begin before the window's end, the first holding its start."""
        step = self.step
        return range(floor_to(int(self.start), step), floor_to(int(self.end), step), step)

    @property
    def step(self) -> int:
        return self.interval or max(60, int(self.end) - int(self.start))


def get_batch(world: World, call: Call) -> Answer:
    """Raises AzureError."""
    resource_ids = _resource_ids(call)
    query = _checked(call.params, world.now)
    _check_places(world, call, resource_ids, query.namespace)
    values = [_item(world, call, query, resource_id) for resource_id in resource_ids]
    return json_answer({"values": values}, units=len(resource_ids) * len(query.metrics))


# --- what is refused -----------------------------------------------------------------------------------------------


def _resource_ids(call: Call) -> Sequence[str]:
    ids = call.body.get("resourceids")
    if not isinstance(ids, list) or not ids or not all(isinstance(name, str) for name in ids):
        raise bad_request("The request body is invalid: resourceids must be a list of resource ids.")
    if len({name.lower() for name in ids}) < len(ids):
        raise bad_request("The resource ids must be unique.")
    if len(ids) > RESOURCES:
        raise bad_request(f"The number of resource ids {len(ids)} exceeds the maximum of {RESOURCES} in a batch.")
    return ids


def _checked(params: Mapping[str, str], now: float) -> Query:
    namespace = params.get("metricnamespace", "")
    if namespace.lower() not in CATALOG:
        raise bad_request(f"Detect invalid value: {namespace} for query parameter: 'metricnamespace'")
    metrics = tuple(_metrics(namespace, params.get("metricnames", "")))
    start, end = _window(params, now)
    word = params.get("interval", "PT1M")
    query = Query(
        namespace,
        metrics,
        tuple(_aggregations(params.get("aggregation", ""))),
        start,
        end,
        _interval(word, metrics),
        word,
        _top(params),
        _disk(params.get("filter", ""), metrics),
        now,
    )
    if not start < end:
        raise bad_request("The start time must be before the end time.")
    return query


def _metrics(namespace: str, names: str) -> Iterator[Metric]:
    asked = [name.strip() for name in names.split(",") if name.strip()]
    if not asked:
        raise bad_request("The query parameter 'metricnames' is required.")
    if len(asked) > METRICS:
        raise bad_request(f"The number of metric names {len(asked)} exceeds the maximum of {METRICS}.")
    known = {metric.name.lower(): metric for metric in CATALOG[namespace.lower()]}
    provider, _, kind = namespace.partition("/")
    for name in asked:
        if name.lower() not in known:
            valid = ",".join(metric.name for metric in known.values())
            raise bad_request(
                f"Failed to find metric configuration for provider: {provider}, resource Type: {kind}, "
                f"metric: {name}, Valid metrics: {valid}"
            )
        yield known[name.lower()]


def _aggregations(text: str) -> Iterator[str]:
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name.lower() not in AGGREGATIONS:
            raise bad_request(f"Detect invalid value: {name} for query parameter: 'aggregation'")
        yield name.lower()


def _window(params: Mapping[str, str], now: float) -> tuple[float, float]:
    """The last hour unless both ends are given; the end is now where only the start is."""
    if "endtime" in params and "starttime" not in params:
        raise bad_request("The starttime is required when the endtime is given.")
    end = _moment(params["endtime"]) if "endtime" in params else now
    start = _moment(params["starttime"]) if "starttime" in params else end - 3600
    if start < now - RETENTION:
        text = f"Query startTime: {iso(start)} is out of the Max metrics retention period: 93.00:00:00"
        raise bad_request(text)
    return start, end


def _moment(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise bad_request(f"Detect invalid value: {text} for a time") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _interval(word: str, metrics: Sequence[Metric]) -> int:
    if word.upper() == "FULL":
        return 0
    if word not in INTERVALS:
        raise bad_request(f"Detect invalid value: {word} for query parameter: 'interval'")
    for metric in metrics:
        if INTERVALS[word] not in metric.grains:
            supported = ",".join(_span(grain) for grain in metric.grains)
            raise bad_request(
                f"Metric: {metric.name} does not support requested time grain: {_span(INTERVALS[word])}, "
                f"supported ones are: {supported}"
            )
    return INTERVALS[word]


def _span(seconds: int) -> str:
    """A .NET TimeSpan."""
    days, rest = divmod(seconds, 86_400)
    text = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days}.{text}" if days else text


def _top(params: Mapping[str, str]) -> int:
    text = params.get("top", str(TOP))
    if not text.isdecimal() or not 1 <= int(text) <= 2**31 - 1:
        raise bad_request(f"Detected invalid TopN value {text}: it should be Int value.")
    return int(text)


def _disk(text: str, metrics: Sequence[Metric]) -> str:
    if not text.strip():
        return ""
    found = _FILTER.fullmatch(text.strip())
    for metric in metrics:
        if not found or not metric.by_disk:
            supported = "LUN" if metric.by_disk else ""
            asked = text.split(" ", 1)[0]
            raise bad_request(
                f"Metric: {metric.name} does not support requested dimension combination: {asked}, "
                f"supported ones are: {supported}"
            )
    return found[1] if found else ""


def _check_places(world: World, call: Call, resource_ids: Sequence[str], namespace: str) -> None:
    """One subscription, one type, one region: that of the endpoint, or of the first resource where the address does
    not name one."""
    region = call.path.get("region", "")
    for resource_id in resource_ids:
        if not resource_id.lower().startswith(f"/subscriptions/{call.subscription.lower()}/"):
            raise bad_request(f"The resource {resource_id} is not in the subscription {call.subscription}.")
        if type_of(resource_id) != namespace.lower():
            raise bad_request(f"The resource {resource_id} is not of the type {namespace}.")
        resource = world.resource(resource_id)
        if resource is None:
            continue
        region = region or resource.region
        if resource.region != region:
            raise bad_request(f"The resource {resource_id} is in {resource.region}, not in {region}.")


# --- what is answered ----------------------------------------------------------------------------------------------


def _item(world: World, call: Call, query: Query, resource_id: str) -> Mapping[str, Any]:
    resource = world.resource(resource_id)
    if isinstance(resource, Instance) and world.fleet.power(resource, world.now) is None:
        resource = None
    error = _failure(world, resource)
    return {
        "starttime": iso(query.start),
        "endtime": iso(query.end),
        "interval": query.word,
        "value": [_metric(world, query, resource_id, metric, error or resource) for metric in query.metrics],
        "namespace": query.namespace.lower(),
        "resourceregion": resource.region if resource else call.path.get("region", ""),
        "resourceid": resource_id,
    }


def _failure(world: World, resource: Instance | Bucket | None) -> AzureError | None:
    if resource is None:
        return AzureError(404, "ResourceNotFound", "The resource was not found.")
    for incident in world.fleet.incidents(Happening.PARTIAL_DATA, resource.account, resource.region, world.now):
        if noise(resource.number, int(world.now) // 60) < incident.share:
            return AzureError(500, "InternalServerError", "Detected Internal Error.")
    return None


def _metric(
    world: World, query: Query, resource_id: str, metric: Metric, subject: Instance | Bucket | AzureError | None
) -> Mapping[str, Any]:
    row: dict[str, Any] = {
        "id": f"{resource_id}/providers/Microsoft.Insights/metrics/{metric.name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": metric.name, "localizedValue": metric.name},
        "displayDescription": metric.description,
        "unit": metric.unit,
    }
    if isinstance(subject, AzureError) or subject is None:
        code, text = (subject.code, subject.message) if subject else ("ResourceNotFound", "")
        return row | {"timeseries": [], "errorCode": code, "errorMessage": text}
    lines = [Line(world.fleet, metric, subject, disk) for disk in _disks(query, subject)]
    series = [_series(query, line) for line in lines]
    return row | {"timeseries": [found for found in series if found][: query.top], "errorCode": "Success"}


def _disks(query: Query, subject: Instance | Bucket) -> Sequence[int | None]:
    if not query.disk or isinstance(subject, Bucket):
        return (None,)
    disks = range(data_disks(subject))
    return disks if query.disk == "*" else [lun for lun in disks if lun == int(query.disk)]


def _series(query: Query, line: Line) -> Mapping[str, Any] | None:
    """None where no interval has a value."""
    data = [_datum(query, line, at) for at in query.buckets()]
    if not any(len(datum) > 1 for datum in data):
        return None
    name = {"value": "lun", "localizedValue": "LUN"}
    return {"metadatavalues": [] if line.disk is None else [{"name": name, "value": str(line.disk)}], "data": data}


def _datum(query: Query, line: Line, at: int) -> Mapping[str, Any]:
    samples = list(line.samples(at, at + query.step, query.now))
    datum: dict[str, Any] = {"timeStamp": iso(at)}
    if samples:
        for name in query.aggregations or (line.metric.aggregation,):
            datum[name] = aggregate(samples, name)
    return datum


def aggregate(samples: Sequence[Sample], name: str) -> float:
    """Over what shows of the samples; count is of those, too."""
    values = [sample.value * sample.share for sample in samples]
    match name:
        case "average":
            return sum(values) / len(values)
        case "minimum":
            return min(values)
        case "maximum":
            return max(values)
        case "total":
            return sum(values)
    return float(len(values))
