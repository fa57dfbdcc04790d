"""Checks one Parquet drop against the contract, and reads the checked rows; a batch at a time.

Only the contract's columns are ever read, so whatever else a drop carries (arrival times, delays) cannot leak into
a model.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.steps import bounds, columns
from pipelines.steps.contract import NAMES_OF_TYPES, Contract, Field
from pipelines.steps.failure import StepError
from pipelines.steps.quality.problem import Problem, example_of

BATCH_ROWS = 65_536


class Inspector(Protocol):
    """Looks at the batches of a drop while they go by."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Look at one batch, in canonical types."""


@dataclass(frozen=True)
class DropReport:
    """What was found in one drop."""

    rows: int = 0
    unlabelled: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass
class _Findings:
    """Counts per column and rule while batches go by; the first offending value stands for the others."""

    rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], object] = field(default_factory=dict)

    def note(self, column: Field, rule: str, values: pa.Array, broken: pa.Array) -> None:
        """Count the rows where ``broken`` is true."""
        count = pc.sum(broken).as_py() or 0
        if count:
            key = (column.name, rule)
            self.rows[key] += count
            self.examples.setdefault(key, values.filter(broken)[0].as_py())

    def problems(self, fields: Iterable[Field]) -> Iterator[Problem]:
        """Yield the findings in the order of the fields."""
        for column in fields:
            for rule in ("null", "range", "category", "pattern"):
                count = self.rows[column.name, rule]
                if count:
                    example = self.examples[column.name, rule]
                    found = "is null" if rule == "null" else f"holds {example!r}"
                    wanted = "it must not be" if rule == "null" else f"it must be {column.allowed()}"
                    reason = f"{found} in {count} rows; {wanted}"
                    yield Problem(column.name, rule, reason, count, None if rule == "null" else example_of(example))


def check(path: Path, contract: Contract, *, time_column: str, inspectors: Sequence[Inspector] = ()) -> DropReport:
    """Check every row of a drop; stops early only when the file or a column cannot be read at all.

    Args:
        path: the Parquet file.
        contract: what it must hold.
        time_column: column that orders the rows; an input of the contract, or a timestamp of its own.
        inspectors: shown every batch, unless the drop or a column cannot be read at all.
    """
    fields = drop_fields(contract, time_column=time_column)
    try:
        with _opened(path, fields) as file:
            structural = tuple(_structure(file.schema_arrow, fields))
            if not structural:
                bounds.is_told_consistently(path, fields)
                structural = tuple(bounds.of_file(file.metadata, fields))
            if structural:
                return DropReport(rows=file.metadata.num_rows, problems=structural)
            if file.metadata.num_rows == 0:
                return DropReport(problems=(Problem(None, "rows", "holds no rows"),))
            return _contents(file, contract, fields, inspectors)
    except bounds.BoundsError as error:
        return DropReport(problems=(Problem(error.column, "size", str(error)),))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        return DropReport(problems=(Problem(None, "readable", f"is no readable Parquet file ({_first_line(error)})"),))


def drop_fields(contract: Contract, *, time_column: str) -> tuple[Field, ...]:
    """Return what a drop must hold: inputs, target (empty where there is no label yet) and time.

    Raises:
        StepError: when the contract says that the time column is something else than a moment.
    """
    fields = (*contract.inputs, replace(contract.output, nullable=True))
    time = next((column for column in fields if column.name == time_column), None)
    if time is None:
        return (*fields, Field(name=time_column, type="timestamp"))
    if time.type != "timestamp" or time.nullable:
        raise StepError(
            f"project.time_column is {time_column!r}, which the contract of {contract.name} calls "
            f"{NAMES_OF_TYPES[time.type]}{' or null' if time.nullable else ''}: rows are ordered by a timestamp "
            "that is never null"
        )
    return fields


def read(path: Path, fields: Iterable[Field]) -> Iterator[pa.RecordBatch]:
    """Yield the fields of a drop in their canonical types; not-a-number becomes null.

    Raises:
        BoundsError: when a batch would grow far beyond the file.
    """
    wanted = tuple(fields)
    with _opened(path, wanted) as file:
        yield from _batches(file, wanted)


