"""Where jobs, models and functions run in an isolated environment: subnets, security groups, and who may enter them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aws_cdk import ArnFormat, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from stacks.constructs.permissions import allow, allow_everywhere

_WHY_INTERFACES: Final = "SageMaker names the network interfaces when it makes them; subnets and groups are named."
_WHY_ANYWHERE: Final = (
    "These EC2 actions have no resource level (Service Authorization Reference, Amazon EC2); they only look, or take "
    "back what an exact statement lets the role give."
)
_WHY_LAMBDA: Final = (
    "Lambda asks for its network interfaces on all resources (page Giving Lambda functions access to resources in an "
    "Amazon VPC); the condition keeps the actions from the function's own code."
)


@dataclass(frozen=True)
class Placement:
    """Subnets and security groups.

    Attributes:
        subnets: ids of the subnets, each in an Availability Zone of its own.
        group: id of the group of everything that runs.
        cluster: id of the group whose members may talk with each other; none where no job has several instances.
    """

    subnets: Sequence[str]
    group: str
    cluster: str | None = None

    @property
    def variables(self) -> dict[str, str]:
        """The same for a handler that places something by itself."""
        return {"SUBNET_IDS": Fn.join(",", list(self.subnets)), "SECURITY_GROUP_IDS": self.group}

    def put_function(self, function: lambda_.Function, role: iam.Role) -> None:
        """Let a function run here, with the rights that Lambda needs for it, and Lambda only.

        AWS pages "Giving Lambda functions access to resources in an Amazon VPC", required permissions, and "Using
        source function ARN to control function access behavior": what a function's code asks for carries
        ``lambda:SourceFunctionArn``, the interfaces that Lambda makes do not.
        """
        # The L2 would add a managed policy without any condition to a role of its own, and wants the whole VPC.
        resource = function.node.default_child
        if not isinstance(resource, lambda_.CfnFunction):
            raise TypeError(f"{function.node.path}: expected a CfnFunction, found {type(resource).__name__}")
        resource.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
            subnet_ids=list(self.subnets), security_group_ids=[self.group]
        )
        allow_everywhere(
            role,
            "Network",
            actions=[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:UnassignPrivateIpAddresses",
            ],
            conditions={"Null": {"lambda:SourceFunctionArn": "true"}},
            reason=_WHY_LAMBDA,
        )

    def put_sagemaker(self, role: iam.Role) -> None:
        """Let SageMaker place jobs or models of ``role`` here.

        The actions are those of the pages "How to use SageMaker AI execution roles" (private VPC) and "Give SageMaker
        AI Hosted Endpoints Access to Resources in Your Amazon VPC", which name no resources.
        """
        stack = Stack.of(role)

        def arn(resource: str, name: str) -> str:
            return stack.format_arn(
                service="ec2", resource=resource, resource_name=name, arn_format=ArnFormat.SLASH_RESOURCE_NAME
            )

        interfaces, subnets = arn("network-interface", "*"), [arn("subnet", subnet) for subnet in self.subnets]
        groups = [arn("security-group", group) for group in (self.group, self.cluster) if group is not None]
        allow(
            role,
            actions=["ec2:CreateNetworkInterface"],
            resources=[interfaces, *subnets, *groups],
            wildcard_reason=_WHY_INTERFACES,
        )
        allow(
            role,
            actions=["ec2:CreateNetworkInterfacePermission"],
            resources=[interfaces],
            conditions={"ArnEquals": {"ec2:Subnet": subnets}},
            wildcard_reason=_WHY_INTERFACES,
        )
        allow(role, actions=["ec2:DeleteNetworkInterface"], resources=[interfaces], wildcard_reason=_WHY_INTERFACES)
        allow_everywhere(
            role,
            "Network",
            actions=[
                "ec2:DeleteNetworkInterfacePermission",
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcEndpoints",
                "ec2:DescribeVpcs",
            ],
            reason=_WHY_ANYWHERE,
        )

    def put_jobs(self, definition: Mapping[str, Any]) -> None:
        """Write this place into every job of a SageMaker pipeline's definition, which is changed.

        Whether a container has a network at all stays as it was compiled. Jobs of several instances encrypt what they
        tell each other (page "Protect Communications Between ML Compute Instances in a Distributed Training Job").
        """
        for step in _all_steps(definition["Steps"]):
            arguments = step.get("Arguments", {})
            if step["Type"] == "Processing":
                network = arguments.setdefault("NetworkConfig", {})
                self._put_job(network, arguments["ProcessingResources"]["ClusterConfig"]["InstanceCount"])
            elif step["Type"] == "Training":
                self._put_job(arguments, arguments["ResourceConfig"]["InstanceCount"])

    def _put_job(self, where: dict[str, Any], instances: object) -> None:
        groups = [self.group]
        # A pipeline parameter is no number yet.
        if instances != 1:
            where["EnableInterContainerTrafficEncryption"] = True
            groups += [self.cluster] if self.cluster is not None else []
        where["VpcConfig"] = {"Subnets": list(self.subnets), "SecurityGroupIds": groups}


def _all_steps(steps: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            for branch in ("IfSteps", "ElseSteps"):
                yield from _all_steps(step["Arguments"].get(branch) or [])
