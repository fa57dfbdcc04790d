"""A small world around the four handlers, in which everything that happens follows from one seed.

Ledger, buckets, queues and SageMaker are in memory; the handlers are entered where Lambda enters them, with batches of
real messages, and their clients are botocore's. A scheduler picks what happens next: an invocation goes on to its next
AWS call, a queue delivers a batch, an event arrives, time passes.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import dead_letter_alarms
from botocore.model import OperationModel
from function_inputs import PROJECT, Resources, watch_due
from sagemaker_in_memory import Execution
from standing_clock import Clock

from lambdas.shared.attributes import decode_item
from lambdas.shared.evaluation import evaluation_key
from lambdas.shared.ledger import Ledger
from lambdas.shared.records import Run
from stacks.settings import load_projects, select
from tests.faults.support.alarms import Alarm, dead_letter_queues
from tests.faults.support.aws import Aws
from tests.faults.support.buckets import Buckets
from tests.faults.support.clients import answer_with, clients
from tests.faults.support.faults import Faults, Weather
from tests.faults.support.invocation import Invocation
from tests.faults.support.queues import ADDRESS, Queue, Queues, Waiting
from tests.faults.support.table import Table
from tests.faults.support.training_and_serving import LivelySageMaker

ROOT = Path(__file__).parents[3]
DATA, ARTIFACTS, TOPIC = "data", "artifacts", "arn:aws:sns:us-east-1:000000000000:notifications"
ALARMS = ("flights-sandbox-rollback-errors",)
_CONCURRENCY = 2
_MOST_STEPS = 20_000
_LOOKS_FOR = timedelta(days=2)
"""Longer than it takes until the last run that somebody asked for has come to its limit."""
BETWEEN_LOOKS = timedelta(
    minutes=select(load_projects(ROOT), project=PROJECT, environment="production")[0].training.watch_minutes
)
"""As it is deployed."""


class BrokenError(AssertionError):
    """Something does not hold that must hold at any time."""


@dataclass(frozen=True)
class Settings:
    """What is drawn once for a schedule."""

    faults: float = 0.0
    """Share of the calls that go wrong."""
    duplicates: float = 0.0
    """Share of the events and of the messages that come twice."""
    lateness: tuple[float, ...] = (2,)
    """An event comes within one of these, in seconds."""
    mixing: float = 0.0
    """How readily an invocation is left where it stands."""
    approval: str = "Approved"
    new_data: str = "always"
    cooldown_seconds: int = 0
    max_runs_per_day: int = 100
    settle_seconds: int = 0
    ill_executions: float = 0.0
    """Share of the executions that hang, or of whose end no event tells; with any of them, the watch looks as well."""
    undelivered: float = 0.0
    """Share of the events and of the looks that EventBridge gives up on, so that they end as dead letters."""


@dataclass(frozen=True)
class Told:
    """A message to people."""

    subject: str
    text: str


class World:
    """One stage, its surroundings, and the order of events."""

    def __init__(self, seed: str, settings: Settings, *, faults: Faults | None = None) -> None:
        self.random, self.settings, self.clock = Random(seed), settings, Clock()  # noqa: S311 - a seed has to say everything
        self.faults = faults or Weather(self.random, settings.faults)
        self.table, self.buckets = Table(), Buckets()
        self.sagemaker = LivelySageMaker(self, approval=settings.approval)
        minute = timedelta(minutes=1)
        settle = timedelta(seconds=settings.settle_seconds)
        self.queues = Queues(
            self.clock,
            [
                Queue("retrain", "start_training", 2 * minute, batch=90, settle=settle),
                Queue("closing", "close_training", minute),
                Queue("deployment", "deploy_model", minute),
                Queue("confirmation", "confirm_deployment", minute),
            ],
        )
        self.ledger = Ledger(clients()["dynamodb"], table="ledger")
        self.told: list[Told] = []
        self._trace: list[tuple[datetime, tuple[object, ...]]] = []
        self.looks = Queue("watch", "", minute)
        """Takes nothing but the dead letters of the schedule that asks to look."""
        self.dead_letter_queues = dict(dead_letter_queues(self.clock.now()))
        self.people_are_told: Callable[[Queue], None] = lambda _: None
        self._judged: set[tuple[str, str]] = set()
        self.running: list[Invocation] = []
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count(1)
        self._inside: Invocation | None = None
        self._broken: BrokenError | None = None
        self._looks = 0
        services = {"dynamodb": self.table, "s3": self.buckets, "sqs": self.queues, "sagemaker": self.sagemaker}
        services |= {"sns": self, "cloudwatch": self}
        self._aws = Aws(services, random=self.random, later=self.later, say=self.say)
        answer_with(self._answer)
        if settings.ill_executions:
            self._look_again()

    def variables(self) -> dict[str, str]:
        """The environment variables of the functions."""
        resources = Resources(
            table="ledger", data=DATA, artifacts=ARTIFACTS, topic=TOPIC, retrain_url=f"{ADDRESS}retrain", alarms=ALARMS
        )
        return resources.variables() | {
            "APPROVAL_STATUS": self.settings.approval,
            "NEW_DATA": self.settings.new_data,
            "COOLDOWN_SECONDS": str(self.settings.cooldown_seconds),
            "MAX_RUNS_PER_DAY": str(self.settings.max_runs_per_day),
            "RUN_LIMIT_SECONDS": "7200",
        }

    # -- what people, EventBridge and SageMaker do

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Let something happen when so much time has passed."""
        heapq.heappush(self._agenda, (self.clock.now() + timedelta(seconds=seconds), next(self._numbers), action))

    def emit(self, queue: str, event: dict[str, Any]) -> None:
        """Let EventBridge deliver an event: late, twice or out of order, or not at all."""
        self._send(queue, event, gives_up=lambda: self._give_up(queue, event))

    def _send(self, queue: str, event: dict[str, Any], *, gives_up: Callable[[], None]) -> None:
        copies = 2 if self.random.random() < self.settings.duplicates else 1
        for _ in range(copies):
            late = self.random.uniform(0, self.random.choice(self.settings.lateness))
            is_lost = self.settings.undelivered > 0 and self.random.random() < self.settings.undelivered
            self.later(late, gives_up if is_lost else lambda: self._put(queue, event))

    def _give_up(self, name: str, event: dict[str, Any]) -> None:
        """Put an event where its rule puts what it could not deliver."""
        (place,) = dead_letter_alarms.recorded()[name]["undelivered"]
        (queue,) = (each for each in self.all_queues if self.dead_letter_queues[each.name].name == place)
        self.queues.give_up(queue, event)
        self.dead_letter(queue, queue.dead[-1])

    def execution_starts(self, execution: Execution) -> None:
        """Somebody started the pipeline: the one moment at which a second run in flight is sure to be seen."""
        self.say("execution starts", execution.name)
        others = [each.name for each in self.sagemaker.executions.values() if each.status == "Executing"]
        if others != [execution.name]:
            self._break(f"training runs in flight at the same time: {others}")
        place = execution.parameters["SnapshotUri"].removeprefix("s3://").partition("/")
        if (place[0], place[2]) not in self.buckets.versions:
            self._break(f"run {execution.name} starts on a snapshot that is not stored")

    def execution_is_stopped(self, execution: Execution) -> None:
        """Somebody stops an execution: only one that has reached its limit."""
        # Past the client: whoever stops it is in the middle of a call.
        run = Run.model_validate(decode_item(self.table.items["RUN", execution.name]))
        if run.ends_by is None or self.clock.now() < run.ends_by:
            self._break(f"run {execution.name} is stopped before its limit")

    def evaluated(self, run_id: str, verdict: str) -> None:
        """The Evaluate step of a run has left its report."""
        body = f'{{"format": 2, "gate": {{"rule": "bound", "reason": "{verdict}", "improvement": 0.1}}}}'.encode()
        self.buckets.put_object({"Bucket": ARTIFACTS, "Key": evaluation_key(run_id), "Body": body})

    def say(self, *words: object) -> None:
        """Add a line to the trace."""
        self._trace.append((self.clock.now(), words))

    @property
    def trace(self) -> list[str]:
        """What happened, a line each."""
        return [f"{at:%d %H:%M:%S.%f}  {' '.join(map(str, words))}" for at, words in self._trace]

    def _look_again(self) -> None:
        """Let EventBridge Scheduler ask for a look at the run in flight, again and again.

        A look that finds none, nor anybody who waits for one, does nothing: those are left out.
        """
        self._looks += 1
        state = self.ledger.training()
        if state.run_id is not None or state.waits:
            due = watch_due(self.clock.now())
            self._send("closing", due, gives_up=lambda: self._give_up("watch", due))
        if self._looks * BETWEEN_LOOKS < _LOOKS_FOR:
            self.later(BETWEEN_LOOKS.total_seconds(), self._look_again)

    # -- the scheduler

    def run(self) -> None:
        """Let everything happen that is going to happen."""
        for _ in range(_MOST_STEPS):
            if not self._step():
                return
        raise BrokenError(f"it does not come to rest within {_MOST_STEPS} steps")

    def stop(self) -> None:
        """End what still runs; nothing of it reaches the world any more."""
        for invocation in self.running:
            if not invocation.ended:
                invocation.kill()
        self.running.clear()
        answer_with(None)

    def _step(self) -> bool:
        now = self.clock.now()
        while self._agenda and self._agenda[0][0] <= now:
            heapq.heappop(self._agenda)[2]()
            if self._broken is not None:  # by a call that comes late
                raise self._broken
        moves: list[Callable[[], None]] = [lambda each=each: self._go_on(each) for each in self.running]  # type: ignore[misc]
        for queue in self.queues.by_name.values():
            busy = sum(each.queue is queue for each in self.running)
            if busy < _CONCURRENCY and queue.visible(now):
                moves.append(lambda queue=queue: self._deliver(queue))  # type: ignore[misc]
        if not moves:
            return self._let_time_pass(longest=None)
        if self.running and self.random.random() < self.settings.mixing / 20:
            self._let_time_pass(longest=timedelta(minutes=3))
        else:
            self.random.choice(moves)()
        return True

    def _let_time_pass(self, *, longest: timedelta | None) -> bool:
        moments = [each.visible_at for queue in self.queues.by_name.values() for each in queue.waiting]
        moments += [self._agenda[0][0]] if self._agenda else []
        coming = min((each for each in moments if each > self.clock.now()), default=None)
        if coming is None:
            return False
        if longest is None or coming - self.clock.now() <= longest:
            self.clock.time = coming
        return True

    def _put(self, queue: str, event: dict[str, Any]) -> None:
        message_id = self.queues.put(queue, event)
        self.say("event", message_id, "in", queue, event["detail-type"])

    def _deliver(self, queue: Queue) -> None:
        dead = len(queue.dead)
        batch = queue.receive(self.clock.now(), random=self.random)
        for message in queue.dead[dead:]:
            self.dead_letter(queue, message)
        if not batch:
            return
        for message in batch:
            if not message.copied and self.random.random() < self.settings.duplicates:
                delay = timedelta(seconds=self.random.choice([0, 30, 900]))
                queue.deliver_again(message, at=self.clock.now() + delay)
        is_alone = self.settings.mixing == 0
        invocation = Invocation(queue, batch, number=next(self._numbers), started=self.clock.now(), is_alone=is_alone)
        self.say(f"#{invocation.number}", queue.function, "gets", *(each.id for each in batch))
        self.running.append(invocation)
        self._go_on(invocation)

    # -- dead letters

    @property
    def all_queues(self) -> list[Queue]:
        """Everything that has dead letters."""
        return [*self.queues.by_name.values(), self.looks]

    def dead_letter(self, queue: Queue, message: Waiting) -> None:
        """A message is given up; whether anybody hears of it is the alarms' business."""
        self.say(message.id, "is dead in", queue.name)
        self._count(queue)

    def discard(self, queue: Queue, message: Waiting) -> None:
        """Delete a dead letter."""
        queue.dead = [each for each in queue.dead if each is not message]
        self._count(queue)

    def redrive(self, queue: Queue, message: Waiting) -> None:
        """Put a dead letter back into its queue."""
        queue.redrive(message, at=self.clock.now())
        self._count(queue)

    def _count(self, queue: Queue) -> None:
        """Let the alarms see how many dead letters there are now."""
        dead = self.dead_letter_queues[queue.name]
        dead.holds(len(queue.dead), now=self.clock.now())
        for alarm in dead.alarms:
            if (queue.name, alarm.name) not in self._judged:
                self._judged.add((queue.name, alarm.name))
                self.later(alarm.period.total_seconds(), lambda alarm=alarm: self._judge(queue, alarm))  # type: ignore[misc]

    def _judge(self, queue: Queue, alarm: Alarm) -> None:
        """Let CloudWatch judge an alarm at the end of a period, as long as there is something to judge."""
        dead = self.dead_letter_queues[queue.name]
        if alarm.judge(dead.most(since=self.clock.now() - alarm.period)):
            self.say("alarm", alarm.name)
            self.told.append(Told(f"ALARM: {alarm.name}", dead.name))
            self.people_are_told(queue)
        if dead.is_quiet(alarm):
            self._judged.discard((queue.name, alarm.name))
        else:
            self.later(alarm.period.total_seconds(), lambda: self._judge(queue, alarm))

    def _go_on(self, invocation: Invocation) -> None:
        self._inside = invocation
        if self.clock.now() - invocation.started > invocation.queue.timeout:
            self.say(f"#{invocation.number} runs out of time")
            invocation.kill()
        else:
            invocation.go_on()
        self._inside = None
        if self._broken is not None:
            raise self._broken
        if invocation.ended:
            self._end(invocation)

    def _end(self, invocation: Invocation) -> None:
        self.running.remove(invocation)
        failed = invocation.failed
        for message in invocation.batch:
            if not any(each is message for each in failed):
                invocation.queue.delete(message)
        error = f"{type(invocation.error).__name__}: {invocation.error}" if invocation.error is not None else ""
        self.say(f"#{invocation.number} ends; to be delivered again: {[each.id for each in failed]} {error}")

    # -- AWS calls

    def _answer(self, client: Any, operation: OperationModel, request: dict[str, Any]) -> dict[str, Any]:
        for token in operation.idempotent_members:
            request.setdefault(token, f"{self.random.getrandbits(128):032x}")
        invocation = self._inside
        if invocation is None:
            return self._aws.carry_out(client, operation, request)
        invocation.calls += 1
        if self.random.random() < self.settings.mixing:
            invocation.stop()
        self.clock.advance(milliseconds=self.random.randint(5, 80))
        fault = self.faults.of(invocation, operation.name)
        self.say(f"#{invocation.number}", operation.name, fault or "")
        return self._aws.answer(fault, client, operation, request)

    def publish(self, request: dict[str, Any]) -> dict[str, Any]:
        """SNS: people are told something."""
        self.told.append(Told(request["Subject"], request["Message"]))
        self.say("told:", request["Subject"])
        return {"MessageId": f"{len(self.told)}"}

    def describe_alarms(self, request: dict[str, Any]) -> dict[str, Any]:
        """CloudWatch: no alarm is on."""
        del request
        return {"MetricAlarms": []}

    def _break(self, what: str) -> None:
        """Raise in the scheduler, where no handler can take it for a fault of AWS."""
        self._broken = BrokenError(what)
