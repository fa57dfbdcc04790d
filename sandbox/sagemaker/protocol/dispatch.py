"""The front of the JSON 1.1 protocol: finds the operation, checks what goes in and what comes out."""

import json
import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import OperationModel

from sandbox.sagemaker.protocol.codec import decode, json_default, without_nones
from sandbox.sagemaker.protocol.errors import AwsError, validation
from sandbox.sagemaker.protocol.shapes import problems, service_model

Request = Mapping[str, Any]
Answer = Mapping[str, Any]
Operation = Callable[[Request], Answer]
HttpResponse = tuple[int, dict[str, str], bytes]

_log = logging.getLogger(__name__)
_TARGET_PREFIX = "SageMaker."


class Dispatcher:
    """Calls the operations by their AWS names."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self._operations = dict(operations)
        self._model = service_model("sagemaker")

    def call(self, name: str, request: Request) -> dict[str, Any]:
        """Run an operation on a request of Python values, as boto3 takes them.

        Raises:
            AwsError: what the client is told; a wrong answer of ours is an InternalFailure naming the member.
        """
        operation, model = self._find(name)
        wrong = problems(request, model.input_shape)
        if wrong:
            raise validation(wrong)
        answer: dict[str, Any] = without_nones(operation(request))
        wrong = problems(answer, model.output_shape)
        if wrong:
            raise AwsError("InternalFailure", f"The sandbox's answer to {name} is not AWS's: {wrong}", status=500)
        return answer

    def respond(self, target: str, body: bytes) -> HttpResponse:
        """Answer the HTTP request with the header `X-Amz-Target: target`."""
        name = target.removeprefix(_TARGET_PREFIX)
        try:
            _, model = self._find(name)
            answer = self.call(name, self._parse(body, model))
        except AwsError as error:
            return error_response(error)
        except Exception:  # noqa: BLE001 - the boundary of the server: whatever breaks must become a 500, as on AWS
            _log.exception("SageMaker.%s failed inside the sandbox", name)
            raise_as = f"SageMaker.{name} failed inside the sandbox; its server log has the traceback."
            return error_response(AwsError("InternalFailure", raise_as, status=500))
        return json_response(200, answer)

    def _find(self, name: str) -> tuple[Operation, OperationModel]:
        operation = self._operations.get(name)
        if operation is None:
            known = "SageMaker has it, the sandbox does not" if name in self._model.operation_names else "no such name"
            raise AwsError("UnknownOperationException", f"Operation {name!r} is not supported: {known}.")
        return operation, self._model.operation_model(name)

    @staticmethod
    def _parse(body: bytes, model: OperationModel) -> dict[str, Any]:
        try:
            parsed = json.loads(body or b"{}")
        except (ValueError, RecursionError) as error:
            raise AwsError("SerializationException", f"The body is not JSON: {error}") from error
        if not isinstance(parsed, dict):
            raise AwsError("SerializationException", "Start of structure or map expected: the body is no JSON object.")
        try:
            return parsed if model.input_shape is None else decode(parsed, model.input_shape)
        except (ValueError, OverflowError, OSError) as error:  # a timestamp that no calendar reaches
            raise AwsError("SerializationException", f"A timestamp is none: {error}") from error


def json_response(status: int, answer: Mapping[str, Any], *, error_type: str | None = None) -> HttpResponse:
    """An HTTP response of the JSON 1.1 protocol."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": str(uuid.uuid4())}
    if error_type is not None:
        headers["x-amzn-ErrorType"] = error_type
    return status, headers, json.dumps(answer, default=json_default).encode()


def error_response(error: AwsError) -> HttpResponse:
    """The HTTP response of an error, readable by the clients of both protocols that SageMaker speaks."""
    body = {"__type": error.code, "message": error.message, "Message": error.message, **error.members}
    return json_response(error.status, body, error_type=error.code)
