"""The environment variables of StartTraining."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from lambdas.shared.environment import HandlerEnvironment


class StartTrainingEnvironment(HandlerEnvironment):
    """What the stacks tell StartTraining.

    ``new_data``: whether a drop is reason enough for a run, or only as long as nothing is live or an alarm is on.
    """

    data_bucket: str = Field(min_length=3)
    data_prefix: str = Field(pattern=r"/$")
    window_periods: int = Field(ge=1)
    max_objects: int = Field(ge=1)
    artifacts_bucket: str = Field(min_length=3)
    pipeline_name: str = Field(min_length=1)
    retrain_queue_url: str = Field(pattern=r"^https?://")
    cooldown_seconds: int = Field(ge=0)
    max_runs_per_day: int = Field(ge=1)
    run_limit_seconds: int = Field(ge=60)
    new_data: Literal["always", "first"] = "always"
    approval_status: Literal["Approved", "PendingManualApproval"]
    code_version: str = Field(min_length=1)
    contract_version: str = Field(min_length=1)
    processing_instance_type: str = Field(pattern=r"^ml\.")
    training_instance_type: str = Field(pattern=r"^ml\.")

    @property
    def cooldown(self) -> timedelta:
        """Least time between two starts."""
        return timedelta(seconds=self.cooldown_seconds)

    @property
    def run_limit(self) -> timedelta:
        """How long a run may take: the watch of CloseTraining stops what lasts longer."""
        return timedelta(seconds=self.run_limit_seconds)
