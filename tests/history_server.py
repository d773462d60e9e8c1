"""A server of history for a room of tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nephoscope.localcloud.elastic.distribution import NotStartedError, UnavailableError
from nephoscope.localcloud.elastic.server import ElasticServer


@contextmanager
def standing(server: ElasticServer) -> Iterator[ElasticServer]:
    """The server, up. Where it cannot be had the tests skip, with the reason; one that is here must start."""
    try:
        server.__enter__()
    except NotStartedError:
        raise
    except UnavailableError as error:
        pytest.skip(str(error))
    try:
        yield server
    finally:
        server.__exit__()
