"""The alert memory on DynamoDB: one table, consistent reads, conditional writes, no Scan.

An item: pk, sk, ver (N), data (JSON as a string), expires_at (N, the table's TTL attribute; absent = never).

The SDK's own retries are off. It would repeat a conditional write whose answer was lost, find its own first try in the
way, and report a conflict that is none. Here a transaction is repeated under the same ClientRequestToken, a single
write only while it certainly did not happen; what remains is said to be ambiguous.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError

from nephoscope.model.errors import StoreError
from nephoscope.ports import Put, Row, Write
from nephoscope.stores.dynamodb_errors import Failure, Meaning, judge
from nephoscope.stores.rows import check_transaction, pack, unpack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONNECT_SECONDS = 2.0
READ_SECONDS = 4.0
PAUSES = (0.03, 0.1, 0.25, 0.6)
"""Seconds before each further try, spread by chance: eight runs that meet once do not meet again."""
CONNECTIONS = 40

Call = Callable[[], Any]


def open_table(name: str, region: str | None = None, client: DynamoDBClient | None = None) -> DynamoTable:
    """No call is made yet. client: for tests and special endpoints; its own retries should be off."""
    return DynamoTable(name, client or open_client(region))


def open_client(region: str | None = None) -> DynamoDBClient:
    """A client as the table needs it: short timeouts, no retries of its own, connections for many threads."""
    config = BotoConfig(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1},
        max_pool_connections=CONNECTIONS,
        tcp_keepalive=True,
    )
    return boto3.Session().client("dynamodb", region_name=region, config=config)


def create_table(client: DynamoDBClient, name: str) -> None:
    """The table as the deployment makes it, for the local cloud and the tests; waits until it is there."""
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"})


class DynamoTable:
    """ports.Table on DynamoDB. Safe to use from several threads."""

    def __init__(self, name: str, client: DynamoDBClient, sleep: Callable[[float], None] = time.sleep) -> None:
        self._name = name
        self._client = client
        self._sleep = sleep

    def get(self, pk: str, sk: str) -> Row | None:
        answer = self._read(
            "GetItem",
            lambda: self._client.get_item(TableName=self._name, Key=_key(pk, sk), ConsistentRead=True),
        )
        return _parse_row(answer["Item"]) if "Item" in answer else None

    def query(
        self, pk: str, prefix: str, *, after: str = "", limit: int | None = None, newest_first: bool = False
    ) -> Sequence[Row]:
        asked = _question(self._name, pk, prefix, newest_first)
        if after:
            asked["ExclusiveStartKey"] = _key(pk, after)
        rows: list[Row] = []
        while limit is None or len(rows) < limit:
            if limit is not None:
                asked["Limit"] = limit - len(rows)
            page = self._read("Query", lambda: self._client.query(**asked))
            rows += map(_parse_row, page["Items"])
            if "LastEvaluatedKey" not in page:
                break
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        return rows

    def transact(self, writes: Sequence[Write]) -> Literal["done", "conflict"]:
        check_transaction(writes)
        if not writes:
            return "done"
        if len(writes) == 1:
            return self._write(self._single(writes[0]), "PutItem", repeatable=False)
        items: list[Any] = [_transact_item(self._name, write) for write in writes]
        token = str(uuid.uuid4())
        return self._write(
            lambda: self._client.transact_write_items(TransactItems=items, ClientRequestToken=token),
            "TransactWriteItems",
            repeatable=True,
        )

    def _single(self, write: Write) -> Call:
        """Half the price of a transaction of one."""
        arguments: dict[str, Any] = _arguments(self._name, write)
        if isinstance(write, Put):
            return lambda: self._client.put_item(**arguments)
        return lambda: self._client.delete_item(**arguments)

    def _read(self, operation: str, call: Call) -> Any:
        for pause in (*PAUSES, None):
            try:
                return call()
            except (ClientError, BotoCoreError) as error:
                failure = judge(error)
                if failure.meaning is Meaning.NEVER or pause is None:
                    raise _store_error(operation, failure) from error
                self._rest(pause)
        raise AssertionError("unreachable")

    def _write(self, call: Call, operation: str, *, repeatable: bool) -> Literal["done", "conflict"]:
        unsure = False
        for pause in (*PAUSES, None):
            try:
                call()
                return "done"
            except (ClientError, BotoCoreError) as error:
                failure = judge(error)
                unsure = unsure or failure.meaning is Meaning.UNSURE
                if failure.meaning is Meaning.CONFLICT:
                    return "conflict"
                if pause is None or failure.meaning is Meaning.NEVER or (unsure and not repeatable):
                    raise _store_error(operation, failure, ambiguous=unsure) from error
                self._rest(pause)
        raise AssertionError("unreachable")

    def _rest(self, pause: float) -> None:
        self._sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret depends on it


def _question(table: str, pk: str, prefix: str, newest_first: bool) -> dict[str, Any]:
    """The arguments of Query; the condition on sk is left out where there is none."""
    values = {":pk": {"S": pk}} | ({":prefix": {"S": prefix}} if prefix else {})
    return {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk" + (" AND begins_with(sk, :prefix)" if prefix else ""),
        "ExpressionAttributeValues": values,
        "ConsistentRead": True,
        "ScanIndexForward": not newest_first,
    }


def _transact_item(table: str, write: Write) -> dict[str, Any]:
    return {"Put" if isinstance(write, Put) else "Delete": _arguments(table, write)}


def _arguments(table: str, write: Write) -> dict[str, Any]:
    """Alike for PutItem and DeleteItem and for their places in a transaction."""
    where = {"Item": _item(write.row)} if isinstance(write, Put) else {"Key": _key(write.pk, write.sk)}
    return {"TableName": table, **where, **_condition(write.expect)}


def _condition(expect: int | None) -> dict[str, Any]:
    if expect is None:
        return {}
    if expect == 0:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "#ver = :ver",
        "ExpressionAttributeNames": {"#ver": "ver"},
        "ExpressionAttributeValues": {":ver": {"N": str(expect)}},
    }


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _item(row: Row) -> dict[str, Any]:
    item = _key(row.pk, row.sk) | {"ver": {"N": str(row.ver)}, "data": {"S": pack(row.data)}}
    return item if row.expires_at is None else item | {"expires_at": {"N": str(row.expires_at)}}


def _parse_row(item: Any) -> Row:
    """An item that another hand wrote may lack anything but its keys."""
    expires_at = item.get("expires_at", {}).get("N")
    return Row(
        pk=item["pk"]["S"],
        sk=item["sk"]["S"],
        ver=int(item.get("ver", {}).get("N", 0)),
        data=unpack(item.get("data", {}).get("S", "")),
        expires_at=None if expires_at is None else int(expires_at),
    )


def _store_error(operation: str, failure: Failure, *, ambiguous: bool = False) -> StoreError:
    return StoreError(operation=operation, reason=failure.reason, detail=failure.detail, ambiguous=ambiguous)
