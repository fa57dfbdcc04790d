"""What AWS's services do to a stage by themselves, read off its templates: the sandbox does it without asking.

AWS pages: "Using resource-based policies for Amazon EventBridge", "Using dead-letter queues to process undelivered
events in EventBridge", "Managing Amazon SNS encryption keys and costs", "Amazon SQS key management", "Enabling Amazon
S3 server access logging", "Configuring a dead-letter queue for EventBridge Scheduler", "AWS managed policies for
CodeDeploy" (AWSCodeDeployRoleForLambda), "Create AWS Lambda proxy integrations for HTTP APIs in API Gateway".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from logical_names import logical
from recorded_calls import Call
from resolved_policies import ACCOUNT, REGION, Stage, Statement
from second_engine import Question

_KEY_USE = ("kms:Decrypt", "kms:GenerateDataKey")


@dataclass(frozen=True)
class ServiceCall:
    """A call that a service makes as itself.

    Attributes:
        service: its principal.
        action: the action.
        resource: the ARN.
        source: the ARN on whose behalf; None when the service names none.
        context: further condition keys.
    """

    service: str
    action: str
    resource: str
    source: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)

    def of_others(self, *, account: str) -> dict[str, str]:
        """The condition keys of a source of the same kind that is none of the stage's.

        Of an API it has the same stage and the same path: what tells APIs apart is their id.

        Args:
            account: where that source is.

        Raises:
            ValueError: the service names no source.
        """
        if self.source is None:
            raise ValueError(f"{self}: the service names no source")
        *start, owner, name = self.source.split(":", 5)
        first, slash, rest = name.partition("/")
        theirs = f"{first}-of-others{slash}{rest}" if start[2] == "execute-api" else f"{name}-of-others"
        # The ARN of a bucket names no account.
        return {"aws:SourceArn": ":".join([*start, owner and account, theirs]), "aws:SourceAccount": account}

    def question(self, policy: list[Statement], **context: str) -> Question:
        """Whether a resource's policy lets it, with other condition keys where they are given."""
        named = {} if self.source is None else {"aws:SourceArn": self.source, "aws:SourceAccount": ACCOUNT}
        return Question(
            principal=self.service,
            action=self.action,
            resource=self.resource,
            context={"aws:SecureTransport": "true", **named, **self.context, **context},
            policy=policy,
        )

    def __str__(self) -> str:
        """As the id of a test."""
        return f"{self.service.partition('.')[0]} {self.action} {self.resource.rpartition(':')[2]}"


def as_services(stage: Stage) -> Iterator[ServiceCall]:
    """What services do as themselves."""
    yield from _events(stage)
    yield from _alarms(stage)
    yield from _access_logs(stage)
    yield from _logs(stage)
    yield from _routes(stage)
    yield from _assumed(stage)


def _assumed(stage: Stage) -> Iterator[ServiceCall]:
    """Take on the roles that the templates hand to them: nothing is read off the roles themselves."""
    assume = "sts:AssumeRole"
    roles = {f"arn:aws:iam::{ACCOUNT}:role/{role}" for role in stage.roles()}
    for _, _, function in stage.resources("AWS::Lambda::Function"):
        yield ServiceCall("lambda.amazonaws.com", assume, function["Role"])
        # What a function knows a role for is to hand it to SageMaker, for an endpoint.
        variables = function.get("Environment", {}).get("Variables", {})
        for handed in roles & {value for value in variables.values() if isinstance(value, str)}:
            yield ServiceCall("sagemaker.amazonaws.com", assume, handed)
    for _, _, pipeline in stage.resources("AWS::SageMaker::Pipeline"):
        yield ServiceCall("sagemaker.amazonaws.com", assume, pipeline["RoleArn"])
    for _, _, group in stage.resources("AWS::CodeDeploy::DeploymentGroup"):
        yield ServiceCall("codedeploy.amazonaws.com", assume, group["ServiceRoleArn"])
    for stack, logical_id, rule in stage.resources("AWS::Events::Rule"):
        for role in {target["RoleArn"] for target in rule["Targets"] if "RoleArn" in target}:
            yield ServiceCall("events.amazonaws.com", assume, role, stage.arn(stack, logical_id))
    for _, _, schedule in stage.resources("AWS::Scheduler::Schedule"):
        group = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{schedule['GroupName']}"
        yield ServiceCall("scheduler.amazonaws.com", assume, schedule["Target"]["RoleArn"], group)


