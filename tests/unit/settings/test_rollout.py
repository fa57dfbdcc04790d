"""What a rollout may be, so that SageMaker accepts it and its alarms have something to look at."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stacks.settings import load_projects, select
from stacks.settings.model import Rollout
from stacks.settings.rollout_rules import waiting_seconds

FILE = "pipelines/projects/flights/project.toml"
CASES = {
    "a canary of one instance": (
        "instance_count = 2 ",
        "instance_count = 1 ",
        (
            'rollout.strategy: not allowed (given: "canary"). Allowed: "all_at_once", because serving.instance_count '
            "is 1 and a step of a canary is at most half of the fleet; or serving.instance_count = 2."
        ),
    ),
    "a step of less than an instance": (
        "step_percent = 50 ",
        "step_percent = 40 ",
        (
            "rollout.step_percent: not allowed (given: 40). Allowed: at least 50, one of the 2 instances of "
            "serving.instance_count."
        ),
    ),
    "a step of more than half of the fleet": (
        "step_percent = 50 ",
        "step_percent = 60 ",
        "rollout.step_percent: not allowed (given: 60). Allowed: a whole number, at least 10 and at most 50.",
    ),
    "alarms that see less than they look at": (
        "bake_seconds = 300 ",
        "bake_seconds = 60 ",
        (
            "rollout.bake_seconds: not allowed (given: 60). Allowed: at least 180 where retain is true: the rollback "
            "alarms look at 3 minutes."
        ),
    ),
    "less time than the waiting takes": (
        "max_minutes = 60",
        "max_minutes = 20",
        (
            "rollout.max_minutes: not allowed (given: 20). Allowed: at least 22: 720 seconds of baking and waiting, "
            "and 10 minutes for the new fleet to start."
        ),
    ),
    "an unknown strategy": (
        'strategy = "canary" ',
        'strategy = "rolling" ',
        'rollout.strategy: not allowed (given: "rolling"). Allowed: one of "canary", "linear", "all_at_once".',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_named_with_its_value_and_the_fix(refusal: Callable[..., str], shipped: str, name: str) -> None:
    old, new, message = CASES[name]
    assert shipped.count(old) == 1
    assert f"{FILE}: {message}" in refusal(shipped.replace(old, new)).splitlines()


def test_one_instance_can_be_updated_all_at_once(write_project: Callable[..., Path], shipped: str) -> None:
    text = shipped.replace("instance_count = 2 ", "instance_count = 1 ").replace('"canary" ', '"all_at_once" ')
    (production,) = select(load_projects(write_project(text)), project=None, environment="production")
    assert production.rollout.strategy == "all_at_once"


def test_an_environment_may_differ(write_project: Callable[..., Path], shipped: str) -> None:
    text = shipped + '\n[environments.production.rollout]\nstrategy = "linear"\n'
    (production,) = select(load_projects(write_project(text)), project=None, environment="production")
    assert (production.rollout.strategy, production.rollout.bake_seconds) == ("linear", 300)


@pytest.mark.parametrize(
    ("strategy", "seconds"), [("canary", 2 * 300 + 120), ("linear", 4 * 300 + 120), ("all_at_once", 300 + 120)]
)
def test_the_waiting_is_that_of_all_steps(strategy: str, seconds: int) -> None:
    rollout = Rollout.model_validate({"strategy": strategy, "step_percent": 30})
    assert waiting_seconds(rollout) == seconds
