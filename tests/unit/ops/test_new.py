"""`ops new` writes a project that the rest accepts without a change."""

import importlib.util
import json
import subprocess
import sys
import tomllib
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rain
from typer.testing import CliRunner, Result

from ops.__main__ import app
from ops.errors import ExitCode
from ops.scaffold import fields
from pipelines import bundle
from pipelines import compile as compiler
from pipelines.steps import columns
from pipelines.steps import contract as contracts
from stacks.settings import load_projects

ROOT = Path(__file__).resolve().parents[3]
SOLD = ("--target", "sold", "--time-column", "sold_at")
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(name="root")
def _root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a repository without projects, where the command is run."""
    projects = tmp_path / "repository" / "pipelines" / "projects"
    projects.mkdir(parents=True)
    (projects / "__init__.py").touch()
    monkeypatch.chdir(projects.parents[1])
    return projects.parents[1]


def new(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "250"}).invoke(app, ["new", *words])


def left(root: Path) -> list[str]:
    """What the command left behind."""
    return sorted(path.name for path in (root / "pipelines").rglob("*") if path.name not in ("projects", "__init__.py"))


def sales(**changed: Any) -> pa.Table:
    """Rows of a shop, with every type that a contract knows."""
    rows = 400
    sold = {
        "sold_at": pa.array([START + timedelta(hours=row) for row in range(rows)], pa.timestamp("ns", tz="UTC")),
        "customer": pa.array([f"customer {row}" for row in range(rows)]),
        "channel": pa.array([None if row % 7 == 0 else ("web", 'the "shop"')[row % 2] for row in range(rows)]),
        "price": pa.array([float("nan") if row == 3 else row / 10 for row in range(rows)]),
        "degrees": pa.array([-5.0 - row / 100 for row in range(rows)]),
        "pieces": pa.array([row % 12 for row in range(rows)], pa.int32()),
        "gift": pa.array([row % 2 == 0 for row in range(rows)]),
        "sold": pa.array([None if row == 5 else float(row) for row in range(rows)]),
    }
    return pa.table({name: column for name, column in (sold | changed).items() if column is not None})


def parquet(folder: Path, table: pa.Table) -> Path:
    path = folder / "period=2026-01" / "sales.parquet"
    path.parent.mkdir()
    pq.write_table(table, path)
    return path


def invent(root: Path, project: str) -> pa.Table:
    """January and February as the project's own feed writes them."""
    file = root / "pipelines" / "projects" / project / "feed.py"
    specification = importlib.util.spec_from_file_location("feed_of_a_new_project", file)
    assert specification is not None
    assert specification.loader is not None
    feed = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(feed)
    return pa.concat_tables(pq.read_table(path, partitioning=None) for path in feed.write([1, 2], root / "drops"))


def lint(*words: str | Path) -> int:
    """Exit code of ruff with the repository's own rules."""
    ruff = Path(sys.executable).with_name("ruff")
    return subprocess.run([ruff, *words, "--config", ROOT / "pyproject.toml", "--no-cache"], check=False).returncode


@pytest.mark.parametrize("task", ["regression", "binary_classification"])
def test_it_is_accepted_and_trains_and_is_judged_as_it_is(root: Path, tmp_path: Path, task: str) -> None:
    done = new("shop", "--task", task, *SOLD)
    assert done.exit_code == ExitCode.OK, done.stderr
    (project,) = load_projects(root)
    assert project.name == "shop"
    projects = root / "pipelines" / "projects"
    compiler.check("shop", projects=projects)
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as archive:
        for name, source in bundle.files("shop", projects=projects):
            archive.write(source, name)
    settings = tomllib.loads((projects / "shop" / "project.toml").read_text("utf-8"))
    hyperparameters = {key: str(value) for key, value in settings["training"]["hyperparameters"].items()}
    jobs = rain.Jobs(
        tmp_path / "job",
        tmp_path / "bundle.zip",
        project=("shop", "sold", "sold_at"),
        hyperparameters=hyperparameters | {"rounds": "20"},
    )
    jobs.base.mkdir()
    rows = invent(root, "shop")
    train, holdout = rows.slice(0, rows.num_rows - 1400), rows.slice(rows.num_rows - 1400)
    gate = {key: str(settings["gate"][key]) for key in ("metric", "direction")}
    model = jobs.train(train)
    rain.succeeded(jobs.evaluate(model, train=train, holdout=holdout, task=task, guards="none", **gate))
    assert jobs.evaluation()["gate"]["promote"] is True


def test_its_example_is_a_record_that_its_contract_takes_and_its_code_is_in_order(root: Path, tmp_path: Path) -> None:
    done = new("shop", "--from-parquet", str(parquet(tmp_path, sales())), *SOLD)
    assert done.exit_code == ExitCode.OK, done.stderr
    folder = root / "pipelines" / "projects" / "shop"
    contract = contracts.parse((folder / "contract.json").read_text("utf-8"))
    contract.parse_instance(json.loads((folder / "example.json").read_text("utf-8")))
    assert (contract.name, contract.output.name) == ("shop", "sold")
    assert lint("check", "--ignore", "I001", folder) == 0  # out here nothing tells which packages are ours
    assert lint("format", "--check", folder) == 0


