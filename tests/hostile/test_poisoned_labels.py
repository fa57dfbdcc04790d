"""Poison that looks like data: the validation sees what is extreme, the gate keeps out what it made worse."""

import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from local_snapshot import Validation, profile_of, replaced
from threadpoolctl import threadpool_limits

from pipelines.projects.flights import feed as flights_feed
from pipelines.projects.late import feed as late_feed
from pipelines.steps import contract as contracts
from pipelines.steps import drops
from pipelines.steps.gate import clusters, comparison, rules, verdict
from pipelines.steps.gate.verdict import Verdict
from pipelines.steps.plugin import FloatArray, load_project

PROJECTS = Path(__file__).parents[2] / "pipelines" / "projects"
FEEDS = {"flights": flights_feed, "late": late_feed}
JUDGED_DAYS = 14
SHARE = 0.01
FAST = {"rounds": "30", "max_depth": "4"}


def chosen(rows: int, share: float) -> Any:
    return np.random.default_rng(7).uniform(size=rows) < share


class Rows:
    """The labelled rows of two months in the order of time, and the last days of them apart."""

    def __init__(self, project: str, folder: Path) -> None:
        self.project = project
        self.files = FEEDS[project].write([1, 2], folder)
        contract = contracts.load(project)
        fields = drops.drop_fields(contract, time_column="time_hour")
        table = pa.Table.from_batches([batch for path in self.files for batch in drops.read(path, fields)])
        table = table.filter(pc.is_valid(table.column(contract.output.name))).sort_by("time_hour")
        self.target = table.column(contract.output.name).cast(pa.float64()).to_numpy()
        self.moments = table.column("time_hour").cast(pa.int64()).to_numpy()
        self.judged = self.moments >= self.moments[-1] - JUDGED_DAYS * 86_400_000_000
        self.inputs = table.select([field.name for field in contract.inputs])
        self.settings = tomllib.loads((PROJECTS / project / "project.toml").read_text("utf-8"))

    def predictions(self, target: FloatArray) -> FloatArray:
        """Train on all but the judged days with some labels, and predict those days."""
        given = {name: str(value) for name, value in self.settings["training"]["hyperparameters"].items()} | FAST
        known, asked = (self.inputs.filter(pa.array(chosen)) for chosen in (~self.judged, self.judged))
        with threadpool_limits(1):  # threads that share a core wait for each other longer than they work
            model = load_project(self.project).train(known, target[~self.judged], hyperparameters=given, seed=1)
            return model.predict(asked)

    @cached_property
    def of_clean_labels(self) -> FloatArray:
        """What the champion predicts."""
        return self.predictions(self.target)

    def verdict(self, poisoned: FloatArray) -> Verdict:
        """Judge a model of poisoned labels against one of clean labels, on days that are poisoned as well."""
        gate = self.settings["gate"]
        judged_by = rules.parse(
            task=self.settings["project"]["task"],
            metric=gate["metric"],
            direction=gate["direction"],
            margin=gate["margin"],
            alpha=gate["alpha"],
            min_improvement_over_naive=gate["min_improvement_over_naive"],
            unit="day",
            min_clusters=7,
            guards="none",
            slices="none",
        )
        rows = comparison.Judged(
            target=poisoned[self.judged],
            challenger=self.predictions(poisoned),
            champion=self.of_clean_labels,
            clusters=clusters.by_time(self.moments[self.judged], "day"),
            slices={},
        )
        return verdict.against_champion(comparison.compare(rows, judged_by), judged_by)


@pytest.fixture(name="late", scope="module")
def _late(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return Rows("late", tmp_path_factory.mktemp("late"))


@pytest.fixture(name="flights", scope="module")
def _flights(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return Rows("flights", tmp_path_factory.mktemp("flights"))


@pytest.mark.parametrize("share", [SHARE, 0.2])
def test_a_model_of_turned_labels_is_kept_out_by_the_gate(late: Rows, share: float) -> None:
    """1 % of turned labels moves no profile far enough to be seen, so the gate is the one to stop it."""
    turned = chosen(len(late.target), share)
    found = late.verdict(np.where(turned, 1 - late.target, late.target))
    assert not found.promote, found.reason


def test_turned_labels_that_make_no_difference_to_the_profile_are_left_to_the_gate(
    late: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = profile_of("late", late.files[:1], time_column="time_hour")
    validation = Validation("late", "time_hour", tmp_path, monkeypatch, champion=champion)
    assert validation.run(tampered(late, tmp_path, lambda label: not label))["accepted"]


def test_extreme_labels_are_refused_by_the_validation(
    flights: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = profile_of("flights", flights.files[:1], time_column="time_hour")
    validation = Validation("flights", "time_hour", tmp_path, monkeypatch, champion=champion)
    document = validation.run(tampered(flights, tmp_path, lambda label: label * 50))
    assert not document["accepted"]
    assert {each["column"] for each in document["quarantined"][0]["problems"]} == {"air_time"}


def test_extreme_labels_that_nobody_refused_are_kept_out_by_the_gate(flights: Rows) -> None:
    extreme = chosen(len(flights.target), SHARE)
    found = flights.verdict(np.where(extreme & ~flights.judged, flights.target * 50, flights.target))
    assert not found.promote, found.reason


def tampered(rows: Rows, folder: Path, change: Any) -> list[Path]:
    """The second month with 1 % of its labels changed."""
    table = pq.read_table(rows.files[1], partitioning=None)
    name = contracts.load(rows.project).output.name
    labels = table.column(name).to_pylist()
    picked = chosen(len(labels), SHARE)
    values = [
        change(label) if pick and label is not None else label for label, pick in zip(labels, picked, strict=True)
    ]
    path = folder / rows.files[1].parent.name / "drop.parquet"
    path.parent.mkdir()
    pq.write_table(replaced(table, name, values), path)
    return [path]
