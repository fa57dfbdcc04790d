"""Everything that is in the embedded AWS, service by service, whoever made it."""

from collections.abc import Callable, Iterator
from typing import Any

Name = tuple[str, str]
"""What it is, and its name."""
_LISTS = (
    ("apigatewayv2", "get_apis", "Items", "Name"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "describe_alarms", "CompositeAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("dynamodb", "list_tables", "TableNames", ""),
    ("events", "list_rules", "Rules", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("kms", "list_aliases", "Aliases", "AliasName"),
    ("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
    ("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    ("sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName"),
    ("sagemaker", "list_models", "Models", "ModelName"),
    ("sagemaker", "list_pipelines", "PipelineSummaries", "PipelineName"),
    ("sagemaker", "list_processing_jobs", "ProcessingJobSummaries", "ProcessingJobName"),
    ("sagemaker", "list_training_jobs", "TrainingJobSummaries", "TrainingJobName"),
    ("scheduler", "list_schedule_groups", "ScheduleGroups", "Name"),
    ("scheduler", "list_schedules", "Schedules", "Name"),
    ("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sqs", "list_queues", "QueueUrls", ""),
)
_TOOLKIT = "CDKToolkit"


def everything(client: Callable[[str], Any]) -> set[Name]:
    """List it all, but for what the CDK's bootstrap stack holds."""
    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=_TOOLKIT)
    of_toolkit = {each["PhysicalResourceId"] for page in pages for each in page["StackResourceSummaries"]}
    return {name for name in _all(client) if name[1] not in of_toolkit}


def _all(client: Callable[[str], Any]) -> Iterator[Name]:
    for service, operation, member, key in _LISTS:
        for page in client(service).get_paginator(operation).paginate():
            for each in page.get(member, ()):
                yield f"{service} {member}", str(each[key] if key else each)
    yield from _keys(client("kms"))
    yield from _packages(client("sagemaker"))
    yield from _streams(client("logs"))
    for page in client("iam").get_paginator("list_policies").paginate(Scope="Local"):
        yield from (("iam Policies", policy["Arn"]) for policy in page["Policies"])
    for page in client("cloudformation").get_paginator("describe_stacks").paginate():
        yield from (("cloudformation Stacks", stack["StackName"]) for stack in page["Stacks"] if not _is_gone(stack))


def _is_gone(stack: Any) -> bool:
    return bool(stack["StackName"] == _TOOLKIT or stack["StackStatus"] == "DELETE_COMPLETE")


def _keys(kms: Any) -> Iterator[Name]:
    for page in kms.get_paginator("list_keys").paginate():
        for each in page["Keys"]:
            key = kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]
            yield f"kms Keys, {key['KeyState']}", key["KeyId"]


def _packages(sagemaker: Any) -> Iterator[Name]:
    for page in sagemaker.get_paginator("list_model_packages").paginate(ModelPackageType="Both"):
        yield from (("sagemaker Packages", package["ModelPackageArn"]) for package in page["ModelPackageSummaryList"])


def _streams(logs: Any) -> Iterator[Name]:
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            for streams in logs.get_paginator("describe_log_streams").paginate(logGroupName=group["logGroupName"]):
                yield from (("logs Streams", stream["logStreamName"]) for stream in streams["logStreams"])
