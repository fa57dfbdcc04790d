"""Every call of a role, as the sandbox decides and records it where it enforces permissions."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.adapter.call_record import FILE
from sandbox.server import Sandbox

ROLE = "arn:aws:iam::000000000000:role/worker"
SENDER = "arn:aws:iam::000000000000:role/sender"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:work"
THROUGH_SQS = {"StringEquals": {"kms:ViaService": "sqs.us-east-1.amazonaws.com"}}
ALARM = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:"
PACKAGE = "arn:aws:sagemaker:us-east-1:000000000000:model-package/flights/1"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0-cpu-py3"
ENCRYPTED = {
    "Resources": {
        "Key": {
            "Type": "AWS::KMS::Key",
            "Properties": {
                "KeyPolicy": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
                            "Action": "kms:*",
                            "Resource": "*",
                        }
                    ],
                }
            },
        },
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketName": "encrypted",
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "ServerSideEncryptionByDefault": {
                                "SSEAlgorithm": "aws:kms",
                                "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
                            }
                        }
                    ]
                },
            },
        },
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": "work",
                "VisibilityTimeout": 30,
                "KmsMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
            },
        },
    },
    "Outputs": {"Key": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}},
}


@pytest.fixture(scope="module", name="guarded")
def _guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that enforces permissions, with a role, and a bucket and a queue that a key encrypts."""
    with Sandbox(tmp_path_factory.mktemp("guarded") / "state", enforce_iam=True) as running:
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        for name in ("worker", "sender"):
            running.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
        cloudformation = running.client("cloudformation")
        cloudformation.create_stack(StackName="encrypted", TemplateBody=json.dumps(ENCRYPTED))
        cloudformation.get_waiter("stack_create_complete").wait(StackName="encrypted", WaiterConfig={"Delay": 1})
        yield running


@pytest.fixture(scope="module", name="key")
def _key(guarded: Sandbox) -> str:
    (stack,) = guarded.client("cloudformation").describe_stacks(StackName="encrypted")["Stacks"]
    return str(stack["Outputs"][0]["OutputValue"])


