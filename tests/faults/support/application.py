"""The application in a small world: its requests, its AWS calls one by one, and what they leave behind.

The handler is entered where Lambda enters it, and its clients are botocore's. Nothing runs side by side here: a process
answers one request at a time, and whoever gets no answer asks again.
"""

import io
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow as pa
import pytest
from botocore.model import OperationModel
from function_inputs import ENVIRONMENT, NAME, PACKAGES, PROJECT, Context
from http_api_call import Reply, event
from sagemaker_in_memory import Refused
from standing_clock import Clock

from application import clients as application_clients
from application import contract
from application.live_version import KEPT_SECONDS, LiveVersion
from application.models import Requests
from application.outcomes import PREFIX
from lambdas.shared import clock as handler_clock
from lambdas.shared import ledger as ledgers
from lambdas.shared import telemetry
from lambdas.shared.compatibility import parse
from lambdas.shared.evaluation import evaluation_key
from lambdas.shared.ledger import Ledger
from lambdas.shared.records import Deployment, DeploymentStatus, LiveModel, Run, RunStatus
from pipelines.steps.contract import source
from pipelines.steps.monitor import ground_truth
from pipelines.steps.monitor.ground_truth import Joined, Labels
from tests.faults.support.aws import Aws
from tests.faults.support.buckets import Buckets
from tests.faults.support.clients import answer_with, clients
from tests.faults.support.faults import Faults
from tests.faults.support.invocation import Killed
from tests.faults.support.table import Table
from tests.unit.application.support.baselines import baseline

FUNCTION: Final = "application"
DATA, ARTIFACTS = "data", "artifacts"
ROOT = Path(__file__).parents[3]
RECORD: Mapping[str, Any] = json.loads((ROOT / "pipelines/projects/flights/example.json").read_text("utf-8"))
FAR: Mapping[str, Any] = {**RECORD, "distance": 4983}
"""Farther than anything in the baseline, so its answer has a warning."""
_VARIABLES = {
    "PROJECT": PROJECT,
    "ENVIRONMENT": ENVIRONMENT,
    "LEDGER_TABLE": "ledger",
    "ENDPOINT_NAME": NAME,
    "DATA_BUCKET": DATA,
    "ARTIFACTS_BUCKET": ARTIFACTS,
    "MAX_RECORDS": "100",
    "TIMEOUT_SECONDS": "10",
    "CODE_VERSION": "0123abc",
}


@dataclass
class Runtime:
    """SageMaker Runtime with one endpoint, which captures what it answers."""

    version: int | None
    captured: dict[str, list[float]] = field(default_factory=dict)

    def invoke_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.version is None:
            raise Refused("ValidationError", f"Endpoint {request['EndpointName']} of account 000000000000 not found.")
        minutes = [each["distance"] / 8 for each in json.loads(request["Body"])["instances"]]
        self.captured[request["InferenceId"]] = minutes
        body = json.dumps({"predictions": minutes, "model_version": str(self.version)}).encode()
        return {"Body": io.BytesIO(body), "ContentType": "application/json"}


@dataclass
class _Invocation:
    """All that a fault is told of it."""

    function: str = FUNCTION


