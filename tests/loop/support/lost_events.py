"""Events that EventBridge does not deliver."""

from collections.abc import Iterator
from contextlib import contextmanager

from deployed_loop import Loop

RUN_ENDED = "SageMaker Model Building Pipeline Execution Status Change"
ENDPOINT_CHANGED = "SageMaker Endpoint State Change"


@contextmanager
def events_are_lost(loop: Loop, detail_type: str, *, about: str) -> Iterator[None]:
    """Switch off the one rule that hears of something.

    Args:
        loop: where the rule is deployed.
        detail_type: of the events.
        about: the name of the resource that the rule asks for.
    """
    events = loop.client("events")
    (name,) = (
        rule["Name"]
        for rule in events.list_rules()["Rules"]
        if detail_type in rule.get("EventPattern", "") and about in rule["EventPattern"]
    )
    events.disable_rule(Name=name)
    try:
        yield
    finally:
        events.enable_rule(Name=name)
