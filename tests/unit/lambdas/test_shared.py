"""The small parts that all handlers share."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.close_training.environment import CloseTrainingEnvironment
from lambdas.shared import ledger, telemetry
from lambdas.shared.attributes import decode, encode, encode_item
from lambdas.shared.clock import iso
from lambdas.shared.errors import ConfigurationError, ConflictError
from lambdas.shared.evaluation import Evaluation, read_evaluation
from lambdas.shared.ledger import Ledger
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import LiveModel, TrainingState
from lambdas.start_training.environment import StartTrainingEnvironment
from lambdas.start_training.window import period_of
from tests.unit.lambdas.support.stage import Context, Stage

VALUES = st.recursive(
    st.text() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=8,
)


def live_model(sequence: int, version: int) -> LiveModel:
    return LiveModel(
        version=version,
        package_arn="arn:aws:sagemaker:us-east-1:000000000000:model-package/flights-sandbox/1",
        endpoint_config=f"config-{version}",
        since=datetime(2013, 3, 1, tzinfo=UTC),
        by="ana",
        sequence=sequence,
    )


@settings(deadline=None)
@given(VALUES)
def test_values_come_back_from_the_ledger_as_they_went_in(value: Any) -> None:
    assert decode(encode(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_dynamodb_does_not_have_is_named(value: float) -> None:
    with pytest.raises(ValueError, match=str(value)):
        encode({"rmse": value})


def test_an_absent_value_is_an_absent_attribute() -> None:
    assert encode_item({"a": None, "b": 1}) == {"b": {"N": "1"}}


def test_a_value_of_an_unknown_kind_is_named() -> None:
    with pytest.raises(TypeError, match="object"):
        encode(object())


def test_times_are_written_in_utc_and_sort_as_text() -> None:
    moment = datetime(2013, 3, 1, 11, 15, 0, 5000, tzinfo=timezone(timedelta(hours=1)))
    assert iso(moment) == "2013-03-01T10:15:00.005Z"
    assert iso(moment) < iso(moment + timedelta(milliseconds=1)) < iso(moment + timedelta(days=400))


def test_every_wrong_variable_is_named_with_its_value(stage: Stage) -> None:
    variables = stage.variables() | {"WINDOW_PERIODS": "0", "DATA_PREFIX": "data", "APPROVAL_STATUS": "Yes"}
    del variables["PIPELINE_NAME"]
    with pytest.raises(ConfigurationError) as caught:
        StartTrainingEnvironment.load(variables)
    for part in ("WINDOW_PERIODS='0'", "DATA_PREFIX='data'", "APPROVAL_STATUS='Yes'", "PIPELINE_NAME: Field required"):
        assert part in str(caught.value)


def test_an_environment_ignores_the_variables_of_others(stage: Stage) -> None:
    assert CloseTrainingEnvironment.load(stage.variables()).stage == "flights-sandbox"


def test_an_older_confirmation_cannot_overwrite_a_newer_one(stage: Stage) -> None:
    stage.ledger.commit(ledger.put_live(live_model(sequence=5, version=3)))
    for sequence in (4, 5):
        with pytest.raises(ConflictError):
            stage.ledger.commit(ledger.put_live(live_model(sequence=sequence, version=2)))
    stage.ledger.commit(ledger.put_live(live_model(sequence=6, version=2)))
    found = stage.ledger.live()
    assert found is not None
    assert found.version == 2


def test_of_two_writers_who_saw_the_same_state_one_has_to_look_again(stage: Stage) -> None:
    stage.ledger.commit(ledger.put_training(TrainingState(dirty_reason="first")))
    seen = stage.ledger.training()
    stage.ledger.commit(ledger.put_training(seen.model_copy(update={"dirty": True})))
    with pytest.raises(ConflictError):
        stage.ledger.commit(ledger.put_training(seen), ledger.put_handled("request", by="test"))
    assert not stage.ledger.is_handled("request"), "either all writes of a commit happen or none"


def test_a_fault_of_the_table_is_no_lost_race(stage: Stage) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        Ledger(stage.clients["dynamodb"], table="missing-table").commit(ledger.put_training(TrainingState()))


def test_attributes_of_a_newer_release_survive_a_write_by_an_older_one(stage: Stage) -> None:
    item = {"pk": {"S": "STATE#training"}, "sk": {"S": "STATE"}, "revision": {"N": "1"}, "novelty": {"S": "kept"}}
    stage.clients["dynamodb"].put_item(TableName=stage.table, Item=item)
    stage.ledger.commit(ledger.put_training(stage.ledger.training()))
    (found,) = stage.items("STATE#training")
    assert (found["novelty"], found["revision"]) == ("kept", 2)


def test_a_subject_is_what_sns_accepts(stage: Stage) -> None:
    notifier = Notifier(stage.clients["sns"], topic_arn=stage.topic, stage="flights-sandbox")
    notifier.tell("Ünusual\nnews " + "x" * 200, text="Text.", facts={"a": 1, "empty": None}, action="nothing.")
    (call,) = stage.gate.made("Publish")
    assert len(call["Subject"]) == 100
    assert call["Subject"].isascii()
    assert "\n" not in call["Subject"]
    assert "empty" not in call["Message"]


@pytest.mark.parametrize(
    ("key", "period"),
    [
        ("data/period=2013-01/part.parquet", "2013-01"),
        ("data/period=2013-01-31/part.parquet", "2013-01-31"),
        ("data/period=2013-13/part.parquet", None),
        ("data/period=2013-01/part.csv", None),
        ("data/period=2013-01/deep/part.parquet", None),
        ("other/period=2013-01/part.parquet", None),
        ("data/part.parquet", None),
    ],
)
def test_data_lies_in_folders_of_periods(key: str, period: str | None) -> None:
    assert period_of(key, prefix="data/") == period


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b'{"gate": 1}', b'{"metrics": {"rmse": 1e999}}', b"\xff"])
def test_a_strange_report_is_no_error(body: bytes) -> None:
    assert (read_evaluation(body) or Evaluation()).metrics == {}


@pytest.mark.parametrize(("header", "traced"), [("Root=1-5759e988;Sampled=1", True), ("Root=1;Sampled=0", False)])
def test_only_sampled_invocations_pay_for_tracing(
    monkeypatch: pytest.MonkeyPatch, header: str, *, traced: bool
) -> None:
    class Recorder:
        calls = 0
        noted: tuple[str, str] | None = None

        def capture_lambda_handler(self, handler: telemetry.Handler, *, capture_response: bool) -> telemetry.Handler:
            assert not capture_response, "an answer may hold what people sent"
            self.calls += 1
            return handler

        def put_annotation(self, name: str, value: str) -> None:
            self.noted = (name, value)

    recorder = Recorder()
    monkeypatch.setattr(telemetry, "_tracer", lambda: recorder)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)

    @telemetry.instrument
    def handler(event: dict[str, Any], _context: Any) -> int:
        telemetry.count("Messages")
        telemetry.annotate("model_version", "7")
        return len(event)

    assert handler({"a": 1}, Context()) == 1  # type: ignore[arg-type]  # only what Powertools reads
    assert recorder.calls == int(traced)
    assert recorder.noted == (("model_version", "7") if traced else None)
