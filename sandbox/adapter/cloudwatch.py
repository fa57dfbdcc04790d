"""Puts CloudWatch's alarms on the sandbox's clock and evaluates them as AWS does.

Everything in here runs on the server's loop, where the emulator keeps its metrics and alarms.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sandbox.adapter import internals
from sandbox.adapter.platform import EmbeddedPlatform
from sandbox.clock import moment_of
from sandbox.cloudwatch.alarm import Alarm, Change, iso_milliseconds
from sandbox.cloudwatch.events import DETAIL_TYPE, SOURCE, AlarmState, detail
from sandbox.cloudwatch.history import History
from sandbox.cloudwatch.statistics import Point
from sandbox.cloudwatch.validation import alarm_problem, data_problem

_log = logging.getLogger(__name__)

# AWS page "Metrics concepts", section "Metrics retention": 455 days, in ever larger periods. Here all points are kept
# in full for as long.
_RETENTION = timedelta(days=455)
_EVICT_EVERY = timedelta(hours=1)
_KEPT = ("EvaluationWindow", "EvaluateLowSampleCountPercentile")
_INITIAL = "Unchecked: Initial alarm creation"

Answer = tuple[int, dict[str, str], bytes]


class ClockOfModule:
    """Stands in a module of the emulator for its `time`, of which such modules use `time()` alone."""

    def __init__(self, platform: EmbeddedPlatform) -> None:
        self._clock = platform.clock

    def time(self) -> float:
        """Seconds since 1970 by the sandbox's clock."""
        return self._clock.now().timestamp()