def test_its_invented_rows_are_such_as_its_contract_takes(root: Path, tmp_path: Path) -> None:
    new("shop", "--from-parquet", str(parquet(tmp_path, sales())), *SOLD)
    contract = contracts.parse((root / "pipelines/projects/shop/contract.json").read_text("utf-8"))
    rows = invent(root, "shop")
    assert rows.schema == columns.schema(columns.labelled_fields(contract))
    for row in rows.slice(0, 50).drop_columns(["sold"]).to_pylist():
        contract.parse_instance({**row, "sold_at": row["sold_at"].isoformat()})


def test_the_columns_of_a_file_become_fields_with_room_for_more_than_it_holds(tmp_path: Path) -> None:
    inputs, output = fields.of_parquet(parquet(tmp_path, sales()), "regression", target="sold", time_column="sold_at")
    found = {field.pop("name"): field for field in inputs}
    assert [field.pop("description") for field in found.values()] == [""] * len(found)
    assert found == {
        "sold_at": {"type": "timestamp"},
        "customer": {"type": "string"},
        "channel": {"type": "string", "nullable": True, "categories": ['the "shop"', "web"]},
        "price": {"type": "number", "nullable": True, "minimum": 0, "maximum": 59.9},
        "degrees": {"type": "number", "minimum": -11.0, "maximum": -3.0},
        "pieces": {"type": "integer", "minimum": 0, "maximum": 17},
        "gift": {"type": "boolean"},
    }
    assert output == {"name": "sold", "type": "number", "minimum": 0, "maximum": 599.0, "description": ""}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["Shop"], "2 to 24 lower-case letters and digits"),
        (["s"], "2 to 24 lower-case letters and digits"),
        (["class"], "word of Python"),
        (["my-shop"], "2 to 24 lower-case letters and digits"),
        (["shop", "--target", "no good"], "letters, digits and underscores"),
        (["shop", "--target", "at", "--time-column", "at"], "use two columns"),
        (["shop", "--target", "kind"], "invented input"),
        (["shop", "--task", "clustering"], "clustering"),
        (["shop", "--from-parquet", "nowhere.parquet"], "nowhere.parquet"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_written(root: Path, words: list[str], says: str) -> None:
    done = new(*words)
    assert done.exit_code == ExitCode.USAGE
    assert says in done.stderr
    assert left(root) == []


@pytest.mark.parametrize(
    ("changed", "words", "says"),
    [
        ({}, ("--target", "soled", "--time-column", "sold_at"), "'soled' is no column"),
        ({}, ("--target", "channel", "--time-column", "sold_at"), "'channel' is string"),
        ({}, ("--target", "sold", "--time-column", "price"), "'price' is number"),
        ({}, (*SOLD, "--task", "binary_classification"), "answers true or false"),
        ({"sold_at": pa.array([START.replace(tzinfo=None)] * 400)}, SOLD, "store it in UTC"),
        ({"price": pa.array([[1.0]] * 400)}, SOLD, "'price' is list<"),
        ({"no good": pa.array([1] * 400)}, SOLD, "letters, digits and underscores"),
        (dict.fromkeys(("channel", "price", "degrees", "pieces", "gift")), SOLD, "no column but target and time"),
    ],
)
def test_a_file_that_no_contract_describes_is_refused_by_column(
    root: Path, tmp_path: Path, changed: dict[str, Any], words: tuple[str, ...], says: str
) -> None:
    done = new("shop", "--from-parquet", str(parquet(tmp_path, sales(**changed))), *words)
    assert done.exit_code == ExitCode.USAGE
    assert says in done.stderr
    assert left(root) == []


def test_a_file_that_is_no_parquet_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "sales.parquet").write_text("sold\n1\n")
    done = new("shop", "--from-parquet", str(tmp_path / "sales.parquet"), *SOLD)
    assert done.exit_code == ExitCode.USAGE
    assert "sales.parquet" in done.stderr
    assert left(root) == []


def test_a_folder_that_exists_is_left_alone(root: Path) -> None:
    (root / "pipelines" / "projects" / "shop").mkdir()
    done = new("shop", *SOLD)
    assert done.exit_code == ExitCode.USAGE
    assert "choose another name" in done.stderr
    assert left(root) == ["shop"]


def test_outside_of_a_repository_it_says_where_to_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = new("shop", *SOLD)
    assert done.exit_code == ExitCode.USAGE
    assert "where app.py is" in done.stderr


def test_an_interrupted_compilation_leaves_no_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> list[Path]:
        raise KeyboardInterrupt

    monkeypatch.setattr(compiler, "write", interrupted)
    assert new("shop", *SOLD).exit_code != ExitCode.OK
    assert left(root) == []


def test_machines_get_the_files_and_what_comes_next(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "write", lambda *_, **__: [])
    done = new("shop", *SOLD, "--json")
    assert done.exit_code == ExitCode.OK
    answer = json.loads(done.stdout)
    assert answer["project"] == "shop"
    assert answer["files"] == sorted(path.name for path in (root / "pipelines/projects/shop").iterdir())
    assert "python -m pipelines.compile shop" in answer["next"]
