"""A small deployed stage in the embedded AWS whose pipeline makes a "model" in a second, by real jobs.

Stacks, ledger, buckets, registry, jobs: everything is real but the handlers, whose ledger entries are written here.
"""

import hashlib
import io
import json
import time
import zipfile
from datetime import UTC, datetime
from functools import cache
from typing import Any

from lambdas.shared import ledger as ledger_writes
from lambdas.shared.ledger import Ledger
from lambdas.shared.records import Deployment, DeploymentStatus, LiveModel, Run, RunStatus
from lambdas.shared.snapshot import Snapshot, SnapshotObject
from ops.stage import Stage
from ops.target import Target
from sandbox.server import Sandbox
from tests.unit.ops.support import stacks

PROJECT, ENVIRONMENT = "toys", "sandbox"
NAME = f"{PROJECT}-{ENVIRONMENT}"
PIPELINE = f"{NAME}-training"
ROLE = "arn:aws:iam::000000000000:role/pipeline"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
CODE_BUCKET = "code-of-toys"
STARTED = datetime(2026, 3, 1, 10, tzinfo=UTC)
# What the job runs: a model and an evaluation that depend on the snapshot, and on chance when it is told so.
_MAKE = """
import io, json, os, pathlib, random, sys, tarfile
snapshot, run_id, chance = sys.argv[1:]
if chance == "never-again" and run_id.startswith("reproduce-"):
    raise SystemExit("out of luck")
figure = len(snapshot) + (random.random() if chance == "always" else 0)
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "processing", "output")
evaluation = {
    "format": 1,
    "snapshot_id": snapshot,
    "metrics": {"rmse": figure},
    "naive": {"metrics": {"rmse": 99.5}},
    "champion": None,
    "gate": {"promote": True, "rule": "floor", "reason": "better than naive"},
}
(base / "evaluation" / "evaluation.json").write_text(json.dumps(evaluation))
with tarfile.open(base / "model" / "model.tar.gz", "w:gz", compresslevel=0) as tar:
    for name, text in (("model.txt", str(figure)), ("contract.json", "{}")):
        entry = tarfile.TarInfo(name)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text.encode()))
archive = base / "model" / "model.tar.gz"
content = archive.read_bytes()
archive.write_bytes(content[:4] + bytes(4) + content[8:])  # the time in the header of gzip
"""


