"""The network of an isolated environment, through CloudFormation itself: created, changed, deleted."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.server import Sandbox

DeployTemplate = Callable[..., dict[str, str]]


def _template(*, traffic: str = "ALL", **more: str) -> str:
    flows = {
        "ResourceId": {"Ref": "Vpc"},
        "ResourceType": "VPC",
        "TrafficType": traffic,
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": "flows",
        "DeliverLogsPermissionArn": "arn:aws:iam::000000000000:role/flows",
        "Tags": [{"Key": "project", "Value": "flights"}],
    }
    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Flows": {"Type": "AWS::EC2::FlowLog", "Properties": {**flows, **more}},
    }
    return json.dumps({"Resources": resources, "Outputs": {name: {"Value": {"Ref": name}} for name in resources}})


def test_flow_logs_are_created_replaced_and_deleted_with_their_stack(
    sandbox: Sandbox, deploy_template: DeployTemplate, wait_for: Callable[[Callable[[], Any]], Any]
) -> None:
    ec2 = sandbox.client("ec2")
    first = deploy_template(sandbox, stack="network", template=_template())
    (flows,) = ec2.describe_flow_logs(FlowLogIds=[first["Flows"]])["FlowLogs"]
    assert (flows["ResourceId"], flows["TrafficType"]) == (first["Vpc"], "ALL")

    second = deploy_template(sandbox, stack="network", template=_template(traffic="REJECT"), update=True)
    assert second["Vpc"] == first["Vpc"]
    assert second["Flows"] != first["Flows"]
    assert [each["FlowLogId"] for each in ec2.describe_flow_logs()["FlowLogs"]] == [second["Flows"]]

    sandbox.client("cloudformation").delete_stack(StackName="network")
    wait_for(lambda: not ec2.describe_flow_logs()["FlowLogs"])


def test_a_property_that_flow_logs_do_not_have_is_refused(sandbox: Sandbox, deploy_template: DeployTemplate) -> None:
    with pytest.raises(pytest.fail.Exception, match="unsupported property #/Trafic"):
        deploy_template(sandbox, stack="wrong", template=_template(Trafic="ALL"))
