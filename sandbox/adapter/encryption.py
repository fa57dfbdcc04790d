"""What services ask of AWS KMS in the name of their caller, which the emulator does not: the keys behind its storage.

AWS pages: "Using server-side encryption with AWS KMS keys (SSE-KMS)" (a read needs `kms:Decrypt`, a write
`kms:GenerateDataKey`), "Managing Amazon SNS encryption keys and costs" (a publisher needs both), "Amazon SQS key
management" (a sender needs both, a receiver `kms:Decrypt`), and "DynamoDB encryption at rest: Usage notes" (DynamoDB
opens its table's key with the rights of the caller).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.adapter import internals
from sandbox.adapter.call_record import Demand
from sandbox.adapter.settings import ACCOUNT, REGION

_NEEDS = {
    "s3:GetObject": ("kms:Decrypt",),
    "s3:GetObjectVersion": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "sns:Publish": ("kms:Decrypt", "kms:GenerateDataKey"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
    "sqs:SendMessage": ("kms:Decrypt", "kms:GenerateDataKey"),
    **{f"dynamodb:{name}": ("kms:Decrypt",) for name in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query")},
}


_KeyOf = Callable[[Mapping[str, Any]], str | None]


class Keys:
    """The customer managed keys of what CloudFormation makes; the emulator forgets the most of them."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}

    def install(self) -> None:
        """Take note of the key of every bucket, table, topic and queue that CloudFormation makes or changes."""
        for kind, key_of in (
            ("AWS::S3::Bucket", _key_of_bucket),
            ("AWS::DynamoDB::Table", _key_of_table),
            ("AWS::SNS::Topic", _key_of_topic_or_queue),
            ("AWS::SQS::Queue", _key_of_topic_or_queue),
        ):
            self._watch(internals.RESOURCE_HANDLERS.get()[kind], key_of)

    def demands(self, action: str, resource: str) -> Sequence[Demand]:
        """What a permitted call of this action on this resource needs of the resource's key."""
        key = self._keys.get(resource.rpartition(":")[2].removeprefix("table/").partition("/")[0])
        if key is None:
            return ()
        through = f"{action.partition(':')[0]}.{REGION}.amazonaws.com"
        context = {"kms:ViaService": through, "kms:CallerAccount": ACCOUNT}
        return [Demand(name, key, context, through) for name in _NEEDS.get(action, ())]

    def _watch(self, handlers: dict[str, Any], key_of: _KeyOf) -> None:
        create, update = handlers["create"], handlers["update"]

        def create_with_key(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Any:
            created = create(logical_id, properties, stack_name)
            self._note(created[0], key_of(properties))
            return created

        def update_with_key(physical_id: str, before: Any, properties: Mapping[str, Any], *more: Any) -> Any:
            updated = update(physical_id, before, properties, *more)
            self._note(physical_id, key_of(properties))
            return updated

        handlers.update(create=create_with_key, update=update_with_key)

    def _note(self, physical_id: str, key: str | None) -> None:
        # A queue is known by its URL, a topic by its ARN.
        name = re.split("[/:]", physical_id)[-1]
        if key is None or key.startswith("alias/aws/"):
            self._keys.pop(name, None)
        else:
            self._keys[name] = key if key.startswith("arn:") else f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}"


def _key_of_bucket(properties: Mapping[str, Any]) -> str | None:
    rules = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    return next((each.get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID") for each in rules), None)


def _key_of_table(properties: Mapping[str, Any]) -> str | None:
    found: str | None = properties.get("SSESpecification", {}).get("KMSMasterKeyId")
    return found


def _key_of_topic_or_queue(properties: Mapping[str, Any]) -> str | None:
    found: str | None = properties.get("KmsMasterKeyId")
    return found
