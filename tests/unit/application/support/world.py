"""The application with everything around it: a real endpoint client, a real ledger, real buckets."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

from botocore.session import get_session
from http_api_call import Reply, event

from application import endpoint_client
from application.api import Api
from application.contract import Contract
from application.endpoint_client import Endpoint
from application.live_version import LiveVersion
from application.outcomes import Outcomes
from lambdas.shared import ledger as ledgers
from lambdas.shared.compatibility import parse
from lambdas.shared.ledger import Ledger
from lambdas.shared.records import Deployment, DeploymentStatus, LiveModel, Run, RunStatus
from pipelines.steps.contract import source
from tests.unit.application.support.endpoint import EndpointServer

MOST = 5
SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)
GROUP = "arn:aws:sagemaker:us-east-1:000000000000:model-package/flights-test"
CREDENTIALS = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
SESSION = get_session()
RECORD: dict[str, Any] = {
    "time_hour": "2013-07-01T10:00:00Z",
    "sched_dep_time": 1000,
    "origin": "JFK",
    "dest": "LAX",
    "carrier": "AA",
    "distance": 2475,
    **dict.fromkeys(["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]),
    "plane_year": None,
    "seats": 180,
}


@dataclass
class Context:
    """What Lambda tells a function beside the event."""

    milliseconds: int = 15_000
    aws_request_id: str = "lambda-request"
    function_name: str = "application"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:application"

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@cache
def client(service: str, url: str) -> Any:
    return SESSION.create_client(service, endpoint_url=url, **CREDENTIALS)


def contract_of(project: str) -> Contract:
    return Contract.of(parse(source(project)))


@dataclass
class World:
    """One environment with its application."""

    embedded_url: str
    endpoint: EndpointServer
    project: str = "flights"
    timeout_seconds: float = 3
    name: str = field(default_factory=lambda: uuid4().hex[:12])
    seconds: float = 0.0
    context: Context = field(default_factory=Context)

    def __post_init__(self) -> None:
        self.dynamodb = client("dynamodb", self.embedded_url)
        self.s3 = client("s3", self.embedded_url)
        runtime = SESSION.create_client(
            "sagemaker-runtime",
            endpoint_url=self.endpoint.url,
            config=endpoint_client.config(self.timeout_seconds),
            **CREDENTIALS,
        )
        self.data, self.artifacts = f"data-{self.name}", f"artifacts-{self.name}"
        for bucket in (self.data, self.artifacts):
            self.s3.create_bucket(Bucket=bucket)
        self.dynamodb.create_table(
            TableName=self.name,
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.ledger = Ledger(self.dynamodb, table=self.name)
        contract = contract_of(self.project)
        self.api = Api(
            contract,
            endpoint=Endpoint(runtime, name="flights-test"),
            live=LiveVersion(
                ledger=lambda: self.ledger,
                s3=lambda: self.s3,
                artifacts_bucket=self.artifacts,
                contract=contract,
                clock=lambda: self.seconds,
            ),
            outcomes=Outcomes(lambda: self.s3, bucket=self.data),
            max_records=MOST,
            code_version="abc123",
        )

    def call(self, method: str, path: str, body: object = None, **other: Any) -> Reply:
        return self.send(event(method, path, body, **other))

    def send(self, whole: object) -> Reply:
        answer = self.api.answer(whole, self.context)  # type: ignore[arg-type]  # all that is used of it
        return Reply.of(answer)

    def predict(self, *records: dict[str, Any]) -> Reply:
        return self.call("POST", "/predictions", {"records": list(records or [RECORD])})

    def break_the_ledger(self) -> None:
        self.ledger = Ledger(self.dynamodb, table="there-is-none")

    def put_live(self, version: int, *, sequence: int = 1) -> None:
        deployment = self._deployment(version, sequence)
        self.ledger.commit(ledgers.put_new_deployment(deployment), ledgers.put_pointer(deployment))
        self.ledger.commit(
            ledgers.put_live(
                LiveModel(
                    version=version,
                    package_arn=deployment.package_arn,
                    endpoint_config=deployment.endpoint_config,
                    since=SINCE,
                    by="the gate",
                    sequence=sequence,
                    run_id=f"run-{version}",
                )
            )
        )

    def roll_out(self, version: int, *, sequence: int) -> None:
        deployment = self._deployment(version, sequence)
        self.ledger.commit(ledgers.put_new_deployment(deployment), ledgers.put_pointer(deployment))

    def put_run(self, version: int) -> None:
        run = Run(
            run_id=f"run-{version}",
            status=RunStatus.RUNNING,
            reason="new data",
            trigger="drop",
            snapshot_id="5" * 64,
            snapshot_uri="s3://artifacts/snapshots/5.json",
            started_at=SINCE,
            parameters={"CodeVersion": "c0ffee"},
        )
        self.ledger.commit(ledgers.put_new_run(run))

    def put_output(self, version: int, name: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.artifacts, Key=f"runs/run-{version}/evaluate/{name}", Body=content)

    def told(self) -> dict[str, bytes]:
        """Ground truth by key, in the order of the keys."""
        keys = [each["Key"] for each in self.s3.list_objects_v2(Bucket=self.data).get("Contents", [])]
        return {key: self.s3.get_object(Bucket=self.data, Key=key)["Body"].read() for key in sorted(keys)}

    def _deployment(self, version: int, sequence: int) -> Deployment:
        return Deployment(
            version=version,
            endpoint_config=f"flights-test-v{version}",
            status=DeploymentStatus.REQUESTED,
            package_arn=f"{GROUP}/{version}",
            requested_at=SINCE,
            requested_by="DeployModel",
            reason=f"version {version} was approved",
            sequence=sequence,
            endpoint_modified_at="absent",
            run_id=f"run-{version}",
        )
