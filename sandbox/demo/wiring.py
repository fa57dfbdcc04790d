"""Which deployed function an event starts, read from what is deployed.

Nothing here knows Tandem's names: rules, their targets and the event source mappings behind them come from the public
APIs, and EventBridge itself says which rule an event matches (page "TestEventPattern").
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient


@dataclass(frozen=True)
class Route:
    """One deployed rule and the functions behind its targets."""

    rule: str
    pattern: str
    functions: tuple[str, ...]


@dataclass(frozen=True)
class Wiring:
    """All deployed routes of the default event bus."""

    events: "EventBridgeClient"
    routes: Sequence[Route]

    @classmethod
    def read(cls, *, events: "EventBridgeClient", lambdas: "LambdaClient") -> Self:
        """Read every rule with a pattern, and the functions its targets lead to: directly, or through a queue."""
        behind: dict[str, list[str]] = {}
        for page in lambdas.get_paginator("list_event_source_mappings").paginate():
            for mapping in page["EventSourceMappings"]:
                behind.setdefault(mapping["EventSourceArn"], []).append(_function_name(mapping["FunctionArn"]))
        routes = []
        for rules in events.get_paginator("list_rules").paginate():
            for rule in rules["Rules"]:
                if "EventPattern" not in rule:
                    continue
                targets = [target["Arn"] for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]]
                functions = [name for arn in targets for name in behind.get(arn, [])]
                functions += [_function_name(arn) for arn in targets if ":function:" in arn]
                routes.append(Route(rule["Name"], rule["EventPattern"], tuple(functions)))
        return cls(events, routes)

    def functions_for(self, event: dict[str, Any]) -> list[str]:
        """Names of the functions that this event starts."""
        text = json.dumps(event)
        return [
            function
            for route in self.routes
            if route.functions and self.events.test_event_pattern(EventPattern=route.pattern, Event=text)["Result"]
            for function in route.functions
        ]


def _function_name(arn: str) -> str:
    return arn.partition(":function:")[2].partition(":")[0]
