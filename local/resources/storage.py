"""S3, DynamoDB, KMS and the parameters of Systems Manager."""

from __future__ import annotations

import hashlib

from local.resources.base import Created, Handler, Json, ResourceRequest


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
    declared.call("s3", "put_bucket_versioning")
    return Created(declared.inputs["bucket"], {})


def encryption(declared: ResourceRequest) -> Created:
    """The default encryption of a bucket."""
    name = declared.inputs["bucket"]
    rules = declared.shaped("s3", "ServerSideEncryptionConfiguration")
    declared.client("s3").put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=rules)
    return Created(name, {})


def public_access_block(declared: ResourceRequest) -> Created:
    """What a bucket refuses to make public."""
    name = declared.inputs["bucket"]
    settings = declared.shaped("s3", "PublicAccessBlockConfiguration")
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
    declared.call("s3", "put_bucket_policy")
    return Created(declared.inputs["bucket"], {})


def lifecycle(declared: ResourceRequest) -> Created:
    """When the objects of a bucket move or expire."""
    name = declared.inputs["bucket"]
    # A rule without a filter has a prefix, or is for all objects.
    rules = [
        {**rule, "filter": rule.get("filter") or {"prefix": rule.get("prefix") or ""}, "prefix": None}
        for rule in declared.inputs["rules"]
    ]
    configuration = declared.shaped("s3", "BucketLifecycleConfiguration", {"rules": rules})
    declared.client("s3").put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration=configuration)
    return Created(name, {"transitionDefaultMinimumObjectSize": "all_storage_classes_128K"})


def notification(declared: ResourceRequest) -> Created:
    """Where a bucket announces what happens in it."""
    name = declared.inputs["bucket"]
    configuration = declared.shaped("s3", "NotificationConfiguration")
    if declared.inputs.get("eventbridge"):
        configuration["EventBridgeConfiguration"] = {}
    declared.client("s3").put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=configuration)
    return Created(name, {})


def bucket_object(declared: ResourceRequest) -> Created:
    """An object whose content is part of the program."""
    inputs = declared.inputs
    if inputs.get("source") is not None:
        body = declared.archive(inputs["source"])
    else:
        body = str(inputs.get("content") or "").encode()
    answer = declared.call("s3", "put_object", Body=body)
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
            declared.shaped("dynamodb", "AttributeDefinition", attribute) for attribute in inputs["attributes"]
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
    tags = [{"TagKey": name, "TagValue": value} for name, value in declared.tags.items()]
    made = declared.call("kms", "create_key", Tags=tags)["KeyMetadata"]
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
    made = declared.call("ssm", "put_parameter", Name=name, Tags=declared.tag_list)
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
