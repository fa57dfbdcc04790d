"""The monitor on an endpoint in memory: windows, judgements, labels that come late, and runs that come twice."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from watched_endpoint import FIRST_DAY, LIMITS, World, keys, lines, record, rows, truth

from pipelines.steps.failure import StepError
from pipelines.steps.monitor import collect, ground_truth, publish, windows
from pipelines.steps.monitor.counting import Counting
from pipelines.steps.monitor.windows import Window


@pytest.fixture
def world() -> World:
    return World()


def day(number: int) -> datetime:
    return FIRST_DAY + timedelta(days=number)


def starts(judged: list[dict[str, Any]]) -> list[int]:
    return [(datetime.fromisoformat(each["window"]["start"]) - FIRST_DAY).days for each in judged]


def test_traffic_like_the_baseline_is_in_order(world: World) -> None:
    for number in range(4):
        world.ask(number)
    judged = world.run(4)
    assert starts(judged) == [-1, 0, 1, 2, 3]
    newest = judged[-1]
    assert newest["breaches"] == {"drift": False, "prediction_drift": False, "quality": False, "data_quality": False}
    assert newest["since"] == dict.fromkeys(newest["breaches"])
    assert newest["traffic"] == {"records": 3, "rows": 300, "rows_of_live_version": 300, "silent_windows": 0}
    assert newest["features"][1]["rows"] == 900, "three windows are judged together"
    assert newest["model"]["version"] == "1"


def test_drift_is_told_with_the_worst_input_and_since_when(world: World) -> None:
    for number in range(6):
        world.ask(number, shift=0.0 if number < 3 else 2.0)
    judged = {starts([each])[0]: each for each in world.run(6)}
    assert not judged[2]["breaches"]["drift"]
    assert judged[5]["breaches"]["drift"]
    assert judged[5]["worst"]["feature"] == "size"
    assert judged[5]["since"]["drift"] == judged[3]["window"]["start"]
    assert judged[5]["breaches"]["prediction_drift"], "the prediction follows the size"


def test_a_streak_of_breaches_goes_on_from_run_to_run_and_ends(world: World) -> None:
    for number in range(9):
        world.ask(number, shift=2.0 if 2 <= number < 5 else 0.0)
    found = [world.run(number)[-1] for number in range(3, 10)]
    assert [each["breaches"]["drift"] for each in found] == [True] * 5 + [False] * 2
    assert {each["since"]["drift"] for each in found[:5]} == {day(2).isoformat()}


def test_every_window_is_one_datapoint_at_its_end(world: World) -> None:
    for number in range(3):
        world.ask(number)
    world.run(3)
    assert world.cloudwatch.of("Rows") == [(day(end), 300.0 if end else 0.0) for end in range(4)]
    assert [moment for moment, _ in world.cloudwatch.of("FeatureDrift")] == [day(end) for end in (1, 2, 3)]
    assert world.cloudwatch.of("FeatureDrift", feature="size")
    assert not world.cloudwatch.of("FeatureDrift", feature="at"), "time is never judged"
    assert world.cloudwatch.of("ModelVersion")[-1] == (day(3), 1.0)
    assert world.cloudwatch.of("Quality")


def test_a_second_run_judges_and_tells_nothing_again(world: World) -> None:
    for number in range(3):
        world.ask(number)
    first = world.run(3)
    data, written = len(world.cloudwatch.data), dict(world.s3.objects)
    assert first
    assert world.run(3) == []
    assert len(world.cloudwatch.data) == data
    assert world.s3.objects == written


def test_runs_that_were_missed_are_caught_up_with(world: World) -> None:
    for number in range(7):
        world.ask(number)
    assert starts(world.run(2)) == [-1, 0, 1]
    assert starts(world.run(7)) == [2, 3, 4, 5, 6]
    late = World()
    for number in range(7):
        late.ask(number)
    assert late.run(7)[-1] == json.loads(world.s3.objects["artifacts", "monitoring/toy-test/latest.json"])


def test_a_run_that_dies_before_its_record_is_written_is_made_up_for(world: World) -> None:
    for number in range(3):
        world.ask(number)
    world.run(3)
    del world.s3.objects["artifacts", f"monitoring/toy-test/judgements/{Window(day(2), day(3)).name}.json"]
    assert starts(world.run(3)) == [2]
    assert len(set(world.cloudwatch.of("Rows"))) == 4, "the same datapoint once more counts no second time as a maximum"


def test_what_was_counted_once_is_read_and_not_counted_again(world: World) -> None:
    for number in range(4):
        world.ask(number)
    world.run(3)

    def refuses(window: Window, *_: object, **__: object) -> Any:
        assert window == Window(day(3), day(4)), "only the new window"
        return collect.collect(window, *_, **__)  # type: ignore[arg-type]

    assert starts(world.run(4, collector=refuses)) == [3]


def test_what_was_counted_by_the_hour_is_not_taken_for_the_day(world: World) -> None:
    world.ask(0)
    world.limits = replace(LIMITS, window="hour")
    world.run(1)
    world.ask(1)
    world.ask(2)
    world.limits = LIMITS
    assert world.run(3)[-1]["features"][1]["rows"] == 900


def test_another_version_is_judged_by_its_own_baseline(world: World) -> None:
    for number in range(3):
        world.ask(number, shift=2.0)
    assert world.run(3)[-1]["breaches"]["drift"]
    world.sagemaker.version = 2
    world.ask(3, shift=2.0, version=2)
    newest = world.run(4)[-1]
    assert not newest["breaches"]["drift"]
    assert (newest["model"]["version"], newest["since"]["drift"]) == ("2", None)
    assert newest["traffic"]["rows_of_live_version"] == 300
    assert newest["prediction"]["rows"] == 300, "answers of the version before are not held against the new one"
    assert newest["labels"]["rows"] == 300, "nor do they count in its quality"


def test_an_answer_that_does_not_tell_its_version_counts_as_the_live_ones(world: World) -> None:
    world.ask(0, version=None)
    assert world.run(1)[-1]["traffic"]["rows_of_live_version"] == 300


def test_labels_that_come_late_are_joined_when_they_come(world: World) -> None:
    for number in range(3):
        world.ask(number, labels=False)
    before = world.run(3)[-1]
    assert before["quality"]["value"] is None
    assert "0 labelled predictions" in before["quality"]["reason"]
    assert before["estimate"]["value"] == pytest.approx(0.5, abs=0.05), "an estimate does not wait for labels"
    late = rows(300, seed=1000)
    told = [
        truth(f"0-{hour}", late.column("label").to_pylist()[at : at + 100])
        for at, hour in ((0, 1), (100, 9), (200, 23))
    ]
    world.put_labels(day(3) + timedelta(hours=5), lines(told))
    world.ask(3, labels=False)
    after = world.run(4)[-1]
    assert after["labels"]["rows"] == 300
    assert after["quality"]["value"] == pytest.approx(0.5, abs=0.06)
    assert after["quality"]["baseline"] == pytest.approx(0.5, abs=0.06)


def test_worse_answers_are_a_drop_in_quality(world: World) -> None:
    for number in range(4):
        world.ask(number, labels=False)
        table = rows(300, seed=1000 + number)
        wrong = [label + 3 for label in table.column("label").to_pylist()]
        told = [
            truth(f"{number}-{hour}", wrong[at : at + 100], encoding="JSON")
            for at, hour in ((0, 1), (100, 9), (200, 23))
        ]
        world.put_labels(day(number + 1), lines(told))
    newest = world.run(4)[-1]
    assert newest["breaches"]["quality"]
    assert newest["quality"]["drop"] > 1
    assert not newest["breaches"]["drift"], "the inputs are what they were"
    assert newest["target"]["drifted"]


def test_no_traffic_is_told_and_judges_nothing(world: World) -> None:
    judged = world.run(2)
    assert judged[-1]["traffic"] == {"records": 0, "rows": 0, "rows_of_live_version": 0, "silent_windows": 3}
    assert not any(judged[-1]["breaches"].values())
    assert judged[-1]["worst"] is None
    assert world.cloudwatch.of("Rows")[-1] == (day(2), 0.0)
    assert not world.cloudwatch.of("FeatureDrift")
    assert not world.cloudwatch.of("ViolationShare")


def test_before_anything_serves_there_is_nothing_to_count(world: World) -> None:
    world.sagemaker.exists = False
    arguments = World().counting(2).arguments
    sagemaker: Any = world.sagemaker
    assert Counting.of_endpoint(arguments, world.places, sagemaker) is None


def test_a_version_without_a_baseline_is_named_with_what_to_do(world: World) -> None:
    world.sagemaker.version = 3
    with pytest.raises(
        StepError, match=r"version 3 has no baseline at s3://artifacts/runs/run-3/.*ask for a training run"
    ):
        world.run(2)


def test_a_broken_file_is_counted_in_its_window_and_the_rest_is_judged(world: World) -> None:
    world.ask(0)
    moment = day(0) + timedelta(hours=5)
    content = lines([record(rows(50, seed=9), inference_id="x", moment=moment)])
    name = world.put_capture(moment, "cut.jsonl", content + content[:-30])
    judged = {starts([each])[0]: each for each in world.run(2)}
    (problem,) = judged[0]["capture"]["problems"]
    assert (problem["kind"], problem["count"], problem["key"]) == ("truncated", 1, name)
    assert judged[0]["traffic"]["rows"] == 350
    assert judged[1]["capture"]["problems"] == []
    assert world.cloudwatch.of("CaptureProblems") == [(day(0), 0.0), (day(1), 1.0), (day(2), 0.0)]


def test_a_record_that_was_written_in_the_next_hour_belongs_to_its_own_window(world: World) -> None:
    late = lines([record(rows(120, seed=9), inference_id="x", moment=day(1) - timedelta(seconds=5))])
    world.put_capture(day(1) + timedelta(minutes=2), "00-02.jsonl", late)
    judged = {starts([each])[0]: each["traffic"]["rows"] for each in world.run(2)}
    assert judged == {-1: 0, 0: 120, 1: 0}


def test_rows_that_break_the_baselines_schema_breach_the_data_quality(world: World) -> None:
    table = rows(200, seed=3)
    strange = table.set_column(2, "kind", pa.array(["z"] * 200))
    world.put_capture(day(0), "a.jsonl", lines([record(strange, inference_id="x", moment=day(0))]))
    newest = world.run(1)[-1]
    assert newest["breaches"]["data_quality"]
    assert newest["violations"]["share"] == 1.0
    assert [(each["column"], each["rule"]) for each in newest["violations"]["found"]] == [("kind", "category")]


def test_what_is_odd_about_labels_is_told_of_the_window_in_which_they_came_and_of_no_other(world: World) -> None:
    for number in range(4):
        world.ask(number)
    again = lines([truth("0-1", [0.0] * 100), truth("nobody", [1.0])])
    world.put_labels(day(1) + timedelta(hours=1), again + b"{ not json }\n")
    judged = {starts([each])[0]: each["labels"] for each in [*world.run(1), *world.run(4)]}
    assert {number: (each["conflicting"], each["unmatched"]) for number, each in judged.items()} == {
        -1: (0, 0),
        0: (0, 0),
        1: (1, 1),
        2: (0, 0),
        3: (0, 0),
    }
    assert [number for number, each in judged.items() if each["problems"]] == [1]
    (problem,) = judged[1]["problems"]
    assert (problem["kind"], problem["count"], problem["key"]) == ("json", 1, "2020/03/03/01/labels.jsonl")
    assert {value for _, value in world.cloudwatch.of("CaptureProblems")} == {0.0}, "these are no captured records"


def test_labels_of_requests_that_labels_are_waited_for_no_longer_are_not_unmatched(world: World) -> None:
    for number in range(8):
        world.ask(number)
    assert [world.run(number)[-1]["labels"]["unmatched"] for number in range(4, 9)] == [0] * 5


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{ not json }\n", "json"),
        (b'{"groundTruthData": {"data": "1"}}\n', "shape"),
        (lines([truth("x", [1.0])])[:-9], "truncated"),
        (b'{"groundTruthData": {"data": "1", "encoding": "XML"}, "eventMetadata": {"eventId": "x"}}\n', "shape"),
        (b'{"groundTruthData": {"data": "one", "encoding": "CSV"}, "eventMetadata": {"eventId": "x"}}\n', "shape"),
        (b'{"groundTruthData": {"data": "[[1]]", "encoding": "JSON"}, "eventMetadata": {"eventId": "x"}}\n', "shape"),
        (b'{"groundTruthData": {"data": "{}", "encoding": "JSON"}, "eventMetadata": {"eventId": "x"}}\n', "shape"),
        (lines([truth("x", [10**400], encoding="JSON")]), "shape"),
    ],
)
def test_labels_that_cannot_be_read_are_counted_and_the_others_are_read(content: bytes, kind: str) -> None:
    found = ground_truth.read([("file", lines([truth("good", [1.5, None])]) + content)])
    assert found.of["good"] == (1.5, None)
    assert [(each.kind, each.count) for each in found.problems] == [(kind, 1)]


def test_truths_are_labels_as_well() -> None:
    record_of = {"groundTruthData": {"data": "true,FALSE,,1"}, "eventMetadata": {"eventId": "x"}}
    assert ground_truth.read([("file", lines([record_of]))]).of["x"] == (1.0, 0.0, None, 1.0)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_labels_of_one_request_that_come_in_parts_are_put_together(order: tuple[int, ...]) -> None:
    parts = [[1.0], [None, 2.0], [None, None, None, 4.0]]
    found = ground_truth.read([(f"{number}", lines([truth("x", parts[number])])) for number in order])
    assert found.of["x"] == (1.0, 2.0, None, 4.0)
    assert not found.conflicting.total()


def test_an_unknown_label_takes_no_known_one_back() -> None:
    found = ground_truth.read([("1", lines([truth("x", [1.0, 2.0])])), ("2", lines([truth("x", [None, None])]))])
    assert found.of["x"] == (1.0, 2.0)
    assert not found.conflicting.total()


def test_labels_told_twice_change_nothing_and_contradict_nothing() -> None:
    told = lines([truth("x", [1.0, None, 3.0])])
    found = ground_truth.read([("1", told), ("2", told)])
    assert found.of["x"] == (1.0, None, 3.0)
    assert not found.conflicting.total()


def test_the_label_that_is_told_last_replaces_another_one_of_its_instance_alone() -> None:
    found = ground_truth.read([("1", lines([truth("x", [1.0, 2.0])])), ("2", lines([truth("x", [None, 5.0])]))])
    assert found.of["x"] == (1.0, 5.0)
    assert found.conflicting == {"2": 1}


def test_windows_are_cut_at_midnight_and_wait_for_their_data() -> None:
    length, grace = timedelta(days=1), timedelta(hours=1)
    assert windows.newest(day(3) + timedelta(minutes=59), length=length, grace=grace) == Window(day(1), day(2))
    assert windows.newest(day(3) + timedelta(minutes=60), length=length, grace=grace) == Window(day(2), day(3))


def test_a_run_catches_up_with_the_newest_windows_and_no_more() -> None:
    newest = Window(day(99), day(100))
    assert len(windows.after(day(0), newest, most=10)) == 10
    assert windows.after(day(0), newest, most=10)[-1] == newest
    assert windows.after(day(100), newest, most=10) == []


def test_whole_days_are_listed_as_one_folder() -> None:
    folders = windows.hour_folders(day(0) + timedelta(hours=22), day(2) + timedelta(hours=1))
    assert list(folders) == ["2020/03/02/22/", "2020/03/02/23/", "2020/03/03/", "2020/03/04/00/"]


@pytest.mark.parametrize("text", ["yesterday", "2020-03-02", "2020-03-02T01:00:00"])
def test_a_moment_without_a_time_zone_is_refused(text: str) -> None:
    with pytest.raises(StepError, match=f"--until is '{text}'"):
        windows.moment(text, name="--until")


def test_a_moment_is_told_in_utc() -> None:
    assert windows.moment("2020-03-02T01:00:00+02:00", name="x") == datetime(2020, 3, 1, 23, tzinfo=UTC)


def test_nothing_is_kept_outside_of_the_monitors_prefix(world: World) -> None:
    world.ask(0)
    before = set(world.s3.objects)
    world.run(1)
    written = {key for _, key in set(world.s3.objects) - before}
    assert written == set(keys(world, ""))
    assert {key.split("/")[2] for key in written} == {"judgements", "latest.json", "windows"}


def test_windows_that_cloudwatch_takes_no_more_are_judged_without_telling_it(world: World) -> None:
    for number in range(20):
        world.ask(number)
    assert len(world.run(20)) == 21
    ends = [moment for moment, _ in world.cloudwatch.of("Rows")]
    assert ends == [day(number) for number in range(7, 21)]


def test_a_run_that_starts_days_after_it_was_due_tells_what_cloudwatch_still_takes(world: World) -> None:
    for number in range(12):
        world.ask(number)
    world.cloudwatch.now = day(20)
    assert len(world.run(12)) == 13
    assert [moment for moment, _ in world.cloudwatch.of("Rows")] == [day(number) for number in range(6, 13)]


def test_a_sign_of_life_of_long_ago_is_not_worth_a_failure(world: World) -> None:
    world.cloudwatch.now = day(100)
    cloudwatch: Any = world.cloudwatch
    publish.alive("toy", "test", "toy-test", at=day(1), cloudwatch=cloudwatch)
    assert world.cloudwatch.data == []
