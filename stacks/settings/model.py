"""The shape of ``project.toml``: frozen sections, bounded numbers, unknown keys refused."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from pipelines.steps.drift.limits import Limits as DriftLimits
from pipelines.steps.quality.limits import Limits
from stacks.settings.types import (
    AccountId,
    Allowed,
    Approval,
    Audience,
    Audit,
    Authorization,
    BranchName,
    Cluster,
    ColumnName,
    ConnectionArn,
    Direction,
    Email,
    Engine,
    EnvironmentName,
    HyperparameterName,
    HyperparameterValue,
    InstanceType,
    Issuer,
    KeyArn,
    Metric,
    Network,
    NewData,
    ObjectKey,
    PolicyName,
    Prefix,
    ProjectName,
    Region,
    RepositoryName,
    ScheduleExpression,
    SecretName,
    Share,
    Source,
    Strategy,
    TagKey,
    TagValue,
    Task,
    Window,
)

_LIMITS = Limits()
_DRIFT = DriftLimits()


class Section(BaseModel):
    """Base of every table: immutable, no unknown keys, no silent conversion between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Project(Section):
    """``[project]``: what is predicted."""

    name: ProjectName
    description: Annotated[str, Field(max_length=200)] = ""
    task: Task
    target: ColumnName
    time_column: ColumnName


class Data(Section):
    """``[data]``: which objects of the data bucket make a snapshot, and when Validate refuses one of them.

    ``max_...`` and ``future_hours`` are explained in ``pipelines.steps.quality.limits``.

    ``window_periods`` counts distinct periods. ``holdout_days`` counts days of the time column; they have to
    hold the clusters that the gate compares on (``gate.min_clusters``).
    """

    prefix: Prefix = "data/"
    window_periods: Annotated[int, Field(ge=1, le=1000)] = 12
    max_objects: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    holdout_days: Annotated[int, Field(ge=2, le=366)] = 14
    max_duplicate_share: Share = _LIMITS.max_duplicate_share
    max_null_increase: Share = _LIMITS.max_null_increase
    max_unseen_share: Share = _LIMITS.max_unseen_share
    max_label_shift: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = _LIMITS.max_label_shift
    max_outlier_share: Share = _LIMITS.max_outlier_share
    max_target_correlation: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = _LIMITS.max_target_correlation
    future_hours: Annotated[int, Field(ge=0, le=8784)] = _LIMITS.future_hours


class Training(Section):
    """``[training]``: the jobs of the training pipeline; ``max_runtime_minutes`` bounds each of them.

    ``watch_minutes``: how often the run in flight is looked at, so how late at the most one is stopped at its limit.
    """

    instance_type: InstanceType = "ml.m5.xlarge"
    max_runtime_minutes: Annotated[int, Field(ge=1, le=7200)] = 60
    watch_minutes: Annotated[int, Field(ge=5, le=1440)] = 60
    seed: Annotated[int, Field(ge=0, le=2_147_483_647)] = 0
    hyperparameters: dict[HyperparameterName, HyperparameterValue] = Field(default_factory=dict)


class Guard(Section):
    """``[[gate.guards]]``: a second metric that may worsen by a share of the champion's value and no more."""

    metric: Metric
    max_worsening: Share


class Slice(Section):
    """``[[gate.slices]]``: for every value of a column with enough rows, what the primary metric may lose there."""

    column: ColumnName
    min_rows: Annotated[int, Field(ge=30, le=1_000_000)]
    max_worsening: Share


class Gate(Section):
    """``[gate]``: when a challenger replaces the champion. Shares are fractions, 0.01 means one per cent.

    The lower bound of the improvement, wrong with probability ``alpha``, has to exceed ``margin``. Rows of one
    ``cluster`` of time (UTC) are judged together, and there have to be ``min_clusters`` that neither model was
    trained on.
    """

    metric: Metric
    direction: Direction
    margin: Share = 0.01
    alpha: Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False)] = 0.01
    min_improvement_over_naive: Share = 0.10
    cluster: Cluster = "day"
    min_clusters: Annotated[int, Field(ge=3, le=1000)] = 7
    guards: Annotated[list[Guard], Field(max_length=5)] = Field(default_factory=list)
    slices: Annotated[list[Slice], Field(max_length=10)] = Field(default_factory=list)


class Retraining(Section):
    """``[retraining]``: how often the loop may train and whether a person approves the result.

    ``settle_seconds`` is the delivery delay of the retrain queue; 900 is the longest that SQS offers
    (AWS page "Amazon SQS delay queues"). ``new_data`` says what a drop does: with ``always`` it starts a run, with
    ``first`` only while nothing is live or an alarm that retrains is on; otherwise it waits for such an alarm.
    """

    approval: Approval = "automatic"
    new_data: NewData = "always"
    settle_seconds: Annotated[int, Field(ge=0, le=900)] = 60
    cooldown_minutes: Annotated[int, Field(ge=0, le=10_080)] = 60
    max_runs_per_day: Annotated[int, Field(ge=1, le=1000)] = 4


