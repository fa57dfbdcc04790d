"""Who may do what: every role of an environment with its exact actions."""

LEDGER = {
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
}
HANDLER = LEDGER | {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sns:Publish",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
CLOSES_RUNS = {
    "s3:GetObject",
    "s3:ListBucket",
    "sagemaker:DescribePipelineExecution",
    "sagemaker:ListPipelineExecutionSteps",
    "sqs:SendMessage",
}
IN_SAGEMAKER = {
    "cloudwatch:PutMetricData",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "s3:AbortMultipartUpload",
    "s3:GetObject",
    "s3:PutObject",
}
MAY = {
    ("Training", "StartTrainingRole"): HANDLER
    | CLOSES_RUNS
    | {
        "s3:AbortMultipartUpload",
        "s3:ListBucketVersions",
        "s3:PutObject",
        "sagemaker:StartPipelineExecution",
    },
    ("Training", "CloseTrainingRole"): HANDLER | CLOSES_RUNS | {"sagemaker:StopPipelineExecution"},
    ("Training", "WatchRole"): {"kms:Decrypt", "kms:GenerateDataKey", "sqs:SendMessage"},
    ("Training", "PipelineRole"): IN_SAGEMAKER
    | {
        "iam:PassRole",
        "kms:CreateGrant",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "sagemaker:AddTags",
        "sagemaker:CreateModelPackage",
        "sagemaker:CreateProcessingJob",
        "sagemaker:CreateTrainingJob",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeProcessingJob",
        "sagemaker:DescribeTrainingJob",
        "sagemaker:StopProcessingJob",
        "sagemaker:StopTrainingJob",
    },
    ("Serving", "DeployModelRole"): HANDLER
    | {
        "cloudwatch:DescribeAlarms",
        "dynamodb:Query",
        "iam:PassRole",
        "kms:CreateGrant",
        "s3:GetObject",
        "s3:ListBucket",
        "sagemaker:CreateEndpoint",
        "sagemaker:CreateEndpointConfig",
        "sagemaker:CreateModel",
        "sagemaker:DeleteEndpoint",
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeModelPackage",
        "sagemaker:UpdateEndpoint",
        "sagemaker:UpdateModelPackage",
        "sqs:GetQueueUrl",
        "sqs:SendMessage",
    },
    ("Serving", "ConfirmDeploymentRole"): HANDLER
    | {
        "dynamodb:Query",
        "sagemaker:DeleteEndpointConfig",
        "sagemaker:DeleteModel",
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeModelPackage",
        "sagemaker:UpdateModelPackage",
    },
    ("Serving", "EndpointRole"): IN_SAGEMAKER | {"cloudwatch:DescribeAlarms"},
    ("Monitoring", "PipelineRole"): IN_SAGEMAKER
    | {
        "iam:PassRole",
        "kms:CreateGrant",
        "s3:ListBucket",
        "sagemaker:AddTags",
        "sagemaker:CreateProcessingJob",
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:DescribeModel",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeProcessingJob",
        "sagemaker:StopProcessingJob",
    },
    ("Monitoring", "ScheduleRole"): {
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "sagemaker:StartPipelineExecution",
        "sqs:SendMessage",
    },
    ("Monitoring", "FailedRunsRole"): {"kms:Decrypt", "kms:GenerateDataKey", "sns:Publish"},
    ("Application", "ApplicationRole"): {
        "dynamodb:GetItem",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:PutObject",
        "sagemaker:InvokeEndpoint",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    },
    ("Application", "RolloutRole"): {
        "cloudwatch:DescribeAlarms",
        "lambda:GetAlias",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:UpdateAlias",
    },
}
# Only where a pipeline delivers: what its checks may do there, with the role that they take on.
DELIVERED_MAY = {
    ("Training", "DeliveryRole"): LEDGER
    | {
        "cloudformation:DescribeStacks",
        "dynamodb:Query",
        "s3:GetObject",
        "s3:ListBucket",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribePipelineExecution",
        "sagemaker:ListPipelineExecutionSteps",
        "sns:Publish",
        "sqs:SendMessage",
    },
    ("Application", "DeliveryRole"): {"cloudformation:DescribeStacks", "execute-api:Invoke"},
}
# Roles of a delivery pipeline's builds; those that CDK Pipelines writes are in stacks/constructs/delivery_wildcards.py.
PIPELINE_MAY = {
    "DeliveryChecks": {
        "kms:Decrypt",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "sts:AssumeRole",
    },
    "DeliveryBuilder": {
        "codebuild:BatchPutTestCases",
        "codebuild:CreateReport",
        "codebuild:CreateReportGroup",
        "codebuild:UpdateReport",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:PutObject",
    },
    "DeliveryMessagesRole": {"kms:Decrypt", "kms:GenerateDataKey", "sns:Publish"},
    "DeliveryPushRole": {"codepipeline:StartPipelineExecution"},
}

# Service Authorization Reference, "Actions, resources, and condition keys for Amazon SageMaker": resource types.
SAGEMAKER_RESOURCES = {
    "AddTags": {"model-package", "model-package-group", "processing-job", "training-job"},
    "CreateEndpoint": {"endpoint", "endpoint-config"},
    "CreateEndpointConfig": {"endpoint-config"},
    "CreateModel": {"model", "model-package"},  # the latter: page "Cross-account access" of the model registry
    "CreateModelPackage": {"model-package", "model-package-group"},
    "CreateProcessingJob": {"processing-job"},
    "CreateTrainingJob": {"training-job"},
    "DeleteEndpoint": {"endpoint"},
    "DeleteEndpointConfig": {"endpoint-config"},
    "DeleteModel": {"model"},
    "DescribeEndpoint": {"endpoint"},
    "DescribeEndpointConfig": {"endpoint-config"},
    "DescribeModel": {"model"},
    "DescribeModelPackage": {"model-package"},
    "DescribePipelineExecution": {"pipeline-execution"},
    "DescribeProcessingJob": {"processing-job"},
    "DescribeTrainingJob": {"training-job"},
    "InvokeEndpoint": {"endpoint"},
    "ListPipelineExecutionSteps": {"pipeline-execution"},
    "StartPipelineExecution": {"pipeline"},
    "StopPipelineExecution": {"pipeline-execution"},
    "StopProcessingJob": {"processing-job"},
    "StopTrainingJob": {"training-job"},
    "UpdateEndpoint": {"endpoint", "endpoint-config"},
    "UpdateModelPackage": {"model-package"},
}
WITHOUT_RESOURCE_LEVEL = {
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
TRUSTED = {
    "PipelineRole": "sagemaker",
    "EndpointRole": "sagemaker",
    "ScheduleRole": "scheduler",
    "WatchRole": "scheduler",
    "FailedRunsRole": "events",
    "RolloutRole": "codedeploy",
}
