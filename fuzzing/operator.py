"""What the operator's command line reads: messages, answers of the application, recorded definitions, its arguments."""

import json
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from fuzzing.parser import ROOT, Parser, text_of
from fuzzing.pipeline_words import PIPELINE_WORDS
from ops import dead_letters, smoke
from ops.client_credentials import BEARER, ClientCredentials
from ops.errors import OpsError
from ops.reproduce import definition
from ops.storage import Location

_COMPILED = (ROOT / "pipelines" / "projects" / "flights" / "training.pipeline.json").read_bytes()
_SMALL = json.dumps(
    {
        "Version": "2020-12-01",
        "Steps": [
            {"Name": "Prepare", "Type": "Processing", "Arguments": {"RoleArn": "r", "Inputs": ["s3://b/code.zip"]}},
            {
                "Name": "Train",
                "Type": "Training",
                "Arguments": {"Uri": {"Get": "Steps.Prepare.Outputs"}},
                "DependsOn": ["Prepare"],
            },
            {
                "Name": "Gate",
                "Type": "Condition",
                "Arguments": {
                    "Conditions": [],
                    "IfSteps": [{"Name": "R", "Type": "RegisterModel", "Arguments": {}}],
                    "ElseSteps": [],
                },
            },
        ],
    }
).encode()


_HIDDEN = "hidden-value"


def _message(data: bytes) -> None:
    """Whatever lies in a dead-letter queue is told in one line."""
    document = json.loads(data)
    if not isinstance(document, dict) or not isinstance(document.get("Body"), str):
        raise ValueError("SQS hands over no such message")  # noqa: TRY004  # as bad JSON is
    message: Any = {"MessageId": "m", "Body": document["Body"], "Attributes": {"SentTimestamp": "1362132900000"}}
    told = dead_letters._reason(message)
    assert "message m" in told
    assert dead_letters._sent_at(message).tzinfo is UTC
    json.dumps(told)


def _replayed(data: bytes) -> None:
    text = text_of(data)
    found = definition.for_replay(
        text, code_uri="s3://b/code.zip", replayed_code_uri="s3://b/c.zip", role_arn="a", present=_SMALL.decode()
    )
    types = {step["Type"] for step in definition._all_steps(json.loads(found)["Steps"])}
    assert not types & {"RegisterModel", "Model"}
    definition.for_replay(
        _SMALL.decode(), code_uri="s3://b/code.zip", replayed_code_uri="s3://b/c.zip", role_arn="a", present=text
    )


def _code_uri(data: bytes) -> None:
    assert definition.code_uri(text_of(data), bundle="code.zip").endswith("/code.zip")


def _record(data: bytes) -> None:
    with TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / "example.json"
        path.write_bytes(data)
        assert isinstance(smoke.example("toy", file=path), dict)


def _answer(data: bytes) -> None:
    """Whatever the application answers, the smoke test comes to a verdict."""
    client: Any = object.__new__(smoke._Client)
    client.url, client._token = "https://a", "t"
    client._pool = SimpleNamespace(request=lambda *_, **__: SimpleNamespace(status=200, data=data))
    made = smoke._tried(SimpleNamespace(), client, client.get("/health"), {}, "c")  # type: ignore[arg-type]  # unused
    assert len(made.calls) == 5


def _credentials(data: bytes) -> None:
    """Whatever a secret holds, a refusal quotes none of its values."""
    text = text_of(data)
    try:
        found = ClientCredentials.parse(text, secret="s")  # noqa: S106  # a name
    except OpsError as error:
        assert _HIDDEN not in str(error)
        raise
    assert found.token_url.startswith("https://")
    assert _HIDDEN not in repr(found)


def _token(data: bytes) -> None:
    """Whatever an issuer answers, what is taken for a token may be a header, and a refusal quotes nothing."""
    credentials = ClientCredentials(secret="s", token_url="https://a", client_id="c", client_secret="p")  # noqa: S106  # no secret
    try:
        credentials._taken(400, data)
    except OpsError as error:
        assert _HIDDEN not in str(error)
    else:
        raise AssertionError("a refusal was taken for a token")
    try:
        assert BEARER.fullmatch(credentials._taken(200, data))
    except OpsError as error:
        assert _HIDDEN not in str(error)
        raise


