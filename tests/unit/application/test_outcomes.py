"""``POST /outcomes``: what is told, as the monitor reads it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.outcomes import PREFIX, Outcomes
from lambdas.shared import clock
from pipelines.steps.monitor import ground_truth
from pipelines.steps.monitor.ground_truth import Labels
from tests.unit.application.support.endpoint import EndpointServer
from tests.unit.application.support.world import World

ID = "JKJaXmPLvHcESHA="


class Bucket:
    """Remembers what is put."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803  # as AWS spells it
        assert Bucket == "data"
        assert ContentType
        self.objects[Key] = Body


def read(objects: dict[str, bytes]) -> Labels:
    return ground_truth.read((key, objects[key]) for key in sorted(objects))


def told(*outcomes: tuple[str, Any]) -> dict[str, Any]:
    return {"outcomes": [{"inference_id": inference_id, "outcome": outcome} for inference_id, outcome in outcomes]}


def test_outcomes_become_ground_truth_of_the_hour_in_which_they_are_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC))
    answer = world.call("POST", "/outcomes", told((f"{ID}.0", 120.5), (f"{ID}.2", 60), ("other.1", 90)))
    assert (answer.status, answer.body) == (202, {"accepted": 3})
    ((key, _),) = world.told().items()
    assert key.startswith(f"{PREFIX}2026/03/04/05/0607.000089-")
    assert read(world.told()).of == {ID: (120.5, None, 60.0), "other": (None, 90.0)}


def test_what_is_told_in_separate_requests_is_put_together_and_the_last_word_counts(world: World) -> None:
    for outcomes in ([(f"{ID}.0", 100)], [(f"{ID}.1", 200)], [(f"{ID}.0", 150)], [(f"{ID}.1", 200)]):
        assert world.call("POST", "/outcomes", told(*outcomes)).status == 202
    assert read(world.told()).of == {ID: (150.0, 200.0)}


def test_another_outcome_of_the_same_prediction_replaces_the_first_and_is_counted(world: World) -> None:
    for outcome in (100, 150):
        assert world.call("POST", "/outcomes", told((f"{ID}.0", outcome))).status == 202
    files = world.told()

    assert len(files) == 2, "what was told first is kept"
    assert read(files).of == {ID: (150.0,)}
    assert read(files).conflicting == {max(files): 1}


def test_an_id_that_nobody_gave_out_is_taken_and_counts_for_no_answer(world: World) -> None:
    assert world.call("POST", "/outcomes", told(("invented.0", 100))).status == 202

    assert read(world.told()).unmatched({ID}).total() == 1


def test_of_two_outcomes_in_one_body_the_last_counts_as_well(world: World) -> None:
    assert world.call("POST", "/outcomes", told((f"{ID}.0", 120), (f"{ID}.0", 121))).status == 202
    assert read(world.told()).of == {ID: (121.0,)}


def test_a_yes_or_no_is_told_as_such(embedded_url: str, endpoint: EndpointServer) -> None:
    world = World(embedded_url, endpoint, project="late")
    assert world.call("POST", "/outcomes", told((f"{ID}.0", True), (f"{ID}.1", False))).status == 202
    assert read(world.told()).of == {ID: (1.0, 0.0)}
    assert world.call("POST", "/outcomes", told((f"{ID}.0", 1))).status == 422


@pytest.mark.parametrize(
    ("outcomes", "field"),
    [
        (told((f"{ID}.0", 0)), "outcome"),
        (told((f"{ID}.0", None)), "outcome"),
        (told((f"{ID}.0", "120")), "outcome"),
        (told((ID, 120)), "inference_id"),
        (told((f"{ID}.1000", 120)), "inference_id"),
        (told((f"{ID}.01", 120)), "inference_id"),
        (told((f"{ID}.0\n", 120)), "inference_id"),
        (told((f"{ID}.٣", 120)), "inference_id"),
        (told(("../../x.0", 120)), "inference_id"),
        (told((f"{'x' * 61}.0", 120)), "inference_id"),
        ({"outcomes": [{"inference_id": f"{ID}.0"}]}, "outcome"),
        ({"outcomes": [{"inference_id": f"{ID}.0", "outcome": 120, "at": "now"}]}, "at"),
    ],
)
def test_what_is_no_outcome_is_named_and_nothing_is_written(world: World, outcomes: Any, field: str) -> None:
    answer = world.call("POST", "/outcomes", outcomes)
    assert answer.status == 422
    assert answer.body["errors"][0]["field"] == field
    assert world.told() == {}


def test_outcomes_that_cannot_be_written_may_be_told_again(world: World) -> None:
    world.s3.delete_bucket(Bucket=world.data)
    answer = world.call("POST", "/outcomes", told((f"{ID}.0", 120)))
    assert (answer.status, answer.body["type"]) == (503, "urn:problem-type:tandem:store-unavailable")
    assert answer.headers["Retry-After"] == "5"


POSTS = st.lists(
    st.dictionaries(st.tuples(st.sampled_from("ab"), st.integers(0, 3)), st.integers(1, 9), min_size=1), max_size=6
)


def write(posts: Iterable[dict[tuple[str, int], int]], monkeypatch: pytest.MonkeyPatch) -> Labels:
    bucket = Bucket()
    outcomes = Outcomes(lambda: bucket, bucket="data")  # type: ignore[arg-type, return-value]  # all that is called
    moments = iter(datetime(2026, 3, 4, 5, tzinfo=UTC) + timedelta(milliseconds=9 * step) for step in range(99))
    monkeypatch.setattr(clock, "now", lambda: next(moments))
    for post in posts:
        outcomes.tell([{"inference_id": f"{name}.{at}", "outcome": value} for (name, at), value in post.items()])
    return read(bucket.objects)


@given(POSTS)
def test_the_monitor_knows_the_last_outcome_of_every_record_and_each_post_may_be_repeated(
    posts: list[dict[tuple[str, int], int]],
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        labels = write(posts, monkeypatch).of
        again = write((post for post in posts for _ in range(2)), monkeypatch)
    last = {place: float(value) for post in posts for place, value in post.items()}
    known = {(name, at): value for name, row in labels.items() for at, value in enumerate(row) if value is not None}
    assert known == last
    assert again.of == labels
