"""Rules of the packs that do not fit what is built here, each with the reason, kept in one place.

A rule is declined for one construct at a time, where that is built, so that a new kind of resource is judged anew. One
whose reason holds for whatever the app may hold is declined once, for the app: ``everywhere``. Each of these reasons
is a fact about the templates that ``tests/infrastructure/test_guardrails.py`` looks for in all of them, so that the
first resource for which it does not hold fails there. cdk-nag takes the acknowledgement from the construct or from what
holds it, Checkov from the metadata of the resource in the template. ``docs/guardrails.md`` lists them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aws_cdk import Acknowledgment, App, CfnResource, Validations
from aws_cdk import aws_lambda as lambda_
from constructs import IConstruct


@dataclass(frozen=True)
class Unfitting:
    """One decision.

    Attributes:
        reason: why what the rules ask for would not make this resource better.
        everywhere: rules of cdk-nag, with their pack, that are declined for the app.
        nag: such rules that are declined for the construct.
        checkov: checks of Checkov that ask for the same; they are declined for the resource.
    """

    reason: str
    everywhere: tuple[str, ...] = ()
    nag: tuple[str, ...] = ()
    checkov: tuple[str, ...] = ()


INLINE_POLICY: Final = Unfitting(
    "The policy is written for this one role and goes with it; for such a pair AWS's page on managed and inline "
    "policies names inline as the choice, for it cannot be attached to another role by mistake.",
    everywhere=("NIST.800.53.R5-IAMNoInlinePolicy",),
)
NOT_ASYNCHRONOUS: Final = Unfitting(
    "The dead-letter queue of a function takes asynchronous invocations only, and nothing invokes it so: it is called "
    "by a queue with a dead-letter queue of its own, or by an API that hands the failure to its caller.",
    everywhere=("NIST.800.53.R5-LambdaDLQ", "Serverless-LambdaDLQ"),
    checkov=("CKV_AWS_116",),
)
BOUNDED_ELSEWHERE: Final = Unfitting(
    "The mapping of its queue or the throttle of its API bounds how many run at a time; a reserved concurrency would "
    "take from the account's quota, which is small in a new account, and keep it from other functions.",
    everywhere=("NIST.800.53.R5-LambdaConcurrency",),
    checkov=("CKV_AWS_115",),
)
PUBLIC_NETWORK: Final = Unfitting(
    "The project's settings ask for no network of its own; the function calls AWS over TLS with its role and nothing "
    "can call it over a network. With network = 'isolated' it is in a VPC without a way to the internet.",
    nag=("NIST.800.53.R5-LambdaInsideVPC",),
    checkov=("CKV_AWS_117",),
)
PLAIN_VARIABLES: Final = Unfitting(
    "The variables hold names and limits, which are in the template as well, and no secret; Lambda encrypts them at "
    "rest with its own key, and the project's key would make each cold start depend on one more service.",
    checkov=("CKV_AWS_45", "CKV_AWS_173"),
)
LAST_RESORT: Final = Unfitting(
    "It is itself the dead-letter queue, and an alarm reports every message in it; behind it there would be another "
    "queue that nobody expects.",
    nag=("Serverless-SQSRedrivePolicy",),
)
QUEUE_REDRIVES: Final = Unfitting(
    "A mapping of an SQS queue takes no destination for failures: the queue's own redrive policy sends what fails "
    "again and again to its dead-letter queue, which raises an alarm.",
    everywhere=("Serverless-LambdaEventSourceMappingDestination",),
)
ONE_REGION: Final = Unfitting(
    "An environment lives in one region, and a copy elsewhere would move the data out of the place that the settings "
    "chose; versions protect from overwriting and deletion, and the sources can deliver a drop again.",
    everywhere=("NIST.800.53.R5-S3BucketReplicationEnabled",),
)
COPIES: Final = Unfitting(
    "It holds copies of artifacts, whose reads the bucket that they are copied from logs; a log in this region would "
    "need a bucket of its own here, for what a pipeline writes and reads by itself.",
    nag=("NIST.800.53.R5-S3BucketLoggingEnabled",),
    checkov=("CKV_AWS_18",),
)
LOGS_OF_ACCESS: Final = Unfitting(
    "It receives access logs for 90 days: S3 delivers those only to a bucket with S3's own key, writes each object "
    "once under a new name, and would report about its own reports.",
    nag=("NIST.800.53.R5-S3DefaultEncryptionKMS", "NIST.800.53.R5-S3BucketVersioningEnabled"),
    checkov=("CKV_AWS_18", "CKV_AWS_21"),
)
RECOVERS_BY_ITSELF: Final = Unfitting(
    "Point-in-time recovery restores any second of the last 35 days, and where state is retained the table cannot be "
    "deleted; a plan of AWS Backup belongs to the account, which can take the table in by its tags.",
    nag=("NIST.800.53.R5-DynamoDBInBackupPlan",),
)
MAIL: Final = Unfitting(
    "SNS repeats an e-mail for hours; who would look into a dead-letter queue is whom it could not reach, and alarms "
    "and ledger keep what the e-mail said.",
    nag=("Serverless-SNSRedrivePolicy",),
)
ASSET_BUILDS: Final = Unfitting(
    "CDK Pipelines lets the builds of assets start each other, whose names are not known beforehand.",
    checkov=("CKV_AWS_111",),
)


EVERYWHERE: Final = (INLINE_POLICY, NOT_ASYNCHRONOUS, BOUNDED_ELSEWHERE, QUEUE_REDRIVES, ONE_REGION)


def decline_everywhere(app: App) -> None:
    """Record once that these rules fit nothing in the app."""
    _acknowledge(app, ((rule, each.reason) for each in EVERYWHERE for rule in each.everywhere))


def decline(construct: IConstruct, *rules: Unfitting) -> None:
    """Record that the rules do not fit ``construct`` or what the CDK builds below it.

    Raises:
        TypeError: Checkov knows resources only, and ``construct`` neither is one nor has one as its default child.
    """
    _acknowledge(construct, ((rule, each.reason) for each in rules for rule in each.nag))
    skipped = [{"id": check, "comment": each.reason} for each in rules for check in each.checkov]
    if skipped:
        resource = construct if isinstance(construct, CfnResource) else construct.node.default_child
        if not isinstance(resource, CfnResource):
            raise TypeError(f"{construct.node.path}: expected a resource to decline {skipped[0]['id']} for, found none")
        resource.add_metadata("checkov", {"skip": skipped})


def decline_for_function(function: lambda_.Function, *, is_isolated: bool) -> None:
    """Decline what does not fit a function of the loop or of the API."""
    decline(
        function,
        NOT_ASYNCHRONOUS,
        BOUNDED_ELSEWHERE,
        PLAIN_VARIABLES,
        *(() if is_isolated else (PUBLIC_NETWORK,)),
    )


def _acknowledge(construct: IConstruct, rules: Iterable[tuple[str, str]]) -> None:
    Validations.of(construct).acknowledge(
        *(Acknowledgment(id=f"{rule.rpartition('-')[0]}::{rule}", reason=reason) for rule, reason in rules)
    )
