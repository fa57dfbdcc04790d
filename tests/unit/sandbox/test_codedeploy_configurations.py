"""How CodeDeploy's predefined configurations move the traffic, and what a deployment group may ask for."""

import pytest

from sandbox.adapter.aliases import chosen_version
from sandbox.codedeploy.configurations import Shift, shifts
from sandbox.codedeploy.groups import Groups, read_group

ROLE = "arn:aws:iam::000000000000:role/deploy"
GROUP = {"ServiceRoleArn": ROLE, "ApplicationName": "app"}


def test_a_canary_waits_once_at_ten_percent() -> None:
    assert shifts("CodeDeployDefault.LambdaCanary10Percent5Minutes") == (Shift(0.1, 300.0),)


def test_a_linear_one_adds_ten_percent_at_a_time_and_never_waits_at_the_end() -> None:
    found = shifts("CodeDeployDefault.LambdaLinear10PercentEvery1Minute")
    assert [shift.share for shift in found] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert {shift.seconds for shift in found} == {60.0}


def test_all_at_once_has_no_step() -> None:
    assert shifts("CodeDeployDefault.LambdaAllAtOnce") == ()


@pytest.mark.parametrize("name", ["CodeDeployDefault.LambdaCanary20Percent5Minutes", "CodeDeployDefault.OneAtATime"])
def test_a_configuration_that_aws_does_not_predefine_for_lambda_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        shifts(name)


def test_alarms_and_rollback_hold_only_where_they_are_enabled() -> None:
    alarms = [{"Name": "errors"}]
    off = read_group({**GROUP, "AlarmConfiguration": {"Alarms": alarms, "Enabled": False}})
    assert (off.alarms, off.goes_back_on_alarm, off.goes_back_on_failure) == ((), False, False)
    on = read_group(
        {
            **GROUP,
            "AlarmConfiguration": {"Alarms": alarms, "Enabled": "true"},
            "AutoRollbackConfiguration": {"Enabled": True, "Events": ["DEPLOYMENT_STOP_ON_ALARM"]},
        }
    )
    assert (on.alarms, on.goes_back_on_alarm, on.goes_back_on_failure) == (("errors",), True, False)


def test_what_the_sandbox_does_not_have_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="Triggers"):
        read_group({**GROUP, "TriggerConfigurations": [], "Triggers": []})


def test_a_group_needs_its_application_and_goes_with_it() -> None:
    groups, group = Groups(), read_group(GROUP)
    with pytest.raises(ValueError, match="No application found for name: app"):
        groups.put("app", "live", group, new=True)
    groups.add_application("app")
    groups.put("app", "live", group, new=True)
    with pytest.raises(ValueError, match="already exists"):
        groups.put("app", "live", group, new=True)
    assert groups.get("app", "live") == group
    groups.remove_application("app")
    assert groups.names() == []


@pytest.mark.parametrize(("drawn", "version"), [(0.0, "2"), (0.09, "2"), (0.1, "1"), (0.99, "1")])
def test_a_weight_is_the_share_of_the_additional_version(drawn: float, version: str) -> None:
    alias = {"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}}
    assert chosen_version(alias, drawn=drawn) == version
