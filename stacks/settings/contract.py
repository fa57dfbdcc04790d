"""Where the contracts of a project are, and what the model's says of its inputs as far as the settings depend on it."""

import json
from pathlib import Path

from stacks.settings.resolved import Settings


def contract_inputs(settings: Settings) -> dict[str, str] | None:
    """Types of the inputs by name; ``None`` without a contract, which the pipeline's compiler refuses."""
    contract = settings.folder / "contract.json"
    if not contract.is_file():
        return None
    return {field["name"]: field["type"] for field in json.loads(contract.read_text("utf-8"))["inputs"]}


def application_contract(folder: Path) -> Path:
    """The contract that a project's application speaks.

    It is the model's, ``contract.json``, unless ``application.contract.json`` lies beside it: a change that needs two
    steps lets one side go first.
    """
    own = folder / "application.contract.json"
    return own if own.is_file() else folder / "contract.json"
