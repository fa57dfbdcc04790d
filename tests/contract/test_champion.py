"""A challenger against the champion in the registry, as the Evaluate job does it: real archives, real S3."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import rain
import step_jobs
from sklearn.metrics import roc_auc_score

from pipelines.steps import artifact

COARSE = "9 - 5 * (rows.column('cloud').to_numpy() > 0.5).astype(int)"
"""Feature code of an older version: two bins, and numbered the other way round."""

TRAIN = rain.rows(hours=range(rain.CUT_HOUR))
HOLDOUT = rain.rows(hours=range(rain.CUT_HOUR, rain.HOURS))


@dataclass
class Registry:
    """Answers DescribeModelPackage from what the test put there."""

    packages: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def arn(self, version: int) -> str:
        return f"arn:aws:sagemaker:us-east-1:000000000000:model-package/rain/{version}"

    def add(self, version: int, *, archive: str, status: str = "Approved") -> str:
        container = {"Image": "xgboost", "ModelDataUrl": archive}
        self.packages[self.arn(version)] = {
            "ModelPackageArn": self.arn(version),
            "ModelPackageVersion": version,
            "ModelApprovalStatus": status,
            "InferenceSpecification": {"Containers": [container]},
        }
        return self.arn(version)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Registry, str]]:
    registry = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = registry.packages.get(request["ModelPackageName"])
            missing = {"__type": "ValidationException", "message": f"{request['ModelPackageName']} does not exist"}
            body = json.dumps(found or missing).encode()
            self.send_response(200 if found else 400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield registry, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def environment(platform: Mapping[str, str], served: tuple[Registry, str]) -> dict[str, str]:
    return {**platform, "AWS_ENDPOINT_URL_SAGEMAKER": served[1]}


@pytest.fixture(scope="module")
def registry(served: tuple[Registry, str]) -> Registry:
    return served[0]


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rain.write_bundle(tmp_path_factory.mktemp("code"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Train with a bundle on some hours; returns the model's folder."""

    def train(code: Path, hours: range = range(rain.CUT_HOUR)) -> Path:
        jobs = rain.Jobs(tmp_path_factory.mktemp("train"), code)
        return jobs.train(rain.rows(hours=hours))

    return train


@pytest.fixture(scope="module")
def challenger(trained: Callable[..., Path], code: Path) -> Path:
    return trained(code)


