"""Import of each handler in a fresh process against the import of boto3 and one client, which any function pays."""

from typing import Any

from benchmarks.measure import Contender, compare

_HANDLERS = ("start_training", "close_training", "deploy_model", "confirm_deployment")
_FLOOR = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"


def run() -> list[dict[str, Any]]:
    """Measure `import lambdas.<name>.handler` plus the same client for each handler."""
    handlers = [
        Contender(name, ["-c", f"{_FLOOR}; import lambdas.{name}.handler"], {"POWERTOOLS_SERVICE_NAME": name})
        for name in _HANDLERS
    ]
    return compare(Contender("boto3 and one client", ["-c", _FLOOR], {}), *handlers)
