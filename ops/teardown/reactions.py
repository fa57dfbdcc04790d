"""What would react to a teardown: rules, schedules, what feeds the functions, and the actions of alarms."""

from collections.abc import Iterator, Sequence
from functools import partial

from ops.teardown.plan import Kind, Resource, Thing
from ops.teardown.services import Services, every, unless_absent

_ALARMS_A_CALL = 100


def reactions(resources: Sequence[Resource], services: Services) -> Iterator[Thing]:
    """Yield what is still switched on."""
    for kind, react in (
        ("AWS::Events::Rule", _rules),
        ("AWS::Scheduler::ScheduleGroup", _schedules),
        ("AWS::Lambda::EventSourceMapping", _sources),
        ("AWS::CloudWatch::Alarm", _alarms),
    ):
        yield from react([resource.id for resource in resources if resource.type == kind], services)


def _rules(names: Sequence[str], services: Services) -> Iterator[Thing]:
    for name in names:
        rule = unless_absent(partial(services.events.describe_rule, Name=name))
        if rule and rule["State"] != "DISABLED":
            yield Thing(Kind.RULE, name)


def _schedules(groups: Sequence[str], services: Services) -> Iterator[Thing]:
    for group in groups:
        pages = services.scheduler.get_paginator("list_schedules").paginate(GroupName=group)
        for schedule in unless_absent(partial(every, pages, "Schedules")) or []:
            if schedule["State"] != "DISABLED":
                yield Thing(Kind.SCHEDULE, schedule["Name"], group)


def _sources(uuids: Sequence[str], services: Services) -> Iterator[Thing]:
    for uuid in uuids:
        mapping = unless_absent(partial(services.functions.get_event_source_mapping, UUID=uuid))
        if mapping and mapping["State"] != "Disabled":
            yield Thing(Kind.SOURCE, uuid)


def _alarms(names: Sequence[str], services: Services) -> Iterator[Thing]:
    for start in range(0, len(names), _ALARMS_A_CALL):
        some = names[start : start + _ALARMS_A_CALL]
        found = services.cloudwatch.describe_alarms(AlarmNames=some, AlarmTypes=["MetricAlarm"], MaxRecords=len(some))
        for alarm in found["MetricAlarms"]:
            if alarm["ActionsEnabled"]:
                yield Thing(Kind.ALARM, alarm["AlarmName"])
