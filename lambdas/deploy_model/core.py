"""Carries out what :mod:`lambdas.deploy_model.decision` says about a request for deployment.

Order of the writes: model and endpoint configuration (unused, so harmless), then the request in the ledger, then the
endpoint. So ConfirmDeployment always finds the request when the endpoint's event arrives, and a crash anywhere leaves
something that the next delivery recognises and continues.
"""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from lambdas.deploy_model.decision import Clear, Deploy, Nothing, Plan, Refuse, Resume, Situation, Wait, decide
from lambdas.deploy_model.environment import DeployModelEnvironment
from lambdas.deploy_model.events import Request
from lambdas.deploy_model.target import Target, target_of
from lambdas.shared import clients, clock, ledger
from lambdas.shared.confirmation import Confirmer
from lambdas.shared.endpoints import ABSENT, Endpoint, is_validation_error, look_at
from lambdas.shared.errors import ConflictError, UnexpectedEventError
from lambdas.shared.ledger import Ledger, Write
from lambdas.shared.notifications import Notifier
from lambdas.shared.records import Decision, Deployment, DeploymentStatus
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
        return Situation(
            request=request,
            package_status=package["ModelPackageStatus"],
            approval=package.get("ModelApprovalStatus", "PendingManualApproval"),
            config=config,
            endpoint=endpoint,
            live=self._ledger.live(),
            newest=newest,
            earlier=self._ledger.deployments_of(request.version),
            handled=request.asked and self._ledger.is_handled(request.id),
        )

    def _carry_out(
        self, plan: Plan, situation: Situation, *, package: "DescribeModelPackageOutputTypeDef", target: Target
    ) -> Wait | None:
        match plan:
            case Nothing():
                return None
            case Wait():
                return plan
            case Refuse():
                self._refuse(plan, situation, package)
                return None
            case Clear():
                self._sagemaker.delete_endpoint(EndpointName=self._environment.endpoint_name)
                return Wait("the endpoint that could not be created is being deleted")
            case Resume(deployment):
                resumed = deployment.model_copy(update={"requested_at": clock.now()})
                self._make(target)
                self._ledger.commit(ledger.put_deployment(resumed, seen=deployment))
                return self._change_endpoint(target, situation.endpoint)
            case Deploy(abandoned):
                self._make(target)
                self._request(situation, package, config=target.config_name, abandoned=abandoned)
                return self._change_endpoint(target, situation.endpoint)

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
        config: str,
        abandoned: Deployment | None,
    ) -> None:
        request, live, newest = situation.request, situation.live, situation.newest
        deployment = Deployment(
            version=request.version,
            endpoint_config=config,
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
        )
        writes: list[Write] = [ledger.put_new_deployment(deployment), ledger.put_pointer(deployment)]
        if abandoned is not None:
            detail = f"never started; gave way to version {request.version}"
            given_up = abandoned.model_copy(
                update={"status": DeploymentStatus.FAILED, "confirmed_at": clock.now(), "detail": detail}
            )
            writes.append(ledger.put_deployment(given_up, seen=abandoned))
        if request.asked:
            writes.append(ledger.put_handled(request.id, by=config))
        self._ledger.commit(*writes)

    def _change_endpoint(self, target: Target, endpoint: Endpoint) -> Wait | None:
        name, config = endpoint.name, target.config_name
        try:
            if endpoint.status == ABSENT:
                self._sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
            else:
                self._sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)
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
            identity=f"{HANDLER}-{request.version}-{plan.kind}",
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
