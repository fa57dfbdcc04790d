"""Logs, metrics and traces through AWS Lambda Powertools, wired once.

Metrics carry the dimensions ``service`` (the function), ``project`` and ``environment``, so that deployments in one
account can be told apart.

Tracer: the import of ``aws_xray_sdk`` costs as much as a whole AWS client, so it is loaded only for an invocation that
Lambda marked as sampled (``Sampled=1`` in ``_X_AMZN_TRACE_ID``, page "Using Lambda environment variables"). With active
tracing switched off in the stacks no function ever pays for it; Lambda's own segments are recorded either way.
"""

import os
from collections.abc import Callable
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from aws_lambda_powertools import Tracer
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
metrics.set_default_dimensions(
    **{name: os.environ[name.upper()] for name in ("project", "environment") if name.upper() in os.environ}
)

Handler = Callable[[dict[str, Any], "LambdaContext"], Any]


def count(name: str, amount: float = 1) -> None:
    """Add to a counter metric in the project's namespace."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=amount)


def annotate(name: str, value: str) -> None:
    """Let traces be found by a value; nothing for an invocation that is not traced."""
    if _is_sampled():
        _tracer().put_annotation(name, value)


def instrument(handler: Handler) -> Handler:
    """Wrap a Lambda handler: log context, metrics flushed at the end also on failure, trace when sampled."""
    measured: Handler = metrics.log_metrics(capture_cold_start_metric=True)(handler)
    logged: Handler = logger.inject_lambda_context(clear_state=True)(measured)

    @wraps(handler)
    def entry(event: dict[str, Any], context: "LambdaContext") -> Any:
        if _is_sampled():
            # What a function answers may hold what people sent: it is no business of a trace.
            return _tracer().capture_lambda_handler(logged, capture_response=False)(event, context)
        return logged(event, context)

    return entry


def _is_sampled() -> bool:
    return "Sampled=1" in os.environ.get("_X_AMZN_TRACE_ID", "")


@cache
def _tracer() -> "Tracer":
    from aws_lambda_powertools import Tracer  # noqa: PLC0415  # see the module's docstring

    return Tracer(patch_modules=["botocore"])