class CloudWatch:
    """The emulator's CloudWatch with alarms that work."""

    def __init__(self, platform: EmbeddedPlatform) -> None:
        self._platform = platform
        self._states: dict[str, AlarmState] = {}
        self._evicted = platform.clock.now()
        self._evaluated = self._now()
        self._creating = False
        self._only: frozenset[tuple[Any, Any]] | None = None
        self._changes = 0
        self._histories: defaultdict[Any, History] = defaultdict(lambda: History(_point))
        self._dispatch = internals.DISPATCH_ALARM_ACTIONS.get()
        self._put_alarm = internals.PUT_METRIC_ALARM.get()
        self._put_composite = internals.PUT_COMPOSITE_ALARM.get()
        self._put_data = internals.PUT_METRIC_DATA.get()

    def install(self) -> None:
        """Take the place of the emulator's own evaluation."""
        internals.CLOUDWATCH_TIME.replace(ClockOfModule(self._platform))
        internals.EVICT_METRICS.replace(self._evict)
        internals.EVALUATE_ALARM.replace(self._evaluate)
        internals.EVALUATE_ALL_ALARMS.replace(self._evaluate_all)
        internals.DISPATCH_ALARM_ACTIONS.replace(self._changed)
        internals.PUT_METRIC_ALARM.replace(self.put_metric_alarm)
        internals.PUT_COMPOSITE_ALARM.replace(self.put_composite_alarm)
        internals.PUT_METRIC_DATA.replace(self.put_metric_data)

    def moments(self, until: datetime) -> set[datetime]:
        """When the values of some alarm change between its last evaluation and a moment."""
        self._enter()
        found: set[float] = set()
        for described in internals.ALARMS.get().values():
            if (alarm := _read(described)) is not None:
                found |= alarm.moments(self._points, after=self._evaluated, until=until.timestamp())
        return {moment_of(moment) for moment in found}

    def catch_up(self, until: datetime) -> int:
        """Evaluate all alarms as they would have been evaluated since the last time; gives the number of changes."""
        self._enter()
        before = self._changes
        for moment in sorted(self.moments(until) | {until}):
            self._evaluate_all(now=moment.timestamp())
        self._evaluated = max(self._evaluated, until.timestamp())
        return self._changes - before

    def put_metric_alarm(
        self,
        params: Mapping[str, Any],
        request: Mapping[str, Any],
        is_cbor: bool,  # noqa: FBT001 - the emulator's own signature
        is_json: bool = False,  # noqa: FBT001, FBT002 - as above
    ) -> Answer:
        """PutMetricAlarm, with what the emulator drops and with AWS's refusals."""
        modern = is_cbor or is_json
        if modern and (problem := alarm_problem(request)) is not None:
            return _refusal("ValidationError", problem, is_cbor=is_cbor, is_json=is_json)
        self._creating = True
        try:
            answer: Answer = self._put_alarm(params, request, is_cbor, is_json)
        finally:
            self._creating = False
        alarm = internals.ALARMS.get().get(request.get("AlarmName"))
        if modern and alarm is not None:
            if request.get("ExtendedStatistic"):
                alarm["Statistic"] = None
            alarm.update({name: request[name] for name in _KEPT if request.get(name) is not None})
            self._evaluate(alarm)
        return answer

    def put_composite_alarm(
        self,
        params: Mapping[str, Any],
        request: Mapping[str, Any],
        is_cbor: bool,  # noqa: FBT001 - the emulator's own signature
        is_json: bool = False,  # noqa: FBT001, FBT002 - as above
    ) -> Answer:
        """PutCompositeAlarm, without suppressors, which would change nothing here."""
        if request.get("ActionsSuppressor"):
            problem = "The sandbox has no composite alarms with an ActionsSuppressor."
            return _refusal("ValidationError", problem, is_cbor=is_cbor, is_json=is_json)
        answer: Answer = self._put_composite(params, request, is_cbor, is_json)
        return answer

    def put_metric_data(
        self,
        params: Mapping[str, Any],
        request: Mapping[str, Any],
        is_cbor: bool,  # noqa: FBT001 - the emulator's own signature
        is_json: bool = False,  # noqa: FBT001, FBT002 - as above
    ) -> Answer:
        """PutMetricData, with AWS's limits on the time of a data point."""
        given = [datum.get("Timestamp") for datum in request.get("MetricData", ())]
        moments = [None if moment is None else moment_of(moment).timestamp() for moment in given]
        if (problem := data_problem(moments, now=self._now())) is not None:
            return _refusal("InvalidParameterValue", problem, is_cbor=is_cbor, is_json=is_json)
        # Of new data, only the alarms on it can learn anything; the others are evaluated as time passes.
        self._only = _metrics_of(request) if is_cbor or is_json else None
        try:
            answer: Answer = self._put_data(params, request, is_cbor, is_json)
        finally:
            self._only = None
        return answer

    def _enter(self) -> None:
        """Metrics and alarms belong to an account and a region, which a request would have named."""
        internals.SET_ACCOUNT.get()(self._platform.account)
        internals.SET_REGION.get()(self._platform.region)

    def _now(self) -> float:
        return self._platform.clock.now().timestamp()

    def _evict(self) -> None:
        now = self._platform.clock.now()
        if now - self._evicted < _EVICT_EVERY:
            return
        self._evicted, oldest, metrics = now, (now - _RETENTION).timestamp(), internals.METRICS.get()
        for key, points in list(metrics.items()):
            if kept := [point for point in points if point["Timestamp"] >= oldest]:
                metrics[key] = kept
            else:
                del metrics[key]
                self._histories.pop(key, None)

    def _points(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        since: float,
        single: bool,  # noqa: FBT001 - as alarms ask
    ) -> Sequence[Point]:
        key = (namespace, name, internals.DIMENSIONS_KEY.get()(dimensions))
        stored = internals.METRICS.get().get(key) or ()
        return self._histories[key].follow(stored).since(since, single=single)

    def _evaluate_all(self, *, now: float | None = None) -> None:
        for alarm in list(internals.ALARMS.get().values()):
            if self._only is None or (alarm.get("Namespace"), alarm.get("MetricName")) in self._only:
                self._evaluate(alarm, now=now)

    def _evaluate(self, described: dict[str, Any], *, now: float | None = None) -> None:
        if self._creating or (alarm := _read(described)) is None:
            return
        now = self._now() if now is None else now
        change = alarm.evaluate(self._points, now=now)
        if change is not None:
            self._change(described, change, now=now)

    def _change(self, described: dict[str, Any], change: Change, *, now: float) -> None:
        before = described["StateValue"]
        described["StateValue"] = change.state.value
        described["StateReason"] = change.reason
        described["StateReasonData"] = change.reason_data
        described["StateUpdatedTimestamp"] = described["StateTransitionedTimestamp"] = int(now)
        internals.RECORD_HISTORY.get()(
            described["AlarmName"],
            before,
            change.state.value,
            change.reason,
            reason_data=json.loads(change.reason_data),
        )
        self._changed(described, before, change.state.value, change.reason)
        internals.EVALUATE_PARENTS.get()(described)

    def _changed(self, alarm: Mapping[str, Any], before: str, after: str, reason: str) -> None:
        """The emulator calls this for every change of a state, also of composite alarms and by hand."""
        self._changes += 1
        state = AlarmState(after, reason, alarm.get("StateReasonData"), iso_milliseconds(self._now()))
        previous = self._states.get(alarm["AlarmArn"])
        if previous is None or previous.value != before:
            created = float(alarm.get("AlarmConfigurationUpdatedTimestamp") or self._now())
            previous = AlarmState(before, _INITIAL, None, iso_milliseconds(created))
        self._states[alarm["AlarmArn"]] = state
        self._platform.emit_here(
            SOURCE,
            DETAIL_TYPE,
            detail=detail(alarm, state=state, previous=previous),
            resources=[alarm["AlarmArn"]],
        )
        self._dispatch(alarm, before, after, reason)


def _read(described: Mapping[str, Any]) -> Alarm | None:
    try:
        return Alarm(described)
    except (KeyError, TypeError, ValueError) as error:
        _log.warning("the alarm %s cannot be evaluated: %r", described.get("AlarmName"), error)
        return None


def _metrics_of(request: Mapping[str, Any]) -> frozenset[tuple[Any, Any]]:
    return frozenset((request.get("Namespace"), datum.get("MetricName")) for datum in request.get("MetricData", ()))


def _point(stored: Mapping[str, Any]) -> Point:
    statistics = stored.get("_stat")
    if statistics is not None:
        count, total = float(statistics.get("SampleCount", 0)), float(statistics.get("Sum", 0))
        low, high = float(statistics.get("Minimum", 0)), float(statistics.get("Maximum", 0))
    else:
        count, low = float(stored.get("Count", 1.0)), float(stored["Value"])
        total, high = low * count, low
    return Point(moment=stored["Timestamp"], count=count, total=total, low=low, high=high, unit=stored["Unit"])


def _refusal(code: str, message: str, *, is_cbor: bool, is_json: bool) -> Answer:
    answer: Answer = internals.CLOUDWATCH_ERROR.get()(code, message, 400, use_json=is_json, use_cbor=is_cbor)
    return answer
