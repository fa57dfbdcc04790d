"""Every inside part of MiniStack that the sandbox uses, checked at start.

MiniStack has no plug-in interface. An upgrade may move what stands here, and a sandbox that silently lost an event or a
permission check would be worse than none: so the check names what moved, and the version is pinned.
"""

import importlib
import inspect
import sys
import types
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sandbox.errors import SandboxError

PINNED_VERSION = "1.5.33"


@dataclass(frozen=True)
class Internal:
    """An attribute of one of MiniStack's modules.

    Attributes:
        module: the module, below `ministack`.
        name: the attribute.
        purpose: what the sandbox uses it for.
        parameters: the first parameters of a function, by name and order; None for what is no function.
        kind: the type of what is no function; None for any.
        contains: texts or keys that must be in it.
    """

    module: str
    name: str
    purpose: str
    parameters: tuple[str, ...] | None = None
    kind: type | None = None
    contains: tuple[str, ...] = ()

    def get(self) -> Any:
        """The attribute's present value."""
        name = f"ministack.{self.module}"
        # Asked for with every request: a look at the table is a tenth of what an import of the imported costs.
        return getattr(sys.modules.get(name) or importlib.import_module(name), self.name)

    def replace(self, value: Any) -> None:
        """Put another value in the attribute's place."""
        setattr(importlib.import_module(f"ministack.{self.module}"), self.name, value)

    def fault(self) -> str | None:
        """How the attribute differs from what the sandbox was written for; None when it does not."""
        try:
            value = self.get()
        except (ImportError, AttributeError) as error:
            return f"it does not exist ({error})"
        if self.parameters is not None:
            if not callable(value):
                return f"it is a {type(value).__name__} and no function"
            found = tuple(inspect.signature(value).parameters)
            if found[: len(self.parameters)] != self.parameters:
                return f"its parameters are ({', '.join(found)}), expected ({', '.join(self.parameters)}, …)"
        if self.kind is not None and not isinstance(value, self.kind):
            return f"it is a {type(value).__name__}, expected a {self.kind.__name__}"
        if missing := [item for item in self.contains if item not in value]:
            return f"it lacks {', '.join(map(repr, missing))}"
        return None


APP = Internal("app", "app", "the application that is served", ("scope", "receive", "send"))
MAIN_LOOP = Internal("app", "_MAIN_LOOP", "the loop on which events enter the bus")
SERVICE_HANDLERS = Internal("app", "SERVICE_HANDLERS", "the table that gets SageMaker's handler", kind=dict)
ENFORCES_IAM = Internal("app", "AUTH", "whether permissions are enforced", kind=bool)

SERVICE_PATTERNS = Internal(
    "core.router", "SERVICE_PATTERNS", "the routes that get SageMaker's", kind=dict, contains=("s3", "sqs")
)
ACCESS_KEY = Internal("core.router", "extract_access_key_id", "who calls", ("headers", "query_params"))

SET_ACCOUNT = Internal("core.responses", "set_request_account_id", "whose bus an event enters", ("access_key_id",))
SET_REGION = Internal("core.responses", "set_request_region", "which region's bus an event enters", ("region",))
GET_REGION = Internal("core.responses", "get_region", "the region of a request", ())

IAM_NAMESPACES = Internal(
    "core.iam_actions", "SERVICE_TO_IAM_NAMESPACE", "the actions' prefix of SageMaker", kind=dict, contains=("s3",)
)
REST_MODELS = Internal(
    "core.iam_actions",
    "_BOTOCORE_SERVICE_MAP",
    "the action of sagemaker:InvokeEndpoint",
    kind=dict,
    contains=("batch",),
)
RESOURCE_ARN = Internal(
    "core.iam_actions",
    "extract_resource_arn",
    "the resource of a SageMaker request",
    ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
)
ACCESS_DENIED = Internal(
    "core.iam_actions",
    "access_denied_response",
    "the answer to a refused iam:PassRole",
    ("service", "action", "principal_arn", "request_id"),
)
ENFORCE = Internal(
    "core.iam_evaluator",
    "enforce",
    "the check of iam:PassRole",
    ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"),
)

