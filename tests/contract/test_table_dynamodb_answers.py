"""What DynamoDB may answer, over real HTTP: what is tried again, what is a conflict, and what nobody can know."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from canned_aws import CannedAws, Reply, json_reply
from nephoscope.localcloud.aws.ministack import free_port
from nephoscope.model.errors import Reason, StoreError
from nephoscope.ports import Put, Row
from nephoscope.stores import dynamodb

ONE = [Put(Row("p", "a", 2, {}), 1)]
TWO = [*ONE, Put(Row("p", "b", 1, {}), 0)]
WELL = json_reply({})
HANG_UP = Reply(b"", hang_up=True)
TRIES = len(dynamodb.PAUSES) + 1


def error(code: str, status: int = 400) -> Reply:
    return json_reply({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "told so"}, status)


def cancelled(*codes: str) -> Reply:
    """Reasons in the order of the writes; "None" for one that was not at fault."""
    reasons = [{"Code": code} if code == "None" else {"Code": code, "Message": "told so"} for code in codes]
    content = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "CancellationReasons": reasons,
    }
    return json_reply(content | {"Message": f"Transaction cancelled [{', '.join(codes)}]"}, 400)


@pytest.fixture(scope="module")
def server() -> Iterator[CannedAws]:
    with CannedAws() as canned:
        yield canned


@pytest.fixture(scope="module")
def client(server: CannedAws) -> Iterator[object]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "k")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "s")
        patch.setattr(dynamodb, "READ_SECONDS", 0.2)
        opened = dynamodb.open_client("eu-west-1")
    yield opened
    opened.close()


@pytest.fixture
def rests() -> list[float]:
    return []


@pytest.fixture
def table(server: CannedAws, client, rests: list[float]) -> dynamodb.DynamoTable:
    server.requests.clear()
    return dynamodb.DynamoTable("memory", client, sleep=rests.append)


# code -> how often a single write, a transaction and a read are asked, and what is said then
ANSWERS = [
    ("ProvisionedThroughputExceededException", 400, (TRIES, TRIES, TRIES), Reason.THROTTLED, False),
    ("ThrottlingException", 400, (TRIES, TRIES, TRIES), Reason.THROTTLED, False),
    ("RequestLimitExceeded", 400, (TRIES, TRIES, TRIES), Reason.THROTTLED, False),
    ("TransactionConflictException", 400, (TRIES, TRIES, TRIES), Reason.UNAVAILABLE, False),
    ("InternalServerError", 500, (1, TRIES, TRIES), Reason.UNAVAILABLE, True),
    ("ServiceUnavailable", 503, (1, TRIES, TRIES), Reason.UNAVAILABLE, True),
    ("SomethingNew", 502, (1, TRIES, TRIES), Reason.UNAVAILABLE, True),
    ("TransactionInProgressException", 400, (1, TRIES, TRIES), Reason.UNAVAILABLE, True),
    ("AccessDeniedException", 400, (1, 1, 1), Reason.DENIED, False),
    ("ResourceNotFoundException", 400, (1, 1, 1), Reason.NOT_FOUND, False),
    ("ValidationException", 400, (1, 1, 1), Reason.REJECTED, False),
    ("SomethingNew", 400, (1, 1, 1), Reason.REJECTED, False),
]


@pytest.mark.parametrize(("code", "status", "asked", "reason", "ambiguous"), ANSWERS, ids=str)
def test_an_error(server, table, code, status, asked, reason, ambiguous) -> None:
    for operation in ("PutItem", "TransactWriteItems", "GetItem"):
        server.answer(operation, error(code, status))
    for writes in (ONE, TWO):
        with pytest.raises(StoreError) as caught:
            table.transact(writes)
        assert (caught.value.reason, caught.value.ambiguous) == (reason, ambiguous)
    with pytest.raises(StoreError) as caught:
        table.get("p", "a")
    assert (caught.value.reason, caught.value.ambiguous) == (reason, False)
    operations = ("PutItem", "TransactWriteItems", "GetItem")
    assert tuple(len(server.asked(operation)) for operation in operations) == asked


@pytest.mark.parametrize(
    ("reasons", "tries", "outcome"),
    [
        (("ConditionalCheckFailed", "None"), 1, "conflict"),
        (("None", "ConditionalCheckFailed"), 1, "conflict"),
        (("TransactionConflict", "ConditionalCheckFailed"), 1, "conflict"),
        (("ConditionalCheckFailed", "ThrottlingError"), 1, "conflict"),
        (("TransactionConflict", "None"), TRIES, Reason.UNAVAILABLE),
        (("None", "ProvisionedThroughputExceeded"), TRIES, Reason.THROTTLED),
        (("None", "ThrottlingError"), TRIES, Reason.THROTTLED),
        (("ValidationError", "TransactionConflict"), 1, Reason.REJECTED),
        (("ItemCollectionSizeLimitExceeded", "None"), 1, Reason.TOO_LARGE),
        (("SomethingNew", "None"), 1, Reason.MALFORMED),
        ((), 1, Reason.MALFORMED),
    ],
    ids=str,
)
def test_a_cancelled_transaction(server, table, reasons, tries, outcome) -> None:
    server.answer("TransactWriteItems", cancelled(*reasons))
    if outcome == "conflict":
        assert table.transact(TWO) == "conflict"
    else:
        with pytest.raises(StoreError) as caught:
            table.transact(TWO)
        assert (caught.value.reason, caught.value.ambiguous) == (outcome, False)
    assert len(server.asked("TransactWriteItems")) == tries


def test_a_condition_of_a_single_write(server, table) -> None:
    server.answer("PutItem", error("ConditionalCheckFailedException"))
    assert table.transact(ONE) == "conflict"


def test_a_transaction_is_repeated_under_one_token_and_another_gets_its_own(server, table, rests) -> None:
    server.answer("TransactWriteItems", HANG_UP, error("InternalServerError", 500), WELL)
    assert table.transact(TWO) == "done"
    assert table.transact(TWO) == "done"
    tokens = [request.parameters["ClientRequestToken"] for request in server.asked("TransactWriteItems")]
    assert len(tokens) == 4
    assert tokens[0] == tokens[1] == tokens[2] != tokens[3]
    assert len(rests) == 2
    assert rests[1] > 0


def test_a_conflict_after_a_lost_answer_is_still_said_to_be_one(server, table) -> None:
    server.answer("TransactWriteItems", HANG_UP, cancelled("ConditionalCheckFailed", "None"))
    assert table.transact(TWO) == "conflict"


def test_a_lost_answer_is_not_forgotten_over_a_clear_one(server, table) -> None:
    server.answer("TransactWriteItems", HANG_UP, error("ThrottlingException"))
    with pytest.raises(StoreError) as caught:
        table.transact(TWO)
    assert caught.value.ambiguous


@pytest.mark.parametrize("reply", [HANG_UP, Reply(b"{}", delay=0.5)], ids=["cut", "silent"])
def test_a_single_write_whose_answer_is_lost_is_not_repeated(server, table, reply) -> None:
    """A repetition would meet its own first try and take it for somebody else."""
    server.answer("PutItem", reply)
    with pytest.raises(StoreError) as caught:
        table.transact(ONE)
    assert caught.value.ambiguous
    assert len(server.asked("PutItem")) == 1


def test_a_read_is_simply_repeated(server, table) -> None:
    server.answer("GetItem", HANG_UP, error("ThrottlingException"), WELL)
    assert table.get("p", "a") is None


def test_a_store_that_is_not_there_has_written_nothing(monkeypatch: pytest.MonkeyPatch, rests) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    client = dynamodb.open_client("eu-west-1")
    with pytest.raises(StoreError) as caught:
        dynamodb.DynamoTable("memory", client, sleep=rests.append).transact(ONE)
    assert (caught.value.reason, caught.value.ambiguous) == (Reason.UNAVAILABLE, False)
    assert len(rests) == len(dynamodb.PAUSES)
    client.close()


def test_reads_are_consistent_and_writes_are_conditional_on_the_wire(server, table) -> None:
    server.answer("GetItem", WELL)
    server.answer("Query", json_reply({"Items": [], "Count": 0}))
    server.answer("PutItem", WELL)
    table.get("p", "a")
    table.query("p", "S#")
    table.transact([Put(Row("p", "a", 1, {"x": 1}, expires_at=99), 0)])
    get, query, put = (server.asked(operation)[0].parameters for operation in ("GetItem", "Query", "PutItem"))
    assert get["ConsistentRead"] is True
    assert query["ConsistentRead"] is True
    assert put["ConditionExpression"] == "attribute_not_exists(pk)"
    assert put["Item"] == {
        "pk": {"S": "p"},
        "sk": {"S": "a"},
        "ver": {"N": "1"},
        "data": {"S": json.dumps({"x": 1}, separators=(",", ":"))},
        "expires_at": {"N": "99"},
    }
