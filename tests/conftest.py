"""What every test stands on: no way out to a real cloud, and a local one.

ministack: one process for the whole session, for plain tables, queues, topics and functions. Take names that are
yours alone (`uuid4`), for others use it at the same time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from nephoscope.localcloud.aws.ministack import Ministack, sdk_environment

NOWHERE = "http://127.0.0.1:9"
"""The discard port: a call that no test has pointed anywhere is refused at once, never sent to a real cloud."""


@pytest.fixture(autouse=True)
def no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches a real endpoint, profile, metadata service or proxy, whatever the person's shell has set."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "NEPHOSCOPE_"))]:
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in sdk_environment(NOWHERE).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def ministack() -> Iterator[Ministack]:
    """The emulator alone. `.url`, `.environment()`, `.client("dynamodb")`."""
    with Ministack() as running:
        yield running
