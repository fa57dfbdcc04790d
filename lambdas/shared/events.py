"""Base of the typed events: only the fields that a handler uses, so that a field AWS adds never breaks one.

AWS page: "AWS service event metadata" (Amazon EventBridge User Guide).
"""

import json
from typing import TypeVar

from aws_lambda_powertools.utilities.parser import parse
from pydantic import BaseModel, ConfigDict

Model = TypeVar("Model", bound=BaseModel)


class EventModel(BaseModel):
    """A frozen part of an event."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


def parse_body(body: str, model: type[Model]) -> Model:
    """Parse the body of a message.

    Raises:
        ValueError: the body is no JSON, or (``pydantic.ValidationError``) it does not fit the model.
    """
    try:
        event = json.loads(body)
    except RecursionError as error:
        raise ValueError("the body is nested too deeply to be an event") from error
    return parse(event=event, model=model)
