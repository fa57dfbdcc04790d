"""The command line of the benchmarks refuses what it cannot measure before it measures anything."""

import pytest
from typer.testing import CliRunner

from benchmarks.__main__ import app


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gate", "gait"], "there is no comparison 'gait'"),
        (["monitoring", "--rows", "abc"], "--rows abc: write whole numbers with commas"),
        (["monitoring", "--rows", "0"], "--rows 0: write whole numbers with commas"),
        (["monitoring", "--rows", "inf"], "--rows inf: write whole numbers with commas"),
        (["gate", "--peers", "none"], "belong to the comparison monitoring"),
        (["gate", "--at-least", "200"], "--at-least belongs to the comparison application"),
    ],
)
def test_what_cannot_be_measured_is_wrong_usage(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []
    monkeypatch.setattr("benchmarks.__main__.import_module", measured.append)

    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments)

    assert (done.exit_code, measured) == (2, [])
    assert said in done.stderr
