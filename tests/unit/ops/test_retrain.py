"""`ops retrain`: the message that is sent, and what is said about what came of it."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lambdas.shared import ledger as ledger_writes
from lambdas.shared.events import parse_body
from lambdas.shared.records import Decision, RunStatus
from lambdas.start_training.events import RetrainMessage, RetrainRequested
from ops import retraining
from ops.errors import ExitCode
from ops.retraining import Answer
from tests.unit.ops.support.desk import START, Desk
from tests.unit.ops.support.workshop import Workshop

pytestmark = pytest.mark.usefixtures("maria")

NEW = "20260301T110000Z-00000001"


def set_training(desk: Desk, **fields: Any) -> None:
    desk.ledger.commit(ledger_writes.put_training(desk.ledger.training().model_copy(update=fields)))


def decide(desk: Desk, outcome: str, reason: str, *, identity: str, trigger: str = "drift") -> None:
    decision = Decision(
        at=START, identity=identity, handler="start-training", outcome=outcome, reason=reason, trigger=trigger
    )
    desk.ledger.commit(ledger_writes.put_decision(decision))


def take(desk: Desk) -> tuple[str, RetrainRequested]:
    """The message of the retrain queue, as StartTraining reads it."""
    message_id, body = desk.await_message(desk.stage.retrain_queue_url)
    message = parse_body(body, RetrainMessage).root
    assert isinstance(message, RetrainRequested)
    return message_id, message


def train(desk: Desk, status: RunStatus, **fields: Any) -> None:
    """What StartTraining and CloseTraining make of a request."""
    _, message = take(desk)
    reason = f"data/a.parquet; {message.detail.requested_by}: {message.detail.reason}"
    desk.put_run(desk.run(NEW, status=RunStatus.RUNNING, reason=reason, trigger="maria", started_at=START))
    ended = desk.run(NEW, status=status, reason=reason, trigger="maria", ended_at=START + timedelta(hours=1), **fields)
    desk.ledger.commit(ledger_writes.put_run(ended))


def test_the_request_says_who_asks_and_why_and_what_happens_next(desk: Desk) -> None:
    result = desk.ask("retrain", "--reason", "new carrier codes")

    assert result.exit_code == ExitCode.OK, result.output
    assert "requested: a run starts when the queue's settle time is over" in result.stdout
    _, message = take(desk)
    detail = message.detail
    assert (detail.reason, detail.requested_by) == ("new carrier codes", "maria")
    assert (detail.requires_new_data, detail.wake_up) == (False, False)


def test_unchanged_data_can_be_made_no_reason(desk: Desk) -> None:
    answer = desk.answer("retrain", "--reason", "weekly", "--requires-new-data")

    message_id, message = take(desk)
    assert message.detail.requires_new_data
    assert (answer["message_id"], answer["outcome"], answer["requires_new_data"]) == (message_id, "requested", True)


def test_with_a_run_under_way_it_says_that_the_request_waits(desk: Desk) -> None:
    set_training(desk, run_id="20260301T100000Z-busy")

    result = desk.ask("retrain", "--reason", "more")

    assert "run 20260301T100000Z-busy is under way: the request waits for its end" in result.stdout


def test_a_reason_has_to_be_given(desk: Desk) -> None:
    assert desk.ask("retrain").exit_code == ExitCode.USAGE
    assert desk.ask("retrain", "--reason", " ").exit_code == ExitCode.USAGE
    assert desk.messages(desk.stage.retrain_queue_url) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"status": RunStatus.PROMOTED, "version": 4, "parameters": {"ApprovalStatus": "Approved"}},
            "promoted: version 4 is promoted and its deployment starts by itself: 20% [better]",
        ),
        (
            {"status": RunStatus.PROMOTED, "version": 4, "parameters": {"ApprovalStatus": "PendingManualApproval"}},
            "promoted: version 4 waits for approval (`python -m ops approve 4`): 20% [better]",
        ),
        ({"status": RunStatus.KEPT_CHAMPION}, "kept champion: the live version stays: 20% [better]"),
    ],
)
def test_it_waits_for_the_verdict_of_the_gate(desk: Desk, fields: dict[str, Any], words: str) -> None:
    given = {"gate_reason": "20% [better]", "metrics": {"rmse": 9.5}, "report_uri": "s3://b/evaluation.html"}

    with desk.handlers(lambda: train(desk, **fields, **given)):
        result = desk.ask("retrain", "--reason", "x", "--wait")

    assert result.exit_code == ExitCode.OK, result.output
    assert words in result.stdout
    assert "rmse 9.5" in result.stdout
    assert "s3://b/evaluation.html" in result.stdout
    assert f"run {NEW} has started" in result.stderr


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.REJECTED_DATA])
def test_a_run_without_a_verdict_has_an_exit_code_of_its_own(desk: Desk, status: RunStatus) -> None:
    with desk.handlers(lambda: train(desk, status, failure="column distance is missing")):
        result = desk.ask("retrain", "--reason", "x", "--wait")

    assert result.exit_code == ExitCode.NOT_TRAINED
    assert f"{status.value.replace('_', ' ')}: column distance is missing" in result.stdout


@pytest.mark.parametrize(
    ("outcome", "reason"), [("refused", "there is no data"), ("deferred", "cooldown after the run of 10:00")]
)
def test_what_was_decided_instead_ends_the_waiting(desk: Desk, outcome: str, reason: str) -> None:
    decide(desk, outcome, "an old one", identity="old", trigger="maria")

    def answer_it() -> None:
        message_id, _ = take(desk)
        decide(desk, outcome, reason, identity=message_id)

    with desk.handlers(answer_it):
        result = desk.ask("retrain", "--reason", "x", "--wait")

    assert result.exit_code == ExitCode.NOT_TRAINED
    assert f"{outcome}: {reason}" in result.stdout


def test_a_decision_over_several_requests_is_recognised_by_its_words(desk: Desk) -> None:
    def answer_it() -> None:
        take(desk)
        decide(
            desk, "nothing_new", "run 1 was trained on it (asked: data/a; maria: weekly)", identity="another-message"
        )

    with desk.handlers(answer_it):
        result = desk.ask("retrain", "--reason", "weekly", "--wait")

    assert result.exit_code == ExitCode.NOT_TRAINED
    assert "nothing new: run 1 was trained on it" in result.stdout


def test_a_wait_that_others_share_is_found_although_it_was_recorded_before(desk: Desk) -> None:
    def answer_it() -> None:
        take(desk)
        set_training(desk, dirty=True, dirty_reason="maria: x", deferral="max_runs_per_day=4 is used up until 18:00")

    with desk.handlers(answer_it):
        result = desk.ask("retrain", "--reason", "x", "--wait")

    assert result.exit_code == ExitCode.NOT_TRAINED
    assert "deferred: max_runs_per_day=4 is used up until 18:00" in result.stdout


def test_the_request_waits_behind_a_run_under_way_and_its_own_run_is_told(desk: Desk) -> None:
    busy = desk.run("20260301T100000Z-busy", status=RunStatus.RUNNING, reason="maria: x", trigger="maria")
    desk.put_run(busy)
    set_training(desk, run_id=busy.run_id)
    seen = threading.Event()

    def hear(text: str) -> None:
        if text == f"the request waits for the end of run {busy.run_id}":
            seen.set()

    def go_on() -> None:
        assert seen.wait(10)
        set_training(desk, run_id=None)
        train(desk, RunStatus.KEPT_CHAMPION)

    with desk.handlers(go_on):
        answer = follow(desk, hear)

    assert answer.run is not None
    assert (answer.run.run_id, answer.outcome) == (NEW, "kept_champion"), "not the one that ran before"


def follow(desk: Desk, told: Callable[[str], None]) -> Answer:
    request = retraining.ask(desk.stage, reason="x", by="maria", requires_new_data=False)
    return retraining.follow(request, told=told)


def test_the_steps_of_the_run_are_told(desk: Desk, workshop: Workshop) -> None:
    snapshot = workshop.freeze(workshop.store("data/period=2026-02/steps.parquet", "steps"))
    workshop.train(snapshot, run_id="20260301T100000Z-000steps")
    recorded = workshop.ledger.run("20260301T100000Z-000steps")
    assert recorded is not None
    seen, told = threading.Event(), []

    def hear(text: str) -> None:
        told.append(text)
        if text == "step Register: succeeded":
            seen.set()

    def run() -> None:
        take(desk)
        arn = recorded.execution_arn
        running = desk.run(NEW, status=RunStatus.RUNNING, reason="maria: x", execution_arn=arn)
        desk.put_run(running)
        assert seen.wait(10)
        desk.ledger.commit(ledger_writes.put_run(running.model_copy(update={"status": RunStatus.FAILED})))

    with desk.handlers(run):
        answer = follow(desk, hear)

    assert told[0] == "waiting for an answer"
    assert set(told[1:]) == {
        f"run {NEW} has started",
        *(f"step {name}: succeeded" for name in ("Make", "Gate", "Register")),
    }
    assert answer.reason == "no reason is on record"


def test_machines_get_the_run_and_its_figures(desk: Desk) -> None:
    with desk.handlers(lambda: train(desk, RunStatus.PROMOTED, version=3, metrics={"rmse": 9.5}, gate_reason="better")):
        answer = desk.answer("retrain", "--reason", "x", "--wait")

    assert (answer["run_id"], answer["version"], answer["metrics"]) == (NEW, 3, {"rmse": 9.5})
    assert answer["outcome"] == "promoted"


def test_a_request_that_the_ledger_does_not_know_ends_with_where_to_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retraining, "_PATIENCE_SECONDS", 0)

    result = desk.ask("retrain", "--reason", "x", "--wait")

    assert result.exit_code == ExitCode.ERROR
    assert "the ledger knows nothing of the request" in result.stderr
    assert "dead-letter queue" in result.stderr


def test_interrupted_it_says_that_the_request_goes_on(desk: Desk) -> None:
    told: list[str] = []

    def hear(text: str) -> None:
        told.append(text)
        if len(told) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(desk, hear)

    assert told[1] == "the request goes on without this command; `python -m ops history` tells what came of it"


def test_a_long_reason_is_recognised_although_the_ledger_cuts_it_short(desk: Desk) -> None:
    def cut_short() -> None:
        take(desk)
        desk.put_run(desk.run(NEW, status=RunStatus.FAILED, reason=f"maria: {'x' * 800}"[:797] + "...", failure="no"))

    with desk.handlers(cut_short):
        result = desk.ask("retrain", "--reason", "x" * 1000, "--wait", "--json")

    assert json.loads(result.stdout)["run_id"] == NEW
