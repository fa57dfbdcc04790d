"""The VPC of an isolated environment: no way to the internet, and one endpoint for each AWS service that is called."""

from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.logs import kept_logs
from stacks.constructs.permissions import allow
from stacks.constructs.placement import Placement
from stacks.settings import Settings

ZONES: Final = 2
"""The fewest that an endpoint's model accepts (AWS page "Give SageMaker AI Hosted Endpoints Access to Resources in Your
Amazon VPC"); interface endpoints are paid for in each."""
_RANGE: Final = "10.0.0.0/16"
_SUBNET_BITS: Final = 20
"""4,091 addresses a zone: two for every instance of a job or model, a few for functions and endpoints."""

GATEWAYS: Final = {
    "s3": ec2.GatewayVpcEndpointAwsService.S3,
    "dynamodb": ec2.GatewayVpcEndpointAwsService.DYNAMODB,
}
INTERFACES: Final = {
    "sagemaker.api": ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_API,
    "sagemaker.runtime": ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_RUNTIME,
    "monitoring": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING,
    "sns": ec2.InterfaceVpcEndpointAwsService.SNS,
    "sqs": ec2.InterfaceVpcEndpointAwsService.SQS,
}
"""What the code of jobs, models and functions calls. AWS itself makes the other calls of their roles, from outside the
VPC (``docs/network.md`` says which page tells so, service by service): logs, traces, images, keys, network
interfaces."""


class Network(Construct):
    """A VPC with isolated subnets, its endpoints, two or three security groups and flow logs."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self._vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(_RANGE),
            max_azs=ZONES,
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=_SUBNET_BITS
                )
            ],
            # The CDK does it by a custom resource. Nothing is put into the default group.
            restrict_default_security_group=False,
        )
        self._log_flows(key=key, retain=settings.deployment.retain)
        inside = self._group("Inside", "Jobs, models and functions: nothing comes in, HTTPS goes out.")
        # CloudFormation does not tell the prefix lists of S3 and DynamoDB. The route tables lead to those two and
        # inside the VPC, and nowhere else.
        inside.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "HTTPS, as far as the route tables lead")
        self._add_endpoints(inside)
        self.placement = Placement(
            subnets=[subnet.subnet_id for subnet in self._vpc.isolated_subnets],
            group=inside.security_group_id,
            cluster=self._cluster().security_group_id if settings.monitoring.engine == "spark" else None,
        )

    def _group(self, construct_id: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, construct_id, vpc=self._vpc, description=description, allow_all_outbound=False)

    def _cluster(self) -> ec2.SecurityGroup:
        """Instances of one job have to reach each other (AWS page "Give SageMaker AI Processing Jobs Access …")."""
        cluster = self._group("Cluster", "Instances of a distributed job: they may talk with each other.")
        cluster.add_ingress_rule(cluster, ec2.Port.all_traffic(), "Between the instances of a job")
        cluster.add_egress_rule(cluster, ec2.Port.all_traffic(), "Between the instances of a job")
        return cluster

    def _add_endpoints(self, inside: ec2.SecurityGroup) -> None:
        doors = self._group("Doors", "Interface endpoints: HTTPS from jobs, models and functions.")
        peer = ec2.Peer.security_group_id(inside.security_group_id)
        doors.add_ingress_rule(peer, ec2.Port.tcp(443), "HTTPS from jobs, models and functions")
        for name, gateway in GATEWAYS.items():
            endpoint = self._vpc.add_gateway_endpoint(_words(name), service=gateway)
            endpoint.add_to_policy(self._only_this_account())
        for name, service in INTERFACES.items():
            door = self._vpc.add_interface_endpoint(
                _words(name), service=service, open=False, private_dns_enabled=True, security_groups=[doors]
            )
            door.add_to_policy(self._only_this_account())

    def _only_this_account(self) -> iam.PolicyStatement:
        """Whoever asks and what is asked for belong to this account: nothing can be carried to another one.

        AWS page "Control access to VPC endpoints using endpoint policies"; IAM page "AWS global condition context
        keys".
        """
        account = Stack.of(self).account
        return iam.PolicyStatement(
            principals=[iam.AnyPrincipal()],
            actions=["*"],
            resources=["*"],
            conditions={"StringEquals": {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}},
        )

    def _log_flows(self, *, key: kms.IKey, retain: bool) -> None:
        """AWS page "IAM role for publishing flow logs to CloudWatch Logs"."""
        group = kept_logs(self, "FlowLogs", key=key, retain=retain)
        account = Stack.of(self).account
        role = iam.Role(
            self,
            "FlowLogsRole",
            description="Writes what is sent within the VPC into its log group",
            assumed_by=iam.ServicePrincipal(
                "vpc-flow-logs.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": account}}
            ),
        )
        allow(
            role,
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=[group.log_group_arn],
        )
        flows = ec2.CfnFlowLog(
            self,
            "Flows",
            resource_type="VPC",
            resource_id=self._vpc.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=group.log_group_name,
            deliver_logs_permission_arn=role.role_arn,
        )
        flows.node.add_dependency(role)


def _words(service: str) -> str:
    return "".join(part.capitalize() for part in service.split("."))
