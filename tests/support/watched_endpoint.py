"""An endpoint that was asked things: its baseline, its data capture and its labels, in memory."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from memory_s3 import MemoryS3

from pipelines.steps.contract import Field
from pipelines.steps.drift import baseline
from pipelines.steps.drift.limits import Limits
from pipelines.steps.monitor.counting import Counting, MonitorArguments, Places
from pipelines.steps.monitor.store import Store

FIRST_DAY = datetime(2020, 3, 2, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package/toy-test/{version}"
FIELDS = (
    Field("at", "timestamp"),
    Field("size", "number"),
    Field("kind", "string"),
    Field("wet", "boolean"),
    Field("label", "number"),
)
LIMITS = Limits(span=3, label_windows=5, min_rows=100, min_labels=100)


@dataclass
class SageMaker:
    """Answers what the monitor asks of the endpoint; ``version`` serves."""

    version: int = 1
    exists: bool = True

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, Any]:  # noqa: N803  # as boto3 spells it
        from botocore.exceptions import ClientError  # noqa: PLC0415  # only where there is none

        if not self.exists:
            error = {"Code": "ValidationException", "Message": f'Could not find endpoint "{EndpointName}".'}
            raise ClientError({"Error": error}, "DescribeEndpoint")
        created = FIRST_DAY - timedelta(days=1)
        return {"EndpointConfigName": "config", "ProductionVariants": [{}], "CreationTime": created}

    def describe_endpoint_config(self, **_: str) -> dict[str, Any]:
        return {"ProductionVariants": [{"VariantName": "live", "ModelName": "model"}]}

    def describe_model(self, **_: str) -> dict[str, Any]:
        return {"Containers": [{"ModelPackageName": ARN.format(version=self.version)}]}

    def describe_model_package(self, **_: str) -> dict[str, Any]:
        return {
            "ModelPackageVersion": self.version,
            "CreationTime": FIRST_DAY - timedelta(days=2),
            "CustomerMetadataProperties": {"run_id": f"run-{self.version}"},
        }


@dataclass
class CloudWatch:
    """Keeps the datapoints that were put, and refuses a call with one that is two weeks older than ``now``."""

    data: list[dict[str, Any]] = field(default_factory=list)
    now: datetime | None = None

    def put_metric_data(self, *, Namespace: str, MetricData: Sequence[dict[str, Any]]) -> None:  # noqa: N803  # as boto3
        from botocore.exceptions import ClientError  # noqa: PLC0415  # only where a call is refused

        assert Namespace == "Tandem/Monitoring"
        oldest = None if self.now is None else self.now - timedelta(days=14)
        if oldest is not None and any(datum["Timestamp"] < oldest for datum in MetricData):
            message = "The parameter MetricData.member.1.Timestamp must not be more than two weeks in the past."
            raise ClientError({"Error": {"Code": "InvalidParameterValue", "Message": message}}, "PutMetricData")
        self.data += MetricData

    def of(self, name: str, *, feature: str | None = None) -> list[tuple[datetime, float]]:
        """Return a metric's datapoints."""
        wanted = {"Project", "Environment", "Endpoint"} | ({"Feature"} if feature else set())
        return [
            (datum["Timestamp"], datum["Value"])
            for datum in self.data
            if datum["MetricName"] == name
            and {each["Name"] for each in datum["Dimensions"]} == wanted
            and (feature is None or feature in [each["Value"] for each in datum["Dimensions"]])
        ]


def rows(number: int, *, seed: int, shift: float = 0.0) -> pa.Table:
    """Rows that any day may bring; ``shift`` moves the size."""
    random = np.random.default_rng(seed)
    size = random.normal(shift, 1, number)
    return pa.table(
        {
            "at": pa.array([FIRST_DAY] * number, pa.timestamp("us", tz="UTC")),
            "size": size,
            "kind": pa.array(random.choice(["a", "b", "c"], number)),
            "wet": pa.array(random.random(number) < 0.3),
            "label": size + random.normal(0, 0.5, number),
        }
    )


def prediction(table: pa.Table) -> np.ndarray:
    """What the model answers."""
    return np.asarray(table.column("size").to_numpy())


