"""The environment variables of DeployModel."""

from typing import Literal

from pydantic import Field

from lambdas.shared.environment import HandlerEnvironment


class DeployModelEnvironment(HandlerEnvironment):
    """What the stacks tell DeployModel.

    An empty ``kms_key_arn`` means keys of AWS; ``rollback_alarms`` are names, separated by commas.
    """

    endpoint_name: str = Field(min_length=1, max_length=63)
    execution_role_arn: str = Field(pattern=r"^arn:[^:]+:iam::\d{12}:role/")
    model_package_group: str = Field(min_length=1)
    variant_name: str = Field(min_length=1)
    instance_type: str = Field(pattern=r"^ml\.")
    instance_count: int = Field(ge=1)
    capture_percent: int = Field(ge=0, le=100)
    capture_uri: str = Field(pattern=r"^s3://")
    kms_key_arn: str = Field(pattern=r"^(arn:[^:]+:kms:.*)?$")
    rollout_strategy: Literal["canary", "linear", "all_at_once"]
    rollout_step_percent: int = Field(ge=1, le=50)
    rollout_bake_seconds: int = Field(ge=0, le=3600)
    rollout_termination_wait_seconds: int = Field(ge=0, le=3600)
    rollout_max_seconds: int = Field(ge=600, le=28_800)
    rollback_alarms: str

    @property
    def alarm_names(self) -> tuple[str, ...]:
        """The alarms that make SageMaker turn back."""
        return tuple(name for name in self.rollback_alarms.split(",") if name)
