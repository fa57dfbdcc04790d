from typing import Any

import pytest

STATEFUL = ("AWS::KMS::Key", "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SageMaker::ModelPackageGroup")


@pytest.mark.parametrize("bucket", ["DataBucket", "ArtifactsBucket"])
def test_a_bucket_keeps_versions_under_the_projects_key(storage: Any, bucket: str) -> None:
    properties = storage.one("AWS::S3::Bucket", bucket)
    key = storage.id("AWS::KMS::Key", "Key")
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == {"Fn::GetAtt": [key, "Arn"]}
    assert rule["BucketKeyEnabled"]


def test_every_bucket_is_private_and_accepts_tls_only(storage: Any) -> None:
    policies = {one["Bucket"]["Ref"]: one["PolicyDocument"]["Statement"] for one in _policies(storage)}

    for name, bucket in storage.all("AWS::S3::Bucket").items():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert {"Bool": {"aws:SecureTransport": "false"}} in [
            statement.get("Condition") for statement in policies[name] if statement["Effect"] == "Deny"
        ]


def _policies(storage: Any) -> list[Any]:
    return list(storage.all("AWS::S3::BucketPolicy").values())


def test_access_to_data_and_artifacts_is_logged(storage: Any) -> None:
    log_bucket = storage.id("AWS::S3::Bucket", "AccessLogs")

    for bucket, prefix in (("DataBucket", "data/"), ("ArtifactsBucket", "artifacts/")):
        assert storage.one("AWS::S3::Bucket", bucket)["LoggingConfiguration"] == {
            "DestinationBucketName": {"Ref": log_bucket},
            "LogFilePrefix": prefix,
        }


def test_only_the_data_bucket_reports_to_eventbridge(storage: Any) -> None:
    reporting = [name for name, one in storage.all("AWS::S3::Bucket").items() if "NotificationConfiguration" in one]

    assert reporting == [storage.id("AWS::S3::Bucket", "DataBucket")]


def test_versions_that_snapshots_name_are_kept_for_two_years(storage: Any) -> None:
    (rule,) = storage.one("AWS::S3::Bucket", "DataBucket")["LifecycleConfiguration"]["Rules"]

    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 730}
    assert "ExpirationInDays" not in rule


def test_captured_requests_judgements_and_replays_expire_and_runs_do_not(storage: Any) -> None:
    rules = storage.one("AWS::S3::Bucket", "ArtifactsBucket")["LifecycleConfiguration"]["Rules"]

    assert {rule.get("Prefix"): rule.get("ExpirationInDays") for rule in rules} == {
        None: None,
        "capture/": 90,
        "monitoring/": 455,
        "runs/reproduce-": 90,
    }


def test_interrupted_uploads_are_cleaned_up_everywhere(storage: Any) -> None:
    for bucket in storage.all("AWS::S3::Bucket").values():
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert {"DaysAfterInitiation": 7} in [rule.get("AbortIncompleteMultipartUpload") for rule in rules]


def test_the_ledger_is_encrypted_and_can_be_restored(storage: Any) -> None:
    table = storage.one("AWS::DynamoDB::Table", "Ledger")
    key = storage.id("AWS::KMS::Key", "Key")

    assert table["SSESpecification"]["KMSMasterKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert [(one["AttributeName"], one["KeyType"]) for one in table["KeySchema"]] == [("pk", "HASH"), ("sk", "RANGE")]


def test_the_key_rotates(storage: Any) -> None:
    assert storage.one("AWS::KMS::Key", "Key")["EnableKeyRotation"]


def test_alarms_of_this_account_may_publish_to_the_encrypted_topic(storage: Any) -> None:
    (policy,) = storage.all("AWS::SNS::TopicPolicy").values()
    statements = policy["PolicyDocument"]["Statement"]
    key_statements = storage.one("AWS::KMS::Key", "Key")["KeyPolicy"]["Statement"]
    cloudwatch = {"Service": "cloudwatch.amazonaws.com"}
    this_account = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

    (topic,) = (one for one in statements if one["Principal"] == cloudwatch)
    (key,) = (one for one in key_statements if one["Principal"] == cloudwatch)
    assert (topic["Action"], topic["Condition"]) == ("sns:Publish", this_account)
    assert (set(key["Action"]), key["Condition"]) == ({"kms:Decrypt", "kms:GenerateDataKey*"}, this_account)
    assert {"Bool": {"aws:SecureTransport": "false"}} in [
        one["Condition"] for one in statements if one["Effect"] == "Deny"
    ]
    assert "KmsMasterKeyId" in storage.one("AWS::SNS::Topic", "Notifications")


@pytest.mark.parametrize(("stage", "policy"), [("flights-production", "Retain"), ("flights-sandbox", "Delete")])
def test_state_outlives_its_stack_where_the_environment_says_so(assembly: Any, stage: str, policy: str) -> None:
    kept = {
        name: (one["DeletionPolicy"], one["UpdateReplacePolicy"])
        for stack in ("Storage", "Training")
        for name, one in assembly.template(stage, stack).body["Resources"].items()
        if one["Type"] in STATEFUL
    }

    assert len(kept) == 6
    assert set(kept.values()) == {(policy, policy)}


@pytest.mark.parametrize(("stage", "protected"), [("flights-production", True), ("flights-sandbox", False)])
def test_stacks_and_ledger_are_protected_where_state_is_kept(assembly: Any, stage: str, protected: bool) -> None:  # noqa: FBT001  # a parameter of the table above
    table = assembly.template(stage, "Storage").one("AWS::DynamoDB::Table", "Ledger")

    assert table["DeletionProtectionEnabled"] is protected
    for stack in assembly.manifest(stage).values():
        assert stack["properties"].get("terminationProtection", False) is protected


def test_people_are_subscribed_where_the_environment_names_them(sandbox: Any, production: Any) -> None:
    assert sandbox["Storage"].all("AWS::SNS::Subscription") == {}
    (subscription,) = production["Storage"].all("AWS::SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ml-team@example.com")


def test_the_ledger_forgets_handled_requests_and_nothing_else(sandbox: Any) -> None:
    table = sandbox["Storage"].one("AWS::DynamoDB::Table", "Ledger")

    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_the_logs_of_the_endpoint_are_not_kept_for_ever(sandbox: Any, production: Any) -> None:
    for stacks, days, stage in ((sandbox, 14, "flights-sandbox"), (production, 365, "flights-production")):
        logs = stacks["Serving"].one("AWS::Logs::LogGroup", "EndpointLogs")
        assert (logs["LogGroupName"], logs["RetentionInDays"]) == (f"/aws/sagemaker/Endpoints/{stage}", days)


def test_editing_a_description_replaces_no_named_group(sandbox: Any) -> None:
    group = sandbox["Training"].one("AWS::SageMaker::ModelPackageGroup", "")

    assert "ModelPackageGroupDescription" not in group
