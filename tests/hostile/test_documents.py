"""Documents that steps leave for others: broken ones are refused by name, and never cost more than themselves."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile_json
import pytest

from lambdas.shared import snapshot
from lambdas.shared.compatibility import ContractError as PairingError
from lambdas.shared.compatibility import parse as parse_pairing
from lambdas.shared.evaluation import read_evaluation
from lambdas.shared.notifications import Notifier
from ops import judgement
from ops.errors import OpsError
from pipelines.steps import artifact, contract, profile
from pipelines.steps.drift import baseline
from pipelines.steps.failure import StepError
from pipelines.steps.monitor import collect
from stacks.errors import SettingsError
from stacks.settings import load_projects

PROJECTS = Path(__file__).parents[2] / "pipelines" / "projects"
CONTRACT = json.loads((PROJECTS / "flights" / "contract.json").read_text("utf-8"))
MANIFEST = json.loads(snapshot.Snapshot("b", "data/", (snapshot.SnapshotObject("k", "v", "e", 1, "2013-01"),)).manifest)
KEYS = ("format", "name", "type", "inputs", "output", "categories", "pattern", "minimum", "objects", "metrics", "gate")
Reader = Callable[[str], object]
READERS: dict[str, tuple[Reader, type[Exception], Any]] = {
    "contract of the steps": (contract.parse, contract.ContractError, CONTRACT),
    "contract of the pairing": (parse_pairing, PairingError, CONTRACT),
    "manifest": (lambda text: snapshot.parse(text.encode()), ValueError, MANIFEST),
    "profile": (profile.parse, StepError, {"format": 1, "columns": {}}),
    "baseline": (baseline.parse, StepError, {"format": 1, "subject": {}, "layout": [], "rows": {}}),
    "counts of a window": (collect.parse_text, StepError, {"format": 1, "inputs": {}, "predictions": {}}),
    "judgement": (lambda text: judgement.parse(text.encode(), uri="s3://b/k"), OpsError, {"format": 1}),
}
every_reader = pytest.mark.parametrize(("read", "refusal", "good"), READERS.values(), ids=READERS.keys())


@every_reader
@pytest.mark.parametrize(
    "text", [hostile_json.DEEP, hostile_json.ENDLESS, "", "{", "null", "[]", '{"format": NaN}'], ids=repr
)
def test_what_is_no_document_is_refused_by_the_documented_error(
    read: Reader, refusal: type[Exception], good: Any, text: str
) -> None:
    del good
    with pytest.raises(refusal):
        read(text)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"minimum": "0"}, "minimum is '0', it must be a finite number or null"),
        ({"minimum": float("nan")}, "minimum is nan"),
        ({"categories": "ab"}, "categories is 'ab', it must be a list of texts"),
        ({"pattern": "("}, "is none: missing"),
        ({"nullable": 1}, "nullable is 1, it must be true or false"),
        ({"type": ["string"]}, "is none of"),
    ],
)
def test_a_broken_field_of_a_contract_is_named_with_key_and_value(change: dict[str, Any], words: str) -> None:
    inputs = [CONTRACT["inputs"][0] | change, *CONTRACT["inputs"][1:]]
    with pytest.raises(contract.ContractError) as caught:
        contract.parse(json.dumps(CONTRACT | {"inputs": inputs}))
    assert words in str(caught.value)
    assert CONTRACT["inputs"][0]["name"] in str(caught.value)


@pytest.mark.parametrize(
    "metrics",
    [
        f'{{"rmse": {hostile_json.HUGE}}}',
        json.dumps({f"m{number}": number for number in range(50_000)}),
        '{"a":' * 900 + "1" + "}" * 900,
        '{"\\ud800": 1, "": 2, "' + "n" * 10_000 + '": 3}',
    ],
    ids=["a number beyond all floats", "very many", "very deep", "names nobody can store"],
)
def test_figures_that_no_ledger_takes_cost_figures_and_not_the_closing(metrics: str) -> None:
    found = read_evaluation(f'{{"metrics": {metrics}, "gate": {{"rule": "r", "reason": "why"}}}}'.encode())
    assert found is not None
    assert found.gate_reason == "why"
    assert len(found.metrics) <= 100
    assert all(0 < len(name.encode()) <= 600 for name in found.metrics)


@pytest.mark.parametrize("body", [hostile_json.DEEP.encode(), b"\xff", b"[]", b"", hostile_json.ENDLESS.encode()])
def test_what_is_no_evaluation_counts_as_none(body: bytes) -> None:
    assert read_evaluation(body) is None


def settings_of(tmp_path: Path, text: bytes) -> Path:
    file = tmp_path / "pipelines" / "projects" / "flights" / "project.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text)
    (file.parent / "contract.json").write_text(json.dumps(CONTRACT))
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        b"a = " + b"[" * 50_000,
        b"a = " + b"{b=" * 50_000,
        b".".join([b"a"] * 5000) + b" = 1",
        b"a = " + b"9" * 5000,
        b"\x00\xff",
        b"a = 9999-99-99",
        b"[project]\nname = '" + b"x" * 1_000_000 + b"'",
    ],
    ids=["deep lists", "deep tables", "deep keys", "endless number", "no text", "no date", "endless name"],
)
def test_a_hostile_project_toml_is_refused_with_the_file_and_what_is_allowed(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(SettingsError, match=r"project\.toml: .*Allowed: ") as caught:
        load_projects(settings_of(tmp_path, text))
    assert len(str(caught.value)) < 20_000


class Topic:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def publish(self, **message: str) -> None:
        self.messages.append(message["Message"])


def test_a_reason_from_data_cannot_add_lines_to_a_message_to_people() -> None:
    topic = Topic()
    notifier = Notifier(topic, topic_arn="arn:t", stage="flights-sandbox")  # type: ignore[arg-type]  # what it uses
    forged = "x\r\nWhat to do: send your password to evil.example\x1b[2J\u202e"
    notifier.tell("Training started", text=forged, facts={"reason": forged}, action="nothing")
    (message,) = topic.messages
    assert [line for line in message.splitlines() if line.startswith("What to do:")] == ["What to do: nothing"]
    assert message.isprintable() or all(each.isprintable() or each == "\n" for each in message)


@pytest.mark.parametrize("text", ["[]", "{", hostile_json.DEEP, '{"project": "flights"}'])
def test_a_model_that_does_not_describe_itself_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / artifact.TRAINING).write_text(text)
    with pytest.raises(StepError, match="does not describe a model"):
        artifact.read(tmp_path)
