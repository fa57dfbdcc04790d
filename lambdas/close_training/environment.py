"""The environment variables of CloseTraining."""

from pydantic import Field

from lambdas.shared.environment import HandlerEnvironment


class CloseTrainingEnvironment(HandlerEnvironment):
    """What the stacks tell CloseTraining."""

    retrain_queue_url: str = Field(pattern=r"^https?://")
    artifacts_bucket: str = Field(min_length=3)
