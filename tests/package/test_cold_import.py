"""What a cold start imports, measured in a Python that has the artifact, AWS's SDK and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

FOREIGN = {
    "pydantic", "pydantic_core", "yaml", "rich", "ministack", "moto", "werkzeug", "trustme", "requests",
    "google", "azure", "grpc", "aws_xray_sdk", "jsonschema", "hypothesis", "pytest",
}  # fmt: skip

ENTRANCES = {
    # entrance: modules beside the SDK's own, at most; one import more is worth a thought.
    "collect": 150,
    "deliver": 150,
    "work": 150,
    "widget": 150,
}

PROGRAM = """
import json, sys
import boto3, botocore.session
before = set(sys.modules)
import handler
getattr(handler, {entrance!r})
print(json.dumps([sorted(sys.modules), len(set(sys.modules) - before)]))
"""


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_no_entrance_imports_what_is_not_its_own(clean_python: Callable[[str], str], entrance: str) -> None:
    modules, _ = json.loads(clean_python(PROGRAM.format(entrance=entrance)))
    assert FOREIGN & {name.partition(".")[0] for name in modules} == set()
    assert not any(
        name.startswith(("nephoscope.localcloud", "nephoscope.cli", "nephoscope.app.authoring")) for name in modules
    )


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_a_cold_start_imports_little(clean_python: Callable[[str], str], entrance: str) -> None:
    _, added = json.loads(clean_python(PROGRAM.format(entrance=entrance)))
    assert added <= ENTRANCES[entrance]


def test_rooms_are_imported_when_they_are_asked_for(clean_python: Callable[[str], str]) -> None:
    modules, _ = json.loads(clean_python(PROGRAM.format(entrance="collect")))
    assert "nephoscope.app.run" in modules
    assert not any(name.startswith(("nephoscope.clouds.", "nephoscope.notifiers.")) for name in modules)