class Serving(Section):
    """``[serving]``: the endpoint's fleet and the share of requests that data capture keeps, in per cent.

    Models and endpoint configurations of the newest ``keep_deployments`` are kept, as are those of what serves and of
    what was live before; older ones are deleted, and made again when somebody goes back that far. With
    ``network_isolation`` the model's container reaches nothing and nothing reaches it but SageMaker; not every image
    can start so (docs/network.md).
    """

    instance_type: InstanceType = "ml.m5.large"
    instance_count: Annotated[int, Field(ge=1, le=100)] = 2
    capture_percent: Annotated[int, Field(ge=0, le=100)] = 100
    keep_deployments: Annotated[int, Field(ge=2, le=100)] = 5
    network_isolation: bool = False


class Rollout(Section):
    """``[rollout]``: how traffic moves to a new version, and what makes SageMaker turn back by itself.

    A ``canary`` takes ``step_percent`` of the traffic first and all of it after ``bake_seconds``, ``linear`` takes
    ``step_percent`` more each time, ``all_at_once`` all of it. After every step the rollback alarms are watched for
    ``bake_seconds``; the old fleet is kept for another ``termination_wait_seconds``. Longer than ``max_minutes`` no
    update lasts. The alarms go on when, in two of three minutes, the share of requests that the model failed, its mean
    latency in milliseconds, or the share of requests that the application failed is above its limit.
    """

    strategy: Strategy = "canary"
    step_percent: Annotated[int, Field(ge=10, le=50)] = 50
    bake_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    termination_wait_seconds: Annotated[int, Field(ge=0, le=3600)] = 120
    max_minutes: Annotated[int, Field(ge=10, le=480)] = 60
    max_error_share: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.01
    max_latency_ms: Annotated[int, Field(ge=1, le=60_000)] = 1000
    max_application_error_share: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.01


class Monitoring(Section):
    """``[monitoring]``: how live traffic is compared with what the model was trained on, and when that is an alarm.

    Traffic is cut into windows of one ``window`` (UTC). ``span`` of them are judged together, sliding by one;
    ``label_windows`` is how long labels are waited for. A window is judged ``grace_minutes`` after its end at the
    earliest, because data capture is written late. With fewer than ``min_rows`` or ``min_labels`` nothing is said.
    Distances lie between 0 and 1 (robust L-infinity); ``max_quality_drop`` is the share by which the primary metric
    may be worse than the worse end of its interval at training. ``alarm_windows`` of the last ``alarm_of`` windows
    have to be bad for an alarm. ``ignore`` names inputs that are profiled and never judged.
    """

    engine: Engine = "arrow"
    schedule: ScheduleExpression = "cron(15 1 * * ? *)"
    window: Window = _DRIFT.window
    span: Annotated[int, Field(ge=1, le=31)] = _DRIFT.span
    grace_minutes: Annotated[int, Field(ge=0, le=1440)] = _DRIFT.grace_minutes
    min_rows: Annotated[int, Field(ge=100, le=100_000_000)] = _DRIFT.min_rows
    max_drift: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = _DRIFT.max_drift
    max_prediction_drift: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = _DRIFT.max_prediction_drift
    max_quality_drop: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = _DRIFT.max_quality_drop
    label_windows: Annotated[int, Field(ge=1, le=336)] = _DRIFT.label_windows
    min_labels: Annotated[int, Field(ge=30, le=100_000_000)] = _DRIFT.min_labels
    max_violation_share: Share = _DRIFT.max_violation_share
    alarm_windows: Annotated[int, Field(ge=1, le=168)] = _DRIFT.alarm_windows
    alarm_of: Annotated[int, Field(ge=1, le=168)] = _DRIFT.alarm_of
    max_model_age_days: Annotated[int, Field(ge=1, le=3650)] = 180
    ignore: Annotated[list[ColumnName], Field(max_length=100)] = Field(default_factory=list)
    instance_type: InstanceType = "ml.m5.xlarge"
    instance_count: Annotated[int, Field(ge=1, le=20)] = 1
    max_runtime_minutes: Annotated[int, Field(ge=1, le=1440)] = 60


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


_ABSENT: Any = Field(default=None, json_schema_extra=_without_default)


class Application(Section):
    """``[application]``: the HTTP API that calls the model.

    Callers sign their requests (``iam``), or bring a token that ``jwt_issuer`` issued for one of ``jwt_audience``.
    Where a pipeline delivers, its smoke test gets such a token with the OAuth 2.0 client credentials in the secret
    ``jwt_credentials_secret`` of the environment's account, whose key is ``jwt_credentials_key`` unless it is AWS's. A
    request holds at most ``max_records``; the API takes ``requests_per_second`` on average, ``burst`` at once. A new
    version of the application takes over by ``rollout`` (AWS CodeDeploy): a tenth of the requests for five minutes and
    then all (``canary``), a tenth more every minute (``linear``), or all at once. An alarm that is on stops a new
    version before it starts, even the one that mends what the alarm is about; with ``ignore_alarms``, for an emergency,
    no alarm stops a new version or takes it back (docs/runbooks/application.md).
    """

    authorization: Authorization = "iam"
    jwt_issuer: Issuer | None = None
    jwt_audience: Annotated[list[Audience], Field(max_length=10)] = Field(default_factory=list)
    jwt_credentials_secret: SecretName | None = None
    jwt_credentials_key: KeyArn | None = None
    max_records: Annotated[int, Field(ge=1, le=1000)] = 100
    requests_per_second: Annotated[int, Field(ge=1, le=10_000)] = 500
    burst: Annotated[int, Field(ge=1, le=5000)] = 1000
    memory_megabytes: Annotated[int, Field(ge=256, le=10_240)] = 1024
    timeout_seconds: Annotated[int, Field(ge=3, le=29)] = 15
    rollout: Strategy = "canary"
    ignore_alarms: bool = False


