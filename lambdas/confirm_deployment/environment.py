"""The environment variables of ConfirmDeployment."""

from pydantic import Field

from lambdas.shared.environment import HandlerEnvironment


class ConfirmDeploymentEnvironment(HandlerEnvironment):
    """What the stacks tell ConfirmDeployment."""

    endpoint_name: str = Field(min_length=1, max_length=63)
    keep_deployments: int = Field(ge=2, le=100)
