"""What an operator has before them: one deployed stage, empty at first, in the embedded AWS.

Stacks, queues, ledger, registry, buckets and endpoint are real. What the handlers do is written here, on a thread.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from typer.testing import CliRunner, Result

from lambdas.shared import ledger as ledger_writes
from lambdas.shared.ledger import Ledger
from lambdas.shared.records import Deployment, DeploymentStatus, LiveModel, Run, RunStatus
from ops.__main__ import app
from ops.stage import Stage
from tests.unit.ops.support import stacks
from tests.unit.ops.support.workshop import Workshop

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
ROLE = "arn:aws:iam::000000000000:role/serving"
START = datetime(2026, 3, 1, 10, tzinfo=UTC)
CANARY = "canary of 50 %, 300 s a step, watched by rollback-errors"
_NUMBERS = itertools.count(1)
_PATIENCE_SECONDS = 20


class Desk:
    """A stage of its own for one test."""

    def __init__(self, workshop: Workshop, *, project: str | None = None, environment: str = "sandbox") -> None:
        """Deploy it beside the workshop; clients are shared, because it takes long to make one."""
        self.sandbox = workshop.sandbox
        self.project, self.environment = project or f"desk{next(_NUMBERS)}", environment
        self.name = f"{self.project}-{self.environment}"
        self.client = workshop.client
        stacks.create(self.client("cloudformation"), self.name, pipeline=f"{self.name}-training")
        self.stage = Stage(target=workshop.stage.target, project=self.project, environment=self.environment)

    @property
    def ledger(self) -> Ledger:
        return self.stage.ledger

    @property
    def options(self) -> list[str]:
        return ["--sandbox", "--state", str(self.sandbox.directory.path), "--project", self.project]

    def ask(self, command: str, *arguments: str, typed: str | None = None) -> Result:
        """Run a command as a person does."""
        runner = CliRunner(env={"COLUMNS": "250"})
        return runner.invoke(app, [command, *arguments, *self.options], input=typed)

    def answer(self, command: str, *arguments: str) -> Any:
        """What a machine gets."""
        return json.loads(self.ask(command, *arguments, "--json").stdout)

    def register(self, approval: str = "Approved", *, run_id: str | None = None, contract: str | None = None) -> int:
        """Register a version, with the contract that it speaks if one is given; return its number."""
        s3, key = self.client("s3"), "model.tar.gz"
        s3.put_object(Bucket=self.stage.artifacts_bucket, Key=key, Body=b"a model")
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{self.stage.artifacts_bucket}/{key}"}
        metadata = {"code_version": "0123abc", "snapshot_id": "f" * 64, "reason": "new data"}
        if contract is not None:
            self.artifact("runs/spoken/evaluate/contract.json", contract)
            metadata["evaluation_uri"] = f"s3://{self.stage.artifacts_bucket}/runs/spoken/evaluate/evaluation.json"
        created = self.client("sagemaker").create_model_package(
            ModelPackageGroupName=self.name,
            ModelApprovalStatus=approval,
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            CustomerMetadataProperties=metadata | ({"run_id": run_id} if run_id else {}),
        )
        return int(created["ModelPackageArn"].rpartition("/")[2])

    def arn(self, version: int) -> str:
        return f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{self.name}/{version}"

    def config(self, version: int) -> str:
        return f"{self.name}-v{version}-0123abcd"

    def package(self, version: int) -> Any:
        return self.client("sagemaker").describe_model_package(ModelPackageName=self.arn(version))

    def approval(self, version: int) -> tuple[str, str | None]:
        """Approval status and description on record."""
        package = self.package(version)
        return package["ModelApprovalStatus"], package.get("ApprovalDescription")

    def decide(self, version: int, approval: str) -> None:
        """Change an approval in the registry, past `ops`."""
        self.client("sagemaker").update_model_package(ModelPackageArn=self.arn(version), ModelApprovalStatus=approval)

    def stage_is(self, version: int, status: str) -> None:
        """Write the life-cycle stage as the handlers do."""
        cycle = {"Stage": self.environment, "StageStatus": status}
        self.client("sagemaker").update_model_package(ModelPackageArn=self.arn(version), ModelLifeCycle=cycle)

    def request(self, version: int, *, by: str = "pipeline", reason: str = "the model package was approved") -> None:
        """What DeployModel writes: a deployment whose outcome is not known."""
        newest, live = self.ledger.newest_deployment(), self.ledger.live()
        deployment = Deployment(
            version=version,
            endpoint_config=self.config(version),
            status=DeploymentStatus.REQUESTED,
            package_arn=self.arn(version),
            requested_at=START,
            requested_by=by,
            reason=reason,
            sequence=newest.sequence + 1 if newest else 1,
            previous_version=live.version if live else None,
            endpoint_modified_at="absent",
            rollout=CANARY if live else None,
        )
        self.ledger.commit(ledger_writes.put_new_deployment(deployment), ledger_writes.put_pointer(deployment))

    def settle(self, status: DeploymentStatus = DeploymentStatus.LIVE, detail: str | None = None) -> None:
        """What ConfirmDeployment writes about the newest deployment."""
        seen = self.ledger.newest_deployment()
        assert seen is not None
        at = START + timedelta(minutes=seen.sequence)
        settled = seen.model_copy(update={"status": status, "confirmed_at": at, "detail": detail})
        writes = [ledger_writes.put_deployment(settled, seen=seen)]
        if status is DeploymentStatus.LIVE:
            live = LiveModel(
                version=seen.version,
                package_arn=seen.package_arn,
                endpoint_config=seen.endpoint_config,
                since=at,
                by=seen.requested_by,
                sequence=seen.sequence,
                run_id=self.package(seen.version).get("CustomerMetadataProperties", {}).get("run_id"),
            )
            writes.append(ledger_writes.put_live(live))
        self.ledger.commit(*writes)

    def deploy(self, version: int, status: DeploymentStatus = DeploymentStatus.LIVE) -> None:
        """A deployment from its request to its outcome."""
        self.request(version)
        self.settle(status)

    def lived(self, *approvals: str) -> None:
        """Register versions 1, 2, ... that were live one after the other, and give them these approvals afterwards."""
        for version, approval in enumerate(approvals, start=1):
            assert self.register() == version
            self.deploy(version)
            self.decide(version, approval)

    def serve(self, config: str, *, version: int = 1) -> None:
        """Let the endpoint be on this configuration; what it answers does not matter here."""
        sagemaker = self.client("sagemaker")
        sagemaker.create_model(
            ModelName=config, Containers=[{"ModelPackageName": self.arn(version)}], ExecutionRoleArn=ROLE
        )
        variant = {"VariantName": "v", "ModelName": config, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=config)

    def put_run(self, run: Run) -> None:
        self.ledger.commit(ledger_writes.put_new_run(run))

    def run(self, run_id: str, **fields: Any) -> Run:
        values = {
            "status": RunStatus.PROMOTED,
            "reason": "new data",
            "trigger": "data",
            "snapshot_id": "f" * 64,
            "snapshot_uri": "s3://bucket/snapshot.json",
            "started_at": START,
            "parameters": {},
        }
        return Run(run_id=run_id, **(values | fields))

    def messages(self, url: str) -> list[tuple[str, str]]:
        """Take what lies in a queue: id and body."""
        received = self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [(each["MessageId"], each["Body"]) for each in received.get("Messages", [])]

    def artifact(self, key: str, text: str) -> str:
        """Store a file; return its address."""
        bucket = self.stage.artifacts_bucket
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())
        return f"s3://{bucket}/{key}"

    @contextmanager
    def handlers(self, act: Callable[[], Any]) -> Iterator[None]:
        """Let something happen beside the command, as the deployed functions would; its failure fails the test."""
        failures: list[BaseException] = []

        def carry_out() -> None:
            try:
                act()
            except BaseException as error:  # noqa: BLE001 - raised again below
                failures.append(error)

        thread = threading.Thread(target=carry_out)
        thread.start()
        yield
        thread.join(_PATIENCE_SECONDS)
        assert not thread.is_alive(), "the handlers wait for something that did not happen"
        if failures:
            raise failures[0]

    def await_message(self, url: str) -> tuple[str, str]:
        """Wait for one message: id and body."""
        return self.wait_for(lambda: next(iter(self.messages(url)), None))

    @staticmethod
    def wait_for(question: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if answer := question():
                return answer
            time.sleep(0.05)
        raise AssertionError("waited in vain")