def record(table: pa.Table, *, inference_id: str, moment: datetime, version: int | None = 1) -> dict[str, Any]:
    """One captured request with its answer."""
    instances = [
        {**row, "at": row["at"].isoformat()} for row in table.select(["at", "size", "kind", "wet"]).to_pylist()
    ]
    answer: dict[str, Any] = {"predictions": prediction(table).tolist()}
    if version is not None:
        answer["model_version"] = str(version)

    def side(mode: str, body: Mapping[str, Any]) -> dict[str, str]:
        about = {"observedContentType": "application/json", "mode": mode, "encoding": "JSON"}
        return {**about, "data": json.dumps(body)}

    return {
        "captureData": {
            "endpointInput": side("INPUT", {"instances": instances}),
            "endpointOutput": side("OUTPUT", answer),
        },
        "eventMetadata": {
            "eventId": f"event-{inference_id}",
            "inferenceId": inference_id,
            "inferenceTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "eventVersion": "0",
    }


def lines(records: Sequence[Mapping[str, Any]]) -> bytes:
    """Return records as a file of JSON lines."""
    return b"".join(json.dumps(each).encode() + b"\n" for each in records)


@dataclass
class World:
    """Buckets, endpoint and metrics around the monitor."""

    s3: MemoryS3 = field(default_factory=MemoryS3)
    sagemaker: SageMaker = field(default_factory=SageMaker)
    cloudwatch: CloudWatch = field(default_factory=CloudWatch)
    limits: Limits = LIMITS

    def __post_init__(self) -> None:
        for version in (1, 2):
            self.train(version, shift=0.0 if version == 1 else 2.0)

    def train(self, version: int, *, shift: float) -> None:
        """Leave the baseline of a version."""
        train, held_out = rows(4000, seed=version, shift=shift), rows(2000, seed=50 + version, shift=shift)
        seen = baseline.HeldOut(
            target=held_out.column("label").to_numpy(),
            prediction=prediction(held_out),
            intervals={"rmse": (0.48, 0.52)},
        )
        subject = baseline.Subject("toy", "regression", "label", f"snapshot-{version}")
        found = baseline.measure(train, FIELDS, seen, subject)
        self.s3.objects["artifacts", f"runs/run-{version}/evaluate/baseline.json"] = found.as_text().encode()

    def ask(
        self, day: int, *, number: int = 300, shift: float = 0.0, version: int | None = 1, labels: bool = True
    ) -> None:
        """Let a day's requests be captured, three files of them, and their labels arrive the day after."""
        table = rows(number, seed=1000 + day, shift=shift)
        start = FIRST_DAY + timedelta(days=day)
        told = []
        for hour in (1, 9, 23):
            part = table.slice((hour // 8) * (number // 3), number // 3)
            moment, name = start + timedelta(hours=hour, minutes=30), f"{day}-{hour}"
            content = lines([record(part, inference_id=name, moment=moment, version=version)])
            self.put_capture(moment, "30-00-000.jsonl", content)
            told.append(truth(name, part.column("label").to_pylist()))
        if labels:
            self.put_labels(start + timedelta(days=1), lines(told))

    def put_capture(self, moment: datetime, name: str, content: bytes) -> str:
        """Store a capture file in the folder of its hour; returns its name below the endpoint's prefix."""
        below = f"{moment:%Y/%m/%d/%H}/{name}"
        self.s3.objects["artifacts", f"capture/toy-test/live/{below}"] = content
        return below

    def put_labels(self, moment: datetime, content: bytes) -> None:
        """Store a file of labels."""
        self.s3.objects["data", f"ground-truth/{moment:%Y/%m/%d/%H}/labels.jsonl"] = content

    @property
    def places(self) -> Places:
        """Where things lie."""
        client: Any = self.s3
        return Places(
            capture=Store(client, "artifacts", "capture/toy-test/"),
            runs=Store(client, "artifacts", "runs/"),
            labels=Store(client, "data", "ground-truth/"),
            monitoring=Store(client, "artifacts", "monitoring/toy-test/"),
        )

    def counting(self, day: int, **options: Any) -> Counting:
        """Return the windows as a run at 02:00 of a day sees them."""
        arguments = MonitorArguments(
            project="toy",
            environment="test",
            endpoint="toy-test",
            until=FIRST_DAY + timedelta(days=day, hours=2),
            metric="rmse",
            limits=self.limits,
        )
        sagemaker: Any = self.sagemaker
        found = Counting.of_endpoint(arguments, self.places, sagemaker, **options)
        assert found is not None
        return found

    def run(self, day: int, **options: Any) -> list[dict[str, Any]]:
        """Run the monitor at 02:00 of a day; returns what it judged."""
        from pipelines.steps.monitor.step import Monitor  # noqa: PLC0415  # counting alone must do without it

        cloudwatch: Any = self.cloudwatch
        return Monitor(self.counting(day, **options), cloudwatch).run()


def truth(inference_id: str, labels: Sequence[float | None], *, encoding: str = "CSV") -> dict[str, Any]:
    """One record of ground truth."""
    data = (
        json.dumps(list(labels)) if encoding == "JSON" else ",".join("" if one is None else str(one) for one in labels)
    )
    return {
        "groundTruthData": {"data": data, "encoding": encoding},
        "eventMetadata": {"eventId": inference_id},
        "eventVersion": "0",
    }


def keys(world: World, below: str) -> Iterator[str]:
    """Yield what the monitor wrote."""
    yield from (
        key
        for bucket, key in world.s3.objects
        if bucket == "artifacts" and key.startswith(f"monitoring/toy-test/{below}")
    )