class Workshop:
    """Makes versions, and changes what they were made from."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.client = cache(sandbox.client)
        stacks.create(self.client("cloudformation"), NAME, pipeline=PIPELINE)
        self.stage = Stage(target=Target.sandbox(sandbox.directory.path), project=PROJECT, environment=ENVIRONMENT)
        self.artifacts = self.stage.artifacts_bucket
        self.data = self.stage.target.stack_outputs(f"{NAME}-Storage")["DataBucketName"]
        self.client("s3").create_bucket(Bucket=CODE_BUCKET)
        self.bundle = self._publish_code()
        self.client("sagemaker").create_pipeline(
            PipelineName=PIPELINE, PipelineDefinition=json.dumps(self._definition()), RoleArn=ROLE
        )

    @property
    def ledger(self) -> Ledger:
        return self.stage.ledger

    @property
    def options(self) -> list[str]:
        """The command line's options that lead here."""
        return ["--sandbox", "--state", str(self.sandbox.directory.path), "--project", PROJECT]

    def store(self, key: str, body: str) -> SnapshotObject:
        """Put an object of data; return it as a snapshot names it."""
        stored = self.client("s3").put_object(Bucket=self.data, Key=key, Body=body.encode())
        return SnapshotObject(key, stored["VersionId"], stored["ETag"].strip('"'), len(body), "2026-02")

    def freeze(self, *objects: SnapshotObject) -> Snapshot:
        """Store the manifest of a snapshot."""
        snapshot = Snapshot(self.data, "data/", objects)
        self.client("s3").put_object(Bucket=self.artifacts, Key=snapshot.key, Body=snapshot.manifest)
        return snapshot

    def train(self, snapshot: Snapshot, *, run_id: str, chance: str = "never", in_ledger: bool = True) -> int:
        """Run the pipeline as StartTraining and CloseTraining do; return the version that was registered."""
        sagemaker = self.client("sagemaker")
        parameters = {
            "RunId": run_id,
            "SnapshotId": snapshot.id,
            "SnapshotUri": f"s3://{self.artifacts}/{snapshot.key}",
            "Chance": chance,
        }
        arn = sagemaker.start_pipeline_execution(
            PipelineName=PIPELINE,
            PipelineExecutionDisplayName=run_id,
            PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
        )["PipelineExecutionArn"]
        deadline = time.monotonic() + 60
        while (status := self._status(arn)) == "Executing":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert status == "Succeeded"
        steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
        (package,) = [step["Metadata"]["RegisterModel"]["Arn"] for step in steps if step["StepName"] == "Register"]
        version = int(package.rpartition("/")[2])
        if in_ledger:
            self._write_down(run_id, snapshot, parameters, arn=arn, package=package)
        return version

    def go_live(self, version: int, *, run_id: str) -> None:
        """Write what DeployModel and ConfirmDeployment write."""
        package = f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{NAME}/{version}"
        config = f"{NAME}-v{version}-0123abcd"
        deployment = Deployment(
            version=version,
            endpoint_config=config,
            status=DeploymentStatus.LIVE,
            package_arn=package,
            requested_at=datetime(2026, 3, 1, 11, tzinfo=UTC),
            requested_by="pipeline",
            reason="the model package was approved",
            sequence=version,
            endpoint_modified_at="absent",
            run_id=run_id,
        )
        live = LiveModel(
            version=version,
            package_arn=package,
            endpoint_config=config,
            since=datetime(2026, 3, 1, 11, 5, tzinfo=UTC),
            by="pipeline",
            sequence=version,
            run_id=run_id,
        )
        self.ledger.commit(ledger_writes.put_new_deployment(deployment), ledger_writes.put_live(live))

    def pipelines(self) -> list[str]:
        """The pipelines of this stage."""
        listed = self.client("sagemaker").list_pipelines(PipelineNamePrefix=NAME)["PipelineSummaries"]
        return [each["PipelineName"] for each in listed]

    def packages(self) -> int:
        listed = self.client("sagemaker").list_model_packages(ModelPackageGroupName=NAME)
        return len(listed["ModelPackageSummaryList"])

    def _status(self, arn: str) -> str:
        described = self.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn)
        return str(described["PipelineExecutionStatus"])

    def _write_down(
        self, run_id: str, snapshot: Snapshot, parameters: dict[str, str], *, arn: str, package: str
    ) -> None:
        run = Run(
            run_id=run_id,
            status=RunStatus.STARTING,
            reason="new data: data/period=2026-02/a.parquet",
            trigger="data",
            snapshot_id=snapshot.id,
            snapshot_uri=parameters["SnapshotUri"],
            started_at=STARTED,
            parameters=parameters,
        )
        self.ledger.commit(ledger_writes.put_new_run(run))
        ended = {
            "status": RunStatus.PROMOTED,
            "execution_arn": arn,
            "package_arn": package,
            "version": int(package.rpartition("/")[2]),
            "metrics": {"rmse": 64.0},
            "gate_reason": "better than naive",
        }
        self.ledger.commit(ledger_writes.put_run(run.model_copy(update=ended)))

    def _publish_code(self) -> str:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(zipfile.ZipInfo("make_toy.py"), _MAKE)
        name = f"{hashlib.sha256(archive.getvalue()).hexdigest()}.zip"
        self.client("s3").put_object(Bucket=CODE_BUCKET, Key=name, Body=archive.getvalue())
        return name

    def _definition(self) -> dict[str, Any]:
        condition = {
            "Type": "Equals",
            "LeftValue": {
                "Std:JsonGet": {"PropertyFile": {"Get": "Steps.Make.PropertyFiles.evaluation"}, "Path": "gate.promote"}
            },
            "RightValue": True,
        }
        return {
            "Version": "2020-12-01",
            "Parameters": [
                *({"Name": name, "Type": "String"} for name in ("RunId", "SnapshotId", "SnapshotUri")),
                {"Name": "Chance", "Type": "String", "DefaultValue": "never"},
            ],
            "Steps": [
                self._make(),
                {
                    "Name": "Gate",
                    "Type": "Condition",
                    "Arguments": {"Conditions": [condition], "IfSteps": [self._register()], "ElseSteps": []},
                },
            ],
        }

    def _make(self) -> dict[str, Any]:
        code = {
            "S3Uri": f"s3://{CODE_BUCKET}/{self.bundle}",
            "LocalPath": "/opt/ml/processing/input/code",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        }
        arguments = {
            "RoleArn": ROLE,
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
            },
            "AppSpecification": {
                "ImageUri": IMAGE,
                "ContainerEntrypoint": ["python3", "-m", "make_toy"],
                "ContainerArguments": [{"Get": f"Parameters.{name}"} for name in ("SnapshotId", "RunId", "Chance")],
            },
            "Environment": {"PYTHONPATH": f"/opt/ml/processing/input/code/{self.bundle}"},
            "ProcessingInputs": [{"InputName": "code", "S3Input": code}],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": name,
                        "S3Output": {
                            "S3Uri": self._run_uri(folder),
                            "LocalPath": f"/opt/ml/processing/output/{name}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for name, folder in (("evaluation", "evaluate"), ("model", "model"))
                ]
            },
        }
        evaluation = {"PropertyFileName": "evaluation", "OutputName": "evaluation", "FilePath": "evaluation.json"}
        return {"Name": "Make", "Type": "Processing", "Arguments": arguments, "PropertyFiles": [evaluation]}

    def _register(self) -> dict[str, Any]:
        specification = {
            "Containers": [{"Image": IMAGE, "ModelDataUrl": self._run_uri("model", "model.tar.gz")}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        }
        record = {
            "run_id": {"Get": "Parameters.RunId"},
            "snapshot_id": {"Get": "Parameters.SnapshotId"},
            "snapshot_uri": {"Get": "Parameters.SnapshotUri"},
            "code_bundle": self.bundle,
            "code_version": "0123abc",
            "hyperparameter_rounds": "300",
            "lib_numpy": "2.1.3",
            "seed": "7",
        }
        arguments = {
            "ModelPackageGroupName": NAME,
            "ModelApprovalStatus": "Approved",
            "InferenceSpecification": specification,
            "CustomerMetadataProperties": record,
        }
        return {"Name": "Register", "Type": "RegisterModel", "Arguments": arguments}

    def _run_uri(self, *parts: str) -> dict[str, Any]:
        values = [f"s3://{self.artifacts}/runs", {"Get": "Parameters.RunId"}, *parts]
        return {"Std:Join": {"On": "/", "Values": values}}
