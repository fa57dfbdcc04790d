"""Physical names, generated once from project and environment."""

from dataclasses import dataclass
from typing import Final, Literal

AlarmKind = Literal[
    "drift", "prediction-drift", "quality", "data-quality", "no-traffic", "monitor-stopped", "model-age"
]
"""What the monitor's alarms are about; each has a page of the same name in ``docs/runbooks``."""
RETRAINING_ALARMS: Final[tuple[AlarmKind, ...]] = ("drift", "prediction-drift", "quality", "model-age")
"""Alarms that ask for a training run; the others only tell people."""

RollbackKind = Literal["errors", "latency", "application"]
"""What the alarms are about that make SageMaker undo an update of the endpoint."""

Side = Literal["application", "ml"]
"""What the two delivery pipelines deliver."""

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

    @property
    def monitoring_pipeline(self) -> str:
        """The SageMaker monitoring pipeline."""
        return f"{self.stage}-monitoring"

    @property
    def failed_monitoring(self) -> str:
        """The rule that tells people of a failed run of the monitor."""
        return f"{self.monitoring_pipeline}-failed"

    @property
    def dashboard(self) -> str:
        """The CloudWatch dashboard of the environment."""
        return self.stage

    @property
    def application(self) -> str:
        """The HTTP API and the function behind it."""
        return f"{self.stage}-application"

    def delivery_role(self, side: Side) -> str:
        """The role with which a delivery pipeline asks and tries this environment."""
        return f"{self.stage}-delivery-{side}"

    def export(self, what: str) -> str:
        """What a stack of the ML side tells the application's stack, which another pipeline deploys."""
        return f"{self.stage}-{what}"

    def alarm(self, kind: AlarmKind) -> str:
        """An alarm of the monitor, named so that a rule of another stack can match its ARN."""
        return f"{self.stage}-{kind}"

    def rollback_alarm(self, kind: RollbackKind) -> str:
        """An alarm that undoes an update of the endpoint; SageMaker is given its name."""
        return f"{self.stage}-rollback-{kind}"


def delivery_stack(project: str, side: Side) -> str:
    """Name of the stack of a delivery pipeline, and of the pipeline itself."""
    return f"{project}-delivery-{side}"


def checks_role(project: str, side: Side) -> str:
    """Name of the role of a delivery pipeline's checks; the environments trust it by this name."""
    return f"{delivery_stack(project, side)}-checks"
