"""What people and the monitor do during a schedule, drawn from its seed and kept for the checks."""

from dataclasses import dataclass, field
from datetime import datetime

from function_inputs import alarm_changed, deployment_requested, object_created, retrain_requested

from lambdas.shared import clock
from tests.faults.support.queues import Queue
from tests.faults.support.world import DATA, World

HOURS = 3
_KINDS = ("drift", "quality")


@dataclass(frozen=True)
class Asked:
    """A person asked for a version to serve."""

    message_id: str
    version: int
    at: datetime


@dataclass
class People:
    """Everybody around the loop who is no part of it."""

    world: World
    asks: list[str] = field(default_factory=list)
    """Reasons that people gave when they asked for a run."""
    deployments: list[Asked] = field(default_factory=list)
    alarms: dict[str, tuple[datetime, bool]] = field(default_factory=dict)
    """Newest state of each alarm, by CloudWatch's clock."""
    nonsense: list[str] = field(default_factory=list)
    """Ids of messages that no function can understand."""
    discarded: list[str] = field(default_factory=list)
    """Ids of dead letters that were read and thrown away."""
    periods: int = 0

    def plan(self, actions: int) -> None:
        """Spread so many actions over the next hours; the first is a drop of data."""
        random, world = self.world.random, self.world
        world.people_are_told = self.hear
        kinds = [self.drop] * 5 + [self.overwrite, self.stray, self.ask, self.alarm, self.alarm, self.review]
        kinds += [self.reject_live, self.ask_for_version, self.approve_again, self.send_nonsense]
        self.drop()
        for _ in range(actions):
            world.later(random.uniform(0, HOURS * 3600), random.choice(kinds))
        if world.settings.approval != "Approved":
            for hour in range(HOURS + 2):
                world.later(hour * 3600 + random.uniform(0, 3600), self.review)
            world.later(30 * 3600, self.review)

    def drop(self) -> None:
        """Data of a new period, or more of the newest."""
        if self.periods == 0 or self.world.random.random() < 0.7:
            self.periods += 1
        self._store(f"data/period=2013-{self.periods:02d}/part-{self.world.random.randint(0, 2)}.parquet")

    def overwrite(self) -> None:
        """Another version of what was dropped first."""
        self._store("data/period=2013-01/part-0.parquet")

    def stray(self) -> None:
        """An object that is no data."""
        self._store("data/readme.txt")

    def ask(self) -> None:
        """A run, whatever the data."""
        self.asks.append(f"ask-{len(self.asks)}.")
        self.world.say("people", self.asks[-1])
        self.world.queues.put("retrain", retrain_requested(self.asks[-1]))

    def alarm(self) -> None:
        """An alarm of the monitor goes on or off."""
        kind, now = self.world.random.choice(_KINDS), self.world.clock.now()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        on = not self.alarms.get(kind, (now, False))[1]
        self.alarms[kind] = (now, on)
        timestamp = clock.iso(now).replace("Z", "+0000")
        self.world.say("people: alarm", kind, on)
        self.world.emit("retrain", alarm_changed(kind, "ALARM" if on else "OK", timestamp=timestamp))

    def review(self) -> None:
        """Approve or reject what waits for a decision."""
        for package in list(self.world.sagemaker.packages.values()):
            if package["ModelApprovalStatus"] == "PendingManualApproval":
                verdict = "Approved" if self.world.random.random() < 0.8 else "Rejected"
                self.world.say("people:", verdict, package["ModelPackageVersion"])
                self.world.sagemaker.approve(package["ModelPackageVersion"], verdict)

    def reject_live(self) -> None:
        """What serves turned out to be bad."""
        live = self.world.ledger.live()
        if live is not None:
            self.world.say("people: reject", live.version)
            self.world.sagemaker.approve(live.version, "Rejected")

    def ask_for_version(self) -> None:
        """Any version, also one that was undone or is not approved."""
        versions = [each["ModelPackageVersion"] for each in self.world.sagemaker.packages.values()]
        if versions:
            version = self.world.random.choice(versions)
            message_id = self.world.queues.put("deployment", deployment_requested(version))
            self.world.say("people: ask for version", version, message_id)
            self.deployments.append(Asked(message_id, version, self.world.clock.now()))

    def approve_again(self) -> None:
        """Somebody changes his mind about a rejected version."""
        for package in list(self.world.sagemaker.packages.values()):
            if package["ModelApprovalStatus"] == "Rejected":
                self.world.say("people: approve again", package["ModelPackageVersion"])
                self.world.sagemaker.approve(package["ModelPackageVersion"], "Approved")

    def send_nonsense(self) -> None:
        """A message that no function can understand."""
        queue = self.world.random.choice(list(self.world.queues.by_name))
        self.nonsense.append(self.world.queues.put(queue, {"source": "nobody", "detail-type": "Nonsense"}))
        self.world.say("people: nonsense", self.nonsense[-1], "in", queue)

    def hear(self, queue: Queue) -> None:
        """An alarm says that there are dead letters: somebody looks, sooner or later."""
        self.world.later(self.world.random.uniform(600, 7200), lambda: self.look_into(queue))

    def look_into(self, queue: Queue) -> None:
        """Read all dead letters, and look again until the alarm is off (docs/runbooks/dead-letters.md).

        Nonsense is thrown away, and so is a missed look (docs/runbooks/run-watch.md); everything else is tried again.
        """
        for message in list(queue.dead):
            if message.id in self.nonsense or queue is self.world.looks:
                self.world.discard(queue, message)
                self.discarded.append(message.id)
            else:
                self.world.redrive(queue, message)
        if self.world.dead_letter_queues[queue.name].is_watched:
            self.hear(queue)

    def _store(self, key: str) -> None:
        body = f"{key} {self.world.random.random()}".encode()
        answer = self.world.buckets.put_object({"Bucket": DATA, "Key": key, "Body": body})
        self.world.say("people: store", key, answer["VersionId"])
        self.world.emit("retrain", object_created(DATA, key, answer["VersionId"]))
