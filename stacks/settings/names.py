"""Physical names, generated once from project and environment."""

from dataclasses import dataclass
from typing import Final

VARIANT: Final = "live"
"""Name of the endpoint's production variant: kept for ever, because canary deployments need the same name on both
sides (AWS page "Blue/Green Deployments", deployment guardrails)."""


@dataclass(frozen=True)
class Names:
    """Names of everything that AWS wants named; the rest is named by CloudFormation."""

    project: str
    environment: str

    @property
    def stage(self) -> str:
        """Stage id and prefix of the stack names."""
        return f"{self.project}-{self.environment}"

    @property
    def endpoint(self) -> str:
        """The endpoint, created by the first approved model."""
        return self.stage

    @property
    def model_package_group(self) -> str:
        """The registry of the project's models in this environment."""
        return self.stage

    @property
    def training_pipeline(self) -> str:
        """The SageMaker training pipeline."""
        return f"{self.stage}-training"
