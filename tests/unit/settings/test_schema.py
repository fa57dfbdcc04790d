import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from stacks.settings.schema import SCHEMA_PATH, schema_text, write_schema

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = sorted((ROOT / "pipelines" / "projects").glob("*/project.toml"))


@pytest.fixture(name="schema")
def _schema() -> Any:
    return json.loads((ROOT / SCHEMA_PATH).read_text("utf-8"))


def test_the_committed_schema_is_the_models_own() -> None:
    assert (ROOT / SCHEMA_PATH).read_text("utf-8") == schema_text(), "run: python -m stacks.settings schema"


def test_the_schema_is_valid_itself(schema: Any) -> None:
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.parent.name)
def test_the_shipped_files_fit_the_schema(file: Path, schema: Any) -> None:
    Draft202012Validator(schema).validate(tomllib.loads(file.read_text("utf-8")))


def test_the_schema_refuses_an_unknown_key_and_a_number_out_of_bounds(schema: Any) -> None:
    document = tomllib.loads(SHIPPED[0].read_text("utf-8"))
    document["gate"] |= {"alpah": 0.1, "alpha": 0.9}

    errors = {error.validator for error in Draft202012Validator(schema).iter_errors(document)}

    assert errors == {"additionalProperties", "maximum"}


def test_an_override_needs_no_key_of_its_section(schema: Any) -> None:
    assert "required" not in schema["$defs"]["GateOverride"]
    assert schema["$defs"]["Gate"]["required"] == ["metric", "direction"]


def test_writing_puts_the_schema_where_it_is_committed(tmp_path: Path) -> None:
    assert write_schema(tmp_path) == tmp_path / "docs" / "schema" / "project.schema.json"
    assert (tmp_path / SCHEMA_PATH).read_text("utf-8") == schema_text()
