"""Real botocore clients whose requests never leave the process: a world answers them.

Errors are botocore's own classes; the way over the wire is left out, which would cost more than everything else.
Every sixteenth call is validated against the service model, which costs as much as the rest of it: the unit tests
validate all of them.
"""

import itertools
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import OperationModel
from botocore.session import get_session
from botocore.validate import ParamValidator
from sagemaker_in_memory import pattern_problems

_VALIDATED = 16
Answer = Callable[[Any, OperationModel, dict[str, Any]], dict[str, Any]]

_answer: list[Answer] = []


@cache
def clients() -> Mapping[str, Any]:
    """One client per service, made once per process."""
    session = get_session()
    made = {
        service: session.create_client(
            service,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - nobody checks it
        )
        for service in ("cloudwatch", "dynamodb", "s3", "sqs", "sns", "sagemaker", "sagemaker-runtime")
    }
    for client in made.values():
        client._make_api_call = _caller(client)
    return made


def answer_with(answer: Answer | None) -> None:
    """Let this function answer all calls from now on; ``None``: nobody does."""
    _answer[:] = [answer] if answer else []


def error(client: Any, operation: OperationModel, *, code: str, message: str, **more: Any) -> ClientError:
    """The exception that botocore raises for an error of the service."""
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}, **more}
    kind: type[ClientError] = client.exceptions.from_code(code)
    return kind(response, operation.name)  # type: ignore[arg-type]  # the stubs know fewer keys


def method(operation: OperationModel) -> str:
    """Name of an operation as Python spells it."""
    return str(xform_name(operation.name))


def _caller(client: Any) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    validator, count = ParamValidator(), itertools.count()
    has_patterns = client.meta.service_model.service_name == "sagemaker"

    def call(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
        operation = client.meta.service_model.operation_model(name)
        if next(count) % _VALIDATED == 0:
            report = validator.validate(parameters, operation.input_shape)
            assert not report.has_errors(), f"{name}: {report.generate_report()}"
            problems = pattern_problems(parameters, operation.input_shape) if has_patterns else []
            assert not problems, f"{name}: {problems}"
        (answer,) = _answer
        return answer(client, operation, parameters)

    return call
