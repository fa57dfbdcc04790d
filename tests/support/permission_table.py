"""Who may do what: every role of an environment with its exact actions."""

HANDLER = {
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sns:Publish",
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
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
    ("Training", "CloseTrainingRole"): HANDLER | CLOSES_RUNS,
    ("Training", "PipelineRole"): IN_SAGEMAKER
    | {
        "iam:PassRole",
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
    ("Monitoring", "ScheduleRole"): {"sagemaker:StartPipelineExecution", "sqs:SendMessage"},
    ("Monitoring", "FailedRunsRole"): {"kms:Decrypt", "kms:GenerateDataKey", "sns:Publish"},
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
    "ListPipelineExecutionSteps": {"pipeline-execution"},
    "StartPipelineExecution": {"pipeline"},
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
    "FailedRunsRole": "events",
}
