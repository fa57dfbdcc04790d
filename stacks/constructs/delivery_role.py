"""The role with which a delivery pipeline asks and tries an environment, from its own account or another one."""

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.permissions import allow, through
from stacks.settings import Settings, Side, checks_role


class DeliveryRole(Construct):
    """A role that only the checks of the project's two delivery pipelines can take on."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, side: Side) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        account = settings.deployment.delivery_account or Aws.ACCOUNT_ID
        # Trusting the account with a condition, because the role of the checks may not exist yet.
        sides: tuple[Side, ...] = ("application", "ml")
        checks = [
            f"arn:{stack.partition}:iam::{account}:role/{checks_role(settings.names.project, each)}" for each in sides
        ]
        self.role = iam.Role(
            self,
            "Role",
            role_name=settings.names.delivery_role(side),
            description=f"The delivery of {settings.names.project} ({side}) asks and tries {settings.names.stage}",
            assumed_by=iam.AccountPrincipal(account).with_conditions({"ArnEquals": {"aws:PrincipalArn": checks}}),
        )

    def grant_find(self, *stacks: str) -> None:
        """Let the role read the outputs of the environment's stacks."""
        allow(
            self.role,
            actions=["cloudformation:DescribeStacks"],
            resources=[self._stack_arn(name) for name in stacks],
            wildcard_reason="CloudFormation ends a stack's ARN with an id of its own; the permission ends at the name.",
        )

    def grant_read_secret(self, name: str, *, key_arn: str | None) -> None:
        """Let the role read the secret of this name in the environment's account, and use its key if it is not AWS's.

        AWS page "Limiting Access to Specific Secrets": an ARN ends with six random characters, which nobody knows who
        knows the name; exactly six of any kind match no longer name. A key that AWS manages needs no grant (page
        "Secret encryption and decryption in AWS Secrets Manager").
        """
        secret = Stack.of(self).format_arn(
            service="secretsmanager",
            resource="secret",
            resource_name=f"{name}-??????",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        allow(self.role, actions=["secretsmanager:GetSecretValue"], resources=[secret])
        if key_arn is not None:
            allow(
                self.role,
                actions=["kms:Decrypt"],
                resources=[key_arn],
                conditions=through(self, "secretsmanager"),
            )

    def _stack_arn(self, name: str) -> str:
        return Stack.of(self).format_arn(
            service="cloudformation",
            resource="stack",
            resource_name=f"{name}/*",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
