"""The environment variables of DeployModel."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from lambdas.shared.environment import HandlerEnvironment


class DeployModelEnvironment(HandlerEnvironment):
    """What the stacks tell DeployModel.

    An empty ``kms_key_arn`` means keys of AWS; ``rollback_alarms`` are names, separated by commas, as are the ids
    of the subnets and security groups of an isolated network. A public one has none.
    """

    endpoint_name: str = Field(min_length=1, max_length=63)
    execution_role_arn: str = Field(pattern=r"^arn:[^:]+:iam::\d{12}:role/")
    model_package_group: str = Field(min_length=1)
    variant_name: str = Field(min_length=1)
    instance_type: str = Field(pattern=r"^ml\.")
    instance_count: int = Field(ge=1)
    capture_percent: int = Field(ge=0, le=100)
    capture_uri: str = Field(pattern=r"^s3://")
    network_isolation: bool
    kms_key_arn: str = Field(pattern=r"^(arn:[^:]+:kms:.*)?$")
    rollout_strategy: Literal["canary", "linear", "all_at_once"]
    rollout_step_percent: int = Field(ge=1, le=50)
    rollout_bake_seconds: int = Field(ge=0, le=3600)
    rollout_termination_wait_seconds: int = Field(ge=0, le=3600)
    rollout_max_seconds: int = Field(ge=600, le=28_800)
    rollback_alarms: str
    subnet_ids: str = Field(default="", pattern=r"^(subnet-[0-9a-z]+(,subnet-[0-9a-z]+)*)?$")
    security_group_ids: str = Field(default="", pattern=r"^(sg-[0-9a-z]+(,sg-[0-9a-z]+)*)?$", validate_default=True)

    @field_validator("security_group_ids")
    @classmethod
    def _go_with_subnets(cls, groups: str, seen: ValidationInfo) -> str:
        if "subnet_ids" in seen.data and bool(seen.data["subnet_ids"]) != bool(groups):
            raise ValueError("allowed: ids together with SUBNET_IDS, or neither of them")
        return groups

    @property
    def subnets(self) -> list[str]:
        """The subnets that models run in; none for SageMaker's own network."""
        return _listed(self.subnet_ids)

    @property
    def security_groups(self) -> list[str]:
        """The security groups of the models."""
        return _listed(self.security_group_ids)

    @property
    def alarm_names(self) -> tuple[str, ...]:
        """The alarms that make SageMaker turn back."""
        return tuple(_listed(self.rollback_alarms))


def _listed(text: str) -> list[str]:
    return [each for each in text.split(",") if each]
