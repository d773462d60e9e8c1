"""The texts by which a dashboard asks CloudWatch for series: SEARCH, Metrics Insights, metric math.

Sources: AmazonCloudWatch user guide, "CloudWatch search expression syntax" (names with other than letters and digits
stand in double quotes; the expression has at most 1,024 characters) and "Query components and syntax in CloudWatch
Metrics Insights" (AVG, COUNT, MAX, MIN, SUM; 10,000 metrics looked at, 500 series returned).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from nephoscope.model.metric import Source

FUNCTIONS = {"Average": "AVG", "Maximum": "MAX", "Minimum": "MIN", "Sum": "SUM", "SampleCount": "COUNT"}
"""A statistic's word in Metrics Insights, which has no percentiles."""

NOTHING: Mapping[str, str] = {}

SCOPE_DIMENSIONS = ("cloud_account_id", "cloud_provider", "cloud_region", "fleet")


def search(
    namespace: str,
    metric: str,
    where: Mapping[str, str],
    statistic: str,
    period: int,
    choosable: Mapping[str, str] = NOTHING,
) -> str:
    """Our own scope series of one metric, one result for each scope that `where` (dimension -> value) leaves.

    choosable: dimension -> a variable's pattern, in whose place stands a value of it, or the fleet's name for all.
    """
    schema = ",".join(map(_name, (namespace, *SCOPE_DIMENSIONS)))
    terms = [f'{key}="{_value(value)}"' for key, value in (("MetricName", metric), *sorted(where.items()))]
    terms += [f'(fleet="{pattern}" OR {key}="{pattern}")' for key, pattern in choosable.items()]
    return f"SEARCH('{{{schema}}} {' '.join(terms)}', '{statistic}', {period})"


def total(search_expression: str) -> str:
    """The sum over the scopes that a search finds."""
    return f"SUM({search_expression})"


def known(search_expression: str) -> str:
    """A scope that was not read keeps its last known count: it is unknown then, and not empty."""
    return f"FILL({search_expression}, REPEAT)"


def highest(search_expression: str) -> str:
    return f"MAX({search_expression})"


def worst(source: Source, limit: int, *, upward: bool, accounts: bool) -> str:
    """Metrics Insights: the resources whose values went furthest, by the statistic that the catalog's row names.

    upward: larger is worse. accounts: group by account too; only a monitoring account may ask that.
    """
    keys = [key for key, value in source.dimensions.items() if value == "{id}"] + list(source.attributes)
    groups = (["AWS.AccountId"] if accounts else []) + [_key(key) for key in keys]
    order = "MAX() DESC" if upward else "MIN() ASC"
    return f"{_select(source)} GROUP BY {', '.join(groups)} ORDER BY {order} LIMIT {limit}"


def course(source: Source) -> str:
    """Metrics Insights: one line over all resources of a region, by the row's statistic."""
    return _select(source)


def _select(source: Source) -> str:
    fixed = [f"{_key(key)} = '{value}'" for key, value in source.dimensions.items() if value != "{id}"]
    where = f" WHERE {' AND '.join(fixed)}" if fixed else ""
    return f"SELECT {FUNCTIONS[source.statistic]}({_key(source.vendor_name)}) FROM {_from(source)}{where}"  # noqa: S608 - rows of our catalog, no user's text


def _from(source: Source) -> str:
    """SCHEMA names the dimensions exactly; where they vary with somebody's configuration, any set will do."""
    if source.discover and not source.attributes:
        return f'"{source.namespace}"'
    keys: Sequence[str] = (*source.dimensions, *source.attributes)
    return f'SCHEMA("{source.namespace}", {", ".join(map(_key, keys))})'


def _name(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9]+", text) else f'"{_value(text)}"'


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) else f'"{text}"'


def _value(text: str) -> str:
    """Within double quotes within single quotes: both, and the backslash, are escaped."""
    return re.sub(r"([\\\"'])", r"\\\1", text)
