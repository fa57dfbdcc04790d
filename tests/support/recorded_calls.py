"""What the roles of a deployed stage were recorded to call, freed of everything that differs from run to run.

``tests/data/recorded_calls.json`` holds the calls of the whole loop. `python -m pytest` with ``TANDEM_RECORD_CALLS=1``
on the tests that compare with it rewrites it (``make record-calls``).
"""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from logical_names import Names

from sandbox.adapter.call_record import FILE as RECORD
from sandbox.server import Sandbox

FILE = Path(__file__).parents[1] / "data" / "recorded_calls.json"
REWRITE = os.environ.get("TANDEM_RECORD_CALLS") == "1"
_REFRESH = "`make record-calls` writes the file again; review its diff as you would a policy's"
# What a policy can look at; everything else in a request's context only tells it apart from others.
_KEYS = ("cloudwatch:", "iam:", "kms:", "s3:prefix", "sagemaker:modellifecycle:stage")


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
        calls: that each run of the loop makes, by the part of the loop that makes them.
        sometimes: that depend on what comes first, with the reason.
    """

    calls: Mapping[str, Sequence[Call]] = field(default_factory=dict)
    sometimes: Mapping[Call, str] = field(default_factory=dict)

    @property
    def all(self) -> list[Call]:
        """Every call once."""
        return sorted({*self.sometimes, *(call for calls in self.calls.values() for call in calls)}, key=repr)


def load() -> Recording:
    """Read the file."""
    document = json.loads(FILE.read_text("utf-8"))
    return Recording(
        calls={part: [_call(each) for each in calls] for part, calls in document["calls"].items()},
        sometimes={_call(each["call"]): each["reason"] for each in document["sometimes"]},
    )


def check(sandbox: Sandbox, *, part: str, stage: str) -> None:
    """See that no call of this stage was denied, and that the file holds what was called.

    Args:
        sandbox: where the stage is deployed, with permissions enforced.
        part: the part of the loop that was run.
        stage: the stage's name.
    """
    lines = recorded(sandbox, stage=stage)
    assert denied(lines) == []
    seen = called(lines, sandbox, stage=stage)
    recording = load()
    if REWRITE:
        known = set(recording.sometimes)
        _write(Recording({**recording.calls, part: sorted(seen - known, key=repr)}, recording.sometimes))
        return
    unknown = sorted(seen - set(recording.all), key=repr)
    assert unknown == [], f"calls that {FILE.name} does not hold: {_REFRESH}"
    gone = {call.pair for call in recording.calls[part]} - {call.pair for call in seen}
    assert sorted(gone) == [], f"calls that nobody makes any more: {_REFRESH}"


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
    context = {
        key: _text(names.logical(value), stage) for key, value in line["context"].items() if key.startswith(_KEYS)
    }
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
    calls = {part: [call.as_json() for call in found] for part, found in sorted(recording.calls.items())}
    sometimes = [{"call": call.as_json(), "reason": reason} for call, reason in recording.sometimes.items()]
    lines = ["{", '  "calls": {']
    for at, (part, found) in enumerate(calls.items()):
        entries = ",\n".join(f"      {json.dumps(each)}" for each in found)
        lines.append(f"    {json.dumps(part)}: [\n{entries}\n    ]{',' if at < len(calls) - 1 else ''}")
    entries = ",\n".join(f"    {json.dumps(each)}" for each in sometimes)
    lines += ["  },", f'  "sometimes": [\n{entries}\n  ]' if entries else '  "sometimes": []', "}"]
    FILE.write_text("\n".join(lines) + "\n", "utf-8")
