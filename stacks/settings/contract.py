"""What a project's ``contract.json`` says of its inputs, as far as the settings depend on it."""

import json

from stacks.settings.resolved import Settings


def contract_inputs(settings: Settings) -> dict[str, str] | None:
    """Types of the inputs by name; ``None`` without a contract, which the pipeline's compiler refuses."""
    contract = settings.folder / "contract.json"
    if not contract.is_file():
        return None
    return {field["name"]: field["type"] for field in json.loads(contract.read_text("utf-8"))["inputs"]}