def _may(sandbox: Sandbox, *statements: dict[str, Any], role: str = "worker") -> None:
    """Let a role do exactly this."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
    sandbox.client("iam").put_role_policy(RoleName=role, PolicyName="may", PolicyDocument=json.dumps(document))


def _as_worker(sandbox: Sandbox, service: str) -> Any:
    return _as(ROLE, sandbox, service)


def _as(role: str, sandbox: Sandbox, service: str) -> Any:
    session = sandbox.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    client: Any = boto3.client
    return client(
        service,
        endpoint_url=sandbox.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )


def _recorded(sandbox: Sandbox, action: str, *, through: str | None = None) -> list[dict[str, Any]]:
    lines = (sandbox.directory.logs / FILE).read_text("utf-8").splitlines()
    found = [line for line in map(json.loads, lines) if (line["role"], line["action"]) == (ROLE, action)]
    return [line for line in found if through in (None, line["through"])]


def _refused(error: ClientError) -> str:
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 403}
    return error.response["Error"]["Message"]


def test_a_call_is_recorded_with_what_allowed_it_and_a_refused_one_without(guarded: Sandbox) -> None:
    statement = {"Action": ["sqs:ListQueues"], "Resource": ["*"]}
    _may(guarded, statement)
    _as_worker(guarded, "sqs").list_queues()
    with pytest.raises(ClientError):
        _as_worker(guarded, "sns").list_topics()

    (allowed,), (denied,) = _recorded(guarded, "sqs:ListQueues"), _recorded(guarded, "sns:ListTopics")
    assert (allowed["decision"], allowed["through"]) == ("Allow", None)
    assert allowed["statement"] == statement | {"Condition": {}}
    assert allowed["secure_transport"] is True
    assert (denied["decision"], denied["statement"]) == ("ImplicitDeny", None)


def test_what_the_account_itself_does_is_not_recorded(guarded: Sandbox) -> None:
    guarded.client("sqs").list_queues()
    text = (guarded.directory.logs / FILE).read_text("utf-8") if (guarded.directory.logs / FILE).exists() else ""

    assert ":root" not in text


def test_whoever_may_read_an_encrypted_bucket_still_needs_its_key_and_only_through_the_bucket(
    guarded: Sandbox, key: str
) -> None:
    guarded.client("s3").put_object(Bucket="encrypted", Key="file", Body=b"content")
    read = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::encrypted/*"}
    through = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    _may(guarded, read)
    with pytest.raises(ClientError):
        _as_worker(guarded, "s3").get_object(Bucket="encrypted", Key="file")
    _may(guarded, read, {"Action": "kms:Decrypt", "Resource": key, "Condition": through})

    assert _as_worker(guarded, "s3").get_object(Bucket="encrypted", Key="file")["Body"].read() == b"content"
    asked = _recorded(guarded, "kms:Decrypt", through="s3.us-east-1.amazonaws.com")
    assert {(line["decision"], line["resource"]) for line in asked} == {("ImplicitDeny", key), ("Allow", key)}
    with pytest.raises(ClientError):
        _as_worker(guarded, "kms").decrypt(KeyId=key, CiphertextBlob=b"anything")


def test_whoever_may_read_may_not_write_without_a_new_data_key(guarded: Sandbox, key: str) -> None:
    _may(
        guarded,
        {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::encrypted/*"},
        {"Action": "kms:Decrypt", "Resource": key},
    )

    with pytest.raises(ClientError):
        _as_worker(guarded, "s3").put_object(Bucket="encrypted", Key="file", Body=b"other")
    assert [line["decision"] for line in _recorded(guarded, "kms:GenerateDataKey")] == ["ImplicitDeny"]


def test_metrics_go_to_the_namespace_of_the_condition_only(guarded: Sandbox) -> None:
    condition = {"StringEquals": {"cloudwatch:namespace": "Mine"}}
    _may(guarded, {"Action": "cloudwatch:PutMetricData", "Resource": "*", "Condition": condition})
    data, client = [{"MetricName": "Rows", "Value": 1.0}], _as_worker(guarded, "cloudwatch")

    client.put_metric_data(Namespace="Mine", MetricData=data)
    with pytest.raises(ClientError):
        client.put_metric_data(Namespace="Theirs", MetricData=data)


def test_alarms_are_described_one_by_one(guarded: Sandbox) -> None:
    _may(guarded, {"Action": "cloudwatch:DescribeAlarms", "Resource": [f"{ALARM}one", f"{ALARM}two"]})
    client = _as_worker(guarded, "cloudwatch")

    client.describe_alarms(AlarmNames=["one", "two"])
    with pytest.raises(ClientError):
        client.describe_alarms(AlarmNames=["one", "three"])
    with pytest.raises(ClientError):
        client.describe_alarms()


def test_a_version_gets_the_stage_of_the_condition_only(guarded: Sandbox) -> None:
    condition = {"StringEquals": {"sagemaker:ModelLifeCycle:stage": "production"}}
    _may(guarded, {"Action": "sagemaker:UpdateModelPackage", "Resource": PACKAGE, "Condition": condition})
    client, cycle = _as_worker(guarded, "sagemaker"), {"StageStatus": "Live"}

    with pytest.raises(ClientError) as caught:
        client.update_model_package(ModelPackageArn=PACKAGE, ModelLifeCycle={"Stage": "staging", **cycle})
    assert "sagemaker:UpdateModelPackage" in _refused(caught.value)
    with pytest.raises(ClientError) as caught:
        client.update_model_package(ModelPackageArn=PACKAGE, ModelLifeCycle={"Stage": "production", **cycle})
    assert "sagemaker:UpdateModelPackage" not in _refused(caught.value), "allowed, and there is no such version"


def test_tags_and_the_config_behind_an_endpoint_need_permissions_of_their_own(guarded: Sandbox) -> None:
    arn = "arn:aws:sagemaker:us-east-1:000000000000"
    endpoint, config = f"{arn}:endpoint/mine", f"{arn}:endpoint-config/v1"
    client = _as_worker(guarded, "sagemaker")
    for resources in ([endpoint], [endpoint, config]):
        _may(guarded, {"Action": "sagemaker:CreateEndpoint", "Resource": resources})
        with pytest.raises(ClientError):
            client.create_endpoint(EndpointName="mine", EndpointConfigName="v1", Tags=[{"Key": "team", "Value": "ml"}])

    made = [(line["resource"], line["decision"]) for line in _recorded(guarded, "sagemaker:CreateEndpoint")]
    assert made == [(endpoint, "Allow"), (config, "ImplicitDeny"), (endpoint, "Allow"), (config, "Allow")]
    assert [line["decision"] for line in _recorded(guarded, "sagemaker:AddTags")] == ["ImplicitDeny"]


def test_a_job_whose_role_may_not_pull_its_image_fails_with_the_permission_named(guarded: Sandbox) -> None:
    _may(guarded, {"Action": "ecr:GetAuthorizationToken", "Resource": "*"})
    sagemaker = guarded.client("sagemaker")
    sagemaker.create_processing_job(
        ProcessingJobName="job",
        RoleArn=ROLE,
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "-c", "pass"]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
    )
    deadline = time.monotonic() + 60
    while (job := sagemaker.describe_processing_job(ProcessingJobName="job"))["ProcessingJobStatus"] == "InProgress":
        assert time.monotonic() < deadline
        time.sleep(0.1)

    assert job["ProcessingJobStatus"] == "Failed"
    assert "may not ecr:BatchCheckLayerAvailability on arn:aws:ecr:us-east-1:683313688378" in job["FailureReason"]


PROCESSING = {
    "ProcessingJobName": "volumes",
    "RoleArn": ROLE,
    "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "-c", "pass"]},
}
TRAINING = {
    "TrainingJobName": "volumes",
    "RoleArn": ROLE,
    "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


@pytest.mark.parametrize("kind", ["processing", "training"])
def test_a_job_with_a_key_for_its_volumes_needs_a_grant_on_it_and_tells_it(
    guarded: Sandbox, key: str, kind: str
) -> None:
    machines = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1, "VolumeKmsKeyId": key}
    create: dict[str, Any] = {"Action": f"sagemaker:Create{kind.capitalize()}Job", "Resource": "*"}
    grant = {
        "Action": "kms:CreateGrant",
        "Resource": key,
        "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
    }
    client = _as_worker(guarded, "sagemaker")

    def make() -> Any:
        if kind == "training":
            return client.create_training_job(**TRAINING, ResourceConfig=machines)
        return client.create_processing_job(**PROCESSING, ProcessingResources={"ClusterConfig": machines})

    _may(guarded, create, {"Action": "iam:PassRole", "Resource": ROLE})
    with pytest.raises(ClientError) as caught:
        make()
    assert "kms:CreateGrant" in _refused(caught.value)
    _may(guarded, create, {"Action": "iam:PassRole", "Resource": ROLE}, grant)
    make()

    sagemaker = guarded.client("sagemaker")
    if kind == "training":
        told = sagemaker.describe_training_job(TrainingJobName="volumes")["ResourceConfig"]
    else:
        told = sagemaker.describe_processing_job(ProcessingJobName="volumes")["ProcessingResources"]["ClusterConfig"]
    assert told == machines


def test_whoever_may_send_to_an_encrypted_queue_still_needs_its_key(guarded: Sandbox, key: str) -> None:
    url = guarded.client("sqs").get_queue_url(QueueName="work")["QueueUrl"]
    send, actions = {"Action": "sqs:SendMessage", "Resource": QUEUE}, ["kms:Decrypt", "kms:GenerateDataKey"]
    for too_few in ([], actions[:1], actions[1:]):
        _may(guarded, send, *({"Action": action, "Resource": key} for action in too_few), role="sender")
        with pytest.raises(ClientError):
            _as(SENDER, guarded, "sqs").send_message(QueueUrl=url, MessageBody="work")
    _may(guarded, send, {"Action": actions, "Resource": key, "Condition": THROUGH_SQS}, role="sender")

    assert _as(SENDER, guarded, "sqs").send_message(QueueUrl=url, MessageBody="work")["MessageId"]
    guarded.client("sqs").purge_queue(QueueUrl=url)


def test_lambda_polls_a_queue_and_writes_logs_with_the_rights_of_the_functions_role(guarded: Sandbox, key: str) -> None:
    sqs, function, group = (
        guarded.client("sqs"),
        guarded.client("lambda"),
        "arn:aws:logs:us-east-1:000000000000:log-group",
    )
    url = sqs.get_queue_url(QueueName="work")["QueueUrl"]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("work.py", "def handler(event, context):\n    print('worked')\n")
    function.create_function(
        FunctionName="work",
        Runtime="python3.12",
        Role=ROLE,
        Handler="work.handler",
        Code={"ZipFile": content.getvalue()},
    )
    _may(guarded, {"Action": "logs:CreateLogStream", "Resource": f"{group}:/aws/lambda/work:*"})
    function.create_event_source_mapping(FunctionName="work", EventSourceArn=QUEUE)
    sqs.send_message(QueueUrl=url, MessageBody="work")
    _await(lambda: [line["decision"] for line in _recorded(guarded, "sqs:ReceiveMessage")] == ["ImplicitDeny"])
    assert _waiting(sqs, url) == 1

    polling = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    poll = {"Action": polling, "Resource": QUEUE}
    _may(guarded, poll)
    _await(lambda: _of_the_queue(guarded) == ["ImplicitDeny"])
    assert _waiting(sqs, url) == 1
    _may(guarded, poll, {"Action": "kms:Decrypt", "Resource": key, "Condition": THROUGH_SQS})
    _await(lambda: _waiting(sqs, url) == 0)
    assert _of_the_queue(guarded) == ["ImplicitDeny", "Allow"]
    _await(lambda: [line["decision"] for line in _recorded(guarded, "logs:CreateLogStream")] == ["ImplicitDeny"])
    assert guarded.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/work")["logGroups"] == []


def _of_the_queue(sandbox: Sandbox) -> list[str]:
    """Whether the function's role was allowed to open the messages."""
    opened = _recorded(sandbox, "kms:Decrypt", through="sqs.us-east-1.amazonaws.com")
    return [line["decision"] for line in opened]


def _waiting(sqs: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))


def _await(answered: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not answered():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_boundary_limits_what_services_may_do_for_a_role(guarded: Sandbox, key: str) -> None:
    iam = guarded.client("iam")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    boundary = iam.create_policy(PolicyName="storage-only", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    _may(guarded, {"Action": ["s3:GetObject", "kms:Decrypt"], "Resource": ["arn:aws:s3:::encrypted/*", key]})
    guarded.client("s3").put_object(Bucket="encrypted", Key="file", Body=b"content")
    _as_worker(guarded, "s3").get_object(Bucket="encrypted", Key="file")
    iam.put_role_permissions_boundary(RoleName="worker", PermissionsBoundary=boundary)
    try:
        with pytest.raises(ClientError):
            _as_worker(guarded, "s3").get_object(Bucket="encrypted", Key="file")
    finally:
        iam.delete_role_permissions_boundary(RoleName="worker")