@pytest.fixture(scope="module")
def coarse(trained: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of older feature code."""
    return trained(rain.write_bundle(tmp_path_factory.mktemp("older"), bins=COARSE))


@pytest.fixture
def register(s3: Any, registry: Registry, tmp_path: Path) -> Callable[..., str]:
    """Put a model folder into S3 and the registry; returns the package's ARN."""

    def put(model: Path, *, version: int) -> str:
        archive = tmp_path / "champion.tar.gz"
        artifact.pack(model, archive)
        key = f"runs/run-{version}/model/model.tar.gz"
        s3.upload_file(str(archive), step_jobs.ARTIFACTS_BUCKET, key)
        return registry.add(version, archive=f"s3://{step_jobs.ARTIFACTS_BUCKET}/{key}")

    return put


@pytest.fixture
def jobs(tmp_path: Path, code: Path, environment: Mapping[str, str]) -> rain.Jobs:
    (tmp_path / "ml").mkdir()
    return rain.Jobs(tmp_path / "ml", code, environment)


def _of_whole_holdout(jobs: rain.Jobs) -> Any:
    """The challenger's intervals that the monitor will compare with."""
    baseline = jobs.base / "processing" / "output" / "evaluation" / "baseline.json"
    return json.loads(baseline.read_text("utf-8"))["intervals"]


def test_the_same_model_again_is_kept_out(jobs: rain.Jobs, challenger: Path, register: Callable[..., str]) -> None:
    champion = register(challenger, version=1)
    rain.succeeded(jobs.evaluate(challenger, train=TRAIN, holdout=HOLDOUT, champion=champion))
    evaluation = jobs.evaluation()
    assert (evaluation["gate"]["promote"], evaluation["gate"]["rule"]) == (False, "comparison")
    assert evaluation["comparison"]["improvement"] == 0.0
    assert evaluation["champion"]["metrics"] == evaluation["metrics"]
    assert evaluation["champion"]["version"] == 1


def test_a_champion_of_other_feature_code_is_scored_with_its_own(
    jobs: rain.Jobs, challenger: Path, coarse: Path, register: Callable[..., str]
) -> None:
    champion = register(coarse, version=2)
    rain.succeeded(jobs.evaluate(challenger, train=TRAIN, holdout=HOLDOUT, champion=champion))
    evaluation = jobs.evaluation()
    cloud = HOLDOUT.column("cloud").to_numpy()
    expected = np.array(json.loads((coarse / "shares.json").read_text()))[9 - 5 * (cloud > 0.5)]
    target = HOLDOUT.column("rains").to_numpy()
    assert evaluation["champion"]["metrics"]["auc"] == pytest.approx(roc_auc_score(target, expected), rel=1e-12)
    assert evaluation["gate"]["promote"] is True
    assert evaluation["gate"]["rule"] == "comparison"
    assert evaluation["comparison"]["lower_bound"] > 0.01
    scores = pq.read_table(jobs.base / "processing" / "output" / "evaluation" / "scores.parquet")
    assert scores.column("champion").to_numpy() == pytest.approx(expected)
    assert len(scores) == evaluation["rows"]["judged"] == len(HOLDOUT)
    assert evaluation["intervals"]["challenger"] == _of_whole_holdout(jobs)


def test_only_rows_newer_than_what_the_champion_was_trained_on_are_judged(
    jobs: rain.Jobs, trained: Callable[..., Path], code: Path, challenger: Path, register: Callable[..., str]
) -> None:
    hours = range(rain.CUT_HOUR + 96)
    champion = register(trained(code, hours), version=3)
    rain.succeeded(jobs.evaluate(challenger, train=TRAIN, holdout=HOLDOUT, champion=champion))
    evaluation = jobs.evaluation()
    newest = rain.START + timedelta(hours=hours[-1])
    assert evaluation["champion"]["trained_until"] == newest.isoformat()
    assert evaluation["window"]["from"] == (newest + timedelta(hours=1)).isoformat()
    assert evaluation["rows"]["judged"] == len(HOLDOUT) - 96
    assert evaluation["rows"]["holdout"] == len(HOLDOUT)
    lower, upper = evaluation["intervals"]["challenger"]["auc"]
    assert (lower + upper) / 2 == pytest.approx(evaluation["metrics"]["auc"]), "of the judged rows, not of all"
    assert [lower, upper] != _of_whole_holdout(jobs)["auc"]


@pytest.mark.parametrize("left", [0, 6 * 24])
def test_a_champion_trained_on_the_window_keeps_its_place(
    jobs: rain.Jobs, trained: Callable[..., Path], code: Path, challenger: Path, register: Callable[..., str], left: int
) -> None:
    champion = register(trained(code, range(rain.HOURS - left)), version=4)
    rain.succeeded(jobs.evaluate(challenger, train=TRAIN, holdout=HOLDOUT, champion=champion, min_clusters="8"))
    evaluation = jobs.evaluation()
    assert (evaluation["gate"]["promote"], evaluation["gate"]["rule"]) == (False, "no_common_window")
    assert evaluation["rows"]["judged"] == left
    assert evaluation["comparison"] is None
    assert evaluation["champion"]["metrics"] == {}
    assert "that neither model has trained on" in evaluation["gate"]["reason"]


def _gone(_: Registry, __: Path, ___: Callable[..., str]) -> str:
    return "arn:aws:sagemaker:us-east-1:000000000000:model-package/rain/999"


def _broken_code(_: Registry, model: Path, register: Callable[..., str]) -> str:
    (model / "code" / "pipelines" / "projects" / "rain" / "model.py").write_text("import not_in_this_image\n")
    return register(model, version=5)


def _rejected(registry: Registry, model: Path, register: Callable[..., str]) -> str:
    arn = register(model, version=6)
    registry.packages[arn] = {**registry.packages[arn], "ModelApprovalStatus": "Rejected"}
    return arn


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_gone, "cannot be read in the model registry"),
        (_broken_code, "its own code cannot score the hold-out: ModuleNotFoundError: No module named"),
        (_rejected, "it is Rejected and no longer Approved"),
    ],
)
def test_a_champion_that_cannot_be_scored_fails_the_run_and_promotes_nothing(
    jobs: rain.Jobs,
    trained: Callable[..., Path],
    code: Path,
    challenger: Path,
    registry: Registry,
    register: Callable[..., str],
    damage: Callable[..., str],
    words: str,
) -> None:
    champion = damage(registry, trained(code), register)
    finished = jobs.evaluate(challenger, train=TRAIN, holdout=HOLDOUT, champion=champion)
    assert finished.returncode == 1
    gate = jobs.evaluation()["gate"]
    assert (gate["promote"], gate["rule"], gate["improvement"]) == (False, "champion_unreadable", None)
    assert gate["reason"] == jobs.message()
    assert words in gate["reason"]
    assert "ask for a run again" in gate["reason"]