def _opened(path: Path, fields: Iterable[Field]) -> pq.ParquetFile:
    """Open a drop; texts stay in their dictionaries, so that one long text that stands in every row is read once."""
    return pq.ParquetFile(path, read_dictionary=[field.name for field in fields if field.type == "string"])


def _batches(file: pq.ParquetFile, fields: tuple[Field, ...]) -> Iterator[pa.RecordBatch]:
    schema, stored = columns.schema(fields), set(file.schema_arrow.names)
    # An optional column that an older drop does not have is unknown in each of its rows.
    there = [column.name for column in fields if column.name in stored or not column.optional]
    for batch in file.iter_batches(BATCH_ROWS, columns=there):
        bounds.of_batch(batch)
        yield pa.RecordBatch.from_arrays(
            [
                _canonical(batch.column(column.name), column)
                if column.name in there
                else pa.nulls(len(batch), columns.arrow_type(column))
                for column in fields
            ],
            schema=schema,
        )


def _structure(stored: pa.Schema, fields: Iterable[Field]) -> Iterator[Problem]:
    for column in fields:
        index = stored.get_field_index(column.name)
        if index < 0 and column.optional:
            continue
        if index < 0:
            yield Problem(column.name, "missing", f"is missing; the drop holds {', '.join(stored.names)}")
        elif not columns.fits(stored.field(index).type, column):
            wanted = NAMES_OF_TYPES[column.type] + (" with a time zone" if column.type == "timestamp" else "")
            yield Problem(column.name, "type", f"has type {stored.field(index).type}; it must be {wanted}")


def _contents(
    file: pq.ParquetFile, contract: Contract, fields: tuple[Field, ...], inspectors: Sequence[Inspector]
) -> DropReport:
    findings = _Findings()
    rows = unlabelled = 0
    for batch in _batches(file, fields):
        rows += len(batch)
        for inspector in inspectors:
            inspector.add(batch)
        for column in fields:
            values = batch.column(column.name)
            _check_values(values, column, findings)
            if column.name == contract.output.name:
                unlabelled += values.null_count
    problems = tuple(findings.problems(fields))
    if unlabelled == rows:
        problems = (
            *problems,
            Problem(contract.output.name, "null", f"is null in all {rows} rows; the drop has no label", rows),
        )
    return DropReport(rows=rows, unlabelled=unlabelled, problems=problems)


def _check_values(values: pa.Array, column: Field, findings: _Findings) -> None:
    if not column.nullable:
        findings.note(column, "null", values, pc.is_null(values))
    if column.type in ("integer", "number"):
        findings.note(column, "range", values, _out_of_range(values, column))
    if column.categories:
        known = pc.is_in(values, value_set=pa.array(column.categories))
        findings.note(column, "category", values, pc.and_(pc.is_valid(values), pc.invert(known)))
    if column.pattern is not None:
        matches = pc.match_substring_regex(values, f"^(?:{column.pattern})$")
        findings.note(column, "pattern", values, pc.fill_null(pc.invert(matches), fill_value=False))


def _out_of_range(values: pa.Array, column: Field) -> pa.Array:
    broken = pc.invert(pc.is_finite(values)) if column.type == "number" else pa.nulls(len(values), pa.bool_())
    broken = pc.fill_null(broken, fill_value=False)
    if column.minimum is not None:
        broken = pc.or_(broken, pc.fill_null(pc.less(values, column.minimum), fill_value=False))
    if column.maximum is not None:
        broken = pc.or_(broken, pc.fill_null(pc.greater(values, column.maximum), fill_value=False))
    return broken


def _canonical(values: pa.Array, column: Field) -> pa.Array:
    cast = values.cast(columns.arrow_type(column), safe=column.type != "timestamp")  # microseconds are fine enough
    if column.type == "number":
        cast = pc.if_else(pc.is_nan(cast), pa.scalar(None, cast.type), cast)
    return cast


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
