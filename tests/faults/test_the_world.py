"""What the schedules rest on: a table that decides as DynamoDB does, and queues that behave as SQS does."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import emulator
import pytest
from botocore.session import get_session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sagemaker_in_memory import Refused
from standing_clock import Clock

from tests.faults.support.queues import ATTEMPTS, Queue, Queues
from tests.faults.support.table import Cancelled, Table
from tests.faults.support.world import Settings, World

CONDITIONS = (
    None,
    "attribute_not_exists(pk)",
    "revision = :one",
    "#status IN (:open, :one)",
    "attribute_not_exists(pk) OR #status <> :open",
    "attribute_not_exists(pk) OR revision < :two",
    "#status <> :open AND revision = :one",
    "#status = :open AND revision = :two AND pk = :a",
)
VALUES = {":one": {"N": "1"}, ":two": {"N": "2"}, ":open": {"S": "open"}, ":a": {"S": "a"}}
PUTS = st.fixed_dictionaries(
    {
        "key": st.sampled_from([("a", "1"), ("a", "2"), ("b", "1")]),
        "revision": st.sampled_from(["1", "2", "3"]),
        "status": st.sampled_from(["open", "closed"]),
        "condition": st.sampled_from(CONDITIONS),
    }
)
COMMITS = st.lists(st.lists(PUTS, min_size=1, max_size=2, unique_by=lambda put: put["key"]), min_size=1, max_size=8)


@pytest.fixture(scope="session")
def dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with emulator.serve(tmp_path_factory.mktemp("dynamodb"), services="dynamodb") as url:
        client = get_session().create_client("dynamodb", region_name="us-east-1", endpoint_url=url)
        client.create_table(
            TableName="ledger",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


def request_of(put: dict[str, Any]) -> dict[str, Any]:
    (pk, sk), condition = put["key"], put["condition"]
    item = {"pk": {"S": pk}, "sk": {"S": sk}, "revision": {"N": put["revision"]}, "status": {"S": put["status"]}}
    request: dict[str, Any] = {"TableName": "ledger", "Item": item}
    if condition is not None:
        request["ConditionExpression"] = condition
        if values := {name: value for name, value in VALUES.items() if name in condition}:
            request["ExpressionAttributeValues"] = values
        if "#status" in condition:
            request["ExpressionAttributeNames"] = {"#status": "status"}
    return request


def in_memory(table: Table, puts: list[dict[str, Any]], *, token: str) -> None:
    if len(puts) == 1:
        table.put_item(puts[0])
    else:
        table.transact_write_items({"TransactItems": [{"Put": put} for put in puts], "ClientRequestToken": token})


def in_dynamodb(client: Any, puts: list[dict[str, Any]]) -> None:
    if len(puts) == 1:
        client.put_item(**puts[0])
    else:
        client.transact_write_items(TransactItems=[{"Put": put} for put in puts])


def reasons(attempt: Callable[[], Any], client: Any) -> list[str]:
    """Why a write was refused; empty when it was not."""
    try:
        attempt()
    except Refused as refused:
        return [refused.code]
    except Cancelled as cancelled:
        return cancelled.reasons
    except client.exceptions.TransactionCanceledException as cancelled:
        return [each["Code"] for each in cancelled.response["CancellationReasons"]]
    except client.exceptions.ClientError as refused:
        return [refused.response["Error"]["Code"]]
    return []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commits=COMMITS)
def test_the_table_takes_and_refuses_what_dynamodb_does(dynamodb: Any, commits: list[list[dict[str, Any]]]) -> None:
    for item in dynamodb.scan(TableName="ledger")["Items"]:
        dynamodb.delete_item(TableName="ledger", Key={name: item[name] for name in ("pk", "sk")})
    table = Table()
    for number, commit in enumerate(commits):
        puts = [request_of(put) for put in commit]
        mine = reasons(partial(in_memory, table, puts, token=str(number)), dynamodb)
        assert mine == reasons(partial(in_dynamodb, dynamodb, puts), dynamodb), puts
    found = {(item["pk"]["S"], item["sk"]["S"]): item for item in dynamodb.scan(TableName="ledger")["Items"]}
    assert table.items == found


@pytest.mark.parametrize("forward", [True, False])
def test_a_query_finds_a_partition_in_the_order_of_its_keys(dynamodb: Any, *, forward: bool) -> None:
    table = Table()
    for name in ("000002#b", "000001#b", "000002#a"):
        item = {"pk": {"S": "QUERY"}, "sk": {"S": name}}
        table.put_item({"Item": item})
        dynamodb.put_item(TableName="ledger", Item=item)
    for condition in ("pk = :pk", "pk = :pk AND begins_with(sk, :start)"):
        values = {":pk": {"S": "QUERY"}} | ({":start": {"S": "000002#"}} if "start" in condition else {})
        question = {
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ScanIndexForward": forward,
        }
        assert table.query(question)["Items"] == dynamodb.query(TableName="ledger", **question)["Items"]


def test_a_transaction_that_is_sent_again_with_its_token_is_done_once() -> None:
    table = Table()
    put = {"Put": request_of({"key": ("a", "1"), "revision": "1", "status": "open", "condition": CONDITIONS[1]})}
    for _ in range(2):
        table.transact_write_items({"TransactItems": [put], "ClientRequestToken": "same"})
    with pytest.raises(Cancelled):
        table.transact_write_items({"TransactItems": [put], "ClientRequestToken": "other"})


def test_a_message_that_fails_comes_back_and_is_dead_after_its_attempts() -> None:
    clock, minute = Clock(), timedelta(minutes=1)
    queue = Queue("closing", "close_training", minute)
    Queues(clock, [queue]).put("closing", {})
    random = Random(0)  # noqa: S311 - a seed has to say everything
    for _ in range(ATTEMPTS):
        (received,) = queue.receive(clock.now(), random=random)
        assert queue.receive(clock.now(), random=random) == []
        clock.advance(minutes=6)
    assert queue.receive(clock.now(), random=random) == []
    assert (queue.waiting, queue.dead) == ([], [received])


def test_an_alarm_tells_when_it_goes_on_and_of_nothing_that_comes_while_it_is_on() -> None:
    """Whoever looks once may leave a dead letter of which nobody hears, so people look until the alarm is off."""
    world = World("alarms", Settings())
    queue, heard = world.queues.by_name["closing"], list[tuple[str, int]]()
    world.people_are_told = lambda told: heard.append((world.clock.now().strftime("%H:%M"), len(told.dead)))

    def die() -> None:
        world.queues.give_up(queue, {})
        world.dead_letter(queue, queue.dead[-1])

    def empty() -> None:
        for message in queue.dead:
            world.discard(queue, message)

    # The second comes while the first is there, the third within the five minutes in which both were taken out.
    for minute, action in ((0, die), (7, die), (22, empty), (24, die), (40, empty), (50, die), (70, empty)):
        world.later(60 * minute, action)
    world.run()
    world.stop()

    assert heard == [("10:20", 1), ("11:10", 1)]
