"""Which operation a path is, for the services that are spoken to by path: S3, Lambda, Scheduler.

The templates are botocore's own (`/2015-03-31/functions/{FunctionName}/invocations`, `/{Bucket}?tagging`), so that a
new operation needs nothing here. Where several fit, the one that fixes most wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl

from botocore.loaders import Loader

_BY_HEADER = frozenset({"CopyObject", "UploadPartCopy"})
"""They look like PutObject and UploadPart but for a header, and IAM asks for the same permission."""


@dataclass(frozen=True, slots=True)
class _Template:
    operation: str
    method: str
    path: re.Pattern[str]
    query: Mapping[str, str]
    weight: int


def find_operation(service: str, method: str, path: str, query: str) -> tuple[str, Mapping[str, str]]:
    """(operation, parameters that stand in the path); ("Unknown", {}) where nothing fits."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    for template in _templates(service):
        found = template.path.fullmatch(path) if template.method == method else None
        if found and all(given.get(key) == value for key, value in template.query.items()):
            return template.operation, {key: value for key, value in found.groupdict().items() if value}
    return "Unknown", {}


@cache
def _templates(service: str) -> tuple[_Template, ...]:
    model = Loader().load_service_model(service, "service-2")
    operations = {name: row["http"] for name, row in model["operations"].items() if name not in _BY_HEADER}
    templates = [_template(name, http) for name, http in operations.items()]
    return tuple(sorted(templates, key=lambda template: -template.weight))


def _template(operation: str, http: Mapping[str, str]) -> _Template:
    uri, _, query = http["requestUri"].partition("?")
    fixed = {key: value for key, value in parse_qsl(query, keep_blank_values=True) if key != "x-id"}
    parts = re.split(r"\{(\w+)(\+?)\}", uri.rstrip("/"))
    literals = parts[0::3]
    fields = zip(parts[1::3], parts[2::3], strict=True)
    names = [f"(?P<{name}>.+)" if greedy else f"(?P<{name}>[^/]+)" for name, greedy in fields]
    pattern = "".join(re.escape(text) + name for text, name in zip(literals, [*names, ""], strict=True))
    weight = 1000 * len(fixed) + sum(map(len, literals)) - len(names)
    return _Template(operation, http["method"], re.compile(pattern + "/?"), fixed, weight)