class Application:
    """A process of the function with everything around it; ``entered`` has to be, while it is used."""

    def __init__(self, entry: Any, *, live: int | None, answering: int | None, faults: Faults) -> None:
        """Start it.

        Args:
            entry: module of the handler.
            live: version that the ledger calls live.
            answering: version that the endpoint answers with; another one than the live one is being rolled out.
            faults: which calls go wrong.
        """
        self._entry, self._faults = entry, faults
        self.clock, self.table, self.buckets, self.runtime = Clock(), Table(), Buckets(), Runtime(answering)
        self._late: list[Any] = []
        self._requests = 0
        self._aws = Aws(
            {"dynamodb": self.table, "s3": self.buckets, "sagemaker-runtime": self.runtime},
            random=Random(0),  # noqa: S311 - nothing is secret
            later=lambda _, action: self._late.append(action),
            say=lambda *_: None,
        )
        self._is_watched = False
        answer_with(self._answer)
        handler_clock.now = self.clock.now  # put back by `entered`
        for sequence, version in enumerate(sorted({each for each in (live, answering) if each is not None}), start=1):
            self._store(version, sequence, is_live=version == live)
        self._is_watched = True
        self._start()

    def ask(self, method: str, path: str, body: object = None) -> Reply | None:
        """Send a request; ``None`` when the process ended without an answer, and the next one starts."""
        self._requests += 1
        self.clock.advance(seconds=1)
        request = event(method, path, body, request_id=f"request-{self._requests}")
        try:
            answer = self._entry.handler(request, Context(function_name=FUNCTION))
        except Killed:
            self._start()
            return None
        return Reply.of(answer)

    def wait(self) -> None:
        """Let a minute pass: what timed out has happened by then, and what could not be read is asked for again."""
        late, self._late = self._late, []
        for action in late:
            action()
        self.clock.advance(seconds=KEPT_SECONDS + 1)

    def labels(self) -> Labels:
        """Ground truth as the monitor reads it."""
        files = {each.key: each.body for each in self.buckets.current(DATA) if each.key.startswith(PREFIX)}
        return ground_truth.read(sorted(files.items()))

    def joined(self) -> Joined:
        """Captured answers with their outcomes, as the monitor joins them."""
        answers = [(name, at, each) for name, row in self.runtime.captured.items() for at, each in enumerate(row)]
        table = pa.table(
            {
                "inference_id": [name for name, _, _ in answers],
                "index": [at for _, at, _ in answers],
                "version": [str(self.runtime.version)] * len(answers),
                "moment": pa.array([0] * len(answers), pa.timestamp("us", "UTC")),
                "prediction": pa.array([each for _, _, each in answers], pa.float64()),
            }
        )
        return ground_truth.join(ground_truth.label(table, self.labels()), version=str(self.runtime.version))

    def _start(self) -> None:
        """Start a process, which remembers nothing."""
        self._entry.start(lambda: self.clock.now().timestamp())

    def _answer(self, client: Any, operation: OperationModel, request: dict[str, Any]) -> dict[str, Any]:
        fault = self._faults.of(_Invocation(), operation.name) if self._is_watched else None  # type: ignore[arg-type]
        return self._aws.answer(fault, client, operation, request)

    def _store(self, version: int, sequence: int, *, is_live: bool) -> None:
        """Put a version on record, with what its training run left."""
        now, run_id = self.clock.now(), f"run-{version}"
        ledger = Ledger(clients()["dynamodb"], table="ledger")
        deployment = Deployment(
            version=version,
            endpoint_config=f"{NAME}-v{version}",
            status=DeploymentStatus.LIVE if is_live else DeploymentStatus.REQUESTED,
            package_arn=f"{PACKAGES}/{version}",
            requested_at=now,
            requested_by="DeployModel",
            reason=f"version {version} was approved",
            sequence=sequence,
            endpoint_modified_at="absent",
            run_id=run_id,
        )
        run = Run(
            run_id=run_id,
            status=RunStatus.PROMOTED,
            reason="new data",
            trigger="drop",
            snapshot_id="5" * 64,
            snapshot_uri="s3://artifacts/snapshots/5.json",
            started_at=now,
            parameters={"CodeVersion": "c0ffee"},
        )
        for write in (
            ledgers.put_new_deployment(deployment),
            ledgers.put_pointer(deployment),
            ledgers.put_new_run(run),
        ):
            ledger.commit(write)
        if is_live:
            live = LiveModel(
                version=version,
                package_arn=deployment.package_arn,
                endpoint_config=deployment.endpoint_config,
                since=now,
                by="the gate",
                sequence=sequence,
                run_id=run_id,
            )
            ledger.commit(ledgers.put_live(live))
        outputs = {
            f"runs/{run_id}/evaluate/baseline.json": _baseline(),
            evaluation_key(run_id): b'{"format": 2, "metrics": {"rmse": 11.5}, "gate": {"rule": "bound"}}',
        }
        for key, body in outputs.items():
            self.buckets.put_object({"Bucket": ARTIFACTS, "Key": key, "Body": body})


_baseline = cache(baseline)


@dataclass
class Entry:
    """The handler's module, whose processes can be started again."""

    module: Any
    spoken: contract.Contract

    def start(self, clock: Any) -> None:
        """Put the application together, as the start of a process does."""
        _forget_clients()
        self.module.LiveVersion = partial(LiveVersion, clock=clock)
        self.module._API = self.module.build(self.module.ApplicationEnvironment.load(), self.spoken)

    def handler(self, event: object, context: object) -> dict[str, Any]:
        """Answer one request."""
        answer: dict[str, Any] = self.module.handler(event, context)
        return answer


@contextmanager
def entered() -> Iterator[Entry]:
    """The function with the contract of the reference project, among clients that a world answers."""
    spoken = contract.Contract.of(parse(source(PROJECT)))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _VARIABLES.items():
            patch.setenv(name, value)
        patch.setattr(handler_clock, "now", handler_clock.now)  # so that it is put back
        patch.setattr(contract, "load", lambda: spoken)
        # The same in every process, and most of what it costs to start one.
        made = Requests.of(spoken, max_records=int(_VARIABLES["MAX_RECORDS"]))
        patch.setattr(Requests, "of", lambda *_, **__: made)
        patch.setattr(application_clients, "_client", lambda service, _: clients()[service])
        patch.setattr(telemetry.metrics.provider, "flush_metrics", _nothing)
        patch.setattr(telemetry.metrics, "add_metric", _nothing)
        patch.delitem(sys.modules, "application.handler", raising=False)
        try:
            yield Entry(import_module("application.handler"), spoken)
        finally:
            answer_with(None)
            sys.modules.pop("application.handler", None)
            _forget_clients()


def _forget_clients() -> None:
    for kept in (application_clients.dynamodb, application_clients.s3, application_clients.ground_truth):
        kept.cache_clear()


@cache
def documented() -> frozenset[tuple[int, str]]:
    """Status and type of every problem that docs/application.md lists."""
    rows = re.findall(r"^\| ([\d, ]+) \| (`[a-z-]+`(?:, `[a-z-]+`)*) \|", _page(), re.MULTILINE)
    pairs = [zip(status.split(", "), re.findall(r"[a-z-]+", types), strict=True) for status, types in rows]
    return frozenset((int(status), kind) for row in pairs for status, kind in row)


def _page() -> str:
    return (ROOT / "docs" / "application.md").read_text("utf-8").partition("## Errors")[2].partition("\n## ")[0]


def without_ids(answers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Predictions without the id of their request, which is another one each time."""
    return [{key: value for key, value in each.items() if key != "inference_id"} for each in answers]


def _nothing(*_: Any, **__: Any) -> None:
    """Count nothing."""
