"""Network: the VPC of an isolated environment. A public one has no such stack."""

from aws_cdk import CfnOutput, Fn, Stack
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.neighbours import SECURITY_GROUP, SUBNETS
from stacks.constructs.network import ZONES, Network
from stacks.settings import Settings


class NetworkStack(Stack):
    """VPC, endpoints and security groups, told to the application's stack by exports."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, key: kms.IKey) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"{settings.names.stage}: the network without a way to the internet",
            termination_protection=settings.deployment.retain,
        )
        self.placement = Network(self, "Network", settings=settings, key=key).placement
        outputs = {SUBNETS: Fn.join(",", list(self.placement.subnets)), SECURITY_GROUP: self.placement.group}
        for name, value in outputs.items():
            CfnOutput(self, name, value=value, export_name=settings.names.export(name))

    @property
    def availability_zones(self) -> list[str]:
        """Zones of the region, found at deploy time; the CDK would look them up in the account at synth."""
        return [Fn.select(index, Fn.get_azs()) for index in range(ZONES)]
