"""A deployment that waited too long: what becomes of it once somebody moves it back from the dead letters."""

from dataclasses import replace

from tests.unit.lambdas.support.deployments import approve, copy_of, newest, put_live
from tests.unit.lambdas.support.stage import NAME, Stage, has_failed


def test_a_request_that_is_moved_back_from_the_dead_letters_waits_anew(stage: Stage) -> None:
    put_live(stage, 1)
    approve(stage, 2)
    approve(stage, 3)
    given_up = copy_of(stage.wake_ups()[-1], stage)
    stage.clock.advance(hours=14)
    assert has_failed(stage.deploy(given_up))

    moved_back = replace(given_up, id="another", sent_at=stage.clock.now())
    assert not has_failed(stage.deploy(moved_back))
    again = stage.wake_ups()[-1]
    assert again["DelaySeconds"] == 5
    assert again["MessageAttributes"]["RequestId"] == {
        "DataType": "String",
        "StringValue": given_up.attributes["RequestId"],
    }
    stage.sagemaker.finish(NAME)
    stage.confirm()
    stage.deploy(replace(copy_of(again, stage), sent_at=stage.clock.now()))
    assert newest(stage).version == 3
