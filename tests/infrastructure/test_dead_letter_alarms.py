"""The alarms that the fault tests believe in are those of the templates."""

import os
from typing import Any

import dead_letter_alarms


def test_the_recorded_alarms_on_dead_letters_are_those_of_the_templates(production: Any) -> None:
    """After a change: ``TANDEM_RECORD_ALARMS=1 pytest tests/infrastructure/test_dead_letter_alarms.py``."""
    derived = dead_letter_alarms.derive(production)
    if "TANDEM_RECORD_ALARMS" in os.environ:
        dead_letter_alarms.write(derived)

    assert dead_letter_alarms.recorded() == derived
    (topic,) = production["Storage"].all("AWS::SNS::Topic")
    told = [
        action for each in derived.values() for alarm in each["alarms"].values() for action in alarm["AlarmActions"]
    ]
    assert {action.startswith(f"flights-production-Storage:ExportsOutputRef{topic}") for action in told} == {True}