EVALUATE = Internal("core.iam_evaluator", "evaluate", "the record of calls", ("ctx", "policies", "limits"))
FIRST_MATCH = Internal(
    "core.iam_evaluator", "_first_match", "the statement behind a decision", ("ctx", "stmts", "effect")
)
EVAL_CONTEXT = Internal(
    "core.iam_evaluator",
    "EvalContext",
    "what services demand of a role",
    ("principal_arn", "principal_type", "principal_account", "action", "resource_arn", "region"),
)
ROLE_POLICIES = Internal(
    "core.iam_evaluator", "_gather_role_policies", "what services demand of a role", ("role_name", "account_id")
)
BOUNDARY = Internal(
    "core.iam_evaluator", "_permissions_boundary", "what limits a role", ("store", "name", "account_id")
)
EVALUATE_TRUST = Internal(
    "core.iam_evaluator", "evaluate_trust_policy", "services take on roles", ("trust_doc", "caller_arn", "ctx")
)
ROLES = Internal("services.iam", "_roles", "what limits a role")
RESOURCE_POLICY = Internal(
    "core.iam_evaluator", "_resource_policy", "the policies of keys", ("service", "resource_arn")
)
COMBINE = Internal(
    "core.iam_evaluator",
    "combine_resource_policy",
    "the policies of keys",
    ("identity", "ctx", "policy", "owner_account", "required", "limits"),
)
MAPPING_CONCURRENCY = Internal(
    "services.lambda_svc",
    "_sqs_esm_concurrency",
    "a function's role polls its queue",
    ("esm", "func_rec", "config", "queue"),
)
PIN_ORIGIN = Internal("app", "pin_request_origin", "statements about TLS", ("source_ip", "secure_transport"))
REQUEST_CONTEXT = Internal(
    "core.iam_actions",
    "request_tag_context",
    "the condition keys of a request",
    ("service", "iam_action", "body", "params"),
)

PUT_EVENTS = Internal(
    "services.eventbridge", "_put_events", "AWS's own events on the bus", ("data", "allow_aws_source")
)
DISPATCH_EVENT = Internal(
    "services.eventbridge", "_dispatch_event", "the object's version in S3's events", ("event", "view")
)
FIRE_S3_EVENT = Internal(
    "services.s3", "_fire_s3_event", "the object's version in S3's events", ("bucket_name", "key", "event_name")
)
DELETE_BUCKET = Internal("services.s3", "_delete_bucket", "a full bucket outlives its stack", ("name",))

SQS_OPERATIONS = Internal(
    "services.sqs", "_HANDLERS", "the table that gets the moving of dead letters", kind=dict, contains=("SendMessage",)
)
SQS_ERROR = Internal("services.sqs", "_Err", "refusals of SQS", ("code", "message", "status"))
QUEUES = Internal("services.sqs", "_queues", "which queues are dead-letter queues")
QUEUE_BY_ARN = Internal("services.sqs", "_queue_by_arn", "the messages of a dead-letter queue", ("arn",))

