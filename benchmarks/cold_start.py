"""Import of each handler in a fresh process against the import of boto3 and one client, which any function pays."""

from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Contender, compare, tell
from stacks.constructs.staging import Staging
from stacks.settings import load_projects

__all__ = ["run", "tell"]

_HANDLERS = ("start_training", "close_training", "deploy_model", "confirm_deployment")
_ROOT: Final = Path(__file__).parents[1]
_VARIABLES: Final = {
    "PROJECT": "flights",
    "ENVIRONMENT": "bench",
    "ENDPOINT_NAME": "flights-bench",
    "LEDGER_TABLE": "ledger",
    "DATA_BUCKET": "data",
    "ARTIFACTS_BUCKET": "artifacts",
    "MAX_RECORDS": "100",
    "TIMEOUT_SECONDS": "15",
    "CODE_VERSION": "bench",
    "POWERTOOLS_SERVICE_NAME": "application",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_FLOOR = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"


def run() -> list[dict[str, Any]]:
    """Measure `import lambdas.<name>.handler` plus the same client; the application makes its client by itself."""
    handlers = [
        Contender(name, ["-c", f"{_FLOOR}; import lambdas.{name}.handler"], {"POWERTOOLS_SERVICE_NAME": name})
        for name in _HANDLERS
    ]
    settings = next(one for project in load_projects(_ROOT) for one in project.environments)
    with Staging() as staging:
        # -P: the folder it is started in holds the application as well, without a contract.
        asset = {"PYTHONPATH": staging.application(settings, root=_ROOT)}
        application = Contender("application", ["-P", "-c", "import application.handler"], _VARIABLES | asset)
        return compare(Contender("boto3 and one client", ["-c", _FLOOR], {}), *handlers, application)
