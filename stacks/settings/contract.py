"""Where the contracts of a project are, and what the model's says of its inputs as far as the settings depend on it."""

from pathlib import Path

from pipelines.steps import contract as contracts
from stacks.errors import SettingsError
from stacks.settings.resolved import Settings

_FILES = ("contract.json", "application.contract.json")


def check(folder: Path, *, root: Path) -> None:
    """Read the contracts of a project's folder, those that there are; ``root`` only shortens the path in messages.

    Raises:
        SettingsError: one is no contract; the message says what is wrong where.
    """
    for file in (folder / name for name in _FILES):
        if not file.is_file():
            continue
        shown = file.relative_to(root).as_posix()
        try:
            contracts.parse(file.read_text("utf-8"))
        except UnicodeDecodeError as error:
            raise SettingsError(f"{shown}: not a text file: {error}. Allowed: JSON in UTF-8.") from None
        except contracts.ContractError as error:
            raise SettingsError(f"{shown}: {error}. Allowed: what docs/contract.md describes.") from None


def contract_inputs(settings: Settings) -> dict[str, str] | None:
    """Types of the inputs by name; ``None`` without a contract, which the pipeline's compiler refuses."""
    contract = settings.folder / "contract.json"
    if not contract.is_file():
        return None
    return {field.name: field.type for field in contracts.parse(contract.read_text("utf-8")).inputs}


def application_contract(folder: Path) -> Path:
    """The contract that a project's application speaks.

    It is the model's, ``contract.json``, unless ``application.contract.json`` lies beside it: a change that needs two
    steps lets one side go first.
    """
    own = folder / "application.contract.json"
    return own if own.is_file() else folder / "contract.json"
