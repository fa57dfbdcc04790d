"""The application's side of the contract: may it be delivered beside what is live, and what does it speak then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambdas.shared import compatibility, contracts, ledger
from lambdas.shared.compatibility import ContractError, Incompatibility
from lambdas.shared.errors import ConflictError
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import ApplicationContract, Deployment
from ops.errors import OpsError
from ops.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_ATTEMPTS = 5


@dataclass(frozen=True)
class Beside:
    """One model version that the application would have to work with.

    Attributes:
        version: Of the model.
        is_live: False for one that is being deployed.
        objections: Why the application cannot work with it; empty when it can.
    """

    version: int
    is_live: bool
    objections: tuple[Incompatibility, ...]


@dataclass(frozen=True, kw_only=True)
class Check:
    """May an application be delivered?

    Attributes:
        document: What it speaks.
        models: What it was compared with: the live version, and one that is being deployed. Empty before the first.
        deployed: The deployment that was requested last; the answer holds until there is another one.
    """

    stage: Stage
    document: Mapping[str, Any]
    models: tuple[Beside, ...]
    deployed: Deployment | None
    asked_at: datetime

    @property
    def is_compatible(self) -> bool:
        """Whether it can work with each of them."""
        return not any(model.objections for model in self.models)

    @property
    def explanation(self) -> str:
        """One sentence for people."""
        if not self.models:
            return "nothing is live yet, so any application may be delivered"
        versions = " and ".join(
            f"version {model.version}" + ("" if model.is_live else " (being deployed)")
            for model in self.models
            if self.is_compatible or model.objections
        )
        return f"the application {'can' if self.is_compatible else 'cannot'} work with {versions}"

    def as_json(self) -> dict[str, Any]:
        """The same for machines; times in ISO 8601."""
        return {
            "project": self.stage.project,
            "environment": self.stage.environment,
            "contract": self.document["name"],
            "contract_version": self.document.get("version"),
            "compatible": self.is_compatible,
            "explanation": self.explanation,
            "models": [
                {
                    "version": model.version,
                    "live": model.is_live,
                    "incompatibilities": [
                        {"field": each.field, "rule": each.rule, "sentence": each.sentence} for each in model.objections
                    ],
                }
                for model in self.models
            ],
            "asked_at": self.asked_at.isoformat(),
        }


def read(path: Path) -> Mapping[str, Any]:
    """Read the contract that an application speaks.

    Raises:
        OpsError: The file cannot be read, or it describes no contract.
    """
    try:
        return compatibility.parse(path.read_bytes())
    except OSError as error:
        raise OpsError(f"{path} cannot be read: {error}") from error
    except ContractError as error:
        raise OpsError(f"{path} is no contract: {error}") from error


def check(stage: Stage, document: Mapping[str, Any], *, now: datetime) -> Check:
    """Compare what an application speaks with what is live and with what is being deployed."""
    deployed, live = stage.ledger.newest_deployment(), stage.ledger.live()
    packages = {live.package_arn: True} if live else {}
    if deployed is not None and deployed.is_open:
        packages.setdefault(deployed.package_arn, False)
    models = tuple(_beside(stage, document, arn, is_live=is_live) for arn, is_live in packages.items())
    return Check(stage=stage, document=document, models=models, deployed=deployed, asked_at=now)


def record(stage: Stage, document: Mapping[str, Any], *, commit: str, by: str, now: datetime) -> Check:
    """Record what the delivered application speaks, unless it cannot work with the model; recording it again is fine.

    Raises:
        OpsError: The ledger kept changing.
    """
    for _ in range(_ATTEMPTS):
        before, checked = stage.ledger.application(), check(stage, document, now=now)
        if not checked.is_compatible:
            return checked
        application = ApplicationContract(
            contract=compatibility.canonical(document),
            commit=commit,
            deployed_at=now,
            by=by,
            revision=before.revision + 1 if before else 1,
        )
        if before is not None and (before.contract, before.commit) == (application.contract, application.commit):
            return checked
        writes = [ledger.put_application(application)]
        if checked.deployed is not None:
            writes.append(ledger.keep_pointer(checked.deployed))
        try:
            stage.ledger.commit(*writes)
        except ConflictError:
            continue
        return checked
    raise OpsError(f"the ledger of {stage.name} kept changing: wait until its deployment has ended, then try again")


def tell(checked: Check, *, commit: str | None) -> None:
    """Tell people that an application was refused, and which fields stand in the way.

    Raises:
        OpsError: The stack that holds the topic is not deployed.
    """
    stage, application = checked.stage, f"the application of commit {commit}" if commit else "an application"
    reasons = "; ".join(
        f"version {model.version}: {compatibility.in_words(model.objections)}"
        for model in checked.models
        if model.objections
    )
    _notifier(stage).tell(
        "The application cannot work with the model",
        text=f"{application[:1].upper()}{application[1:]} was refused: {reasons}.",
        facts={
            "contract": f"{checked.document['name']} {checked.document.get('version', '')}".strip(),
            "compared with": ", ".join(f"version {model.version}" for model in checked.models),
            "commit": commit,
        },
        action="do what the reason names on one of the two sides (docs/contract.md), then deliver again. What was "
        "delivered before still serves, unless it was replaced by hand.",
    )


def _beside(stage: Stage, document: Mapping[str, Any], package_arn: str, *, is_live: bool) -> Beside:
    package = stage.target.sagemaker.describe_model_package(ModelPackageName=package_arn)
    found = contracts.objections(document, package, stage.target.s3)
    return Beside(version=int(package_arn.rpartition("/")[2]), is_live=is_live, objections=found)


def _notifier(stage: Stage) -> Notifier:
    topic = stage.target.stack_outputs(f"{stage.name}-Storage")["NotificationTopicArn"]
    sns: SNSClient = stage.target.session.client("sns", endpoint_url=stage.target.endpoint_url)
    return Notifier(sns, topic_arn=topic, stage=stage.name)