CLOUDWATCH_TIME = Internal("services.cloudwatch", "time", "CloudWatch on the sandbox's clock", kind=types.ModuleType)
CLOUDWATCH_ERROR = Internal(
    "services.cloudwatch", "_error", "refusals of CloudWatch", ("code", "message", "status", "use_json", "use_cbor")
)
METRICS = Internal("services.cloudwatch", "_metrics", "the values that alarms are evaluated on")
DIMENSIONS_KEY = Internal("services.cloudwatch", "_dims_key", "the key of a metric's dimensions", ("dims",))
ALARMS = Internal("services.cloudwatch", "_alarms", "the alarms that are evaluated")
EVICT_METRICS = Internal("services.cloudwatch", "_evict_old_metrics", "AWS's retention of metrics", ())
EVALUATE_ALARM = Internal("services.cloudwatch", "_evaluate_alarm", "the evaluation of an alarm", ("alarm",))
EVALUATE_ALL_ALARMS = Internal("services.cloudwatch", "_evaluate_all_alarms", "the evaluation after new data", ())
EVALUATE_PARENTS = Internal(
    "services.cloudwatch", "_evaluate_parent_alarms", "composite alarms follow their children", ("child",)
)
RECORD_HISTORY = Internal(
    "services.cloudwatch",
    "_record_history",
    "the history of alarms",
    ("alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data"),
)
DISPATCH_ALARM_ACTIONS = Internal(
    "services.cloudwatch",
    "_dispatch_alarm_actions",
    "events of alarms, beside their actions",
    ("alarm", "old_state", "new_state", "reason"),
)
PUT_METRIC_ALARM = Internal(
    "services.cloudwatch", "_put_metric_alarm", "what AWS refuses", ("params", "cbor_data", "is_cbor", "is_json")
)
PUT_COMPOSITE_ALARM = Internal(
    "services.cloudwatch", "_put_composite_alarm", "what AWS refuses", ("params", "cbor_data", "is_cbor", "is_json")
)
PUT_METRIC_DATA = Internal(
    "services.cloudwatch", "_put_metric_data", "what AWS refuses", ("params", "cbor_data", "is_cbor", "is_json")
)

SCHEDULER_TIME = Internal("services.scheduler", "time", "schedules on the sandbox's clock", kind=types.ModuleType)
SCHEDULER_ERROR = Internal("services.scheduler", "_error", "refusals of the Scheduler", ("status", "code", "message"))
SCHEDULES = Internal("services.scheduler", "_schedules", "the schedules that are watched")
CREATE_SCHEDULE = Internal("services.scheduler", "_create_schedule", "what AWS refuses", ("name", "body"))
UPDATE_SCHEDULE = Internal("services.scheduler", "_update_schedule", "what AWS refuses", ("name", "body"))
START_SCHEDULER = Internal("services.scheduler", "start_scheduler", "who watches the schedules", ())

RESOURCE_HANDLERS = Internal(
    "services.cloudformation.provisioners",
    "_RESOURCE_HANDLERS",
    "the table that gets SageMaker's CloudFormation types",
    kind=dict,
    contains=("AWS::Lambda::Function", "AWS::S3::Bucket"),
)
ON_WORKER_THREAD = Internal(
    "services.cloudformation.stacks",
    "_runs_on_worker_thread",
    "SageMaker's types call an API, so they may not run on the server's loop",
    ("resource_type",),
)

RESOURCE_DEFINITION = Internal(
    "services.cloudformation.provisioners",
    "_cfn_wait_condition_definition",
    "a resource's update policy in the template under deployment",
    ("stack_name", "logical_id"),
)
STACKS = Internal("services.cloudformation", "_stacks", "what a reference in an update policy stands for")

FUNCTION_OF = Internal("services.lambda_svc", "_get_func_record_for_ref", "the weights of an alias", ("function_ref",))
FUNCTIONS = Internal("services.lambda_svc", "_functions", "the weights of an alias")
INVOKE = Internal(
    "services.lambda_svc",
    "_invoke",
    "the weights of an alias",
    ("name", "event", "headers", "path_qualifier", "query_params"),
)

