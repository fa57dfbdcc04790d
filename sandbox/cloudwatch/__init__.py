"""CloudWatch alarms as AWS evaluates them.

* `statistics` turns the points of a period into one value; `windows` says which periods an alarm looks at.
* `evaluation` decides the state from the values; `alarm` puts the three together for one alarm.
* `validation` refuses what AWS refuses; `events` is what EventBridge is told about a change.

Metrics, alarms and the wire stay in the emulator; `sandbox.adapter.cloudwatch` connects the two.
"""
