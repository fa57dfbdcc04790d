"""The monitor's benchmark keeps working: tiny rows, no peers."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks import application, cold_start, false_alarms, monitoring, synth
from benchmarks.__main__ import PAGE, RESULTS
from benchmarks.monitoring import chart, columns, plan
from benchmarks.monitoring.contestants import contest
from benchmarks.monitoring.peers import REQUIREMENTS, NotInstalledError, Peer
from benchmarks.monitoring.processes import Bounds, GivenUpError, run
from docgen.insertion import insert
from pipelines.steps.drift import distances

ROOT = Path(__file__).resolve().parents[3]
ROWS = 20_000


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    said: list[str] = []
    cache = tmp_path_factory.mktemp("benchmark")
    return monitoring.run(sizes=[ROWS], peers=[], turns=1, say=said.append, cache=cache)


def figure(name: str, seconds: float | None, **changes: Any) -> dict[str, Any]:
    base = {
        "name": name,
        "source": "parquet",
        "rows": 1_000_000,
        "task": "drift",
        "seconds": seconds,
        "cpu_seconds": seconds,
        "import_seconds": 0.1,
        "peak_megabytes": 300,
        "over_floor": 1.5,
        "over_tandem": 1.0,
        "found": "5 of 5",
        "skipped": None if seconds else "1,000,000 rows took 99 s, so 10,000,000 would exceed 600 s",
        "how": "somehow",
    }
    return base | changes


def test_everybody_who_needs_no_peer_runs(figures: list[dict[str, Any]]) -> None:
    expected = [(source, each.name) for source in plan.OF_SOURCE for each in plan.chosen(source, [])]
    assert [(each["source"], each["name"]) for each in figures] == expected
    assert {each["skipped"] for each in figures} == {None}
    assert all(each["seconds"] > 0 and each["peak_megabytes"] > 10 for each in figures)


def test_tandem_finds_what_has_shifted_in_files_and_in_capture(figures: list[dict[str, Any]]) -> None:
    found = {each["found"] for each in figures if each["name"].startswith("Tandem")}
    assert found == {f"{len(columns.SHIFTED)} of {len(columns.SHIFTED)}"}


def test_a_result_is_told_as_a_table_and_a_drawing(figures: list[dict[str, Any]]) -> None:
    table = monitoring.tell(figures)
    assert "| **Tandem** |" in table
    assert "data capture" in table
    drawing = ET.fromstring(monitoring.draw(figures))  # noqa: S314  # just made
    assert "Tandem" in "".join(drawing.itertext())


def test_who_was_skipped_is_told_with_the_reason() -> None:
    here = [figure("Tandem", 1.2), figure("Evidently", None)]
    assert "| Evidently | skipped: 1,000,000 rows took 99 s" in monitoring.tell(here)
    assert "too slow or too large" in chart.draw(here)


def test_contestants_in_common_bins_calculate_the_distance_that_tandem_calculates() -> None:
    before, now = [120, 0, 40, 7], [80, 3, 60, 0]
    assert contest.jensen_shannon(before, now) == pytest.approx(distances.jensen_shannon(before, now), abs=1e-12)


@pytest.mark.parametrize(
    ("code", "bounds", "reason"),
    [
        ("import time; time.sleep(60)", Bounds(seconds=0.3), "not done after"),
        ("x = bytearray(300_000_000); import time; time.sleep(60)", Bounds(gigabytes=0.1), "needs more than"),
        ("raise SystemExit('no such column')", Bounds(), "failed: no such column"),
    ],
)
def test_who_fails_or_takes_too_much_is_ended_with_the_reason(code: str, bounds: Bounds, reason: str) -> None:
    with pytest.raises(GivenUpError, match=reason):
        run([sys.executable, "-c", code], threads=1, bounds=bounds)


MEASURED = """
import json, sys
from benchmarks.monitoring.processes import Bounds, run
code = "x = bytearray(100_000_000); print('warming up'); print(json.dumps({'seconds': 1}))"
done = run([sys.executable, "-c", "import json; " + code], threads=1, bounds=Bounds())
print(json.dumps([dict(done.answer), done.peak_megabytes]))
"""


def test_a_run_tells_seconds_and_peak_memory() -> None:
    # Linux carries a parent's resident set into its child's peak, so the one who measures must be a small process.
    measured = subprocess.run([sys.executable, "-c", MEASURED], cwd=ROOT, check=True, capture_output=True, text=True)
    answer, peak = json.loads(measured.stdout)
    assert answer == {"seconds": 1}
    assert 100 < peak < 400


def test_a_peer_that_cannot_be_installed_is_a_reason_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("no folder")
    with pytest.raises(NotInstalledError):
        Peer("polars", tmp_path / "in the way" / "environment").install()


def test_peers_are_pinned_with_hashes() -> None:
    for name in plan.all_peers():
        lines = (REQUIREMENTS / f"{name}.txt").read_text("utf-8").splitlines()
        pinned = [line for line in lines if re.match(r"[a-z0-9]", line)]
        assert pinned
        assert all("==" in line and line.endswith("\\") for line in pinned)
        assert Peer(name, Path()).version(name)


@pytest.mark.parametrize("comparison", [application, cold_start, false_alarms, monitoring, synth])
def test_the_page_tells_the_last_result(comparison: Any) -> None:
    name = comparison.__name__.rpartition(".")[2]
    result = RESULTS / f"{name}.json"
    page = PAGE.read_text("utf-8")
    if result.exists():
        told = comparison.tell(json.loads(result.read_text("utf-8"))["figures"])
        assert insert(page, name, told) == page
    else:
        assert insert(page, name, "") != ""
