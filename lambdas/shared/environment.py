"""Environment variables as one typed, frozen model per function.

A function's model lists the variables that the stacks set: field ``pipeline_name`` is ``PIPELINE_NAME``.
"""

import os
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lambdas.shared.errors import ConfigurationError


class StageEnvironment(BaseModel):
    """What every function of a stage knows about where it runs."""

    model_config = ConfigDict(frozen=True)

    # As bounded by the settings: leaves room for "-v<version>-<hash>" in SageMaker's 63 characters.
    project: str = Field(min_length=1, max_length=24)
    environment: str = Field(min_length=1, max_length=16)
    ledger_table: str = Field(min_length=1)

    @property
    def stage(self) -> str:
        """The name under which people know this deployment: ``<project>-<environment>``."""
        return f"{self.project}-{self.environment}"

    @classmethod
    def load(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Read the model from environment variables.

        Raises:
            ConfigurationError: names every missing or malformed variable, its value and what is allowed.
        """
        given = {name: variables[name.upper()] for name in cls.model_fields if name.upper() in variables}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problems = "; ".join(
                f"{str(problem['loc'][0]).upper()}"
                + (f"={problem['input']!r}" if problem["type"] != "missing" else "")
                + f": {problem['msg']}"
                for problem in error.errors(include_url=False)
            )
            message = f"environment of {cls.__name__}: {problems}. Set it on the Lambda function (stacks) and redeploy."
            raise ConfigurationError(message) from error


class HandlerEnvironment(StageEnvironment):
    """What every handler of the ML side knows: also where people listen."""

    notification_topic_arn: str = Field(pattern=r"^arn:")
