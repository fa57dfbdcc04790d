"""The endpoint that the first approved model creates: its ARNs, its execution role, and who may change it.

No endpoint is deployed by CloudFormation, so that a fresh environment comes up without a model.
"""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.logs import kept_logs
from stacks.constructs.permissions import allow
from stacks.constructs.placement import Placement
from stacks.constructs.regional import xgboost_image
from stacks.constructs.sagemaker_role import grant_pass, grant_volumes, sagemaker_role

_WHY_VERSIONS = "Models and endpoint configs are named after the model version they serve, which a run decides."


class Endpoint(Construct):
    """Everything about the endpoint that is known before there is one."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        key: kms.IKey,
        retain: bool,
        placement: Placement | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        logs = kept_logs(self, "Logs", key=key, retain=retain, name=f"/aws/sagemaker/Endpoints/{name}")
        self.role = sagemaker_role(
            self,
            "Role",
            description=f"Runs the models behind the endpoint {name}",
            images=[xgboost_image(self)],
            log_groups=[f"/aws/sagemaker/Endpoints/{name}"],
            placement=placement,
        )
        # Without it SageMaker creates the group itself when the first model starts, and keeps its logs for ever.
        self.role.node.add_dependency(logs)

    @property
    def arn(self) -> str:
        """ARN of the endpoint, as its events carry it."""
        return self._arn("endpoint", self.name)

    def grant_deploy(self, role: iam.Role, *, key: kms.IKey) -> None:
        """Let ``role`` create models, endpoint configs and the endpoint, and move the endpoint between configs.

        ``key`` encrypts the instances' volumes: whoever creates the endpoint grants SageMaker its use
        (AWS page "CreateEndpointConfig", KmsKeyId).
        """
        models, configs = self._arn("model", f"{self.name}-v*"), self._arn("endpoint-config", f"{self.name}-v*")
        allow(role, actions=["sagemaker:CreateModel"], resources=[models], wildcard_reason=_WHY_VERSIONS)
        allow(
            role,
            actions=["sagemaker:CreateEndpoint", "sagemaker:CreateEndpointConfig", "sagemaker:UpdateEndpoint"],
            resources=[self.arn, configs],
            wildcard_reason=_WHY_VERSIONS,
        )
        allow(role, actions=["sagemaker:DeleteEndpoint"], resources=[self.arn])
        allow(role, actions=["kms:DescribeKey"], resources=[key.key_arn])
        grant_volumes(role, key_arn=key.key_arn)
        self.grant_describe(role)
        grant_pass(self.role, to=role)

    def grant_describe(self, role: iam.Role) -> None:
        """Let ``role`` see what the endpoint serves."""
        allow(role, actions=["sagemaker:DescribeEndpoint"], resources=[self.arn])

    def grant_tidy(self, role: iam.Role) -> None:
        """Let ``role`` delete models and endpoint configs; SageMaker does not ask whether one serves."""
        models, configs = self._arn("model", f"{self.name}-v*"), self._arn("endpoint-config", f"{self.name}-v*")
        allow(role, actions=["sagemaker:DeleteModel"], resources=[models], wildcard_reason=_WHY_VERSIONS)
        allow(role, actions=["sagemaker:DeleteEndpointConfig"], resources=[configs], wildcard_reason=_WHY_VERSIONS)

    def grant_trace(self, role: iam.Role) -> None:
        """Let ``role`` follow what the endpoint serves: its config, and the models that the config names."""
        self.grant_describe(role)
        for kind, action in (("endpoint-config", "DescribeEndpointConfig"), ("model", "DescribeModel")):
            allow(
                role,
                actions=[f"sagemaker:{action}"],
                resources=[self._arn(kind, f"{self.name}-v*")],
                wildcard_reason=_WHY_VERSIONS,
            )

    def _arn(self, kind: str, name: str) -> str:
        return Stack.of(self).format_arn(
            service="sagemaker", resource=kind, resource_name=name, arn_format=ArnFormat.SLASH_RESOURCE_NAME
        )
