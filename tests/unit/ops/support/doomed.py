"""A small stage that is taken down: everything in it that a teardown has to find, in the embedded AWS."""

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

from typer.testing import CliRunner, Result

from ops.__main__ import app
from tests.unit.ops.support.workshop import IMAGE, ROLE, Workshop

_NUMBERS = itertools.count(1)
_CONTENTS = 3
_JOB = {
    "RoleArn": ROLE,
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}},
    "AppSpecification": {
        "ImageUri": IMAGE,
        "ContainerEntrypoint": ["python3", "-c", "import time; print('working', flush=True); time.sleep(600)"],
    },
}
_PIPELINE = json.dumps(
    {
        "Version": "2020-12-01",
        "Parameters": [],
        "Steps": [{"Name": "Work", "Type": "Processing", "Arguments": _JOB}],
    }
)
_VERSIONED = {"VersioningConfiguration": {"Status": "Enabled"}}
_TARGET = {
    "Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution",
    "RoleArn": ROLE,
    "Input": json.dumps({"PipelineName": "nobody"}),
    "RetryPolicy": {"MaximumRetryAttempts": 3},
}


class Doomed:
    """One deployed stage; with ``retain``, as production is."""

    def __init__(self, workshop: Workshop, *, retain: bool = False) -> None:
        self.sandbox, self.client = workshop.sandbox, workshop.client
        self.project = f"doomed{next(_NUMBERS)}"
        self.name = f"{self.project}-sandbox"
        for stack, resources in self._stacks().items():
            self._deploy(stack, resources, retain=retain)
        storage = self._resources("Storage")
        self.data, self.artifacts = storage["Data"], storage["Artifacts"]
        self.table, self.key, self.log_group = storage["Ledger"], storage["Key"], storage["Logs"]

    def ask(self, *arguments: str, typed: str | None = None) -> Result:
        """Run the command as a person does."""
        where = ["--sandbox", "--state", str(self.sandbox.directory.path), "--project", self.project]
        return CliRunner(env={"COLUMNS": "250"}).invoke(app, ["teardown", *arguments, *where], input=typed)

    def answer(self, *arguments: str) -> Any:
        """What a machine gets."""
        return json.loads(self.ask(*arguments, "--json").stdout)

    def kinds(self) -> set[str]:
        """What a dry run finds."""
        return {thing["kind"] for thing in self.answer("--dry-run")["things"]}

    def fill(self) -> None:
        """Put versions, delete markers and an unfinished upload into the data bucket, and objects into the other."""
        s3 = self.client("s3")
        for number in range(_CONTENTS):
            for body in (b"first", b"second"):
                s3.put_object(Bucket=self.data, Key=f"data/{number}.parquet", Body=body)
            s3.put_object(Bucket=self.artifacts, Key=f"runs/{number}", Body=b"model")
        s3.delete_object(Bucket=self.data, Key="data/0.parquet")
        s3.create_multipart_upload(Bucket=self.data, Key="data/huge.parquet")

    def versions(self, bucket: str) -> int:
        """How many versions, delete markers and unfinished uploads a bucket holds."""
        s3 = self.client("s3")
        listed, uploads = s3.list_object_versions(Bucket=bucket), s3.list_multipart_uploads(Bucket=bucket)
        return sum(len(listed.get(member, [])) for member in ("Versions", "DeleteMarkers")) + len(
            uploads.get("Uploads", [])
        )

    def start(self) -> str:
        """Start the pipeline, whose job works until it is stopped; returns when its logs have begun."""
        sagemaker, logs = self.client("sagemaker"), self.client("logs")
        arn = str(sagemaker.start_pipeline_execution(PipelineName=f"{self.name}-training")["PipelineExecutionArn"])
        prefix = f"pipelines-{arn.rpartition('/')[2]}-"

        def begun() -> bool:
            names = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
            group = "/aws/sagemaker/ProcessingJobs"
            return group in names and bool(
                logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
            )

        wait_for(begun)
        return arn

    def register(self) -> str:
        """Register a version."""
        key = "model.tar.gz"
        self.client("s3").put_object(Bucket=self.artifacts, Key=key, Body=b"a model")
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{self.artifacts}/{key}"}
        specification = {
            "Containers": [container],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        }
        created = self.client("sagemaker").create_model_package(
            ModelPackageGroupName=self.name,
            ModelApprovalStatus="Approved",
            InferenceSpecification=specification,
        )
        return str(created["ModelPackageArn"])

    def serve(self, package: str, name: str) -> None:
        """Create model and config of this name, and let the endpoint be on them; it need not come to answer."""
        sagemaker = self.client("sagemaker")
        sagemaker.create_model(ModelName=name, Containers=[{"ModelPackageName": package}], ExecutionRoleArn=ROLE)
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        if not sagemaker.list_endpoints(NameContains=self.name)["Endpoints"]:
            sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=name)

    def destroy(self) -> list[str]:
        """Delete the stacks as `cdk destroy` does; names those that stayed."""
        cloudformation, stayed = self.client("cloudformation"), []
        for stack in ("Monitoring", "Serving", "Training", "Storage"):
            name = f"{self.name}-{stack}"
            stack_id = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
            cloudformation.delete_stack(StackName=name)

            def ended(stack_id: str = stack_id) -> str | None:
                status = str(cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"])
                return None if status.endswith("_IN_PROGRESS") else status

            if wait_for(ended) != "DELETE_COMPLETE":
                stayed.append(name)
        return stayed

    def _deploy(self, stack: str, resources: dict[str, Any], *, retain: bool) -> None:
        cloudformation, name = self.client("cloudformation"), f"{self.name}-{stack}"
        kept = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Logs::LogGroup"}
        kept.add("AWS::SageMaker::ModelPackageGroup")
        for resource in resources.values():
            if retain and resource["Type"] in kept:
                resource["DeletionPolicy"] = "Retain"
            if resource["Type"] == "AWS::DynamoDB::Table":
                resource["Properties"]["DeletionProtectionEnabled"] = retain
        cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps({"Resources": resources}), EnableTerminationProtection=retain
        )
        waiter = cloudformation.get_waiter("stack_create_complete")
        waiter.wait(StackName=name, WaiterConfig={"Delay": 1})

    def _resources(self, stack: str) -> dict[str, str]:
        listed = self.client("cloudformation").list_stack_resources(StackName=f"{self.name}-{stack}")
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed["StackResourceSummaries"]}

    def _stacks(self) -> dict[str, dict[str, Any]]:
        keys = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
        schema = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        table = {"AttributeDefinitions": keys, "KeySchema": schema, "BillingMode": "PAY_PER_REQUEST"}
        alarm = {
            "AlarmName": f"{self.name}-drift",
            "Namespace": "Tandem",
            "MetricName": "FeatureDrift",
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold",
        }
        schedule = {
            "Name": f"{self.name}-monitor",
            "GroupName": {"Ref": "Group"},
            "Description": "every day",
            "ScheduleExpression": "cron(15 1 * * ? *)",
            "ScheduleExpressionTimezone": "Europe/Berlin",
            "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
            "Target": _TARGET,
        }
        function = {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": ROLE,
            "Code": {"ZipFile": "def handler(event, context): pass"},
        }
        source = {"EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]}, "FunctionName": {"Ref": "Function"}}
        rule = {"EventPattern": {"source": ["aws.nothing"]}, "State": "ENABLED"}
        pipeline = {
            "PipelineName": f"{self.name}-training",
            "PipelineDefinition": {"PipelineDefinitionBody": _PIPELINE},
            "RoleArn": ROLE,
        }
        return {
            "Storage": {
                "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Version": "2012-10-17"}}},
                "Data": {"Type": "AWS::S3::Bucket", "Properties": dict(_VERSIONED)},
                "Artifacts": {"Type": "AWS::S3::Bucket", "Properties": dict(_VERSIONED)},
                "Ledger": {"Type": "AWS::DynamoDB::Table", "Properties": table},
                "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/{self.name}"}},
            },
            "Training": {
                "Group": {
                    "Type": "AWS::SageMaker::ModelPackageGroup",
                    "Properties": {"ModelPackageGroupName": self.name},
                },
                "Pipeline": {"Type": "AWS::SageMaker::Pipeline", "Properties": pipeline},
                "Rule": {"Type": "AWS::Events::Rule", "Properties": rule},
            },
            "Serving": {
                "Queue": {"Type": "AWS::SQS::Queue"},
                "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
                "Source": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": source},
            },
            "Monitoring": {
                "Group": {"Type": "AWS::Scheduler::ScheduleGroup"},
                "Schedule": {"Type": "AWS::Scheduler::Schedule", "Properties": schedule},
                "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
            },
        }


def wait_for(question: Callable[[], Any]) -> Any:
    """Ask until there is an answer."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.05)
    raise AssertionError("waited in vain")
