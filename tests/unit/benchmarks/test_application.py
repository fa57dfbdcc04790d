"""The comparison of the application with its endpoint, without the minutes of load."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks import application
from benchmarks.__main__ import PAGE, app
from docgen.insertion import insert

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


GOOD = [each.__dict__ for each in application._figures(TOLD | {"application": TOLD["application"] | {"errors": 0}})]


@pytest.mark.parametrize(
    ("figures", "at_least", "said"),
    [
        (GOOD, None, []),
        (GOOD, 200, []),
        (GOOD, 200.5, ["the application answered 200.0 requests/s, at least 200.5 were asked for"]),
        (
            [each.__dict__ for each in application._figures(TOLD)],
            None,
            ["2 of 12,000 requests to the application failed"],
        ),
    ],
)
def test_a_failed_request_and_a_rate_below_the_one_asked_for_are_named(
    figures: list[dict[str, Any]], at_least: float | None, said: list[str]
) -> None:
    assert list(application.shortcomings(figures, at_least=at_least)) == said


@pytest.mark.parametrize(("errors", "at_least", "code"), [(0, "200", 0), (0, "201", 1), (2, "0", 1)])
def test_what_is_not_good_enough_ends_with_1_and_is_no_result(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, errors: int, at_least: str, code: int
) -> None:
    told = TOLD | {"application": TOLD["application"] | {"errors": errors}}
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text("utf-8"))
    monkeypatch.setattr("benchmarks.__main__.PAGE", page)
    monkeypatch.setattr(application, "run", lambda: [each.__dict__ for each in application._figures(told)])
    monkeypatch.setattr("benchmarks.__main__.RESULTS", tmp_path / "results")
    monkeypatch.setattr("benchmarks.monitoring.CACHE", tmp_path / "cache")

    done = CliRunner().invoke(app, ["application", "--at-least", at_least])

    assert done.exit_code == code, done.output
    assert (tmp_path / "results" / "application.json").exists() == (code == 0)
    assert ("not good enough" in done.output) == (code == 1)


def test_the_page_has_a_place_for_the_table_and_errors_stand_in_it() -> None:
    table = application.tell([each.__dict__ for each in application._figures(TOLD)])
    page = insert(PAGE.read_text("utf-8"), "application", table)
    assert "| application | 200 | 12,000 | 2 | 29.0 | 55.5 | 0.50 x |" in page
