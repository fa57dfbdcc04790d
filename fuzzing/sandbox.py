"""What the sandbox reads as AWS would: expressions, definitions, buildspecs, requests, keys, lines of logs."""

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fuzzing.parser import ROOT, Parser, text_of
from fuzzing.pipeline_words import PIPELINE_WORDS
from sandbox.cloudwatch.gathering import embedded
from sandbox.delivery.buildspec import Buildspec
from sandbox.errors import SandboxError
from sandbox.sagemaker import listing
from sandbox.sagemaker.pipelines import definition
from sandbox.sagemaker.pipelines.expressions import Scope
from sandbox.sagemaker.pipelines.paths import PathError, look_up, tokens
from sandbox.sagemaker.protocol.dispatch import Dispatcher
from sandbox.sagemaker.protocol.errors import AwsError
from sandbox.sagemaker.storage import Storage, StorageError, _inside, _name_under

_COMPILED = (ROOT / "pipelines" / "projects" / "flights" / "training.pipeline.json").read_bytes()
_BUILDSPEC = b"""version: "0.2"
env: {shell: bash, variables: {A: 1}, exported-variables: [B]}
phases:
  install: {runtime-versions: {python: 3.12}, commands: [make setup]}
  build: {commands: ["make test"], finally: ["echo done"]}
reports: {tests: {files: ["*.xml"], base-directory: out}}
artifacts: {files: ["**/*"], secondary-artifacts: {other: {files: a, discard-paths: yes}}}
"""


def _definition(data: bytes) -> None:
    found = definition.parse(text_of(data))
    assert found.steps
    given = {name: "1" for name, parameter in found.parameters.items() if parameter.default is None}
    assert found.values(given).keys() == found.parameters.keys()


def _expression(data: bytes) -> None:
    document = json.loads(data)
    scope = Scope(
        parameters={"P": "p", "N": 1},
        execution={"PipelineName": "n"},
        steps={},
        properties=lambda _: {
            "ProcessingOutputConfig": {"Outputs": [{"OutputName": "train", "S3Output": {"S3Uri": "s3://b/k"}}]}
        },
        read=lambda _: b'{"a": [1, {"b": 2}]}',
    )
    json.dumps(scope.resolve(document))


def _path(data: bytes) -> None:
    value = {"a": [{"OutputName": "train", "b": 1}, [1, 2]], "c": {"d": None}}
    look_up(value, tokens(text_of(data)), shown="p")


def _buildspec(data: bytes) -> None:
    found = Buildspec.of(text_of(data))
    assert found.script(exports=Path("/exports"))


class _Created(Exception):
    """SageMaker refused; the message is AWS's."""


def _create(request: Mapping[str, Any]) -> Mapping[str, Any]:
    json.dumps(request, default=str)
    return {"EndpointArn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/e"}


_DISPATCHER = Dispatcher({"CreateEndpoint": _create, "ListEndpoints": lambda request: {"Endpoints": _page(request)}})


def _page(request: Mapping[str, Any]) -> list[Any]:
    nothing: list[Any] = []
    found, token = listing.page_of(nothing, request)
    assert token is None
    return found


def _request(data: bytes) -> None:
    """A request becomes an answer, or an error of the caller."""
    target, _, body = data.partition(b"\n")
    name = target.decode("latin-1")
    status, _, answer = _DISPATCHER.respond(name, body)
    document = json.loads(answer)
    assert status < 500, document
    if status >= 400:
        raise _Created(document["message"])


def _token(data: bytes) -> None:
    found, _ = listing.page_of(list(range(5)), {"NextToken": text_of(data)})
    assert isinstance(found, list)


def _key(data: bytes) -> None:
    prefix, _, key = text_of(data).partition("|")
    folder = Path("/jobs/input")
    found = _inside(folder, _name_under(f"{prefix}{key}", prefix), uri="s3://bucket")
    assert folder in [found, *found.parents]
    assert ".." not in found.parts


def _manifest(data: bytes) -> None:
    """A manifest of a processing input; every name lands in the folder."""

    class _Kept(Storage):
        def download_file(self, uri: str, target: Path) -> None:
            assert isinstance(uri, str)
            assert target.is_relative_to("/jobs/input")
            assert ".." not in target.parts

    client = SimpleNamespace(get_object=lambda **_: {"Body": io.BytesIO(data)})
    kept = _Kept(SimpleNamespace(client=lambda *_, **__: client), role_arn="arn:role")
    kept.download_manifest("s3://bucket/manifest", Path("/jobs/input"))


def _log_line(data: bytes) -> None:
    found = list(embedded(text_of(data)))
    for series, value in found:
        json.dumps([series.namespace, series.name, value])
    if not found:
        raise ValueError("no metric")


def _requests() -> Iterable[bytes]:
    created = {"EndpointName": "e", "EndpointConfigName": "c", "Tags": [{"Key": "k", "Value": "v"}]}
    yield b"SageMaker.CreateEndpoint\n" + json.dumps(created).encode()
    yield b'SageMaker.ListEndpoints\n{"MaxResults": 5, "CreationTimeAfter": 1362132900.5, "NameContains": "e"}'


