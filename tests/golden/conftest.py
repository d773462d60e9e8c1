"""A canned AWS for each test, and a reader that knows no other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for canned_aws, which several rooms of the tests use

from canned_aws import CannedAws


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[CannedAws]:
    """Answers what the test tells it to; the SDK's own environment points there."""
    with CannedAws() as canned:
        monkeypatch.setenv("AWS_ENDPOINT_URL", canned.url)
        yield canned
