"""Parquet that was made to hurt: what a small file would grow to is refused before it grows."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fuzzing import memory
from pipelines.steps import bounds, drops
from pipelines.steps.contract import Contract, Field
from pipelines.steps.failure import StepError

CONTRACT = Contract(
    name="toy", version="1", inputs=(Field("kind", "string"), Field("size", "number")), output=Field("label", "number")
)
ROWS = 20_000
MOMENT = datetime(2020, 1, 1, tzinfo=UTC)


def write(path: Path, *, rows: int = 5, text: str = "a", **options: object) -> Path:
    table = pa.table(
        {
            "kind": pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), [text]),
            "size": pa.array([1.5] * rows),
            "label": pa.array([0.5 + (row % 2) for row in range(rows)]),
            "at": pa.array([MOMENT] * rows, pa.timestamp("us", tz="UTC")),
        }
    )
    pq.write_table(table, path, compression="zstd", **options)
    return path


def check(path: Path) -> drops.DropReport:
    return drops.check(path, CONTRACT, time_column="at")


def rules(report: drops.DropReport) -> list[tuple[str | None, str]]:
    return [(problem.column, problem.rule) for problem in report.problems]


def test_a_long_text_that_stands_in_every_row_is_refused_before_it_is_written_out(tmp_path: Path) -> None:
    """100 kB on disk, a megabyte in the dictionary, 20 GB as rows."""
    path = write(tmp_path / "bomb.parquet", rows=ROWS, text="x" * 1_000_000)
    assert path.stat().st_size < 200_000
    grown = memory.measure()

    report = check(path)

    assert rules(report) == [("kind", "size")]
    assert "has 20,000,000,000 bytes of text in 20,000 rows; at most 536,870,912 are read together" in (
        report.problems[0].reason
    )
    assert grown() < 300 << 20


def test_reading_such_a_drop_later_fails_as_a_step_does(tmp_path: Path) -> None:
    path = write(tmp_path / "bomb.parquet", rows=ROWS, text="x" * 1_000_000)
    with pytest.raises(StepError, match="shorten the texts"):
        list(drops.read(path, drops.drop_fields(CONTRACT, time_column="at")))


def test_more_rows_than_a_machine_counts_are_refused_by_what_the_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MOST_ROWS", 4)
    report = check(write(tmp_path / "many.parquet", rows=5))
    assert rules(report) == [(None, "size")]
    assert report.problems[0].reason == "holds 5 rows; at most 4 may be in one object: write several"


def test_columns_that_unpack_to_too_much_together_are_refused_before_they_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "wide.parquet", rows=4000, row_group_size=1000, use_dictionary=["kind"])
    group = pq.read_metadata(path).row_group(1)
    sizes = [group.column(index).total_uncompressed_size for index in range(group.num_columns)]
    monkeypatch.setattr(bounds, "MOST_GROUP_BYTES", sum(sizes))
    assert rules(check(path)) == []
    monkeypatch.setattr(bounds, "MOST_GROUP_BYTES", max(sizes) + 1)
    report = check(path)
    assert rules(report) == [(None, "size")], "once for all row groups"
    assert f"bytes uncompressed in row group 0, {max(sizes):,} of them in column " in report.problems[0].reason
    assert report.problems[0].reason.endswith("are read together: write smaller row groups")


WIDE = """
import json, sys
from pathlib import Path
import pyarrow
from pipelines.steps import bounds, drops
from pipelines.steps.contract import Contract, Field

names = [f"n{number}" for number in range(14)]
wide = Contract("wide", "1", tuple(Field(name, "number") for name in names), Field("label", "number"))

def checked(most):
    bounds.MOST_GROUP_BYTES = most
    report = drops.check(Path(sys.argv[1]), wide, time_column="at")
    return [problem.rule for problem in report.problems], pyarrow.default_memory_pool().max_memory()

print(json.dumps([checked(64 << 20), checked(1 << 30)]))
"""


def test_many_columns_of_one_large_page_each_do_not_fill_the_memory(tmp_path: Path) -> None:
    """Small on disk and unpacked all at once, while each column alone is far within any bound.

    What Arrow holds at most is a number of the whole process, and the second check shows what the first one did not do.
    """
    path, rows = tmp_path / "wide.parquet", 1_000_000
    columns = {f"n{number}": pa.array(np.full(rows, 1.5)) for number in range(14)}
    columns |= {"label": pa.array(np.arange(rows) % 2 + 0.5)}
    columns |= {"at": pa.array(np.zeros(rows, np.int64), pa.timestamp("us", "UTC"))}
    table = pa.table(columns)
    pq.write_table(table, path, compression="zstd", use_dictionary=False, data_page_size=1 << 30)
    assert path.stat().st_size < 500_000
    done = subprocess.run(
        [sys.executable, "-c", WIDE, path], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, check=True
    )
    (refused, little), (accepted, much) = json.loads(done.stdout)
    assert (refused, accepted) == (["size"], [])
    assert much > table.nbytes
    assert little < table.nbytes / 4


def test_columns_that_nobody_reads_are_no_reason_to_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pq.read_table(write(tmp_path / "plain.parquet")).append_column("notes", [["n" * 10_000] * 5])
    pq.write_table(table, tmp_path / "more.parquet", use_dictionary=False, compression="zstd")
    monkeypatch.setattr(bounds, "MOST_GROUP_BYTES", 5000)
    assert rules(check(tmp_path / "more.parquet")) == []


def test_long_texts_that_stand_alone_are_taken(tmp_path: Path) -> None:
    assert check(write(tmp_path / "long.parquet", rows=3, text="x" * 1_000_000)).problems == ()


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" + b"\xff" * 64 + b"PAR1", b"PAR1\x00\x00\x00\x7fPAR1", b"{}"]
)
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "drop.parquet").write_bytes(content)
    assert rules(check(tmp_path / "drop.parquet")) == [(None, "readable")]
