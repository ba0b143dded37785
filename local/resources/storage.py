"""S3, DynamoDB, KMS and the parameters of Systems Manager."""

from __future__ import annotations

import hashlib
from typing import Any

from local.resources.base import Created, Handler, Json, ResourceRequest, pascal


def bucket(declared: ResourceRequest) -> Created:
    """An S3 bucket."""
    name = declared.physical(63, given="bucket").lower()
    s3 = declared.client("s3")
    s3.create_bucket(Bucket=name)
    if declared.tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": declared.tag_list})
    outputs = {
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{declared.aws.region}.amazonaws.com",
        "region": declared.aws.region,
        "hostedZoneId": "Z3AQBSTGFYJSTF",
    }
    return Created(name, outputs | declared.tagged())


def versioning(declared: ResourceRequest) -> Created:
    """Whether a bucket keeps old versions."""
    name = declared.inputs["bucket"]
    status = declared.inputs["versioningConfiguration"]["status"]
    declared.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": status})
    return Created(name, {})


def encryption(declared: ResourceRequest) -> Created:
    """The default encryption of a bucket."""
    name = declared.inputs["bucket"]
    rules = []
    for rule in declared.inputs["rules"]:
        default = rule["applyServerSideEncryptionByDefault"]
        by_default = {"SSEAlgorithm": default["sseAlgorithm"]}
        if default.get("kmsMasterKeyId"):
            by_default["KMSMasterKeyID"] = default["kmsMasterKeyId"]
        entry: Json = {"ApplyServerSideEncryptionByDefault": by_default}
        if rule.get("bucketKeyEnabled") is not None:
            entry["BucketKeyEnabled"] = rule["bucketKeyEnabled"]
        rules.append(entry)
    declared.client("s3").put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    return Created(name, {})


def public_access_block(declared: ResourceRequest) -> Created:
    """What a bucket refuses to make public."""
    name = declared.inputs["bucket"]
    settings = declared.pick(
        BlockPublicAcls="blockPublicAcls",
        IgnorePublicAcls="ignorePublicAcls",
        BlockPublicPolicy="blockPublicPolicy",
        RestrictPublicBuckets="restrictPublicBuckets",
    )
    declared.client("s3").put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=settings)
    return Created(name, {})


def ownership(declared: ResourceRequest) -> Created:
    """Who owns the objects of a bucket."""
    name = declared.inputs["bucket"]
    rule = {"ObjectOwnership": declared.inputs["rule"]["objectOwnership"]}
    declared.client("s3").put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [rule]})
    return Created(name, {})


def bucket_policy(declared: ResourceRequest) -> Created:
    """The policy of a bucket."""
    name = declared.inputs["bucket"]
    declared.client("s3").put_bucket_policy(Bucket=name, Policy=declared.inputs["policy"])
    return Created(name, {})


def lifecycle(declared: ResourceRequest) -> Created:
    """When the objects of a bucket move or expire."""
    name = declared.inputs["bucket"]
    rules = [_lifecycle_rule(rule) for rule in declared.inputs["rules"]]
    declared.client("s3").put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    return Created(name, {"transitionDefaultMinimumObjectSize": "all_storage_classes_128K"})


def _lifecycle_rule(rule: Json) -> Json:
    made: Json = pascal({key: value for key, value in rule.items() if key not in {"id", "filter", "prefix"}})
    made["ID"] = rule["id"]
    chosen = rule.get("filter") or {}
    made["Filter"] = pascal(chosen) if chosen else {"Prefix": rule.get("prefix") or ""}
    for key in ("Expiration",):
        if key in made:
            made[key] = {name: value for name, value in made[key].items() if value is not None}
    return made


def notification(declared: ResourceRequest) -> Created:
    """Where a bucket announces what happens in it."""
    name = declared.inputs["bucket"]
    configuration: Json = {}
    if declared.inputs.get("eventbridge"):
        configuration["EventBridgeConfiguration"] = {}
    for key, target, arn in (
        ("queues", "QueueConfigurations", "QueueArn"),
        ("topics", "TopicConfigurations", "TopicArn"),
        ("lambdaFunctions", "LambdaFunctionConfigurations", "LambdaFunctionArn"),
    ):
        if entries := declared.inputs.get(key):
            source = arn[0].lower() + arn[1:]
            configuration[target] = [{arn: entry[source], "Events": entry["events"]} for entry in entries]
    declared.client("s3").put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=configuration)
    return Created(name, {})


def bucket_object(declared: ResourceRequest) -> Created:
    """An object whose content is part of the program."""
    inputs = declared.inputs
    if inputs.get("source") is not None:
        body = declared.archive(inputs["source"])
    else:
        body = str(inputs.get("content") or "").encode()
    extra = declared.pick(
        ContentType="contentType", ServerSideEncryption="serverSideEncryption", SSEKMSKeyId="kmsKeyId"
    )
    answer = declared.client("s3").put_object(Bucket=inputs["bucket"], Key=inputs["key"], Body=body, **extra)
    outputs = {
        "arn": f"arn:aws:s3:::{inputs['bucket']}/{inputs['key']}",
        "etag": answer["ETag"].strip('"'),
        "versionId": answer.get("VersionId", ""),
        "sourceHash": inputs.get("sourceHash") or hashlib.sha256(body).hexdigest(),
    }
    return Created(f"{inputs['bucket']}/{inputs['key']}", outputs | declared.tagged())


