"""The comparison of the application with its endpoint, without the minutes of load."""

import pytest
from typer.testing import CliRunner

from benchmarks import application, documents
from benchmarks.__main__ import app

TOLD = {
    "endpoint": {"requests": 24_000, "seconds": 60.0, "errors": 0, "p50": 14.04, "p99": 30.0},
    "application": {"requests": 12_000, "seconds": 60.0, "errors": 2, "p50": 29.0, "p99": 55.55},
}


def test_without_wrk_it_is_skipped_with_what_to_do_and_a_named_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    done = CliRunner().invoke(app, ["application"])
    assert done.exit_code == 2
    assert "application: skipped, it needs wrk on the PATH: install it" in " ".join(done.output.split())


def test_rates_are_compared_with_the_endpoint_alone() -> None:
    endpoint, through = application._figures(TOLD)
    assert (endpoint.requests_per_second, endpoint.ratio) == (400.0, 1.0)
    assert (through.requests_per_second, through.ratio, through.errors) == (200.0, 0.5, 2)


def test_the_page_has_a_place_for_the_table_and_errors_stand_in_it() -> None:
    table = application.tell([each.__dict__ for each in application._figures(TOLD)])
    page = documents.insert(documents.PAGE.read_text("utf-8"), "application", table)
    assert "| application | 200 | 12,000 | 2 | 29.0 | 55.5 | 0.50 x |" in page
