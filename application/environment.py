"""The environment variables of the application."""

from pydantic import Field

from lambdas.shared.environment import StageEnvironment


class ApplicationEnvironment(StageEnvironment):
    """What the stack tells the application; bounds as in the settings."""

    endpoint_name: str = Field(min_length=1, max_length=63)
    data_bucket: str = Field(min_length=3)
    artifacts_bucket: str = Field(min_length=3)
    max_records: int = Field(ge=1, le=1000)
    timeout_seconds: int = Field(ge=3, le=29)
    code_version: str = Field(min_length=1)