def table(declared: ResourceRequest) -> Created:
    """A DynamoDB table."""
    inputs = declared.inputs
    name = declared.physical(255)
    dynamodb = declared.client("dynamodb")
    request: Json = {
        "TableName": name,
        "BillingMode": inputs.get("billingMode") or "PROVISIONED",
        "AttributeDefinitions": [
            {"AttributeName": attribute["name"], "AttributeType": attribute["type"]}
            for attribute in inputs["attributes"]
        ],
        "KeySchema": _key_schema(inputs),
        "Tags": declared.tag_list,
        "DeletionProtectionEnabled": bool(inputs.get("deletionProtectionEnabled")),
    }
    if indexes := inputs.get("globalSecondaryIndexes"):
        request["GlobalSecondaryIndexes"] = [_index(index) for index in indexes]
    if inputs.get("streamEnabled"):
        request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": inputs["streamViewType"]}
    if (sse := inputs.get("serverSideEncryption")) and sse.get("enabled"):
        key = {"KMSMasterKeyId": sse["kmsKeyArn"]} if sse.get("kmsKeyArn") else {}
        request["SSESpecification"] = {"Enabled": True, "SSEType": "KMS", **key}
    if request["BillingMode"] == "PROVISIONED":
        request["ProvisionedThroughput"] = {
            "ReadCapacityUnits": inputs["readCapacity"],
            "WriteCapacityUnits": inputs["writeCapacity"],
        }
    made = dynamodb.create_table(**request)["TableDescription"]
    if (recovery := inputs.get("pointInTimeRecovery")) and recovery.get("enabled"):
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    if (ttl := inputs.get("ttl")) and ttl.get("enabled"):
        dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": ttl["attributeName"]},
        )
    outputs = {"name": name, "arn": made["TableArn"], "streamArn": made.get("LatestStreamArn", "")}
    return Created(name, outputs | declared.tagged())


def _key_schema(keys: Json) -> list[Json]:
    # Of an index the program says a list of keys, of a table two names.
    if schemas := keys.get("keySchemas"):
        return [{"AttributeName": key["attributeName"], "KeyType": key["keyType"]} for key in schemas]
    schema = [{"AttributeName": keys["hashKey"], "KeyType": "HASH"}]
    if keys.get("rangeKey"):
        schema.append({"AttributeName": keys["rangeKey"], "KeyType": "RANGE"})
    return schema


def _index(index: Json) -> Json:
    projection: Json = {"ProjectionType": index["projectionType"]}
    if index.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = index["nonKeyAttributes"]
    return {"IndexName": index["name"], "KeySchema": _key_schema(index), "Projection": projection}


def key(declared: ResourceRequest) -> Created:
    """A KMS key."""
    kms = declared.client("kms")
    extra: dict[str, Any] = declared.pick(
        Description="description", Policy="policy", KeyUsage="keyUsage", MultiRegion="multiRegion"
    )
    tags = [{"TagKey": name, "TagValue": value} for name, value in declared.tags.items()]
    made = kms.create_key(Tags=tags, **extra)["KeyMetadata"]
    if declared.inputs.get("enableKeyRotation"):
        kms.enable_key_rotation(KeyId=made["KeyId"])
    return Created(made["KeyId"], {"keyId": made["KeyId"], "arn": made["Arn"]} | declared.tagged())


def alias(declared: ResourceRequest) -> Created:
    """A name for a KMS key."""
    name = declared.physical(256)
    # Unlike other names, an alias that Pulumi makes up still needs AWS's prefix.
    name = name if name.startswith("alias/") else f"alias/{name}"
    target = declared.inputs["targetKeyId"]
    declared.client("kms").create_alias(AliasName=name, TargetKeyId=target)
    return Created(name, {"name": name, "arn": declared.aws.arn("kms", name), "targetKeyArn": target})


def parameter(declared: ResourceRequest) -> Created:
    """A parameter of Systems Manager."""
    name = declared.physical(1_011)
    declared.knows("name", "description", "type", "value", "keyId", "tags", "tagsAll")
    request = declared.pick(Description="description", Type="type", Value="value", KeyId="keyId")
    made = declared.client("ssm").put_parameter(Name=name, Tags=declared.tag_list, **request)
    arn = declared.aws.arn("ssm", f"parameter/{name.lstrip('/')}")
    return Created(name, {"name": name, "arn": arn, "version": made["Version"]} | declared.tagged())


HANDLERS: dict[str, Handler] = {
    "aws:s3/bucket:Bucket": bucket,
    "aws:s3/bucketVersioning:BucketVersioning": versioning,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": encryption,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": public_access_block,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ownership,
    "aws:s3/bucketPolicy:BucketPolicy": bucket_policy,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lifecycle,
    "aws:s3/bucketNotification:BucketNotification": notification,
    "aws:s3/bucketObjectv2:BucketObjectv2": bucket_object,
    "aws:s3/bucketObject:BucketObject": bucket_object,
    "aws:dynamodb/table:Table": table,
    "aws:kms/key:Key": key,
    "aws:kms/alias:Alias": alias,
    "aws:ssm/parameter:Parameter": parameter,
}
