"""The policies of a stage's templates with every intrinsic function resolved, so that an engine can judge by them.

Names that CloudFormation makes up stand as in `logical_names`, and contents that change with the code as in
`recorded_calls`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from logical_names import NAMED_BY, is_made_up, logical

ACCOUNT, REGION = "000000000000", "us-east-1"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
_ARNS = {
    "AWS::ApiGatewayV2::Api": "",
    "AWS::CloudWatch::Alarm": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:",
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/",
    "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:",
    "AWS::S3::Bucket": "arn:aws:s3:::",
    "AWS::SageMaker::ModelPackageGroup": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/",
    "AWS::SageMaker::Pipeline": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:",
    "AWS::Scheduler::ScheduleGroup": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/",
}
_NAME_PROPERTIES = {
    **NAMED_BY,
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupName",
    "AWS::SageMaker::Pipeline": "PipelineName",
}
_HASH = re.compile(r"[0-9a-f]{64}")
_VARIABLE = re.compile(r"\$\{([^}]+)\}")
Statement = dict[str, Any]


def listed(value: Any) -> list[Any]:
    """One or many as many."""
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Granted:
    """A statement of a role's policies.

    Attributes:
        role: the role by stack and logical id.
        statement: with its actions and resources as lists.
    """

    role: str
    statement: Statement

    @property
    def actions(self) -> list[str]:
        """Its actions."""
        return list(self.statement["Action"])

    @property
    def resources(self) -> list[str]:
        """Its resources."""
        return list(self.statement["Resource"])

    def without(self, member: str, value: str) -> "Granted | None":
        """The statement without an action or a resource; None when that was its only one."""
        left = [each for each in self.statement[member] if each != value]
        return replace(self, statement=self.statement | {member: left}) if left else None

    def __str__(self) -> str:
        """For people."""
        return f"{self.role}: {', '.join(self.actions)} on {', '.join(self.resources)}"


class Stage:
    """The resolved templates of one stage."""

    def __init__(self, templates: Mapping[str, Mapping[str, Any]]) -> None:
        self._templates = templates
        self._exports = {
            self._value(stack, output["Export"]["Name"]): (stack, output["Value"])
            for stack, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def resources(self, *kinds: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Stack, logical id and resolved properties of every resource of these types."""
        for stack, template in self._templates.items():
            for logical_id, resource in template["Resources"].items():
                if resource["Type"] in kinds:
                    yield stack, logical_id, self._value(stack, resource.get("Properties", {}))

    def arn(self, stack: str, logical_id: str) -> str:
        """The ARN of a resource."""
        kind = self._templates[stack]["Resources"][logical_id]["Type"]
        return f"{_ARNS[kind]}{self._name(stack, logical_id)}"

    def roles(self) -> dict[str, list[Statement]]:
        """The statements of every role's trust policy."""
        return {
            logical(stack, logical_id): _statements(role["AssumeRolePolicyDocument"])
            for stack, logical_id, role in self.resources("AWS::IAM::Role")
        }

    def grants(self) -> list[Granted]:
        """Every statement of every role."""
        return [
            Granted(role, statement)
            for _, _, policy in self.resources("AWS::IAM::Policy")
            for role in policy["Roles"]
            for statement in _statements(policy["PolicyDocument"])
        ]

    def resource_policies(self) -> dict[str, list[Statement]]:
        """The statements of the policies of buckets, queues, topics, keys and functions, by the resource's ARN."""
        found = dict[str, list[Statement]]()
        for stack, logical_id, key in self.resources("AWS::KMS::Key"):
            found[self.arn(stack, logical_id)] = _statements(key["KeyPolicy"])
        for _, _, policy in self.resources("AWS::S3::BucketPolicy"):
            found[f"arn:aws:s3:::{policy['Bucket']}"] = _statements(policy["PolicyDocument"])
        for _, _, policy in self.resources("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
            for resource in policy.get("Queues", policy.get("Topics", [])):
                # A queue is referred to by its URL.
                arn = resource if resource.startswith("arn:") else f"{_ARNS['AWS::SQS::Queue']}{resource}"
                found.setdefault(arn, []).extend(_statements(policy["PolicyDocument"]))
        for _, _, permission in self.resources("AWS::Lambda::Permission"):
            found.setdefault(permission["FunctionName"], []).append(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": permission["Principal"]},
                    "Action": [permission["Action"]],
                    "Resource": [permission["FunctionName"]],
                    "Condition": {"ArnLike": {"aws:SourceArn": permission["SourceArn"]}},
                }
            )
        return found

    def _name(self, stack: str, logical_id: str) -> str:
        resource = self._templates[stack]["Resources"][logical_id]
        if is_made_up(resource) or resource["Type"] not in _NAME_PROPERTIES:
            return logical(stack, logical_id)
        return str(self._value(stack, resource["Properties"][_NAME_PROPERTIES[resource["Type"]]]))

    def _value(self, stack: str, value: Any) -> Any:  # noqa: C901, PLR0911 - one for each function
        match value:
            case {"Ref": name}:
                return self._reference(stack, name)
            case {"Fn::GetAtt": [logical_id, attribute]}:
                return self._attribute(stack, logical_id, attribute)
            case {"Fn::Join": [separator, parts]}:
                return _HASH.sub("HASH", separator.join(self._value(stack, part) for part in parts))
            case {"Fn::Sub": str() as text}:
                return _VARIABLE.sub(lambda match: self._reference(stack, match[1]), text)
            case {"Fn::ImportValue": name}:
                exporter, exported = self._exports[self._value(stack, name)]
                return self._value(exporter, exported)
            case {"Fn::FindInMap": [table, first, second]}:
                mapping = self._templates[stack]["Mappings"][table]
                return mapping[self._value(stack, first)][self._value(stack, second)]
            case {"Fn::Select": [at, {"Fn::Split": [separator, text]}]}:
                return self._value(stack, text).split(separator)[int(at)]
            case dict():
                return {key: self._value(stack, each) for key, each in value.items()}
            case list():
                return [self._value(stack, each) for each in value]
            case str():
                return _HASH.sub("HASH", value)
        return value

    def _reference(self, stack: str, name: str) -> str:
        if name in _PSEUDO:
            return _PSEUDO[name]
        template = self._templates[stack]
        if name in template.get("Parameters", {}):
            return str(template["Parameters"][name].get("Default", name))
        resource = template["Resources"][name]
        if resource["Type"] == "AWS::Lambda::Alias":
            alias = self._value(stack, resource["Properties"])
            return f"{_ARNS['AWS::Lambda::Function']}{alias['FunctionName']}:{alias['Name']}"
        return self.arn(stack, name) if resource["Type"] == "AWS::SNS::Topic" else self._name(stack, name)

    def _attribute(self, stack: str, logical_id: str, attribute: str) -> str:
        kind = self._templates[stack]["Resources"][logical_id]["Type"]
        if kind in _ARNS and attribute.endswith("Arn"):
            # CloudFormation's ARN of a log group stands for its streams.
            return self.arn(stack, logical_id) + (":*" if kind == "AWS::Logs::LogGroup" else "")
        return f"{logical(stack, logical_id)}.{attribute}"


def _statements(document: Mapping[str, Any]) -> list[Statement]:
    return [
        {
            **statement,
            **{key: listed(statement[key]) for key in ("Action", "Resource") if key in statement},
        }
        for statement in listed(document["Statement"])
    ]


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    """A policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}
