"""What the sandbox does not check: policies of queues, topic, key, buckets and function, trust, and the key's use.

A second engine judges what the services do by themselves, as the templates have them do it.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from resolved_policies import ACCOUNT, Stage, Statement
from second_engine import ALLOWED, Question, judge, session_of
from service_calls import ServiceCall, as_services

_EVERYTHING = {"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}
_OTHERS = "111111111111"
_EXPLICIT, _IMPLICIT = "ExplicitlyDenied", "ImplicitlyDenied"
# The permission of the default route is for all routes, so that those of the others are never the only ones.
_COVERED = "arn:aws:lambda:us-east-1:000000000000:function:Application-ApplicationFunction:live"


@pytest.fixture(name="stage", scope="session")
def _stage(assembly: Any) -> Stage:
    stacks = ("Storage", "Training", "Serving", "Monitoring", "Application")
    return Stage({stack: assembly.template("flights-sandbox", stack).body for stack in stacks})


@pytest.fixture(name="policies", scope="session")
def _policies(stage: Stage) -> dict[str, list[Statement]]:
    roles = {f"arn:aws:iam::{ACCOUNT}:role/{role}": trust for role, trust in stage.roles().items()}
    return {**stage.resource_policies(), **roles}


@pytest.fixture(name="calls", scope="session")
def _calls(stage: Stage) -> list[ServiceCall]:
    return list(as_services(stage))


def _owner(call: ServiceCall) -> str:
    return call.resource.partition("/")[0] if call.action.startswith("s3:") else call.resource


def _verdicts(questions: list[Question], calls: list[ServiceCall]) -> dict[str, str]:
    return {f"{call} for {call.source}": said for call, said in zip(calls, judge(questions), strict=True)}


def test_services_may_do_what_the_stage_needs_of_them(
    calls: list[ServiceCall], policies: dict[str, list[Statement]]
) -> None:
    verdicts = _verdicts([call.question(policies[_owner(call)]) for call in calls], calls)

    assert {call for call, said in verdicts.items() if said != ALLOWED} == set()
    assert len(calls) > 30


def test_every_role_is_taken_on_by_a_service(stage: Stage, calls: list[ServiceCall]) -> None:
    assumed = {call.resource.rpartition("/")[2] for call in calls if call.action == "sts:AssumeRole"}

    assert assumed == set(stage.roles())


def test_no_service_may_do_it_for_a_source_of_another_account(
    calls: list[ServiceCall], policies: dict[str, list[Statement]]
) -> None:
    verdicts = _for_others(calls, policies, account=_OTHERS)

    assert {call for call, said in verdicts.items() if said != _IMPLICIT} == set()
    assert {service.partition(".")[0] for service in {call.service for call in calls if call.source}} == {
        "apigateway",
        "cloudwatch",
        "events",
        "logging",
        "scheduler",
    }


def test_nor_for_another_source_of_this_account_but_the_key_and_the_topic_of_the_alarms(
    calls: list[ServiceCall], policies: dict[str, list[Statement]]
) -> None:
    # What stands in the stage's first stacks cannot name what those built on them will hold.
    calls = [
        call for call in calls if not call.action.startswith("kms:") and call.service != "cloudwatch.amazonaws.com"
    ]
    verdicts = _for_others(calls, policies, account=ACCOUNT)

    assert {call for call, said in verdicts.items() if said != _IMPLICIT} == set()


def _for_others(calls: list[ServiceCall], policies: dict[str, list[Statement]], *, account: str) -> dict[str, str]:
    """The verdicts were it for others; functions, CodeDeploy and SageMaker take their roles on for no named source."""
    named = [call for call in calls if call.source is not None]
    questions = [call.question(policies[_owner(call)], **call.of_others(account=account)) for call in named]
    return _verdicts(questions, named)


def test_cloudwatch_logs_uses_the_key_for_no_group_of_another_account(
    calls: list[ServiceCall], policies: dict[str, list[Statement]]
) -> None:
    calls = [call for call in calls if "kms:EncryptionContext:aws:logs:arn" in call.context]
    theirs = {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:111111111111:log-group:theirs"}
    verdicts = _verdicts([call.question(policies[_owner(call)], **theirs) for call in calls], calls)

    assert set(verdicts.values()) == {_IMPLICIT}


def test_another_service_may_do_nothing(calls: list[ServiceCall], policies: dict[str, list[Statement]]) -> None:
    strangers = [ServiceCall("ses.amazonaws.com", call.action, call.resource, call.source) for call in calls]
    verdicts = _verdicts([call.question(policies[_owner(call)]) for call in strangers], strangers)

    assert set(verdicts.values()) == {_IMPLICIT}


def test_every_statement_that_allows_a_service_something_is_needed(
    calls: list[ServiceCall], policies: dict[str, list[Statement]]
) -> None:
    questions, of = list[Question](), list[tuple[str, int]]()
    for resource, statements in policies.items():
        for at, statement in enumerate(statements):
            if statement["Effect"] == "Allow" and "Service" in statement["Principal"]:
                left = [*statements[:at], *statements[at + 1 :]]
                for call in calls:
                    if _owner(call) == resource:
                        questions.append(call.question(left))
                        of.append((resource, at))
    verdicts = judge(questions)

    needed = {key for key, said in zip(of, verdicts, strict=True) if said != ALLOWED}
    assert {key for key in of if key not in needed and key[0] != _COVERED} == set()


def _without_tls(policies: dict[str, list[Statement]]) -> Iterator[tuple[str, str, str]]:
    """What TLS protects: the resource with the policy, and an action on it."""
    for arn in policies:
        match arn.split(":")[2]:
            case "s3":
                yield arn, "s3:GetObject", f"{arn}/OBJECT"
            case "sqs":
                yield arn, "sqs:SendMessage", arn
            case "sns":
                yield arn, "sns:Publish", arn


@pytest.mark.parametrize(
    ("context", "verdict"),
    [
        ({"aws:SecureTransport": "true"}, ALLOWED),
        ({"aws:SecureTransport": "false"}, _EXPLICIT),
    ],
    ids=["with TLS", "in plain text"],
)
def test_whoever_may_do_everything_still_needs_tls_for_buckets_queues_and_the_topic(
    policies: dict[str, list[Statement]], context: dict[str, str], verdict: str
) -> None:
    protected = list(_without_tls(policies))
    questions = [
        Question(session_of("anyone"), action, resource, context, [_EVERYTHING], policies[owner])
        for owner, action, resource in protected
    ]

    assert set(judge(questions)) == {verdict}
    assert len(protected) > 10


@pytest.mark.parametrize(("version", "verdict"), [("1.1", _EXPLICIT), ("1.2", ALLOWED), ("1.3", ALLOWED)])
def test_buckets_of_the_stage_take_no_old_tls(policies: dict[str, list[Statement]], version: str, verdict: str) -> None:
    context = {"aws:SecureTransport": "true", "s3:TlsVersion": version}
    buckets = [arn for arn in policies if arn.startswith("arn:aws:s3:::")]
    questions = [
        Question(session_of("anyone"), "s3:GetObject", f"{arn}/OBJECT", context, [_EVERYTHING], policies[arn])
        for arn in buckets
    ]

    assert judge(questions) == [verdict] * len(buckets)


def test_no_role_decrypts_by_itself_what_services_decrypt_for_it(
    stage: Stage, policies: dict[str, list[Statement]]
) -> None:
    (key,) = (arn for arn in policies if ":kms:" in arn)
    roles = sorted({grant.role for grant in stage.grants() if "kms:Decrypt" in grant.actions})
    own = {role: [grant.statement for grant in stage.grants() if grant.role == role] for role in roles}
    questions = [
        Question(session_of(role), "kms:Decrypt", key, context, own[role], policies[key])
        for role in roles
        for context in ({}, {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"})
    ]

    assert set(judge(questions)) == {_IMPLICIT}
    assert len(roles) > 5


def test_a_role_without_the_keys_own_policy_has_no_key(stage: Stage, policies: dict[str, list[Statement]]) -> None:
    (key,) = (arn for arn in policies if ":kms:" in arn)
    own = [grant.statement for grant in stage.grants() if grant.role == "Training-StartTrainingRole"]
    context = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
    delegating, *others = policies[key]
    questions = [
        Question(session_of("Training-StartTrainingRole"), "kms:Decrypt", key, context, own, policy)
        for policy in ([delegating, *others], others)
    ]

    assert judge(questions) == [ALLOWED, _IMPLICIT]
