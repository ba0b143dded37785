"""IAM, Lambda and Step Functions."""

from __future__ import annotations

import base64
import hashlib
import time

from local.resources.archives import zip_bytes
from local.resources.base import Created, Handler, Json, ResourceRequest, pascal


def role(declared: ResourceRequest) -> Created:
    """An IAM role, with the policies that are part of it."""
    inputs = declared.inputs
    name = declared.physical(64)
    iam = declared.client("iam")
    extra = declared.pick(
        Path="path",
        Description="description",
        MaxSessionDuration="maxSessionDuration",
        PermissionsBoundary="permissionsBoundary",
    )
    made = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=inputs["assumeRolePolicy"], Tags=declared.tag_list, **extra
    )["Role"]
    for policy in inputs.get("inlinePolicies") or []:
        iam.put_role_policy(RoleName=name, PolicyName=policy["name"], PolicyDocument=policy["policy"])
    for arn in inputs.get("managedPolicyArns") or []:
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    outputs = {"name": name, "arn": made["Arn"], "uniqueId": made["RoleId"], "path": made["Path"]}
    return Created(name, outputs | declared.tagged())


def role_policy(declared: ResourceRequest) -> Created:
    """An inline policy of a role."""
    name = declared.physical(128)
    owner = declared.inputs["role"]
    declared.client("iam").put_role_policy(RoleName=owner, PolicyName=name, PolicyDocument=declared.inputs["policy"])
    return Created(f"{owner}:{name}", {"name": name})


def function(declared: ResourceRequest) -> Created:
    """A Lambda function."""
    inputs = declared.inputs
    name = declared.physical(64)
    client = declared.client("lambda")
    if inputs.get("code") is not None:
        content = declared.archive(inputs["code"])
        code: Json = {"ZipFile": content}
    else:
        code = {"S3Bucket": inputs["s3Bucket"], "S3Key": inputs["s3Key"]}
        content = b""
    request: Json = declared.pick(
        Description="description",
        Handler="handler",
        Runtime="runtime",
        MemorySize="memorySize",
        Timeout="timeout",
        Architectures="architectures",
        KMSKeyArn="kmsKeyArn",
        Publish="publish",
        Layers="layers",
    )
    for key in ("environment", "tracingConfig", "deadLetterConfig", "loggingConfig", "ephemeralStorage"):
        if value := inputs.get(key):
            request[key[0].upper() + key[1:]] = _settings(key, value)
    if declared.before:
        client.update_function_code(FunctionName=name, **code)
        fixed = ("Architectures", "Publish")
        request = {key: value for key, value in request.items() if key not in fixed}
        made = client.update_function_configuration(FunctionName=name, Role=inputs["role"], **request)
    else:
        made = client.create_function(FunctionName=name, Role=inputs["role"], Code=code, Tags=declared.tags, **request)
    if (reserved := inputs.get("reservedConcurrentExecutions")) is not None and reserved >= 0:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    arn = made["FunctionArn"]
    invocations = f"arn:aws:apigateway:{declared.aws.region}:lambda:path/2015-03-31/functions"
    outputs = {
        "name": name,
        "arn": arn,
        "invokeArn": f"{invocations}/{arn}/invocations",
        "qualifiedArn": f"{arn}:{made['Version']}",
        "version": made["Version"],
        "sourceCodeHash": base64.b64encode(hashlib.sha256(content).digest()).decode(),
        "lastModified": made["LastModified"],
    }
    return Created(name, outputs | declared.tagged())


def layer_version(declared: ResourceRequest) -> Created:
    """A version of a layer, without its content: that is for Lambda's processors, and functions run on this machine's.

    The function finds the same release of the layer's packages in the environment that the emulator runs in.
    """
    content = zip_bytes({"python/README": b"installed beside the emulator\n"})
    made = declared.client("lambda").publish_layer_version(
        LayerName=declared.inputs["layerName"],
        Content={"ZipFile": content},
        **declared.pick(CompatibleRuntimes="compatibleRuntimes", CompatibleArchitectures="compatibleArchitectures"),
    )
    outputs = {"arn": made["LayerVersionArn"], "layerArn": made["LayerArn"], "version": str(made["Version"])}
    return Created(made["LayerVersionArn"], outputs)