_LINE = {
    "_aws": {
        "Timestamp": 1,
        "CloudWatchMetrics": [
            {"Namespace": "N", "Dimensions": [["service"]], "Metrics": [{"Name": "Requests", "Unit": "Count"}]}
        ],
    },
    "service": "s",
    "Requests": [1.0, 2],
}
_EXPRESSIONS = [
    {"Get": "Parameters.P"},
    {"Std:Join": {"On": "/", "Values": ["s3:/", {"Get": "Parameters.P"}, {"Get": "Execution.PipelineName"}]}},
    {"Get": "Steps.A.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"},
    {"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": "a[1].b"}},
]

PARSERS = (
    Parser(
        name="sandbox.definition",
        reads="pipeline definitions of CreatePipeline",
        modules=("sandbox/sagemaker/pipelines/definition.py",),
        run=_definition,
        refusals=(AwsError,),
        seeds=lambda: (_COMPILED,),
        syntax="json",
        tokens=(
            *PIPELINE_WORDS,
            "PropertyFiles",
            "Steps.Train.ModelArtifacts",
            "Parameters.",
            "Parameters",
            "Steps",
            "EnumValues",
            "DefaultValue",
        ),
        longest=65_536,
        cases=150,
    ),
    Parser(
        name="sandbox.expression",
        reads="values of a definition that are known while it runs",
        modules=("sandbox/sagemaker/pipelines/expressions.py",),
        run=_expression,
        refusals=(
            PathError,
            ValueError,
            RecursionError,
        ),  # the last two: a definition that is no JSON was refused before
        seeds=lambda: tuple(json.dumps(each).encode() for each in _EXPRESSIONS),
        syntax="json",
        tokens=(
            "Get",
            "Std:Join",
            "Std:JsonGet",
            "On",
            "Values",
            "S3Uri",
            "PropertyFile",
            "Path",
            "Parameters.P",
            "Steps.A",
            "Steps.A.PropertyFiles.F",
            "a[0]",
        ),
        cases=300,
    ),
    Parser(
        name="sandbox.path",
        reads="paths into answers",
        modules=("sandbox/sagemaker/pipelines/paths.py",),
        run=_path,
        refusals=(PathError,),
        seeds=lambda: (b"a['train'].b", b"a[1][0]", b'c["d"]'),
        syntax="text",
        tokens=("['", "']", "[", "]", ".", "a", "train", "99999999999999999999"),
        longest=500,
        cases=300,
    ),
    Parser(
        name="sandbox.buildspec",
        reads="buildspecs (YAML)",
        modules=("sandbox/delivery/buildspec.py",),
        run=_buildspec,
        refusals=(SandboxError,),
        # PyYAML takes two seconds for a thousand open brackets before it gives up; only the project writes one.
        seconds=20,
        seeds=lambda: (_BUILDSPEC,),
        syntax="text",
        tokens=(
            "version:",
            "phases:",
            "commands:",
            "env:",
            "- ",
            "&a ",
            "*a",
            "!!python/object:os.system",
            "!!binary",
            "2001-99-99",
            "? ",
            "{",
            "}",
            "null",
            "<<:",
        ),
        longest=4096,
        cases=100,
    ),
    Parser(
        name="sandbox.request",
        reads="requests to SageMaker's API",
        modules=(
            "sandbox/sagemaker/protocol/dispatch.py",
            "sandbox/sagemaker/protocol/codec.py",
            "sandbox/sagemaker/protocol/shapes.py",
        ),
        run=_request,
        refusals=(_Created,),
        seeds=_requests,
        syntax="lines",
        tokens=(
            "EndpointName",
            "EndpointConfigName",
            "Tags",
            "Key",
            "Value",
            "DeploymentConfig",
            "CreationTimeAfter",
            "NextToken",
            "MaxResults",
            "SageMaker.ListEndpoints",
        ),
        cases=200,
    ),
    Parser(
        name="sandbox.next-token",
        reads="tokens of the next page",
        modules=("sandbox/sagemaker/listing.py",),
        run=_token,
        refusals=(AwsError,),
        seeds=lambda: (b"ZnJvbToy",),
        syntax="text",
        tokens=("ZnJvbTo", "ZnJvbTot", "=", "-", "é"),
        longest=200,
        cases=100,
    ),
    Parser(
        name="sandbox.key",
        reads="keys of objects that become files of a job",
        modules=("sandbox/sagemaker/storage.py",),
        run=_key,
        refusals=(StorageError,),
        seeds=lambda: (b"data/|period=2013-01/a.parquet", b"d/e|/f", b"|a"),
        syntax="text",
        tokens=("..", "/", "../", "|", "./", "data/", "\x00"),
        longest=1100,
        cases=300,
    ),
    Parser(
        name="sandbox.manifest",
        reads="manifest files of a job's input",
        modules=(),
        run=_manifest,
        refusals=(StorageError,),
        seeds=lambda: (b'[{"prefix": "s3://bucket/data/"}, "a/b.csv", "c"]',),
        syntax="json",
        tokens=("prefix", "../x", "/etc/passwd"),
        cases=200,
    ),
    Parser(
        name="sandbox.log-line",
        reads="lines of logs that may be metrics",
        modules=("sandbox/cloudwatch/gathering.py",),
        run=_log_line,
        refusals=(ValueError,),
        seeds=lambda: (json.dumps(_LINE).encode(),),
        syntax="json",
        tokens=(
            "_aws",
            "CloudWatchMetrics",
            "Dimensions",
            "Metrics",
            "Name",
            "Unit",
            "Namespace",
            "service",
            "Requests",
        ),
        cases=300,
    ),
)
