"""Answers AWS calls out of services in memory, unless a call meets a fault."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from botocore.model import OperationModel
from sagemaker_in_memory import Refused

from tests.faults.support.clients import error, method
from tests.faults.support.faults import Fault
from tests.faults.support.invocation import Killed
from tests.faults.support.table import Cancelled

_URL = "https://aws"


class Aws:
    """The services of one account."""

    def __init__(
        self,
        services: Mapping[str, Any],
        *,
        random: Random,
        later: Callable[[float, Callable[[], None]], None],
        say: Callable[..., None],
    ) -> None:
        """Connect it.

        Args:
            services: by name; each has a method for every operation that is called.
            random: draws how late a call that timed out is carried out.
            later: lets something happen when so many seconds have passed.
            say: adds a line to the trace.
        """
        self._services, self._random, self._later, self._say = services, random, later, say

    def answer(
        self, fault: Fault | None, client: Any, operation: OperationModel, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Carry a call out, or let it meet a fault."""
        if fault is None:
            return self.carry_out(client, operation, request)
        if fault.has_effect:
            answer = self.carry_out(client, operation, request)
        match fault:
            case Fault.SENT_TWICE:
                del answer
                return self.carry_out(client, operation, request)
            case Fault.KILLED_BEFORE | Fault.KILLED_AFTER:
                raise Killed
            case Fault.FAILED_BEFORE:
                raise EndpointConnectionError(endpoint_url=_URL)
            case Fault.FAILED_AFTER:
                raise ConnectionClosedError(endpoint_url=_URL)
            case Fault.TIMED_OUT:
                self._later(self._random.uniform(0.1, 20), lambda: self._late(client, operation, request))
                raise ReadTimeoutError(endpoint_url=_URL)
            case Fault.CONTENDED:
                raise _cancelled(client, operation, ["TransactionConflict"])
            case Fault.THROTTLED if operation.name == "TransactWriteItems":
                raise _cancelled(client, operation, ["ThrottlingError", "None"])
            case _:
                raise error(client, operation, code="ThrottlingException", message="Rate exceeded")

    def carry_out(self, client: Any, operation: OperationModel, request: dict[str, Any]) -> dict[str, Any]:
        """Do what the call asks for; what the service refuses is raised as botocore does."""
        service = self._services[operation.service_model.service_name]
        try:
            answer: dict[str, Any] = getattr(service, method(operation))(request)
        except Refused as refusal:
            raise error(client, operation, code=refusal.code, message=refusal.message) from None
        except Cancelled as cancelled:
            raise _cancelled(client, operation, cancelled.reasons) from None
        return answer

    def _late(self, client: Any, operation: OperationModel, request: dict[str, Any]) -> None:
        """What the function gave up waiting for happens all the same."""
        self._say("late:", operation.name)
        try:
            self.carry_out(client, operation, request)
        except client.exceptions.ClientError as refusal:
            self._say("refused", refusal)


def _cancelled(client: Any, operation: OperationModel, reasons: list[str]) -> Exception:
    listed = [{"Code": each} for each in reasons]
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons {reasons}"
    return error(client, operation, code="TransactionCanceledException", message=message, CancellationReasons=listed)
