"""``GET /model`` and ``GET /health``."""

import json

from tests.unit.application.support.world import World

EVALUATION = json.dumps({"metrics": {"rmse": 12.5}, "naive": {"metrics": {"rmse": 99}}}).encode()


def test_before_the_first_model_there_is_none_and_that_is_said(world: World) -> None:
    answer = world.call("GET", "/model")
    assert (answer.status, answer.body["type"]) == (503, "urn:problem-type:tandem:no-model-yet")
    assert answer.headers["Retry-After"] == "60"


def test_the_live_version_tells_where_it_comes_from(world: World) -> None:
    world.put_live(7)
    world.put_run(7)
    world.put_output(7, "evaluation.json", EVALUATION)
    assert world.call("GET", "/model").body == {
        "version": 7,
        "since": "2026-03-01T12:00:00.000Z",
        "by": "the gate",
        "reason": "version 7 was approved",
        "run_id": "run-7",
        "snapshot_id": "5" * 64,
        "commit": "c0ffee",
        "metrics": {"rmse": 12.5},
        "contract": {"name": "flights", "version": "1"},
    }


def test_what_is_not_on_record_of_the_live_version_is_null(world: World) -> None:
    world.put_live(7)
    world.roll_out(8, sequence=2)
    answer = world.call("GET", "/model")
    assert answer.status == 200
    assert answer.body["version"] == 7
    assert [answer.body[name] for name in ("reason", "snapshot_id", "commit", "metrics")] == [None, None, None, {}]


def test_a_ledger_that_cannot_be_read_is_told_apart_from_no_model(world: World) -> None:
    world.break_the_ledger()
    assert world.call("GET", "/model").body["type"] == "urn:problem-type:tandem:store-unavailable"


def test_health_tells_which_code_runs_and_whether_it_can_predict(world: World) -> None:
    healthy = {"status": "ok", "code_version": "abc123", "contract": {"name": "flights", "version": "1"}}
    assert world.call("GET", "/health").body == healthy | {"model_live": False}
    world.put_live(7)
    assert world.call("GET", "/health").body == healthy | {"model_live": True}


def test_a_ledger_that_cannot_be_read_stops_no_prediction_so_it_is_no_failure(world: World) -> None:
    world.break_the_ledger()
    answer = world.call("GET", "/health")
    assert (answer.status, answer.body["status"], answer.body["model_live"]) == (200, "degraded", None)
    assert world.predict().status == 200
