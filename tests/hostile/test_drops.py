"""Parquet that was made to hurt: what a small file would grow to is refused before it grows."""

import resource
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

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
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    report = check(path)

    assert rules(report) == [("kind", "size")]
    assert "has 20,000,000,000 bytes of text in 20,000 rows; at most 536,870,912 are read together" in (
        report.problems[0].reason
    )
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000, "kilobytes"


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


def test_a_column_that_unpacks_to_too_much_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_CHUNK_BYTES", 500)
    path = write(tmp_path / "wide.parquet", rows=4000, row_group_size=1000, use_dictionary=["kind"])
    problems = check(path).problems
    assert [(each.column, each.rule) for each in problems] == [("size", "size"), ("label", "size"), ("at", "size")]
    assert "bytes uncompressed in row group 0; at most 500 are read: write smaller row groups" in problems[0].reason


def test_columns_that_nobody_reads_are_no_reason_to_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pq.read_table(write(tmp_path / "plain.parquet")).append_column("notes", [["n" * 10_000] * 5])
    pq.write_table(table, tmp_path / "more.parquet", use_dictionary=False, compression="zstd")
    monkeypatch.setattr(bounds, "MOST_CHUNK_BYTES", 5000)
    assert rules(check(tmp_path / "more.parquet")) == []


def test_long_texts_that_stand_alone_are_taken(tmp_path: Path) -> None:
    assert check(write(tmp_path / "long.parquet", rows=3, text="x" * 1_000_000)).problems == ()


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" + b"\xff" * 64 + b"PAR1", b"PAR1\x00\x00\x00\x7fPAR1", b"{}"]
)
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "drop.parquet").write_bytes(content)
    assert rules(check(tmp_path / "drop.parquet")) == [(None, "readable")]
