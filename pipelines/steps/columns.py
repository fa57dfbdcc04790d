"""Between the contract's types and Arrow: what a drop may hold, and the one form every step computes on."""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from pipelines.steps.contract import Contract, Field, FieldType, Value

_CANONICAL: Mapping[FieldType, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def arrow_type(field: Field) -> pa.DataType:
    """Return the type a field has in every step, whatever width a drop stores it in."""
    return _CANONICAL[field.type]


def fits(stored: pa.DataType, field: Field) -> bool:
    """Say whether a column stored like this holds the field's type (any width will do)."""
    stored = stored.value_type if pa.types.is_dictionary(stored) else stored
    match field.type:
        case "string":
            return bool(pa.types.is_string(stored) or pa.types.is_large_string(stored))
        case "integer":
            return bool(pa.types.is_integer(stored))
        case "number":
            return bool(pa.types.is_integer(stored) or pa.types.is_floating(stored))
        case "boolean":
            return bool(pa.types.is_boolean(stored))
        case "timestamp":
            return bool(pa.types.is_timestamp(stored) and stored.tz is not None)


def schema(fields: Iterable[Field]) -> pa.Schema:
    """Return the canonical schema of some fields."""
    return pa.schema([pa.field(field.name, arrow_type(field)) for field in fields])


def labelled_fields(contract: Contract) -> tuple[Field, ...]:
    """Return the fields of a labelled row: the inputs and the target."""
    return (*contract.inputs, contract.output)


def from_instances(instances: Sequence[Mapping[str, Value]], contract: Contract) -> pa.Table:
    """Turn the parsed instances of a request into the table that a model predicts on."""
    rows = pa.array(instances, type=pa.struct(list(schema(contract.inputs))))
    return pa.Table.from_struct_array(rows)
