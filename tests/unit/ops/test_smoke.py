"""Trying a deployed application: what its answers mean, and as whom it is called."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

from application import problems
from ops.errors import OpsError
from ops.smoke import example, smoke
from ops.stage import Stage
from ops.target import Target
from pipelines import compiled
from pipelines.steps import contract
from tests.unit.ops.support.issuer import issuing
from tests.unit.ops.support.workshop import Workshop

COMMIT = "0" * 40
RECORD = {"distance": 1}
NO_MODEL = (200, {"status": "ok", "code_version": COMMIT, "model_live": False})
NO_MODEL_YET = (503, {"type": problems.NO_MODEL_YET.type, "title": "No model is live yet", "status": 503})
WORKS: Mapping[str, tuple[int, Any]] = {
    "GET /health": (200, {"status": "ok", "code_version": COMMIT, "model_live": True}),
    "GET /openapi.json": (200, {"openapi": "3.1.1"}),
    "GET /model": (200, {"version": 1}),
    "POST /predictions []": (422, {"title": "The request breaks the contract"}),
    "POST /predictions": (200, {"predictions": [{"prediction": 99.5}]}),
}


class _Stage(Stage):
    """A stage whose application answers at a known address."""

    url: str = ""

    @property
    def api_url(self) -> str:
        return self.url


@contextmanager
def serving(
    answers: Mapping[str, tuple[int, Any]], seen: list[Mapping[str, str]], *, target: Target | None = None
) -> Iterator[Stage]:
    """A stage with an application that gives these answers; an empty record is asked about as `[]`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(f"GET {self.path}")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._answer(f"POST {self.path}" + ("" if body["records"] == [RECORD] else " []"))

        def _answer(self, call: str) -> None:
            seen.append(dict(self.headers.items()))
            status, document = answers[call]
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            if status == 503:
                self.send_header("retry-after", "600")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    session = boto3.Session(
        aws_access_key_id="one",
        aws_secret_access_key="two",  # noqa: S106 - no secret
        region_name="eu-central-1",
    )
    stage = _Stage(target=target or Target(session=session), project="flights", environment="staging")
    object.__setattr__(stage, "url", f"http://127.0.0.1:{server.server_port}")
    try:
        yield stage
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(name="tried")
def _tried() -> Callable[..., Any]:
    def tried(*, commit: str | None = COMMIT, **changed: tuple[int, Any]) -> Any:
        answers = {**WORKS, **{call.replace("_", " /", 1): answer for call, answer in changed.items()}}
        with serving(answers, []) as stage:
            return smoke(stage, RECORD, commit=commit)

    return tried


def test_an_application_that_answers_everything_as_it_should_works(tried: Any) -> None:
    answer = tried()

    assert (answer.works, answer.model_live, answer.note) == (True, True, None)
    assert [call.what for call in answer.calls] == [call.removesuffix(" []") for call in WORKS]


def test_before_the_first_model_the_rest_is_tried_at_once(tried: Any) -> None:
    answer = tried(GET_health=NO_MODEL, GET_model=NO_MODEL_YET)

    assert (answer.works, answer.model_live) == (True, False)
    assert "no model is live yet" in answer.note
    assert [call.what for call in answer.calls][-1] == "POST /predictions"


@pytest.mark.parametrize(
    "answered",
    [
        (503, {"type": problems.UNREADABLE.type, "title": "What is asked for cannot be reached at the moment"}),
        (503, {"message": "Service Unavailable"}),
        (503, "<html>upstream connect error</html>"),
        (503, [problems.NO_MODEL_YET.type]),
    ],
    ids=["the ledger cannot be read", "API Gateway's own", "a page of something between", "a list"],
)
def test_only_the_applications_own_word_for_it_means_that_no_model_is_live_yet(tried: Any, answered: Any) -> None:
    answer = tried(GET_health=NO_MODEL, GET_model=answered)

    assert (answer.works, answer.model_live) == (False, False)
    assert [call.what for call in answer.calls if call.problem] == ["GET /model"]
    assert "503 instead of 200" in answer.calls[2].problem
    assert "no model is live yet" not in answer.note


def test_no_model_yet_is_a_failure_when_health_says_that_one_is_live(tried: Any) -> None:
    answer = tried(GET_model=NO_MODEL_YET)

    assert [call.what for call in answer.calls if call.problem] == ["GET /model"]
    assert "/health says that one is" in answer.calls[2].problem


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"GET_health": (500, {"message": "Internal Server Error"})}, "500 instead of 200"),
        (
            {"GET_health": (200, {"status": "ok", "code_version": "1" * 40})},
            'commit "' + "1" * 40 + f'" answers, not {COMMIT}',
        ),
        (
            {"GET_health": (200, {"status": "degraded", "code_version": COMMIT, "model_live": None})},
            'its status is "degraded", not "ok"',
        ),
        ({"GET_model": (404, {})}, "404 instead of 200"),
        ({"POST_predictions": (502, {"title": "The model failed"})}, "502 instead of 200"),
        ({"POST_predictions": (200, {"predictions": []})}, "it holds no prediction for one record"),
    ],
)
def test_an_answer_that_should_be_another_one_is_named(
    tried: Any, changed: Mapping[str, tuple[int, Any]], problem: str
) -> None:
    answer = tried(**changed)

    assert not answer.works
    assert [problem in (call.problem or "") for call in answer.calls].count(True) == 1