def _settings(key: str, value: Json) -> Json:
    if key == "environment":
        return {"Variables": value.get("variables") or {}}
    converted: Json = pascal(value)
    return converted


def event_source_mapping(declared: ResourceRequest) -> Created:
    """A queue or stream that a function reads."""
    inputs = declared.inputs
    request: Json = declared.pick(
        EventSourceArn="eventSourceArn",
        FunctionName="functionName",
        BatchSize="batchSize",
        Enabled="enabled",
        MaximumBatchingWindowInSeconds="maximumBatchingWindowInSeconds",
        FunctionResponseTypes="functionResponseTypes",
        StartingPosition="startingPosition",
        Tags="tagsAll",
    )
    for key in ("scalingConfig", "filterCriteria", "destinationConfig"):
        if value := inputs.get(key):
            request[key[0].upper() + key[1:]] = pascal(value)
    made = declared.client("lambda").create_event_source_mapping(**request)
    outputs = {"uuid": made["UUID"], "functionArn": made["FunctionArn"], "state": made.get("State", "Enabled")}
    return Created(made["UUID"], outputs | declared.tagged())


def permission(declared: ResourceRequest) -> Created:
    """What may invoke a function."""
    statement = declared.inputs.get("statementId") or declared.physical(100, given="statementId")
    function_name = declared.inputs["function"]
    declared.client("lambda").add_permission(
        FunctionName=function_name,
        StatementId=statement,
        **declared.pick(
            Action="action",
            Principal="principal",
            SourceArn="sourceArn",
            SourceAccount="sourceAccount",
            Qualifier="qualifier",
        ),
    )
    return Created(statement, {"statementId": statement})


def invoke_config(declared: ResourceRequest) -> Created:
    """What happens to asynchronous invocations that fail."""
    function_name = declared.inputs["functionName"]
    request: Json = declared.pick(
        MaximumRetryAttempts="maximumRetryAttempts",
        MaximumEventAgeInSeconds="maximumEventAgeInSeconds",
        Qualifier="qualifier",
    )
    if destinations := declared.inputs.get("destinationConfig"):
        request["DestinationConfig"] = pascal(destinations)
    declared.client("lambda").put_function_event_invoke_config(FunctionName=function_name, **request)
    return Created(function_name, {})


def state_machine(declared: ResourceRequest) -> Created:
    """A Step Functions state machine."""
    inputs = declared.inputs
    name = declared.physical(80)
    request: Json = declared.pick(definition="definition", roleArn="roleArn", type="type", publish="publish")
    if logging := inputs.get("loggingConfiguration"):
        request["loggingConfiguration"] = {
            "level": logging.get("level", "OFF"),
            "includeExecutionData": bool(logging.get("includeExecutionData")),
        }
        if destination := logging.get("logDestination"):
            group = {"cloudWatchLogsLogGroup": {"logGroupArn": destination}}
            request["loggingConfiguration"]["destinations"] = [group]
    if tracing := inputs.get("tracingConfiguration"):
        request["tracingConfiguration"] = {"enabled": bool(tracing.get("enabled"))}
    if encryption := inputs.get("encryptionConfiguration"):
        request["encryptionConfiguration"] = {key: value for key, value in encryption.items() if value}
    tags = [{"key": key, "value": value} for key, value in declared.tags.items()]
    client = declared.client("stepfunctions")
    if declared.before:
        arn = declared.before.id
        client.update_state_machine(stateMachineArn=arn, **{key: request[key] for key in request if key != "type"})
    else:
        arn = client.create_state_machine(name=name, tags=tags, **request)["stateMachineArn"]
    outputs = {"name": name, "arn": arn, "status": "ACTIVE", "creationDate": time.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return Created(arn, outputs | declared.tagged())


HANDLERS: dict[str, Handler] = {
    "aws:iam/role:Role": role,
    "aws:iam/rolePolicy:RolePolicy": role_policy,
    "aws:lambda/function:Function": function,
    "aws:lambda/layerVersion:LayerVersion": layer_version,
    "aws:lambda/eventSourceMapping:EventSourceMapping": event_source_mapping,
    "aws:lambda/permission:Permission": permission,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": invoke_config,
    "aws:sfn/stateMachine:StateMachine": state_machine,
}
