"""How the embedded SageMaker behaves where AWS leaves room."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Behaviour of the service; all durations in seconds of wall time."""

    duplicate_events: bool = False
    """Send every event twice, as AWS says it may."""

    health_check_timeout: float = 60.0
    """How long a new model server may take until `/ping` answers 200, unless the variant says otherwise."""

    invocation_timeout: float = 60.0
    """How long a model may think about one request."""

    drain_timeout: float = 30.0
    """How long an old fleet may take to answer the requests that it has, before it is stopped."""

    flush_interval: float = 1.0
    """How often logs, captured data and metrics are written."""

    capture_records_per_file: int = 1000
    """A file of captured data is written early when it holds this many records."""
