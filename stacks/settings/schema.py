"""JSON schema of ``project.toml``, for editors and for people."""

import json
from pathlib import Path
from typing import Final

from stacks.settings.model import ProjectFile

SCHEMA_PATH: Final = Path("docs", "schema", "project.schema.json")


def schema_text() -> str:
    """The schema as it is committed: indented JSON with a final line feed."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ProjectFile.model_json_schema()}
    schema["title"] = "Tandem project.toml"
    return json.dumps(schema, indent=2) + "\n"


def write_schema(root: Path) -> Path:
    """Write the schema below ``root`` and return where it went."""
    path = root / SCHEMA_PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(schema_text(), encoding="utf-8")
    return path
