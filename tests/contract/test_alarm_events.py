"""The alarms that ask for training: what the stacks name, what CloudWatch sends and what StartTraining understands."""

import json

from lambdas.shared.events import parse_body
from lambdas.start_training.events import KINDS, AlarmChange, AlarmStateChange, RetrainMessage
from sandbox.cloudwatch.alarm import iso_milliseconds
from sandbox.cloudwatch.events import DETAIL_TYPE, SOURCE, AlarmState, detail
from stacks.settings import RETRAINING_ALARMS, Names

NAMES = Names(project="flights", environment="year")
REASON = (
    "Threshold Crossed: 1 out of the last 1 datapoint [0.3 (01/07/13 00:00:00)] was greater than the threshold (0.1)"
)


def sent(name: str) -> str:
    """The event as the embedded CloudWatch sends it."""
    alarm = {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}",
        "Namespace": "Tandem/Monitoring",
        "MetricName": "FeatureDrift",
        "Period": 86_400,
        "Statistic": "Maximum",
    }
    before = AlarmState("OK", "before", None, iso_milliseconds(1_372_636_800.0))
    now = AlarmState("ALARM", REASON, "{}", iso_milliseconds(1_372_640_400.5))
    return json.dumps(
        {"source": SOURCE, "detail-type": DETAIL_TYPE, "detail": detail(alarm, state=now, previous=before)}
    )


def test_the_rule_lets_through_exactly_the_alarms_that_ask_for_training() -> None:
    assert set(RETRAINING_ALARMS) == set(KINDS)


def test_every_alarm_that_the_stacks_name_is_understood_as_the_embedded_cloudwatch_sends_it() -> None:
    for kind in RETRAINING_ALARMS:
        message = parse_body(sent(NAMES.alarm(kind)), RetrainMessage).root
        assert isinstance(message, AlarmStateChange)
        change = AlarmChange.of(message, stage="flights-year")
        assert change is not None
        assert (change.kind, change.on, change.reason) == (kind, True, REASON)
        assert change.at.isoformat() == "2013-07-01T01:00:00.500000+00:00"
