"""StartTraining and CloseTraining around ledger, bucket and queues in memory: fast enough for hundreds of histories."""

import io
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from standing_clock import Clock

from lambdas.shared import clients as handler_clients
from lambdas.shared import clock as handler_clock
from lambdas.shared.attributes import decode_item, encode_item
from lambdas.shared.closing import RunCloser
from lambdas.shared.errors import ConflictError
from lambdas.shared.ledger import AnyRecord, Ledger, Write, put_live
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import LiveModel, Run, TrainingState
from lambdas.shared.snapshot import Snapshot, SnapshotObject
from lambdas.shared.wake_up import RetrainQueue
from lambdas.start_training import core
from lambdas.start_training.core import TrainingStarter
from lambdas.start_training.environment import StartTrainingEnvironment
from lambdas.start_training.events import KINDS, AlarmChange, Request
from lambdas.start_training.window import Listing, Window

NAME = "flights-sandbox"


class MemoryLedger(Ledger):
    """The records in a dictionary, stored as DynamoDB would; the conditions that one writer alone can break hold."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], Any] = {}

    def commit(self, *writes: Write) -> None:
        for write in writes:
            known = self.stored.get((write.pk, write.sk))
            if known is not None and write.condition == "attribute_not_exists(pk)":
                raise ConflictError(write.sk)
            if write.condition == "revision = :seen" and decode_item(known)["revision"] != write.values[":seen"]:
                raise ConflictError(write.sk)
        for write in writes:
            self.stored[write.pk, write.sk] = encode_item(write.record.model_dump())

    def _get(self, pk: str, sk: str, kind: type[AnyRecord]) -> AnyRecord | None:
        item = self.stored.get((pk, sk))
        return kind.model_validate(decode_item(item)) if item else None

    def _newest(self, pk: str, kind: type[AnyRecord], *, limit: int | None) -> list[AnyRecord]:
        found = sorted((key for key in self.stored if key[0] == pk), reverse=True)[:limit]
        return [kind.model_validate(decode_item(self.stored[key])) for key in found]


class _Client:
    """A client whose answers are functions; the calls are kept."""

    def __init__(self, **answers: Callable[..., Any]) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._answers = answers

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            self.calls.append((operation, parameters))
            return self._answers.get(operation, lambda **_: {})(**parameters)

        return call

    class exceptions:  # noqa: N801 - as botocore names it
        """The errors that are caught."""

        NoSuchKey = KeyError
        ResourceNotFound = LookupError

    def get_paginator(self, _operation: str) -> Any:
        return _Client(paginate=lambda **_: [{"PipelineExecutionSteps": _KEPT}])


_KEPT = [{"StepName": "Gate", "StepStatus": "Succeeded", "Metadata": {"Condition": {"Outcome": "False"}}}]


class QuickStage:
    """One stage in memory, and what a test does in the place of AWS and of people."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
        self.clock, self.ledger = Clock(), MemoryLedger()
        self.executions: dict[str, str] = {}
        self.objects: list[SnapshotObject] = []
        self.manifests: dict[str, bytes] = {}
        self._sns, self._sqs = _Client(), _Client()
        stored = _Client(
            put_object=lambda **call: self.manifests.update({call["Key"]: call["Body"]}),
            get_object=lambda **call: {"Body": io.BytesIO(self.manifests[call["Key"]])},
            list_objects_v2=lambda **_: {},
        )
        sagemaker = _Client(
            start_pipeline_execution=self._start,
            describe_pipeline_execution=self._describe,
        )
        clients = {"s3": stored, "sqs": self._sqs, "sns": self._sns, "sagemaker": sagemaker, "dynamodb": None}
        core._snapshot_versions.cache_clear()  # of another stage, whose names are the same
        monkeypatch.setattr(handler_clock, "now", self.clock.now)
        monkeypatch.setattr(handler_clients, "_client", clients.__getitem__)
        monkeypatch.setattr(core, "Ledger", lambda *_, **__: self.ledger)
        monkeypatch.setattr(core, "list_window", self._list)
        self._starter = TrainingStarter(StartTrainingEnvironment.load(_VARIABLES | settings))
        self._closer = RunCloser(
            ledger=self.ledger,
            sagemaker=sagemaker,  # type: ignore[arg-type]  # a stand-in
            s3=stored,  # type: ignore[arg-type]  # a stand-in
            queue=RetrainQueue(self._sqs, url="https://queue"),  # type: ignore[arg-type]  # a stand-in
            notifier=Notifier(self._sns, topic_arn="arn:topic", stage=NAME),  # type: ignore[arg-type]  # a stand-in
            artifacts_bucket="artifacts",
        )

    @property
    def state(self) -> TrainingState:
        return self.ledger.training()

    @property
    def runs(self) -> list[Run]:
        """In the order of their start."""
        return sorted(self.ledger.runs(limit=1000), key=lambda run: run.started_at)

    def go_live(self) -> None:
        model = LiveModel(
            version=1, package_arn="arn:1", endpoint_config="c", since=self.clock.now(), by="pipeline", sequence=1
        )
        self.ledger.commit(put_live(model))

    def drop(self) -> Request:
        """Store an object of a new period; returns the request that its event makes."""
        number = len(self.objects)
        period = f"{2013 + number // 12}-{number % 12 + 1:02d}"
        stored = SnapshotObject(f"data/period={period}/part.parquet", f"v{number}", "e", 1, period)
        self.objects.append(stored)
        return Request(
            id=f"drop-{number}",
            reason=f"new data: {stored.key}",
            trigger="data",
            requires_new_data=True,
            object_version=(stored.key, stored.version_id),
        )

    def alarm(self, kind: str, at: datetime, *, on: bool) -> AlarmChange:
        assert kind in KINDS
        return AlarmChange(kind, f"{NAME}-{kind}", on, at, "0.3 was greater than the threshold (0.1)")

    def deliver(self, *messages: Request | AlarmChange) -> None:
        """Deliver messages to StartTraining."""
        requests = [each for each in messages if isinstance(each, Request)]
        self._starter.serve(requests, [each for each in messages if isinstance(each, AlarmChange)])

    def end_run(self, status: str) -> None:
        """Let the run in flight end and deliver that to CloseTraining."""
        execution = self.state.execution_arn
        if execution is not None:
            self.executions[execution] = status
            self._closer.close(execution)

    def wake_ups(self) -> list[Request]:
        """Take the wake-ups out of the queue."""
        calls, self._sqs.calls = self._sqs.calls, []
        details = [json.loads(call["MessageBody"])["detail"] for _, call in calls]
        return [
            Request(
                f"wake-{number}",
                each["reason"],
                each["requested_by"],
                requires_new_data=False,
                wake_up=True,
                due=datetime.fromisoformat(each["due"]) if "due" in each else None,
            )
            for number, each in enumerate(details)
        ]

    def told(self, words: str) -> int:
        """How often people were told something like this."""
        return sum(words in call["Subject"] for _, call in self._sns.calls)

    def drain(self) -> None:
        """Let everything that is under way come to its end."""
        for _ in range(20):
            self.clock.advance(days=1)
            self.end_run("Succeeded")
            woken = self.wake_ups()
            if not woken and self.state.run_id is None:
                return
            self.deliver(*woken)
        raise AssertionError("it does not come to rest")

    def _list(self, _s3: object, window: Window) -> Listing:
        return Listing(Snapshot(window.bucket, window.prefix, tuple(self.objects)))

    def _start(self, **call: Any) -> Mapping[str, str]:
        arn = f"arn:execution/{call['PipelineExecutionDisplayName']}"
        self.executions.setdefault(arn, "Executing")
        return {"PipelineExecutionArn": arn}

    def _describe(self, **call: Any) -> Mapping[str, str]:
        arn = call["PipelineExecutionArn"]
        return {
            "PipelineExecutionDisplayName": arn.rpartition("/")[2],
            "PipelineExecutionStatus": self.executions[arn],
        }


_VARIABLES = {
    "PROJECT": "flights",
    "ENVIRONMENT": "sandbox",
    "LEDGER_TABLE": "ledger",
    "NOTIFICATION_TOPIC_ARN": "arn:topic",
    "DATA_BUCKET": "data",
    "DATA_PREFIX": "data/",
    "WINDOW_PERIODS": "100",
    "MAX_OBJECTS": "1000",
    "ARTIFACTS_BUCKET": "artifacts",
    "PIPELINE_NAME": "pipeline",
    "RETRAIN_QUEUE_URL": "https://queue",
    "RUN_LIMIT_SECONDS": "21600",
    "APPROVAL_STATUS": "Approved",
    "CODE_VERSION": "0123abc",
    "CONTRACT_VERSION": "1",
    "PROCESSING_INSTANCE_TYPE": "ml.m5.xlarge",
    "TRAINING_INSTANCE_TYPE": "ml.m5.xlarge",
}
DAY = timedelta(days=1)
