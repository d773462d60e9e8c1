"""Every store under one suite: SQLite, and DynamoDB as two emulators understand it.

The tables are opened as production opens them: the client takes its endpoint from the SDK's own variables.
"""

from __future__ import annotations

import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from alert_records import VirtualClock
from nephoscope.localcloud.aws.ministack import sdk_environment
from nephoscope.ports import Table
from nephoscope.stores import dynamodb, sqlite


@dataclass(frozen=True)
class Store:
    """A table and a back door: put_raw(pk, sk, text) writes what no adapter would."""

    name: str
    table: Table
    put_raw: Callable[[str, str, str], None]
    reopen: Callable[[], Table]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def _sqlite_store(path: Path) -> Iterator[Store]:
    table = sqlite.open_table(str(path))
    opened = [table]

    def put_raw(pk: str, sk: str, text: str) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("INSERT INTO items (pk, sk, ver, data) VALUES (?, ?, 1, ?)", (pk, sk, text))
        connection.close()

    def reopen() -> Table:
        opened.append(sqlite.open_table(str(path)))
        return opened[-1]

    yield Store("sqlite", table, put_raw, reopen)
    for each in opened:
        each.close()


@pytest.fixture(scope="session")
def dynamodb_clients() -> Iterator[Callable[[str], Any]]:
    """One client for each emulator: opened as production opens it, for the endpoint of the SDK's own variables."""
    opened: dict[str, Any] = {}

    def client_at(url: str) -> Any:
        if url not in opened:
            with pytest.MonkeyPatch.context() as patch:
                for variable, value in sdk_environment(url).items():
                    patch.setenv(variable, value)
                opened[url] = dynamodb.open_client()
        return opened[url]

    yield client_at
    for client in opened.values():
        client.close()


def _dynamodb_store(name: str, client: Any) -> Iterator[Store]:
    table_name = f"nephoscope-{uuid.uuid4().hex[:12]}"
    dynamodb.create_table(client, table_name)

    def put_raw(pk: str, sk: str, text: str) -> None:
        client.put_item(
            TableName=table_name, Item={"pk": {"S": pk}, "sk": {"S": sk}, "ver": {"N": "1"}, "data": {"S": text}}
        )

    def open_again() -> Table:
        return dynamodb.open_table(table_name, client=client)

    yield Store(name, open_again(), put_raw, open_again)
    client.delete_table(TableName=table_name)


def _store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        return _sqlite_store(tmp_path / "memory.db")
    fixture = request.getfixturevalue(request.param)
    url: str = fixture if isinstance(fixture, str) else fixture.url
    return _dynamodb_store(request.param, request.getfixturevalue("dynamodb_clients")(url))


@pytest.fixture(params=["sqlite", "ministack", "moto_url"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each store in turn, empty."""
    yield from _store(request, tmp_path)


@pytest.fixture(params=["sqlite", "ministack"])
def memory_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each kind of store once, for what stands on the contract above."""
    yield from _store(request, tmp_path)