class DeliveryPipelines(Section):
    """``[delivery]``: the two pipelines that deliver the application and the ML code from ``branch``.

    ``source`` says where the repository lives: a ``connection`` to GitHub, GitLab or Bitbucket (with
    ``connection_arn``), ``codecommit``, or the object ``object_key`` of the bucket ``repository`` (``s3``). That bucket
    keeps versions, sends its events to EventBridge and, where it is encrypted with a key of yours, ``key_arn`` names
    that key. They deploy to the environment ``staging`` first and, once a person has approved, to ``production``; they
    live in ``account`` and ``region``. With ``audit = "required"`` a build fails when a registry does not say which
    vulnerabilities it knows; with ``told`` it only says so, for builds that can reach no registry that does.
    """

    source: Source
    repository: RepositoryName
    branch: BranchName = "main"
    connection_arn: ConnectionArn = _ABSENT
    object_key: ObjectKey = _ABSENT
    key_arn: KeyArn = _ABSENT
    staging: EnvironmentName = "staging"
    production: EnvironmentName = "production"
    audit: Audit = "required"
    notify: Annotated[list[Email], Field(max_length=10)] = Field(default_factory=list)
    account: AccountId = _ABSENT
    region: Region = _ABSENT
    permissions_boundary: PolicyName = _ABSENT
    tags: dict[TagKey, TagValue] = Field(default_factory=dict)


def _override_of(section: type[Section], *, without: tuple[str, ...] = ()) -> Any:
    """The same section with every key optional, so that no bound is written twice; ``without`` stays the project's."""
    fields: dict[str, Any] = {
        name: (Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation, _ABSENT)
        for name, info in section.model_fields.items()
        if name not in without
    }
    return create_model(f"{section.__name__}Override", __base__=Section, __doc__=section.__doc__, **fields)


if TYPE_CHECKING:
    DataOverride = Data
    TrainingOverride = Training
    GateOverride = Gate
    RetrainingOverride = Retraining
    ServingOverride = Serving
    RolloutOverride = Rollout
    MonitoringOverride = Monitoring
    ApplicationOverride = Application
else:
    DataOverride = _override_of(Data)
    TrainingOverride = _override_of(Training)
    GateOverride = _override_of(Gate)
    RetrainingOverride = _override_of(Retraining)
    ServingOverride = _override_of(Serving)
    RolloutOverride = _override_of(Rollout)
    ApplicationOverride = _override_of(Application)
    # One compiled pipeline serves every environment, and the engine shapes it.
    MonitoringOverride = _override_of(Monitoring, without=("engine",))


class Environment(Section):
    """``[environments.<name>]``: where it is deployed, and the sections that differ there.

    Without ``account`` and ``region`` the stacks are environment-agnostic and go wherever the caller's
    credentials point. In an ``isolated`` network jobs, endpoint and functions run in a VPC of their own without a way
    to the internet; they reach AWS through interface endpoints.
    """

    retain: bool = True
    notify: Annotated[list[Email], Field(max_length=10)] = Field(default_factory=list)
    account: AccountId = _ABSENT
    region: Region = _ABSENT
    permissions_boundary: PolicyName = _ABSENT
    network: Network = "public"
    tags: dict[TagKey, TagValue] = Field(default_factory=dict)
    data: DataOverride = _ABSENT
    training: TrainingOverride = _ABSENT
    gate: GateOverride = _ABSENT
    retraining: RetrainingOverride = _ABSENT
    serving: ServingOverride = _ABSENT
    rollout: RolloutOverride = _ABSENT
    monitoring: MonitoringOverride = _ABSENT
    application: ApplicationOverride = _ABSENT


class ProjectFile(Section):
    """A whole ``project.toml`` as it is written."""

    project: Project
    data: Data = Field(default_factory=Data)
    training: Training = Field(default_factory=Training)
    gate: Gate
    retraining: Retraining = Field(default_factory=Retraining)
    serving: Serving = Field(default_factory=Serving)
    rollout: Rollout = Field(default_factory=Rollout)
    monitoring: Monitoring = Field(default_factory=Monitoring)
    application: Application = Field(default_factory=Application)
    delivery: DeliveryPipelines | None = _ABSENT
    environments: Annotated[
        Mapping[EnvironmentName, Environment],
        Field(min_length=1, max_length=20),
        Allowed("at least one table such as [environments.production]"),
    ]