def _uri(data: bytes) -> None:
    where = Location.of(text_of(data))
    assert where.bucket is not None
    assert where.key


PARSERS = (
    Parser(
        name="operator.dead-letter",
        reads="messages in a dead-letter queue",
        modules=("ops/dead_letters.py",),
        run=_message,
        refusals=(ValueError, RecursionError),  # SQS hands over no such message
        seeds=lambda: (
            json.dumps({"Body": json.dumps({"detail-type": "Object Created"})}).encode(),
            b'{"Body": "no event"}',
        ),
        syntax="json",
        tokens=("Body", "detail-type"),
        cases=200,
    ),
    Parser(
        name="operator.definition",
        reads="the recorded pipeline definition, which is replayed",
        modules=("ops/reproduce/definition.py",),
        run=_replayed,
        refusals=(OpsError,),
        seeds=lambda: (_SMALL, _COMPILED),
        syntax="json",
        tokens=(
            *PIPELINE_WORDS,
            "NetworkConfig",
            "VpcConfig",
            "Steps.Train.A",
            "RegisterModel",
        ),
        longest=65_536,
        cases=200,
    ),
    Parser(
        name="operator.code-uri",
        reads="the same, for the address of its code",
        modules=(),
        run=_code_uri,
        refusals=(OpsError,),
        seeds=lambda: (_SMALL,),
        syntax="json",
        cases=100,
    ),
    Parser(
        name="operator.record",
        reads="the record that `ops smoke` asks about",
        modules=("ops/smoke.py",),
        run=_record,
        refusals=(OpsError,),
        seeds=lambda: ((ROOT / "pipelines" / "projects" / "flights" / "example.json").read_bytes(),),
        syntax="json",
        cases=100,
    ),
    Parser(
        name="operator.api-answer",
        reads="what the application answers to `ops smoke`",
        modules=(),
        run=_answer,
        refusals=(OpsError,),
        seeds=lambda: (b'{"code_version": "c", "predictions": [{"prediction": 1.5}]}',),
        syntax="json",
        tokens=("predictions", "prediction", "code_version", "status", "model_live", "type", smoke.NO_MODEL_YET),
        cases=200,
    ),
    Parser(
        name="operator.client-credentials",
        reads="the secret with client credentials, which a person writes",
        modules=("ops/client_credentials.py",),
        run=_credentials,
        refusals=(OpsError,),
        seeds=lambda: (
            json.dumps(
                {
                    "token_url": "https://a.example/token",
                    "client_id": _HIDDEN,
                    "client_secret": _HIDDEN,
                    "scope": _HIDDEN,
                    "audience": _HIDDEN,
                }
            ).encode(),
        ),
        syntax="json",
        tokens=("token_url", "client_id", "client_secret", "scope", "audience", "https://", "@", "#", "[", _HIDDEN),
        cases=200,
    ),
    Parser(
        name="operator.token-answer",
        reads="what an issuer answers to client credentials",
        modules=(),
        run=_token,
        refusals=(OpsError,),
        seeds=lambda: (
            b'{"access_token": "a.b.c", "token_type": "Bearer", "expires_in": 3600}',
            b'{"error": "invalid_client", "error_description": "hidden-value"}',
        ),
        syntax="json",
        tokens=("access_token", "token_type", "Bearer", "error", "invalid_client", _HIDDEN),
        cases=200,
    ),
    Parser(
        name="operator.uri",
        reads="addresses of objects",
        modules=("ops/storage.py",),
        run=_uri,
        refusals=(OpsError,),
        seeds=lambda: (b"s3://bucket/key/of/it",),
        syntax="text",
        tokens=("s3://", "/", "?versionId="),
        longest=500,
        cases=100,
    ),
)