def test_every_call_is_signed_by_the_credentials_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TANDEM_TOKEN", raising=False)
    seen: list[Mapping[str, str]] = []
    with serving(WORKS, seen) as stage:
        smoke(stage, RECORD, commit=None)

    assert len(seen) == len(WORKS)
    assert all("Credential=one/" in each["Authorization"] for each in seen)
    assert all("/eu-central-1/execute-api/aws4_request" in each["Authorization"] for each in seen)


def test_a_token_takes_the_place_of_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_TOKEN", "abc")
    seen: list[Mapping[str, str]] = []
    with serving(WORKS, seen) as stage:
        assert smoke(stage, RECORD, commit=None).works

    assert {each["authorization"] for each in seen} == {"Bearer abc"}


def test_a_secret_gets_a_token_which_goes_before_that_of_a_person(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, workshop: Workshop
) -> None:
    monkeypatch.setenv("TANDEM_TOKEN", "of-a-person")
    secrets, name = workshop.stage.target.secrets, f"flights/{uuid4().hex}"
    seen: list[Mapping[str, str]] = []
    with issuing(tmp_path) as issuer, serving(WORKS, seen, target=workshop.stage.target) as stage:
        monkeypatch.setenv("SSL_CERT_FILE", str(issuer.certificate))
        held = {"token_url": issuer.url, "client_id": "smoke", "client_secret": "to be hidden"}
        secrets.create_secret(Name=name, SecretString=json.dumps(held))
        answer = smoke(stage, RECORD, commit=COMMIT, credentials_secret=name)

    assert answer.works
    assert {each["authorization"] for each in seen} == {"Bearer issued.to-you"}
    assert len(issuer.asked) == 1


def test_a_secret_that_gets_no_token_is_an_error_before_the_application_is_called(
    monkeypatch: pytest.MonkeyPatch, workshop: Workshop
) -> None:
    monkeypatch.setenv("TANDEM_TOKEN", "of-a-person")
    seen: list[Mapping[str, str]] = []
    with (
        serving(WORKS, seen, target=workshop.stage.target) as stage,
        pytest.raises(OpsError, match="the secret not-there can not be read"),
    ):
        smoke(stage, RECORD, commit=None, credentials_secret="not-there")  # noqa: S106 - a name

    assert seen == []


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(("token", "advice"), [(None, "set AWS_PROFILE"), ("abc", "issuer, audience and expiry")])
def test_who_is_not_let_in_has_tried_nothing_and_that_is_a_failure(
    tried: Any, monkeypatch: pytest.MonkeyPatch, status: int, token: str | None, advice: str
) -> None:
    monkeypatch.delenv("TANDEM_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("TANDEM_TOKEN", token)
    answer = tried(GET_health=(status, {"message": "Unauthorized"}))

    (call,) = answer.calls
    assert (answer.works, call.status, answer.note) == (False, status, "nothing was tried")
    assert advice in call.problem


def test_a_refusal_that_quotes_the_token_is_shown_without_it(tried: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_TOKEN", "to.be.hidden")
    answer = tried(GET_model=(400, {"message": "not a valid Authorization header: 'Bearer to.be.hidden'"}))

    assert "(the token)" in answer.calls[2].problem
    assert "to.be.hidden" not in json.dumps(answer.as_json())


@pytest.mark.parametrize("token", ["two words", "line\n", "ü", "a=b"])
def test_what_is_no_token_is_refused_without_being_quoted(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("TANDEM_TOKEN", token)
    with serving(WORKS, []) as stage, pytest.raises(OpsError, match="TANDEM_TOKEN holds no bearer token") as raised:
        smoke(stage, RECORD, commit=None)

    assert token not in str(raised.value)


def test_an_application_that_cannot_be_reached_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TANDEM_TOKEN", raising=False)
    with serving(WORKS, []) as stage:
        pass

    with pytest.raises(OpsError, match="can not reach the application at http://127"):
        smoke(stage, RECORD, commit=None)


@pytest.mark.parametrize("project", compiled.projects())
def test_the_example_of_every_project_is_what_its_contract_allows(project: str) -> None:
    contract.load(project).parse_instance(example(project))


def test_a_file_without_a_record_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_text("[1]")

    with pytest.raises(OpsError, match=r"record\.json holds list, it must be one record"):
        example("flights", file=file)


def test_a_role_is_taken_on_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch, workshop: Any) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", workshop.sandbox.endpoint_url)
    role = "arn:aws:iam::000000000000:role/flights-staging-delivery-ml"

    caller = Target.aws(profile=None, region="us-east-1", role=role).sts.get_caller_identity()["Arn"]

    assert caller == "arn:aws:sts::000000000000:assumed-role/flights-staging-delivery-ml/tandem-ops"
