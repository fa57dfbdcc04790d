"""The command line that the feeds of all projects share."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines import feeds


def _write(months: Sequence[int], to: Path) -> list[Path]:
    rows = {feeds.period(month): pa.table({"month": [month]}) for month in months}
    return feeds.write(rows, to, file="rows.parquet")


def _run(*arguments: str) -> int:
    return feeds.main(arguments, project="shop", description="Sells.", writes=_write)


def test_every_month_becomes_the_file_of_its_period(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--months", "2,1,2", "--to", str(tmp_path)) == 0

    files = [tmp_path / "period=2013-01" / "rows.parquet", tmp_path / "period=2013-02" / "rows.parquet"]
    assert capsys.readouterr().out.splitlines() == [str(file) for file in files]
    assert all(file.is_file() for file in files)


@pytest.mark.parametrize(("months", "wrong"), [("13", "13"), ("0", "0"), ("jan", "jan"), ("1,,2", ""), ("-1", "-1")])
def test_a_month_that_does_not_exist_is_refused(
    months: str, wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        _run(f"--months={months}", "--to", str(tmp_path))

    assert exited.value.code == 2
    assert f"argument --months: {months!r}: month {wrong!r} does not exist" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
