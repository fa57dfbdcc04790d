"""What an invocation of a Lambda wrote, told to whoever wants to know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.adapter import internals


@dataclass(frozen=True)
class Written:
    """One invocation, ended.

    Attributes:
        function: the function's configuration.
        request_id: of the invocation.
        text: what it wrote.
        failed: whether it ended with an error.
        milliseconds: how long it took.
    """

    function: Mapping[str, Any]
    request_id: str
    text: str
    failed: bool
    milliseconds: int

    @property
    def name(self) -> str:
        """Name of the function."""
        return str(self.function.get("FunctionName", "unknown"))


def after_each_invocation(tell: Callable[[Written], None]) -> None:
    """Call ``tell`` after the emulator has written an invocation's lines to CloudWatch Logs."""
    emit = internals.EMIT_LOGS.get()

    def emit_lambda_logs(
        func: Mapping[str, Any],
        request_id: str,
        log_text: str,
        error: bool,  # noqa: FBT001 - the emulator's own signature
        duration_ms: int,
        **options: Any,
    ) -> None:
        emit(func, request_id, log_text, error, duration_ms, **options)
        tell(
            Written(
                function=func.get("config") or func,
                request_id=request_id,
                text=log_text,
                failed=error,
                milliseconds=duration_ms,
            )
        )

    internals.EMIT_LOGS.replace(emit_lambda_logs)
