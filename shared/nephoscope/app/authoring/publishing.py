"""The meaning of `publish`: where it is shown, under which names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from nephoscope.app.authoring.document import Keys
from nephoscope.app.authoring.findings import Findings
from nephoscope.app.authoring.gathering import ALL
from nephoscope.app.authoring.reading import text_of
from nephoscope.app.authoring.regions import check_region
from nephoscope.app.authoring.values import metrics_of, value_of
from nephoscope.model.config import PublishCloudWatch
from nephoscope.model.metric import Metric

_DASHBOARD = re.compile(r"[A-Za-z0-9_-]{1,200}")
_NAMESPACE = re.compile(r"[A-Za-z0-9_.#/-]{1,255}")

DISTRIBUTED = ("cpu.utilization",)
"""Published where nothing is said: one series a scope, for the fleet's percentiles. Only where a rule reads it."""


def read_publish(
    keys: Keys | None, fleet: str, regions: tuple[str, ...], metrics: Mapping[str, Metric], findings: Findings
) -> PublishCloudWatch:
    """regions: where metrics may go when nothing is said, the first one first; may be empty or `all`."""
    region = text_of(keys, "region")
    if region is not None:
        check_region(region, findings)
    home = region.value if region else next((each for each in regions if each and each != ALL), "")
    return PublishCloudWatch(
        region=home,
        dashboard=_named(keys, "dashboard", fleet, _DASHBOARD, "letters, digits, - and _", findings),
        namespace=_namespace(keys, findings),
        distributions=metrics_of(keys, "distributions", metrics, DISTRIBUTED, findings),
        detail=value_of(text_of(keys, "detail"), "fleet"),
    )


def _named(
    keys: Keys | None, name: str, default: str, pattern: re.Pattern[str], allowed: str, findings: Findings
) -> str:
    text = text_of(keys, name)
    if text is None:
        return default
    if not pattern.fullmatch(text.value):
        findings.problem(text.place, f'{name}: "{text.value}" may have {allowed} only')
    return text.value


def _namespace(keys: Keys | None, findings: Findings) -> str:
    name = _named(keys, "namespace", "nephoscope", _NAMESPACE, "letters, digits and . - _ # /", findings)
    text = text_of(keys, "namespace")
    if text and name.startswith("AWS/"):
        findings.problem(text.place, f'namespace: "{name}" belongs to the provider: names that start with AWS/ do')
    return name
