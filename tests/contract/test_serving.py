"""The packed model, served by its own script from its own archive, as the image's script mode does."""

import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import numpy as np
import pyarrow.parquet as pq
import pytest
import step_jobs

from lambdas.deploy_model import target
from sandbox.demo import frozen

JSON = "application/json"
SAMPLES = 200


@pytest.fixture(scope="module")
def model_dir(finished: step_jobs.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "model"
    with tarfile.open(finished.output("Evaluate", "model", "model.tar.gz")) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def instances(finished: step_jobs.Run) -> list[dict[str, Any]]:
    """Held-out flights as an application would send them."""
    holdout = pq.read_table(finished.output("Prepare", "holdout", "rows.parquet"))
    rows = holdout.drop_columns(["air_time"]).slice(0, SAMPLES).to_pylist()
    return [row | {"time_hour": row["time_hour"].strftime("%Y-%m-%dT%H:%M:%SZ")} for row in rows]


Post = Callable[..., Any]


@pytest.fixture
def post(model_dir: Path) -> Post:
    """Sends a body to a Flask application around the script functions, shaped like the image's.

    The image wraps every function so that exceptions become status 500, takes a tuple for (body, mimetype) and hands
    anything else to Flask (aws/sagemaker-containers, ``_transformer.Transformer`` and ``_worker.Worker``).
    """
    from pipelines.steps import serve  # noqa: PLC0415  # XGBoost is only needed here

    model = serve.model_fn(str(model_dir))
    application = flask.Flask("image")

    @application.post("/invocations")
    def invocations() -> Any:
        request = flask.request
        content = request.get_data(as_text=request.content_type == JSON)
        data = serve.input_fn(content, request.content_type or JSON)
        result = serve.output_fn(serve.predict_fn(data, model), request.headers.get("Accept") or JSON)
        return flask.Response(result[0], mimetype=result[1]) if isinstance(result, tuple) else result

    def send(body: object, content_type: str = JSON, accept: str | None = None) -> Any:
        content = body if isinstance(body, str) else json.dumps(body)
        headers = {} if accept is None else {"Accept": accept}
        return application.test_client().post("/invocations", data=content, content_type=content_type, headers=headers)

    return send


def test_the_archive_alone_serves_what_the_batch_predicts(
    finished: step_jobs.Run, model_dir: Path, instances: list[dict[str, Any]], tmp_path: Path
) -> None:
    script = (
        "import sys, json, inference\n"
        "model = inference.model_fn(sys.argv[1])\n"
        "data = inference.input_fn(sys.stdin.read(), 'application/json')\n"
        "print(inference.output_fn(inference.predict_fn(data, model), 'application/json')[0])\n"
    )
    served = subprocess.run(
        [sys.executable, "-c", script, str(model_dir)],
        input=json.dumps({"instances": instances}),
        cwd=tmp_path,
        env={"PYTHONPATH": str(model_dir / "code"), "SAGEMAKER_SUBMIT_DIRECTORY": str(model_dir / "code")},
        capture_output=True,
        text=True,
        check=True,
    )
    from pipelines.projects.flights import model  # noqa: PLC0415  # XGBoost is only needed here

    rows = pq.read_table(finished.output("Prepare", "holdout", "rows.parquet")).slice(0, SAMPLES)
    batch = model.load(model_dir).predict(rows)
    assert np.array_equal(np.array(json.loads(served.stdout)["predictions"]), batch)


def test_a_frozen_model_is_asked_from_any_folder(
    finished: step_jobs.Run, model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.projects.flights import model  # noqa: PLC0415  # XGBoost is only needed here

    rows = pq.read_table(finished.output("Prepare", "holdout", "rows.parquet")).slice(0, SAMPLES)
    monkeypatch.chdir(model_dir.parent)
    assert np.array_equal(frozen.score(Path("model"), rows), model.load(model_dir).predict(rows))


def test_an_answer_holds_one_number_per_instance(post: Post, instances: list[dict[str, Any]]) -> None:
    answer = post({"instances": instances[:3]})
    assert answer.status_code == 200
    assert answer.mimetype == JSON
    assert len(answer.json["predictions"]) == 3
    assert all(10 < minutes < 700 for minutes in answer.json["predictions"])


def test_an_answer_names_the_version_that_the_deployment_named(
    post: Post, instances: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(post({"instances": instances[:1]}).json) == {"predictions"}
    monkeypatch.setenv("TANDEM_MODEL_VERSION", "7")
    answer = post({"instances": instances[:1]}).json
    assert answer["model_version"] == "7"
    assert len(answer["predictions"]) == 1


def test_the_deployment_names_the_version_by_the_variable_that_is_read() -> None:
    from pipelines.steps import serve  # noqa: PLC0415  # XGBoost is only needed here

    assert serve.VERSION_VARIABLE == target.VERSION_VARIABLE == "TANDEM_MODEL_VERSION"


def test_one_instance_is_answered_as_in_a_batch(post: Post, instances: list[dict[str, Any]]) -> None:
    together = post({"instances": instances}).json["predictions"]
    alone = [post({"instances": [instance]}).json["predictions"][0] for instance in instances[:20]]
    assert alone == together[:20]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"airline": "UA"}, "airline", "is unknown"),
        ({"distance": ...}, "distance", "is missing"),
        ({"wind_gust": ...}, "wind_gust", "send null when unknown"),
        ({"distance": "far"}, "distance", "it must be a whole number"),
        ({"distance": 12.5}, "distance", "it must be a whole number"),
        ({"distance": True}, "distance", "it must be a whole number"),
        ({"distance": None}, "distance", "is null and must not be"),
        ({"distance": 0}, "distance", "between 1 and 12000"),
        ({"temp": "warm"}, "temp", "it must be a number"),
        ({"humid": 101}, "humid", "between 0 and 100"),
        ({"origin": "SFO"}, "origin", "one of EWR, JFK, LGA"),
        ({"dest": "lax"}, "dest", "matches"),
        ({"time_hour": "2013-02-20 10:00"}, "time_hour", "says no time zone"),
        ({"time_hour": "tomorrow"}, "time_hour", "moment in time such as"),
        ({"time_hour": 1361354400}, "time_hour", "moment in time such as"),
    ],
)
def test_a_request_that_breaks_the_contract_is_refused_by_name(
    post: Post, instances: list[dict[str, Any]], change: dict[str, Any], field: str, words: str
) -> None:
    changed = {key: value for key, value in {**instances[1], **change}.items() if value is not ...}
    answer = post({"instances": [instances[0], changed]})
    assert answer.status_code == 400
    assert answer.json["field"] == field
    assert answer.json["instance"] == 1
    assert words in answer.json["error"]


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status"),
    [
        ("not json", JSON, None, 400),
        ('{"instances": [{"distance": NaN}]}', JSON, None, 400),
        ({"instances": []}, JSON, None, 400),
        ({"instances": [], "more": 1}, JSON, None, 400),
        ({"instances": ["text"]}, JSON, None, 400),
        ([1, 2], JSON, None, 400),
        ({"instances": []}, "text/csv", None, 415),
    ],
)
def test_a_body_that_is_no_request_is_refused(
    post: Post, body: object, content_type: str, accept: str | None, status: int
) -> None:
    answer = post(body, content_type, accept)
    assert answer.status_code == status
    assert answer.json["error"]


def test_an_answer_in_another_format_is_refused(post: Post, instances: list[dict[str, Any]]) -> None:
    assert post({"instances": instances[:1]}, JSON, "text/csv").status_code == 406
    assert post({"instances": instances[:1]}, JSON, "*/*").status_code == 200
    assert post({"instances": instances[:1]}, "application/json; charset=utf-8").status_code == 200
