"""SageMaker's CloudFormation types, through CloudFormation itself."""

import json
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from sandbox.adapter.cloudformation import coerce
from sandbox.server import Sandbox

ROLE = "arn:aws:iam::000000000000:role/pipeline"
DeployTemplate = Callable[..., dict[str, str]]


def _definition(parameter: str) -> str:
    steps = [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "on purpose"}}]
    parameters = [{"Name": parameter, "Type": "String"}]
    return json.dumps({"Version": "2020-12-01", "Parameters": parameters, "Steps": steps})


def _template(*, parameter: str = "RunId", description: str = "first", group: str | None = "flights-group") -> str:
    named = {"ModelPackageGroupName": group} if group else {}
    return json.dumps(
        {
            "Resources": {
                "Pipeline": {
                    "Type": "AWS::SageMaker::Pipeline",
                    "Properties": {
                        "PipelineName": "flights-training",
                        "PipelineDefinition": {"PipelineDefinitionBody": _definition(parameter)},
                        # Templates may write numbers as text, and the CDK does.
                        "ParallelismConfiguration": {"MaxParallelExecutionSteps": "2"},
                        "RoleArn": ROLE,
                        "Tags": [{"Key": "project", "Value": parameter}],
                    },
                },
                "Group": {
                    "Type": "AWS::SageMaker::ModelPackageGroup",
                    "Properties": {**named, "ModelPackageGroupDescription": description},
                },
            },
            "Outputs": {
                "Pipeline": {"Value": {"Ref": "Pipeline"}},
                "Group": {"Value": {"Ref": "Group"}},
                "Status": {"Value": {"Fn::GetAtt": ["Group", "ModelPackageGroupStatus"]}},
            },
        }
    )


def test_a_stack_creates_changes_and_deletes_a_pipeline_and_a_model_package_group(
    sandbox: Sandbox, deploy_template: DeployTemplate, wait_for: Callable[[Callable[[], Any]], Any]
) -> None:
    sagemaker = sandbox.client("sagemaker")
    outputs = deploy_template(sandbox, stack="types", template=_template())
    arn = "arn:aws:sagemaker:us-east-1:000000000000:model-package-group/flights-group"
    assert outputs == {"Pipeline": "flights-training", "Group": arn, "Status": "Completed"}
    created = sagemaker.describe_pipeline(PipelineName="flights-training")
    assert created["PipelineDefinition"] == _definition("RunId")
    assert created["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 2}

    deploy_template(sandbox, stack="types", template=_template(parameter="Reason"), update=True)
    changed = sagemaker.describe_pipeline(PipelineName="flights-training")
    assert changed["PipelineDefinition"] == _definition("Reason")
    assert changed["CreationTime"] == created["CreationTime"]
    tags = sagemaker.list_tags(ResourceArn=changed["PipelineArn"])["Tags"]
    assert {"Key": "project", "Value": "Reason"} in tags

    sandbox.client("cloudformation").delete_stack(StackName="types")

    def deleted() -> bool:
        return not sagemaker.list_pipelines()["PipelineSummaries"]

    wait_for(deleted)
    with pytest.raises(ClientError):
        sagemaker.describe_model_package_group(ModelPackageGroupName="flights-group")


def test_a_change_that_needs_a_new_resource_is_refused_for_a_fixed_name_and_done_for_a_generated_one(
    sandbox: Sandbox, deploy_template: DeployTemplate
) -> None:
    deploy_template(sandbox, stack="fixed", template=_template(group="fixed-name"))
    with pytest.raises(pytest.fail.Exception, match=r"custom-named resource requires replacing. Rename fixed-name"):
        deploy_template(
            sandbox, stack="fixed", template=_template(group="fixed-name", description="second"), update=True
        )
    sandbox.client("cloudformation").delete_stack(StackName="fixed")

    first = deploy_template(sandbox, stack="generated", template=_template(group=None))
    second = deploy_template(
        sandbox, stack="generated", template=_template(group=None, description="second"), update=True
    )
    assert first["Group"].rpartition("/")[2].startswith("generated-Group-")
    assert second["Group"] != first["Group"]
    groups = sandbox.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert first["Group"] not in {group["ModelPackageGroupArn"] for group in groups}
    sandbox.client("cloudformation").delete_stack(StackName="generated")


def test_a_property_that_sagemaker_does_not_have_is_named() -> None:
    shape = botocore.session.get_session().get_service_model("sagemaker").operation_model("CreatePipeline").input_shape
    assert shape is not None
    with pytest.raises(ValueError, match="unsupported property #/ParallelismConfiguration/Steps"):
        coerce({"PipelineName": "p", "ParallelismConfiguration": {"Steps": 1}}, shape, path="#")
