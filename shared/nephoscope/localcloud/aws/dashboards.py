"""PutDashboard and its sisters. Dashboards belong to an account, not to a region.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nephoscope.localcloud.aws.call import AwsError, invalid_value
from nephoscope.localcloud.aws.dashboard_body import Finding, check_body

PAGE = 1000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


@dataclass(frozen=True, slots=True)
class Dashboard:
    """modified: seconds of the front's now."""

    account: str
    name: str
    body: str
    modified: float

    @property
    def arn(self) -> str:
        return f"arn:aws:cloudwatch::{self.account}:dashboard/{self.name}"


class Dashboards:
    """What was put, by account. Safe to use from every thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._put: dict[tuple[str, str], Dashboard] = {}

    def clear(self) -> None:
        with self._lock:
            self._put.clear()

    def put(self, account: str, params: Mapping[str, Any], now: float) -> Mapping[str, Any]:
        """The warnings. Raises AwsError with every error of the body; then nothing is changed."""
        name, body = params.get("DashboardName", ""), params.get("DashboardBody", "")
        if not _NAME.fullmatch(name):
            raise _invalid(
                [Finding("/", f"Invalid dashboard name {name!r}: letters, digits, - and _, at most 255", True)]
            )
        findings = check_body(body)
        if any(finding.fatal for finding in findings):
            raise _invalid(findings)
        with self._lock:
            self._put[account, name] = Dashboard(account, name, body, now)
        return {"DashboardValidationMessages": [finding.as_message() for finding in findings]}

    def get(self, account: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        found = self.find(account, str(params.get("DashboardName", "")))
        return {"DashboardArn": found.arn, "DashboardBody": found.body, "DashboardName": found.name}

    def find(self, account: str, name: str) -> Dashboard:
        """Raises AwsError."""
        with self._lock:
            found = self._put.get((account, name))
        if found is None:
            raise _absent(name)
        return found

    def listed(self, account: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        prefix = str(params.get("DashboardNamePrefix", ""))
        with self._lock:
            kept = sorted(key for key in self._put if key[0] == account and key[1].startswith(prefix))
            found = [self._put[key] for key in kept]
        start = int(params.get("NextToken", 0))
        answer: dict[str, Any] = {"DashboardEntries": [_entry(row) for row in found[start : start + PAGE]]}
        return answer | {"NextToken": str(start + PAGE)} if start + PAGE < len(found) else answer

    def delete(self, account: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """All of them, or none where one is not there."""
        names = params.get("DashboardNames", [])
        if not 1 <= len(names) <= 100:
            raise invalid_value("The collection DashboardNames must have a size between 1 and 100.")
        with self._lock:
            if absent := [name for name in names if (account, name) not in self._put]:
                raise _absent(absent[0])
            for name in names:
                del self._put[account, name]
        return {}


def _entry(row: Dashboard) -> Mapping[str, Any]:
    return {
        "DashboardName": row.name,
        "DashboardArn": row.arn,
        "LastModified": datetime.fromtimestamp(row.modified, UTC),
        "Size": len(row.body.encode()),
    }


def _absent(name: str) -> AwsError:
    return AwsError("ResourceNotFound", f"Dashboard {name} does not exist", 404, kind="DashboardNotFoundError")


def _invalid(findings: list[Finding]) -> AwsError:
    fatal = [finding for finding in findings if finding.fatal]
    text = f"The dashboard body is invalid, there are {len(fatal)} validation errors: {fatal[0].message}"
    messages = [finding.as_message() for finding in findings]
    return AwsError(
        "InvalidParameterInput",
        text,
        kind="DashboardInvalidInputError",
        extra={"dashboardValidationMessages": messages},
    )
