"""Old models and endpoint configurations go; what serves, or served before, stays."""

import pytest

from tests.unit.lambdas.support.deployments import approve, assert_one_truth, put_live
from tests.unit.lambdas.support.stage import NAME, Stage


def versions(stage: Stage) -> set[int]:
    """The versions of the endpoint configurations that exist."""
    return {int(config.partition("-v")[2].partition("-")[0]) for config in stage.sagemaker.configs}


def test_beyond_the_kept_number_configurations_and_models_are_deleted(stage: Stage) -> None:
    for version in range(1, 6):
        put_live(stage, version)
    assert versions(stage) == {4, 5}
    assert len(stage.sagemaker.models) == 2
    assert [bool(item.get("tidied_at")) for item in stage.items("DEPLOYMENT")] == [True, True, True, False, False]


def test_the_version_before_the_live_one_stays_whatever_was_tried_since(stage: Stage) -> None:
    put_live(stage, 1)
    put_live(stage, 2)
    for version in (3, 4, 5):
        approve(stage, version)
        stage.sagemaker.roll_back(NAME, failure="alarm")
        stage.confirm()
    assert {1, 2} < versions(stage)
    assert 3 not in versions(stage)
    assert_one_truth(stage, 2)


def test_what_a_person_put_on_the_endpoint_stays(stage: Stage) -> None:
    first = None
    for version in (1, 2, 3):
        put_live(stage, version)
        first = first or stage.sagemaker.endpoints[NAME].config
    assert first is not None
    # Made and put there by hand, under the very name that was tidied away.
    stage.sagemaker.configs[first] = stage.sagemaker.configs[stage.sagemaker.endpoints[NAME].config]
    stage.sagemaker.update_endpoint({"EndpointName": NAME, "EndpointConfigName": first})
    stage.sagemaker.finish(NAME)
    stage.confirm()
    assert first in stage.sagemaker.configs


def test_a_version_that_was_tidied_away_can_be_brought_back(stage: Stage) -> None:
    for version in range(1, 5):
        put_live(stage, version)
    assert 1 not in versions(stage)
    stage.deploy(stage.deployment_request(1))
    stage.sagemaker.finish(NAME)
    stage.confirm()
    assert_one_truth(stage, 1)


def test_a_model_that_another_configuration_uses_stays(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    put_live(stage, 1)
    monkeypatch.setenv("INSTANCE_COUNT", "3")
    stage.deploy(stage.deployment_request(1))
    stage.sagemaker.finish(NAME)
    stage.confirm()
    assert (len(stage.sagemaker.models), len(stage.sagemaker.configs)) == (1, 2)
    put_live(stage, 2)

    assert (len(stage.sagemaker.models), len(stage.sagemaker.configs)) == (2, 2)
    assert_one_truth(stage, 2)
