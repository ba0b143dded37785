"""The grants that no run on the emulator uses, each with the reason why a role has it all the same.

`make integration` compares: a grant that is neither used nor here fails it, and so does a line here that is not needed.
"""

from recording.privileges import Unmeasured

_TABLE_KEY = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
_LOG_DELIVERY = tuple(
    f"logs:{verb}"
    for verb in (
        "CreateLogDelivery",
        "DeleteLogDelivery",
        "DescribeLogGroups",
        "DescribeResourcePolicies",
        "GetLogDelivery",
        "ListLogDeliveries",
        "PutResourcePolicy",
        "UpdateLogDelivery",
    )
)

UNMEASURED: tuple[Unmeasured, ...] = (
    # What AWS asks for and the emulator does not.
    Unmeasured(
        roles=("*",),
        actions=("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
        reason="Lambda and Step Functions send traces; the emulator has no X-Ray.",
    ),
    Unmeasured(
        roles=("*",),
        actions=("logs:CreateLogStream", "logs:PutLogEvents"),
        resource="logs:log-group:/aws/lambda/*",
        reason="Lambda logs with the function's role; the emulator writes these logs itself.",
    ),
    Unmeasured(
        roles=("*",),
        actions=("kms:Decrypt",),
        via="lambda",
        reason="Lambda decrypts a function's environment with its role; the emulator does not encrypt it.",
    ),
    Unmeasured(
        roles=("*",),
        actions=_TABLE_KEY,
        via="dynamodb",
        reason="DynamoDB uses the table's key in its caller's name (DynamoDB guide, encryption at rest); the emulator "
        "does not ask.",
    ),
    Unmeasured(
        roles=("error-handler", "etl-trigger", "freshness", "lineage", "maintenance", "processing", "slack"),
        actions=("kms:Decrypt", "kms:GenerateDataKey"),
        via="sqs",
        reason="An event that failed for good goes to an encrypted queue with the function's role; here, without.",
        sometimes=True,
    ),
    Unmeasured(
        roles=("*",),
        actions=("sqs:SendMessage",),
        resource="sqs:data-pipeline-undelivered",
        reason="Lambda sends an event that failed for good with the function's role; the emulator sends it itself.",
    ),
    Unmeasured(
        roles=(
            *("error-handler", "etl-trigger", "freshness", "ingestion", "lineage", "maintenance", "notification"),
            *("processing", "raw-to-curated", "stage"),
        ),
        actions=("s3:ListBucket",),
        emulated=True,
        reason="Without it S3 answers 403, not 404, for an object that is not there; not every run comes to one.",
        sometimes=True,
    ),
    Unmeasured(
        roles=("*",),
        actions=("s3:AbortMultipartUpload",),
        emulated=True,
        reason="Large objects are put in parts, which are given up when one fails; the runs have no such object.",
        sometimes=True,
    ),
    Unmeasured(
        roles=("batch",),
        actions=_LOG_DELIVERY,
        reason="Step Functions delivers its logs with the role of the state machine; the emulator does not log them.",
    ),
    Unmeasured(
        roles=("batch",),
        actions=("xray:GetSamplingRules", "xray:GetSamplingTargets"),
        reason="Step Functions asks how many executions to trace; the emulator has no X-Ray.",
    ),
    Unmeasured(
        roles=("batch",),
        actions=("glue:GetJobRuns",),
        reason="AWS's policy for glue:startJobRun.sync has it (Step Functions guide); the emulator needs the id only.",
    ),
    Unmeasured(
        roles=("crawlers",),
        actions=(
            "glue:BatchGetPartition",
            "glue:BatchUpdatePartition",
            "glue:GetDatabase",
            "glue:GetPartition",
            "glue:GetTables",
            "glue:UpdatePartition",
            "glue:UpdateTable",
        ),
        reason="Glue's crawler reads and updates a catalog in more ways than the emulator's; these are the verbs for "
        "tables and partitions (AWSGlueServiceRole has all of glue:*).",
    ),
    Unmeasured(
        roles=("crawlers",),
        actions=("s3:GetBucketLocation",),
        reason="Glue's crawler asks where the bucket is (AWSGlueServiceRole); the emulator's does not.",
    ),
    Unmeasured(
        roles=("crawlers",),
        actions=("logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
        reason="Glue writes a crawler's encrypted logs with its role; the emulator's crawler has no logs.",
    ),
    Unmeasured(
        roles=("crawlers",),
        actions=("glue:GetSecurityConfiguration",),
        reason="A crawler looks up what it encrypts its logs with (AWSGlueServiceRole has all of glue:*); nothing says "
        "that Glue does so without its role.",
    ),
    Unmeasured(
        roles=("raw-to-curated",),
        actions=("logs:AssociateKmsKey",),
        reason="Glue sets the key of the security configuration on a run's log groups; the emulator's logs are plain.",
    ),
    Unmeasured(
        roles=("raw-to-curated",),
        actions=("cloudwatch:PutMetricData",),
        reason="Glue's Spark sends the metrics that the dashboard shows; the emulator's does not.",
    ),
    Unmeasured(
        roles=("raw-to-curated",),
        actions=("s3:DeleteObject",),
        resource="arn:aws:s3:::data-pipeline-curated/staging/*",
        reason="Spark's committer takes its temporary objects away; here it writes to a folder first.",
    ),
    Unmeasured(
        roles=("query",),
        actions=("glue:BatchGetPartition", "glue:GetDatabase", "glue:GetPartition", "glue:GetTables"),
        reason="Athena reads the catalog in its caller's name, by whichever call suits a query (Athena guide); the "
        "emulator's takes two.",
    ),
    Unmeasured(
        roles=("query",),
        actions=("s3:GetBucketLocation", "s3:ListBucketMultipartUploads", "s3:ListMultipartUploadParts"),
        reason="Athena asks for them in its caller's name (Athena guide, access to buckets); the emulator's does not.",
    ),
    Unmeasured(
        roles=("query",),
        actions=("s3:ListBucket",),
        resource="arn:aws:s3:::data-pipeline-query-results",
        reason="Athena lists the place of its results in its caller's name (Athena guide); the emulator's does not.",
    ),
    # What no run comes to.
    Unmeasured(
        roles=("crawlers",),
        actions=("glue:BatchCreatePartition", "glue:GetPartitions"),
        emulated=True,
        reason="The dataset that has a crawler in the runs has no partitions; tests/integration/local/test_crawler.py.",
    ),
    Unmeasured(
        roles=("freshness",),
        actions=("sns:Publish",),
        emulated=True,
        reason="People are told of a dataset that is late, and no run lasts as long as a promise; unit-tested.",
    ),
    Unmeasured(
        roles=("freshness",),
        actions=("kms:Decrypt", "kms:GenerateDataKey"),
        via="sns",
        emulated=True,
        reason="People are told of a dataset that is late, and no run lasts as long as a promise; unit-tested.",
    ),
    Unmeasured(
        roles=("query",),
        actions=("athena:StopQueryExecution",),
        emulated=True,
        reason="A query that takes longer than its caller may wait is stopped and costs no more; unit-tested.",
    ),
    Unmeasured(
        roles=("notification",),
        actions=("dynamodb:DeleteItem", "dynamodb:GetItem"),
        emulated=True,
        reason="Powertools looks a message up that was sent, and forgets one that could not be; unit-tested.",
        sometimes=True,
    ),
    Unmeasured(
        roles=("processing",),
        actions=("glue:BatchUpdatePartition", "glue:UpdatePartition"),
        emulated=True,
        reason="A new version of a contract that widens a column changes its table and partitions; unit-tested.",
    ),
    Unmeasured(
        roles=("maintenance",),
        actions=("s3:DeleteObject",),
        resource="arn:aws:s3:::data-pipeline-curated/tables/*",
        emulated=True,
        reason="Old metadata goes after twenty commits, and lost files after days; unit-tested.",
        sometimes=True,
    ),
    Unmeasured(
        roles=("processing",),
        actions=("s3:DeleteObject",),
        resource="arn:aws:s3:::data-pipeline-quarantine/[fr]*s/*",
        emulated=True,
        reason="A file that was refused as a whole and is published after a replay leaves quarantine; unit-tested.",
        sometimes=True,
    ),
    Unmeasured(
        roles=("error-handler", "etl-trigger", "ingestion", "processing", "stage"),
        actions=("s3:GetObject",),
        resource="arn:aws:s3:::data-pipeline-raw/*",
        emulated=True,
        reason="An object from before the bucket had versions is read without one: S3 takes minutes to switch them on.",
        sometimes=True,
    ),
    Unmeasured(
        roles=("error-handler",),
        actions=("s3:GetObjectVersion",),
        resource="arn:aws:s3:::data-pipeline-raw/*",
        emulated=True,
        reason="A file that fails the job by itself is copied to the quarantine, which not every run comes to.",
        sometimes=True,
    ),
)

IN_A_NETWORK: tuple[Unmeasured, ...] = (
    # What `security.vpc` adds; the emulator has no networks.
    Unmeasured(
        roles=(
            "error-handler",
            "etl-trigger",
            "freshness",
            "ingestion",
            "lineage",
            "maintenance",
            "notification",
            "processing",
            "query",
            "stage",
        ),
        actions=(
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ),
        reason="Lambda makes a function's interfaces with its role (Lambda developer guide, execution role in a VPC); "
        "the function's own code may not.",
    ),
    Unmeasured(
        roles=("raw-to-curated",),
        actions=(
            "ec2:CreateNetworkInterface",
            "ec2:CreateTags",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteTags",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeVpcEndpoints",
            "glue:GetConnection",
        ),
        reason="Glue makes the interfaces of a run's workers with the job's role (AWS Glue developer guide, connecting "
        "to a VPC; AWSGlueServiceRole).",
    ),
    Unmeasured(
        roles=("network-flows",),
        actions=("logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"),
        reason="The network's flow logs are written with a role of their own (VPC guide, flow logs to CloudWatch).",
    ),
)
