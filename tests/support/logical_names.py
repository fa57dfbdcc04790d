"""Names that CloudFormation makes up, replaced by the stack and the logical id, which are the same in every run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.server import Sandbox

# The property that names a resource of a type; where a template does not set it, CloudFormation makes a name up.
NAMED_BY = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::KMS::Key": "",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::ScheduleGroup": "Name",
}
_HASH = re.compile(r"[0-9A-F]{8}$")


def logical(stack: str, logical_id: str) -> str:
    """What a made-up name is replaced by: the CDK's hash is no part of it."""
    return f"{stack}-{_HASH.sub('', logical_id)}"


def is_made_up(resource: Mapping[str, Any]) -> bool:
    """Whether CloudFormation makes up the name of a resource of a template."""
    kind = resource["Type"]
    return kind in NAMED_BY and NAMED_BY[kind] not in resource.get("Properties", {})


@dataclass(frozen=True)
class Names:
    """The made-up names of a stage, by what they are replaced with."""

    made_up: Mapping[str, str]

    @classmethod
    def of_deployed(cls, sandbox: Sandbox, *, stage: str) -> "Names":
        """Ask CloudFormation for the names of a deployed stage."""
        cloudformation, found = sandbox.client("cloudformation"), dict[str, str]()
        for page in cloudformation.get_paginator("describe_stacks").paginate():
            for stack in (each["StackName"] for each in page["Stacks"] if each["StackName"].startswith(f"{stage}-")):
                template = cloudformation.get_template(StackName=stack)["TemplateBody"]
                for each in cloudformation.list_stack_resources(StackName=stack)["StackResourceSummaries"]:
                    name = logical(stack.removeprefix(f"{stage}-"), each["LogicalResourceId"])
                    if is_made_up(template["Resources"][each["LogicalResourceId"]]):
                        # A queue is known by its URL and a topic by its ARN, which both end in the name.
                        physical = each["PhysicalResourceId"]
                        is_path = physical.startswith(("http", "arn:"))
                        found[re.split("[/:]", physical)[-1] if is_path else physical] = name
        return cls(found)

    def logical(self, text: str) -> str:
        """The text with the made-up names replaced, the longest first: one may begin another."""
        for physical in sorted(self.made_up, key=len, reverse=True):
            if physical in text:
                text = text.replace(physical, self.made_up[physical])
        return text
