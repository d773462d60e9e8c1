"""The server's answers as figures: what is kept, totals of groups, courses of groups in steps."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from nephoscope.model.question import Course, KeptMetric, Key, Survey, Total
from nephoscope.pipeline.asking.fields import ATTRIBUTE, HOST, TAG
from nephoscope.pipeline.wording import clean, render_id


def survey_of(aggregations: Mapping[str, Any]) -> Survey:
    units = aggregations.get("unit", {}).get("buckets", [])
    return Survey(
        points=int(_value(aggregations, "points") or 0),
        period=int(_value(aggregations, "period") or 0),
        unit=str(units[0]["key"]) if units else "",
        first=_seconds(_value(aggregations, "first")),
        last=_seconds(_value(aggregations, "last")),
    )


def metrics_of(aggregations: Mapping[str, Any]) -> tuple[KeptMetric, ...]:
    found = aggregations.get("metrics", {}).get("buckets", [])
    return tuple(
        KeptMetric(each["key"], each["doc_count"], _seconds(_value(each, "first")), _seconds(_value(each, "last")))
        for each in found
    )


def after_of(page: Mapping[str, Any], size: int) -> Mapping[str, Any] | None:
    """The key after which the next page begins. A page of fewer than `size` buckets is the last: the key that it has
    like any other would cost one more reading, of nothing."""
    after: Mapping[str, Any] | None = page.get("after_key")
    return after if len(page.get("buckets", ())) >= size else None


def totals_of(aggregations: Mapping[str, Any], width: int, size: int) -> tuple[list[Total], Mapping[str, Any] | None]:
    """Of a page, and the key after which the next one begins. width: how many fields make a group. size: of a page."""
    page = aggregations.get("groups", {})
    return [_total(bucket, width) for bucket in page.get("buckets", [])], after_of(page, size)


def _total(bucket: Mapping[str, Any], width: int) -> Total:
    figures = bucket["figures"]
    names = bucket.get("name", {}).get("buckets", [])
    return Total(
        key=key_of(bucket, width),
        name=str(names[0]["key"]) if names else "",
        points=int(figures["count"]),
        value=measured_of(bucket),
        average=_number(figures["avg"]),
        highest=_number(figures["max"]),
        lowest=_number(figures["min"]),
        last=_seconds(_value(bucket, "last")),
    )


def key_of(bucket: Mapping[str, Any], width: int) -> Key:
    return tuple(bucket["key"].get(f"g{number}") for number in range(width))


def measured_of(bucket: Mapping[str, Any]) -> float:
    """nan where the server has no number: of no document."""
    answer = bucket["value"]
    return _number(answer["values"][0]["value"] if "values" in answer else answer["value"])


def _number(value: Any) -> float:
    """An answer of the server's that is none is null, or a word: "NaN", "Infinity"."""
    if value is None:
        return math.nan
    number = float(value)
    return number if math.isfinite(number) else math.nan


def _value(bucket: Mapping[str, Any], name: str) -> Any:
    return bucket.get(name, {}).get("value")


def _seconds(milliseconds: Any) -> int:
    return int(milliseconds / 1000) if milliseconds is not None else 0


def add_steps(
    aggregations: Mapping[str, Any], width: int, courses: Mapping[Key, Course], size: int
) -> Mapping[str, Any] | None:
    """Each bucket's value to its group's course, in order of time; a group that is not among them is left out. Returns
    the key after which the next page of `size` buckets begins."""
    page = aggregations.get("groups", {})
    for bucket in page.get("buckets", []):
        course = courses.get(key_of(bucket, width))
        value = measured_of(bucket)
        if course is not None and not math.isnan(value):
            course.times.append(_seconds(bucket["key"]["at"]))
            course.values.append(value)
    return after_of(page, size)


# --- what groups are called ---------------------------------------------------------------------------------------


def labels_of(totals: Sequence[Total], by: str) -> tuple[str, ...]:
    """A name for each, all different: two machines of one name have their ids beside it, then their places."""
    found = [_label(total, by) for total in totals]
    for more in (_with_id, _with_place) if by == HOST else ():
        often = Counter(found)
        found = [more(label, total) if often[label] > 1 else label for label, total in zip(found, totals, strict=True)]
    return tuple(_numbered(found))


def _numbered(labels: Iterable[str]) -> list[str]:
    """What is still the same (a tag's value `no env` beside machines without one) has a number beside it."""
    seen: Counter[str] = Counter()
    found = []
    for label in labels:
        seen[label] += 1
        found.append(label if seen[label] == 1 else f"{label} #{seen[label]}")
    return found


def _label(total: Total, by: str) -> str:
    if by == HOST:
        return clean(total.name) or clean(render_id(total.key[-1] or "")) or "no host"
    if not total.key:
        return "all"
    return clean(total.key[0] or "") or f"no {clean(by.removeprefix(TAG).removeprefix(ATTRIBUTE))}"


def _with_id(label: str, total: Total) -> str:
    own = clean(render_id(total.key[-1] or ""))
    return f"{label} ({own})" if own != label else label


def _with_place(label: str, total: Total) -> str:
    return f"{label} {' '.join(filter(None, total.key[:-1]))}"


def worst_first(totals: Iterable[Total], *, upward: bool = True) -> list[Total]:
    """By the statistic that was asked for; equal ones by their keys."""
    sign = -1 if upward else 1
    return sorted(totals, key=lambda total: (sign * total.value, [part or "" for part in total.key]))


def parsed_time(text: str) -> int:
    """Of a document's @timestamp: epoch seconds."""
    return int(datetime.fromisoformat(text).timestamp())
