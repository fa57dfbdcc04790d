"""Carries out what :mod:`lambdas.deploy_model.decision` says about a request for deployment.

Order of the writes: model and endpoint configuration (unused, so harmless), then the request in the ledger, then the
endpoint. So ConfirmDeployment always finds the request when the endpoint's event arrives, and a crash anywhere leaves
something that the next delivery recognises and continues.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lambdas.deploy_model import rollout
from lambdas.deploy_model.decision import (
    Clear,
    Deploy,
    GiveUp,
    GoBack,
    Nothing,
    Plan,
    Refuse,
    Resume,
    Situation,
    Wait,
    decide,
)
from lambdas.deploy_model.environment import DeployModelEnvironment
from lambdas.deploy_model.events import Request
from lambdas.deploy_model.rollout import Rollout
from lambdas.deploy_model.target import Target, target_of
from lambdas.shared import clients, clock, ledger
from lambdas.shared.confirmation import Confirmer
from lambdas.shared.contracts import Pairing, objections
from lambdas.shared.endpoints import ABSENT, Endpoint, is_validation_error, look_at
from lambdas.shared.errors import ConflictError, UnexpectedEventError
from lambdas.shared.ledger import Ledger, Write
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import Decision, Deployment, DeploymentStatus
from lambdas.shared.registry_stages import RegistryStages
from lambdas.shared.telemetry import count, logger

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeModelPackageOutputTypeDef

HANDLER = "deploy-model"
_ATTEMPTS = 5


class ModelDeployer:
    """The one place that changes the endpoint."""

    def __init__(self, environment: DeployModelEnvironment) -> None:
        self._environment = environment
        self._sagemaker = clients.sagemaker()
        self._ledger = Ledger(clients.dynamodb(), table=environment.ledger_table)
        self._notifier = Notifier(clients.sns(), topic_arn=environment.notification_topic_arn, stage=environment.stage)
        self._confirmer = Confirmer(ledger=self._ledger, notifier=self._notifier)
        self._registry = RegistryStages(self._sagemaker, self._ledger, stage=environment.environment)

    def serve(self, request: Request) -> Wait | None:
        """Serve one request; a :class:`Wait` says that it has to come back later.

        Raises:
            UnexpectedEventError: the request is about another model package group.
            ConflictError: the ledger kept changing; the message is delivered again.
        """
        if request.group != self._environment.model_package_group:
            raise UnexpectedEventError(
                f"model package group {request.group!r} is not {self._environment.model_package_group!r}: "
                "the rule or the sender of this message is wrong"
            )
        for _ in range(_ATTEMPTS):
            try:
                return self._attempt(request)
            except ConflictError:
                logger.info("the ledger changed in between, deciding again")
        raise ConflictError(f"no decision after {_ATTEMPTS} attempts: the deployments keep changing")

    def _attempt(self, request: Request) -> Wait | None:
        package = self._sagemaker.describe_model_package(ModelPackageName=request.package_arn)
        target = target_of(package, self._environment)
        situation = self._situation(request, package, config=target.config_name)
        plan = decide(situation)
        if isinstance(plan, Deploy | Resume):
            situation = replace(situation, pairing=self._pairing(package))
            plan = decide(situation)
        logger.info("decided", version=request.version, plan=type(plan).__name__, detail=getattr(plan, "reason", None))
        return self._carry_out(plan, situation, package=package, target=target)

    def _situation(self, request: Request, package: "DescribeModelPackageOutputTypeDef", *, config: str) -> Situation:
        # The ledger first: a deployment requested after this look at it must not be judged by an older endpoint.
        newest = self._ledger.newest_deployment()
        endpoint = look_at(self._sagemaker, self._environment.endpoint_name)
        if newest is not None and newest.is_open:
            # The event that would have settled it may be late or lost, and the next deployment builds on its outcome.
            self._confirmer.settle(newest, endpoint)
            newest = self._ledger.newest_deployment()
        live = self._ledger.live()
        if newest is not None and not newest.is_open:
            self._registry.agree(live)
        approval = package.get("ModelApprovalStatus", "PendingManualApproval")
        rejected = approval == "Rejected" and live is not None and live.version == request.version
        return Situation(
            request=request,
            package_status=package["ModelPackageStatus"],
            approval=approval,
            config=config,
            endpoint=endpoint,
            live=live,
            newest=newest,
            earlier=self._ledger.deployments_of(request.version),
            handled=request.asked and self._ledger.is_handled(request.id),
            fallback=self._fallback(request) if rejected else None,
        )

    def _pairing(self, package: "DescribeModelPackageOutputTypeDef") -> Pairing | None:
        """Put the version beside the application, if one was delivered."""
        application = self._ledger.application()
        if application is None:
            return None
        return Pairing(application, objections(application.document, package, clients.s3()))

    def _fallback(self, request: Request) -> Deployment | None:
        """Return what was live most recently before the version and may serve again.

        A version that the application cannot work with is passed over; when that leaves none, the refusal is about
        the newest of them.
        """
        refused = None
        proven = (each for each in self._ledger.deployments() if each.is_proven)
        for deployment in sorted(proven, key=lambda each: each.sequence, reverse=True):
            package = self._approved(deployment.package_arn) if deployment.version != request.version else None
            if package is None:
                continue
            pairing = self._pairing(package)
            if pairing is None or not pairing.objections:
                return deployment
            refused = refused or deployment
        return refused

    def _approved(self, package_arn: str) -> "DescribeModelPackageOutputTypeDef | None":
        """Return a package that may serve."""
        try:
            package = self._sagemaker.describe_model_package(ModelPackageName=package_arn)
        except ClientError as error:
            if is_validation_error(error, "does not exist"):
                return None
            raise
        may_serve = package["ModelPackageStatus"] == "Completed" and package.get("ModelApprovalStatus") == "Approved"
        return package if may_serve else None

    def _carry_out(
        self, plan: Plan, situation: Situation, *, package: "DescribeModelPackageOutputTypeDef", target: Target
    ) -> Wait | None:
        match plan:
            case Nothing():
                return None
            case Wait():
                return plan
            case GoBack(to):
                return self._attempt(_in_place_of(situation.request, to))
            case Deploy() | Resume():
                return self._deploy(plan, situation, package=package, target=target)
            case Clear():
                self._sagemaker.delete_endpoint(EndpointName=self._environment.endpoint_name)
                return Wait("the endpoint that could not be created is being deleted")
            case Refuse():
                self._refuse(plan, situation, package)
                if plan.gives_up is not None:
                    self._give_up(plan.gives_up, because="the application cannot work with the version")
            case GiveUp(deployment):
                self._give_up(deployment, because="the model package was rejected")
        return None

    def _deploy(
        self,
        plan: Deploy | Resume,
        situation: Situation,
        *,
        package: "DescribeModelPackageOutputTypeDef",
        target: Target,
    ) -> Wait | None:
        how = self._rollout(situation)
        self._make(target)
        match plan:
            case Deploy(abandoned):
                self._request(situation, package, target=target, how=how, abandoned=abandoned)
            case Resume(deployment):
                words = how.words if how else None
                resumed = deployment.model_copy(update={"requested_at": clock.now(), "rollout": words})
                self._ledger.commit(ledger.put_deployment(resumed, seen=deployment))
        # Who delivers an application sees the request that is on record by now; who delivered one before is seen here.
        if self._ledger.application() != (situation.pairing.application if situation.pairing else None):
            raise ConflictError("another application was delivered meanwhile")
        return self._change_endpoint(target, situation.endpoint, how)

    def _rollout(self, situation: Situation) -> Rollout | None:
        """Decide how traffic moves; nothing moves when there is no endpoint yet."""
        if situation.endpoint.status == ABSENT:
            return None
        if situation.is_proven:
            return rollout.back(self._environment)
        ringing = rollout.ringing_alarms(clients.cloudwatch(), self._environment.alarm_names)
        return rollout.forward(self._environment, ringing=ringing)

    def _give_up(self, deployment: Deployment, *, because: str) -> None:
        settled = deployment.model_copy(
            update={
                "status": DeploymentStatus.REJECTED,
                "confirmed_at": clock.now(),
                "detail": f"{because}, before the endpoint was changed",
            }
        )
        self._ledger.commit(ledger.put_deployment(settled, seen=deployment))

    def _make(self, target: Target) -> None:
        """Create model and endpoint configuration; their names say what they contain, so existing ones are the same."""
        try:
            self._sagemaker.create_model(**target.model)
        except ClientError as error:
            if not is_validation_error(error, "already existing"):
                raise
        try:
            self._sagemaker.create_endpoint_config(**target.config)
        except ClientError as error:
            if not is_validation_error(error, "already existing"):
                raise

    def _request(
        self,
        situation: Situation,
        package: "DescribeModelPackageOutputTypeDef",
        *,
        target: Target,
        how: Rollout | None,
        abandoned: Deployment | None,
    ) -> None:
        request, live, newest = situation.request, situation.live, situation.newest
        deployment = Deployment(
            version=request.version,
            endpoint_config=target.config_name,
            model_name=target.model["ModelName"],
            status=DeploymentStatus.REQUESTED,
            package_arn=package["ModelPackageArn"],
            requested_at=clock.now(),
            requested_by=request.requested_by,
            reason=request.reason,
            sequence=newest.sequence + 1 if newest else 1,
            previous_version=live.version if live else None,
            previous_config=situation.endpoint.serving,
            endpoint_modified_at=situation.endpoint.modified_at,
            request_id=request.id,
            run_id=package.get("CustomerMetadataProperties", {}).get("run_id"),
            was_live=situation.is_proven,
            rollout=how.words if how else None,
        )
        writes: list[Write] = [ledger.put_new_deployment(deployment), ledger.put_pointer(deployment)]
        if abandoned is not None:
            detail = f"never started; gave way to version {request.version}"
            given_up = abandoned.model_copy(
                update={"status": DeploymentStatus.FAILED, "confirmed_at": clock.now(), "detail": detail}
            )
            writes.append(ledger.put_deployment(given_up, seen=abandoned))
        if request.asked:
            writes.append(ledger.put_handled(request.id, by=target.config_name))
        self._ledger.commit(*writes)

    def _change_endpoint(self, target: Target, endpoint: Endpoint, how: Rollout | None) -> Wait | None:
        name, config = endpoint.name, target.config_name
        try:
            if how is None:
                self._sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
            else:
                self._sagemaker.update_endpoint(
                    EndpointName=name, EndpointConfigName=config, DeploymentConfig=how.config
                )
        except ClientError as error:
            busy = is_validation_error(error, "in-progress") or is_validation_error(error, "already existing")
            if not busy:
                raise
            return Wait("SageMaker started to work on the endpoint in between")
        count("DeploymentsRequested")
        return None

    def _refuse(self, plan: Refuse, situation: Situation, package: "DescribeModelPackageOutputTypeDef") -> None:
        request = situation.request
        decision = Decision(
            # The moment of the approval, not of this delivery: a duplicate of the event is the same decision.
            at=package.get("LastModifiedTime", package["CreationTime"]),
            identity="-".join(each for each in (HANDLER, str(request.version), plan.kind, plan.because_of) if each),
            handler=HANDLER,
            outcome=plan.kind,
            reason=plan.reason,
            subject=request.package_arn,
        )
        if self._ledger.has_decision(decision):
            return
        self._notifier.tell(
            plan.headline,
            text=f"{plan.reason[:1].upper()}{plan.reason[1:]}.",
            facts={
                "package": request.package_arn,
                "live": f"version {situation.live.version}" if situation.live else "nothing",
                "endpoint": situation.endpoint.name,
            },
            action=plan.action,
        )
        count("DeploymentsRefused")
        self._ledger.commit(ledger.put_decision(decision))


def _in_place_of(rejection: Request, to: Deployment) -> Request:
    """Return the request that the rejection of a live version amounts to."""
    return replace(
        rejection,
        version=to.version,
        package_arn=to.package_arn,
        requested_by=f"rejection of version {rejection.version}",
        reason=f"version {rejection.version} was rejected in the registry while it served",
        asked=True,
        in_place_of=rejection.version,
    )