RUNTIME_BINARY = Internal(
    "core.lambda_runtime", "_detect_runtime_binary", "the interpreter that sees only what AWS gives", ("runtime",)
)
WORKER_SCRIPT = Internal(
    "core.lambda_runtime",
    "_PYTHON_WORKER_SCRIPT",
    "the program of a Lambda process",
    kind=str,
    contains=(
        "os.environ.update(env)",
        "addsitedir",
        "_LAMBDA_LAYERS_DIRS",
        "            result = handler_fn(event, context)\n",
        '{"status": "ok", "result": result}',
        '"trace": traceback.format_exc()}',
    ),
)
WORKER = Internal(
    "core.lambda_runtime", "Worker", "a Lambda process is asked without threads", ("func_name", "config", "code_zip")
)
ACQUIRE_WORKER = Internal(
    "services.lambda_svc",
    "acquire_worker",
    "a warm process for a call of an API",
    ("func_name", "config", "code_zip", "qualifier"),
)
RELEASE_WORKER = Internal("services.lambda_svc", "release_worker", "a warm process for a call of an API", ("worker",))
SIGNAL = Internal("core.lambda_runtime", "_signal", "the end of a process that took too long", ("proc",))
COLLECT = Internal("core.lambda_runtime", "_collect", "the end of a process that took too long", ("proc", "deadline"))
STOP_WORKERS = Internal("core.lambda_runtime", "reset", "the end of all Lambda processes", ())
EXECUTOR = Internal("services.lambda_svc", "LAMBDA_EXECUTOR", "Lambdas run as processes", kind=str, contains=("local",))
EXECUTE_WARM = Internal(
    "services.lambda_svc", "_execute_function_warm", "the reason of a failed start", ("func", "event", "request_id")
)
EMIT_LOGS = Internal(
    "services.lambda_svc",
    "_emit_lambda_logs",
    "the log files of Lambdas",
    ("func", "request_id", "log_text", "error", "duration_ms"),
)

EMIT_LAMBDA_METRICS = Internal(
    "services.lambda_svc",
    "_emit_lambda_metrics",
    "the metrics of Lambda",
    ("function_name", "duration_ms", "error", "throttle"),
)
CALL_API = Internal(
    "app",
    "_handle_execute_api_request",
    "the short way to an API",
    ("host", "path", "method", "headers", "body", "query_params", "raw_path", "raw_query_string"),
)
HEADER_LIST = Internal("app", "_asgi_header_list", "the headers of an answer", ("headers",))
EXECUTE_API = Internal(
    "services.apigateway",
    "handle_execute",
    "limits, metrics and the access log of an API",
    ("api_id", "stage", "path", "method", "headers", "body", "query_params", "raw_query_string"),
)
API_SCOPE = Internal("services.apigateway", "find_api_scope", "whose API it is", ("api_id",))
API_STAGES = Internal("services.apigateway", "_stages", "the settings of a stage")
MATCH_ROUTE = Internal(
    "services.apigateway", "_match_route", "the route in the access log", ("api_id", "method", "path")
)
API_THREAD = Internal(
    "services.apigateway",
    "run_reentrant",
    "an API calls a warm function without threads",
    ("fn", "args", "thread_name"),
)
ACQUIRE_SLOT = Internal(
    "services.lambda_svc", "_acquire_execution_slot", "the concurrency of a function", ("func", "config")
)
RELEASE_SLOT = Internal("services.lambda_svc", "_release_execution_slot", "the concurrency of a function", ("key",))
TRACE_ID = Internal("services.lambda_svc", "_xray_trace_id_for_invocation", "the trace header of a call", ("config",))

ALL = tuple(value for value in globals().values() if isinstance(value, Internal))


def check(internals: Iterable[Internal] = ALL) -> None:
    """Make sure that MiniStack is the version and has the shape that the sandbox was written for.

    Raises:
        SandboxError: naming everything that is missing or has changed, and where it is used.
    """
    try:
        installed = version("ministack")
    except PackageNotFoundError as error:
        raise SandboxError("The package 'ministack' is not installed: run `make setup`.") from error
    faults = [
        f"ministack.{item.module}.{item.name} ({item.purpose}): {fault}"
        for item in internals
        if (fault := item.fault()) is not None
    ]
    if faults:
        raise SandboxError(
            f"MiniStack {installed} does not look as the sandbox expects:\n  - " + "\n  - ".join(faults) + "\n"
            f"The sandbox was written for {PINNED_VERSION}: install that version with `make setup`, or adapt "
            "sandbox/adapter."
        )
    if installed != PINNED_VERSION:
        raise SandboxError(
            f"MiniStack {installed} is installed, and the sandbox was checked with {PINNED_VERSION}. Install that one "
            "with `make setup`; after an upgrade, set PINNED_VERSION in sandbox/adapter/internals.py and run the tests."
        )