def as_roles(stage: Stage) -> Iterator[Call]:
    """What services do with a role that they take on."""
    for _, _, rule in stage.resources("AWS::Events::Rule"):
        for target in rule["Targets"]:
            if "RoleArn" in target:
                yield from _publishes(stage, target["RoleArn"].rpartition("/")[2], target["Arn"])
    for _, _, schedule in stage.resources("AWS::Scheduler::Schedule"):
        target = schedule["Target"]
        role, queue = target["RoleArn"].rpartition("/")[2], target["DeadLetterConfig"]["Arn"]
        yield Call(role, "sqs:SendMessage", queue, through="scheduler.amazonaws.com")
        yield from _use_of_the_key(stage, role, queue, "sqs")
    for _, _, group in stage.resources("AWS::CodeDeploy::DeploymentGroup"):
        role = group["ServiceRoleArn"].rpartition("/")[2]
        for alarm in group["AlarmConfiguration"]["Alarms"]:
            arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm['Name']}"
            yield Call(role, "cloudwatch:DescribeAlarms", arn, through="codedeploy.amazonaws.com")
        for _, _, alias in stage.resources("AWS::Lambda::Alias"):
            arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{alias['FunctionName']}"
            for action in ("lambda:GetAlias", "lambda:UpdateAlias"):
                yield Call(role, action, arn, through="codedeploy.amazonaws.com")


def _publishes(stage: Stage, role: str, topic: str) -> Iterator[Call]:
    yield Call(role, "sns:Publish", topic, through="events.amazonaws.com")
    yield from _use_of_the_key(stage, role, topic, "sns")


def _use_of_the_key(stage: Stage, role: str, resource: str, service: str) -> Iterator[Call]:
    """What the service of an encrypted resource asks of its key, in the name of who sends to the resource."""
    through = f"{service}.{REGION}.amazonaws.com"
    for action in _KEY_USE:
        yield Call(role, action, _key_of(stage, resource), context=(("kms:viaservice", through),), through=through)


def _key_of(stage: Stage, resource: str) -> str:
    (key,) = (
        properties["KmsMasterKeyId"]
        for stack, logical_id, properties in stage.resources("AWS::SNS::Topic", "AWS::SQS::Queue")
        if stage.arn(stack, logical_id) == resource
    )
    return key if key.startswith("arn:") else f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}"


def _events(stage: Stage) -> Iterator[ServiceCall]:
    for stack, logical_id, rule in stage.resources("AWS::Events::Rule"):
        source = stage.arn(stack, logical_id)
        for target in rule["Targets"]:
            queues = [target["Arn"]] if ":sqs:" in target["Arn"] else []
            for queue in [*queues, target["DeadLetterConfig"]["Arn"]]:
                yield ServiceCall("events.amazonaws.com", "sqs:SendMessage", queue, source)
                for action in _KEY_USE:
                    yield ServiceCall("events.amazonaws.com", action, _key_of(stage, queue), source)


def _alarms(stage: Stage) -> Iterator[ServiceCall]:
    topics = {
        action
        for _, _, alarm in stage.resources("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        for action in [*alarm.get("AlarmActions", []), *alarm.get("OKActions", [])]
    }
    for topic in sorted(topics):
        source = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:any"
        yield ServiceCall("cloudwatch.amazonaws.com", "sns:Publish", topic, source)
        for action in _KEY_USE:
            yield ServiceCall("cloudwatch.amazonaws.com", action, _key_of(stage, topic), source)


def _access_logs(stage: Stage) -> Iterator[ServiceCall]:
    for stack, logical_id, bucket in stage.resources("AWS::S3::Bucket"):
        if "LoggingConfiguration" in bucket:
            logging = bucket["LoggingConfiguration"]
            target = f"arn:aws:s3:::{logging['DestinationBucketName']}/{logging['LogFilePrefix']}OBJECT"
            yield ServiceCall("logging.s3.amazonaws.com", "s3:PutObject", target, stage.arn(stack, logical_id))


def _logs(stage: Stage) -> Iterator[ServiceCall]:
    """Encrypt log groups (page "Encrypt log data in CloudWatch Logs using AWS Key Management Service")."""
    for stack, logical_id, group in stage.resources("AWS::Logs::LogGroup"):
        context = {"kms:EncryptionContext:aws:logs:arn": stage.arn(stack, logical_id).removesuffix(":*")}
        for action in (*_KEY_USE, "kms:Encrypt"):
            yield ServiceCall(f"logs.{REGION}.amazonaws.com", action, group["KmsKeyId"], context=context)


def _routes(stage: Stage) -> Iterator[ServiceCall]:
    aliases = [
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{alias['FunctionName']}:{alias['Name']}"
        for _, _, alias in stage.resources("AWS::Lambda::Alias")
    ]
    (api,) = (logical(stack, logical_id) for stack, logical_id, _ in stage.resources("AWS::ApiGatewayV2::Api"))
    for _, _, route in stage.resources("AWS::ApiGatewayV2::Route"):
        path = route["RouteKey"].replace(" ", "")
        source = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/$default/{path}"
        for alias in aliases:
            yield ServiceCall("apigateway.amazonaws.com", "lambda:InvokeFunction", alias, source)
