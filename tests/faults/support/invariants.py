"""What has to hold when everything has come to rest, whatever went wrong on the way.

Nothing here asks the handlers: the account of SageMaker, buckets and queues is compared with what the ledger says.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from function_inputs import NAME

from lambdas.shared.attributes import decode_item
from lambdas.shared.records import DeploymentStatus, Run, RunStatus
from lambdas.shared.snapshot import parse
from lambdas.start_training.window import period_of
from tests.faults.support.people import People
from tests.faults.support.training_and_serving import DOES_NOT_STOP, HANGS
from tests.faults.support.world import ARTIFACTS, BETWEEN_LOOKS, DATA, World

_ENDS = {
    "promoted": RunStatus.PROMOTED,
    "kept_champion": RunStatus.KEPT_CHAMPION,
    "rejected_data": RunStatus.REJECTED_DATA,
    "failed": RunStatus.FAILED,
    "stopped": RunStatus.FAILED,
}
_LONGEST_WAIT = 2 * BETWEEN_LOOKS + timedelta(hours=1)
"""For the look that finds it, the one after that, and an event or a message that comes late."""
_HEADLINES = {
    RunStatus.KEPT_CHAMPION: "Training kept the champion",
    RunStatus.REJECTED_DATA: "Data refused, nothing was trained",
    RunStatus.FAILED: "Training failed",
}


class Final:
    """The world at rest."""

    def __init__(self, world: World, people: People) -> None:
        self.world, self.people, self.ledger = world, people, world.ledger
        self.runs = {run.run_id: run for run in world.ledger.runs(limit=1000)}
        self.deployments = world.ledger.deployments()
        self.decisions = [decode_item(item) for (pk, _), item in world.table.items.items() if pk == "DECISION"]

    def problems(self) -> Iterator[str]:
        """Everything that does not hold."""
        for check in (
            self._runs,
            self._limits,
            self._snapshots,
            self._data,
            self._wishes,
            self._one_truth,
            self._versions,
            self._requests,
            self._told,
            self._made_once,
            self._queues,
        ):
            yield from check()

    def _runs(self) -> Iterator[str]:
        """Every execution is the one of its run, is closed as it ended, and holds no lock."""
        executions = self.world.sagemaker.executions
        names = Counter(each.name for each in executions.values())
        if names != Counter(list(self.runs)):
            yield f"executions {sorted(names.elements())} are not the runs {sorted(self.runs)}"
        for arn, execution in executions.items():
            run = self.runs.get(execution.name)
            wanted = _ENDS[self.world.sagemaker.ended.get(arn, "stopped")]
            if run is not None and (run.status, run.execution_arn) != (wanted, arn):
                yield f"run {run.run_id} is {run.status} ({run.execution_arn}), its execution {arn} ended {wanted}"
        state = self.ledger.training()
        if state.run_id is not None:
            yield f"the lock is still held by {state.run_id}"

    def _limits(self) -> Iterator[str]:
        """What hung was stopped at its limit, is told and says so; nothing else was, and no lock outlives its limit."""
        sagemaker = self.world.sagemaker
        for arn, execution in sagemaker.executions.items():
            run, ill = self.runs.get(execution.name), sagemaker.ill.get(arn)
            if execution.status == "Executing":
                yield f"{execution.name} still executes"
            if run is None or run.ends_by is None or run.ended_at is None:
                continue
            hung = ill in {HANGS, DOES_NOT_STOP}
            if (run.stop_reason is not None) != hung:
                yield f"run {run.run_id}, whose execution {ill or 'was well'}: was stopped, for {run.stop_reason}"
            if run.abandoned != (ill == DOES_NOT_STOP):
                yield f"run {run.run_id}, whose execution {ill or 'was well'}: abandoned is {run.abandoned}"
            if hung and not any("at its limit" in told.text and run.run_id in told.text for told in self.world.told):
                yield f"nobody was told that {run.run_id} was stopped at its limit"
            looks = self.world.settings.faults == 0 and self.world.settings.undelivered == 0
            if looks and run.ended_at > run.ends_by + _LONGEST_WAIT:
                yield f"the lock of {run.run_id} outlived its limit {run.ends_by} until {run.ended_at}"

    def _snapshots(self) -> Iterator[str]:
        """Every run's snapshot is stored, is what its name says, and names objects that exist."""
        for run in self.runs.values():
            stored = self.world.buckets.versions.get((ARTIFACTS, f"snapshots/{run.snapshot_id}.json"))
            if not stored:
                yield f"the snapshot of {run.run_id} is lost"
                continue
            snapshot = parse(stored[-1].body)
            if snapshot.id != run.snapshot_id:
                yield f"the snapshot of {run.run_id} is not what its name says"
            for each in snapshot.objects:
                if not self.world.buckets.holds(DATA, each.key, each.version_id):
                    yield f"the snapshot of {run.run_id} names {each.key} {each.version_id}, which never existed"

    def _data(self) -> Iterator[str]:
        """What lies in the bucket was trained on, or waits for a reason on record; nothing was paid for twice."""
        read = {(each.key, each.version_id) for run in self.runs.values() for each in self._objects(run)}
        waits = any(each["outcome"] == "waits_for_a_reason" for each in self.decisions)
        for stored in self.world.buckets.current(DATA):
            is_data = period_of(stored.key, prefix="data/") is not None
            if is_data and (stored.key, stored.version_id) not in read and not waits:
                yield f"{stored.key} {stored.version_id} was never trained on"
        paid = Counter(
            run.snapshot_id
            for run in self.runs.values()
            if run.status is not RunStatus.FAILED and not any(ask in run.reason for ask in self.people.asks)
        )
        for snapshot, times in paid.items():
            if times > 1:
                yield f"{times} runs were paid for snapshot {snapshot[:12]}, and nobody asked for that"

    def _objects(self, run: Run) -> Any:
        stored = self.world.buckets.versions.get((ARTIFACTS, f"snapshots/{run.snapshot_id}.json"))
        return parse(stored[-1].body).objects if stored else ()

    def _wishes(self) -> Iterator[str]:
        """Whoever asked has got one answer, and the alarms are what CloudWatch says."""
        state = self.ledger.training()
        if state.waits:
            yield f"somebody still waits for training: {state.dirty_reason} {state.alarms}"
        for ask in self.people.asks:
            served = [run.run_id for run in self.runs.values() if ask in run.reason]
            refused = any(ask in told.text for told in self.world.told if "refused" in told.subject)
            if len(served) > 1:
                yield f"{ask} was served {len(served)} times: {served}"
            if not served and not refused:
                yield f"{ask} got no answer"
        known = {kind: (alarm.at, alarm.on) for kind, alarm in state.alarms.items()}
        if known != self.people.alarms:
            yield f"alarms in the ledger {known} are not those of CloudWatch {self.people.alarms}"

    def _one_truth(self) -> Iterator[str]:
        """Endpoint, ledger and registry name the same version."""
        live, endpoint = self.ledger.live(), self.world.sagemaker.endpoints.get(NAME)
        in_registry = [
            package["ModelPackageVersion"]
            for package in self.world.sagemaker.packages.values()
            if package.get("ModelLifeCycle", {}).get("StageStatus") == "Live"
        ]
        serves = endpoint.config if endpoint is not None and endpoint.status == "InService" else None
        if serves != (live.endpoint_config if live else None):
            yield f"the endpoint serves {serves}, the ledger says {live.endpoint_config if live else None}"
        if in_registry != ([live.version] if live else []):
            yield f"the registry says that {in_registry} is live, the ledger {live.version if live else None}"
        if serves is not None:
            config = self.world.sagemaker.configs.get(serves)
            if config is None or config["ProductionVariants"][0]["ModelName"] not in self.world.sagemaker.models:
                yield f"what serves was deleted: {serves}"
        for deployment in self.deployments:
            if deployment.is_open:
                yield f"the outcome of {deployment.endpoint_config} is still unknown"

    def _versions(self) -> Iterator[str]:
        """Every approved version was deployed, or it is on record why not; a rejected one serves for a reason."""
        deployed = {each.version for each in self.deployments}
        refused: dict[str, set[str]] = {}
        for each in self.decisions:
            refused.setdefault(each.get("subject", ""), set()).add(each["outcome"])
        live = self.ledger.live()
        for arn, package in self.world.sagemaker.packages.items():
            version, approval = package["ModelPackageVersion"], package["ModelApprovalStatus"]
            if approval == "Approved" and version not in deployed and not refused.get(arn):
                yield f"version {version} was approved and nothing came of it"
            if approval == "Rejected" and live is not None and live.version == version:
                tried = any(each.requested_by == f"rejection of version {version}" for each in self.deployments)
                if "rejected_in_use" not in refused.get(arn, ()) and not tried:
                    yield f"version {version} was rejected and serves"

    def _requests(self) -> Iterator[str]:
        """A person who asked for a version has got it, or an answer."""
        served = self.world.sagemaker.served
        for asked in self.people.deployments:
            taken_up = self.ledger.is_handled(asked.message_id)
            configs = {each.endpoint_config for each in self.deployments if each.version == asked.version}
            ends = [*(at for at, _ in served[1:]), self.world.clock.now()]
            was_there = any(
                config in configs and end >= asked.at for (_, config), end in zip(served, ends, strict=False)
            )
            settled = [each.confirmed_at for each in self.deployments if each.version == asked.version]
            joined = any(at is not None and at >= asked.at for at in settled)
            refused = any(asked.message_id in each["identity"] for each in self.decisions)
            if not taken_up and not was_there and not joined and not refused:
                yield f"the request {asked.message_id} for version {asked.version} was dropped"

    def _told(self) -> Iterator[str]:
        """People were told of every end of a run and of a deployment."""
        for run in self.runs.values():
            if run.status in _HEADLINES and not self._was_told(_HEADLINES[run.status], run.run_id):
                yield f"nobody was told that {run.run_id} ended: {run.status}"
            if run.status is RunStatus.PROMOTED and not self._was_told(f"ersion {run.version}", run.run_id):
                yield f"nobody was told that {run.run_id} was promoted"
        words = {DeploymentStatus.LIVE: "is live", DeploymentStatus.ROLLED_BACK: "was rolled back"}
        for each in self.deployments:
            word = words.get(each.status)
            if word is not None and not self._was_told(f"Version {each.version} {word}", each.endpoint_config):
                yield f"nobody was told that version {each.version} {word}"

    def _was_told(self, subject: str, words: str) -> bool:
        return any(subject in told.subject and words in told.text for told in self.world.told)

    def _made_once(self) -> Iterator[str]:
        """Names say what they contain: a version has one model and one configuration, however often it is made."""
        kinds = Counter(name.rpartition("-")[0] for name in set(self.world.sagemaker.made))
        for name, times in kinds.items():
            if times > 2:
                yield f"{name} was made {times} times under different names"

    def _queues(self) -> Iterator[str]:
        """Nothing is left, and what nobody could handle was in a dead-letter queue and told."""
        for queue in self.world.all_queues:
            for message in queue.waiting:
                yield f"{message.id} is still in {queue.name}"
            for message in queue.dead:
                yield f"nobody was told of dead letter {message.id} of {queue.name}, or looked long enough"
        for message_id in self.people.nonsense:
            if message_id not in self.people.discarded:
                yield f"{message_id} could not be understood, and no dead letter tells of it"
