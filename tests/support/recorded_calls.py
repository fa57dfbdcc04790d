"""What the roles of a deployed stage were recorded to call, freed of everything that differs from run to run.

``tests/data/recorded_calls.json`` holds the calls of the whole loop; ``make record`` runs it and writes the file again.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from logical_names import Names

from sandbox.adapter.call_record import FILE as RECORD
from sandbox.server import Sandbox

FILE = Path(__file__).parents[1] / "data" / "recorded_calls.json"
RECORDS = os.environ.get("TANDEM_RECORD_CALLS", "")
"""What a run writes: ``parts`` of the loop, or what the ``others`` of the loop's tests call besides."""
_REFRESH = "`make record` writes the file again; review its diff as you would that of a policy"
# What a policy looks at; everything else in a request's context only tells it apart from others. Not the status of a
# version's stage: which of them a handler writes depends on whether it or another one is the first to see the outcome.
_KEYS = re.compile(r"cloudwatch:|iam:|kms:|s3:prefix|sagemaker:modellifecycle:stage$")


@dataclass(frozen=True, order=True)
class Call:
    """A call of a role.

    Attributes:
        role: the role by stack and logical id, such as ``Training-PipelineRole``.
        action: the action.
        resource: its ARN, names that CloudFormation makes up as in `role`.
        context: condition keys with their values.
        through: the service that calls for the role; None when the role's session does.
    """

    role: str
    action: str
    resource: str
    context: tuple[tuple[str, Any], ...] = ()
    through: str | None = None

    @property
    def pair(self) -> tuple[str, str]:
        """Role and action."""
        return self.role, self.action

    def as_json(self) -> dict[str, Any]:
        """As the file has it; what is empty is left out."""
        return {key: value for key, value in (asdict(self) | {"context": dict(self.context)}).items() if value}


@dataclass(frozen=True)
class Recording:
    """The recorded calls.

    Attributes:
        parts: what each run of a part of the loop calls.
        others: what other tests call, there and in stages of their own, and what depends on what comes first.
    """

    parts: Mapping[str, Sequence[Call]]
    others: Sequence[Call]

    @property
    def all(self) -> list[Call]:
        """Every call once."""
        return sorted({*self.others, *(call for calls in self.parts.values() for call in calls)}, key=repr)


def load() -> Recording:
    """Read the file."""
    document = json.loads(FILE.read_text("utf-8"))
    parts = {part: [_call(each) for each in calls] for part, calls in document["parts"].items()}
    return Recording(parts, [_call(each) for each in document["others"]])


def check_part(sandbox: Sandbox, *, part: str, stage: str) -> None:
    """See that no call of a stage was denied, and that the file holds what this part of the loop calls, and no more.

    Args:
        sandbox: where the stage is deployed, with permissions enforced.
        part: the part of the loop that was run.
        stage: the stage's name.
    """
    seen = _permitted(sandbox, stage=stage)
    recording = load()
    if RECORDS == "parts":
        _write(Recording({**recording.parts, part: sorted(seen, key=repr)}, []))
    elif not RECORDS:
        _is_known(seen, recording)
        gone = {call.pair for call in recording.parts[part]} - {call.pair for call in seen}
        assert sorted(gone) == [], f"calls that nobody makes any more: {_REFRESH}"


def check_all(sandbox: Sandbox, *, stage: str) -> None:
    """See that no call of a stage was denied, whichever tests used it, and that the file holds them all."""
    seen = _permitted(sandbox, stage=stage)
    recording = load()
    if RECORDS == "others":
        _write(Recording(recording.parts, sorted({*recording.others, *(seen - set(recording.all))}, key=repr)))
    elif not RECORDS:
        _is_known(seen, recording)


def _permitted(sandbox: Sandbox, *, stage: str) -> set[Call]:
    lines = recorded(sandbox, stage=stage)
    assert denied(lines) == []
    return called(lines, sandbox, stage=stage)


def _is_known(seen: set[Call], recording: Recording) -> None:
    unknown = sorted(seen - set(recording.all), key=repr)
    assert unknown == [], f"calls that {FILE.name} does not hold: {_REFRESH}"


def recorded(sandbox: Sandbox, *, stage: str) -> list[dict[str, Any]]:
    """What was recorded of the stage's own roles."""
    text = (sandbox.directory.logs / RECORD).read_text("utf-8")
    lines = (json.loads(line) for line in text.splitlines())
    return [line for line in lines if line["role"].rpartition("/")[2].startswith(f"{stage}-")]


def denied(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """Calls that were not allowed."""
    return [f"{line['role']} {line['action']} {line['resource']}" for line in lines if line["decision"] != "Allow"]


def called(lines: Iterable[Mapping[str, Any]], sandbox: Sandbox, *, stage: str) -> set[Call]:
    """The recorded calls as the file has them."""
    names = Names.of_deployed(sandbox, stage=stage)
    return {_normal(line, names, stage) for line in lines}


def _normal(line: Mapping[str, Any], names: Names, stage: str) -> Call:
    context = {key: _text(names.logical(value), stage) for key, value in line["context"].items() if _KEYS.match(key)}
    if line["action"].startswith("s3:") and "s3:prefix" in context:
        context["s3:prefix"] = _first_folder(context["s3:prefix"])
    return Call(
        role=names.logical(line["role"].rpartition("/")[2]),
        action=line["action"],
        resource=_resource(_text(names.logical(line["resource"]), stage)),
        context=tuple(sorted(context.items())),
        through=line["through"],
    )


_CHANGING = (
    (re.compile(r"[0-9a-f]{64}"), "HASH"),
    (re.compile(r"-v\d+-[0-9a-f]{8}"), "-v1-HASH"),
    (re.compile(r"(model-package/[\w-]+)/\d+"), r"\1/1"),
    (re.compile(r"/execution/\w+"), "/execution/EXECUTION"),
    (re.compile(r"-job/pipelines-.+"), "-job/pipelines-JOB"),
    (re.compile(r":log-stream:.+"), ":log-stream:STREAM"),
)


def _text(text: str, stage: str) -> str:
    environment = stage.rpartition("-")[2]
    if text == environment:
        return "sandbox"
    for pattern, constant in _CHANGING:
        text = pattern.sub(constant, text)
    return text.replace(stage, f"{stage.removesuffix(environment)}sandbox")


def _resource(arn: str) -> str:
    if not arn.startswith("arn:aws:s3:::"):
        return arn
    bucket, slash, key = arn.partition("/")
    return f"{bucket}{slash}{_first_folder(key)}"


def _first_folder(key: str) -> str:
    folder, slash, _ = key.partition("/")
    return f"{folder}{slash}OBJECT" if slash else folder


def _call(document: Mapping[str, Any]) -> Call:
    return Call(**{**document, "context": tuple(sorted(document.get("context", {}).items()))})


def _write(recording: Recording) -> None:
    """A call on each line, so that a diff shows calls."""

    def written(calls: Sequence[Call], indent: str) -> str:
        lines = ",".join(f"\n{indent}  {json.dumps(call.as_json())}" for call in calls)
        return f"[{lines}\n{indent}]" if lines else "[]"

    parts = ",\n".join(f"    {json.dumps(part)}: {written(calls, '    ')}" for part, calls in recording.parts.items())
    others = written(recording.others, "  ")
    FILE.write_text(f'{{\n  "parts": {{\n{parts}\n  }},\n  "others": {others}\n}}\n', "utf-8")
