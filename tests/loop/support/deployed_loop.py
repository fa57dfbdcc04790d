"""The deployed loop, seen from outside: public APIs, and the ledger as `ops` reads it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
from last_words import last_words

from lambdas.shared.attributes import decode_item
from lambdas.shared.ledger import Ledger
from lambdas.shared.records import LiveModel, Run
from sandbox.server import Sandbox

PROJECT = "flights"
STAGE = f"{PROJECT}-sandbox"
DATA = "data/"
_PATIENCE_SECONDS = float(os.environ.get("TANDEM_TEST_PATIENCE", "120"))
_LAST = 5

Answer = TypeVar("Answer")


@dataclass
class Loop:
    """One deployed stage, and what a test does to it and asks of it."""

    sandbox: Sandbox
    outputs: Mapping[str, str]
    drops: Mapping[str, Path]
    client: Callable[[str], Any] = field(init=False)

    def __post_init__(self) -> None:
        self.client = cache(self.sandbox.client)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.client("dynamodb"), table=self.outputs["LedgerTableName"])

    def drop(self, period: str, body: bytes | None = None, *, name: str = "flights.parquet") -> str:
        """Put a drop into the data bucket, the real one of that month unless a body is given; return its key."""
        key = f"{DATA}period={period}/{name}"
        content = self.drops[period].read_bytes() if body is None else body
        self.client("s3").put_object(Bucket=self.outputs["DataBucketName"], Key=key, Body=content)
        return key

    def remove(self, key: str) -> None:
        self.client("s3").delete_object(Bucket=self.outputs["DataBucketName"], Key=key)

    def request(self, body: str) -> None:
        """Send a message straight to the retrain queue."""
        self.client("sqs").send_message(QueueUrl=self.outputs["RetrainQueueUrl"], MessageBody=body)

    def ask(self, body: str) -> str:
        """The live endpoint's answer to a JSON body."""
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=self.outputs["EndpointName"],
            ContentType="application/json",
            Accept="application/json",
            Body=body,
        )
        return str(answer["Body"].read().decode())

    def items(self, kind: str) -> list[dict[str, Any]]:
        """All ledger items of a kind, oldest first."""
        found = self.client("dynamodb").query(
            TableName=self.outputs["LedgerTableName"],
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": kind}},
        )
        return [decode_item(item) for item in found["Items"]]

    def runs(self) -> list[Run]:
        return [Run.model_validate(item) for item in self.items("RUN")]

    def executions(self) -> int:
        name = self.outputs["TrainingPipelineName"]
        summaries = self.client("sagemaker").list_pipeline_executions(PipelineName=name)
        return len(summaries["PipelineExecutionSummaries"])

    def serving_config(self) -> str:
        described = self.client("sagemaker").describe_endpoint(EndpointName=self.outputs["EndpointName"])
        return str(described["EndpointConfigName"])

    def reproduce(self, version: int) -> tuple[int, dict[str, Any]]:
        """The exit code and the answer of `python -m ops reproduce`, run as a person does."""
        where = ["--sandbox", "--state", str(self.sandbox.directory.path)]
        command = [sys.executable, "-m", "ops", "reproduce", str(version), *where, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def wait_for(self, what: str, question: Callable[[], Answer | None]) -> Answer:
        """Ask until there is an answer; a timeout fails the test, naming what was waited for and what happened last."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if (answer := question()) is not None:
                return answer
            time.sleep(0.1)
        pytest.fail(f"waited {_PATIENCE_SECONDS} s for {what}\n{self.last_words()}")

    def last_words(self) -> str:
        """The newest decisions of the ledger and the newest lines of the logs."""
        decisions = [f"decided: {one['outcome']}: {one.get('reason')}" for one in self.items("DECISION")[-_LAST:]]
        return "\n".join([*decisions, last_words(self.sandbox.directory.logs)])

    def wait_for_end_of(self, key: str) -> Run:
        """The first run because of this object (or of one whose key begins so), once it has ended."""

        def ended() -> Run | None:
            run = next((run for run in self.runs() if key in run.reason), None)
            return run if run and not run.status.is_open and self.ledger.training().run_id is None else None

        return self.wait_for(f"the end of a run because of {key}", ended)


@dataclass(frozen=True)
class FirstModel:
    """The first model, live: what the ledger says of it and of the run that made it."""

    live: LiveModel
    run: Run
