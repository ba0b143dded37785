"""IAM, Lambda and Step Functions."""

from __future__ import annotations

import base64
import hashlib
import time

from local.resources.archives import zip_bytes
from local.resources.base import Created, Handler, Json, ResourceRequest


def role(declared: ResourceRequest) -> Created:
    """An IAM role, with the policies that are part of it."""
    inputs = declared.inputs
    name = declared.physical(64)
    iam = declared.client("iam")
    made = declared.call(
        "iam",
        "create_role",
        RoleName=name,
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        Tags=declared.tag_list,
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
    if declared.before:
        client.update_function_code(FunctionName=name, **code)
        made = declared.call("lambda", "update_function_configuration", FunctionName=name)
    else:
        made = declared.call("lambda", "create_function", FunctionName=name, Code=code, Tags=declared.tags)
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
    made = declared.call("lambda", "publish_layer_version", Content={"ZipFile": content})
    outputs = {"arn": made["LayerVersionArn"], "layerArn": made["LayerArn"], "version": str(made["Version"])}
    return Created(made["LayerVersionArn"], outputs)


def event_source_mapping(declared: ResourceRequest) -> Created:
    """A queue or stream that a function reads."""
    made = declared.call("lambda", "create_event_source_mapping")
    outputs = {"uuid": made["UUID"], "functionArn": made["FunctionArn"], "state": made.get("State", "Enabled")}
    return Created(made["UUID"], outputs | declared.tagged())


def permission(declared: ResourceRequest) -> Created:
    """What may invoke a function."""
    statement = declared.inputs.get("statementId") or declared.physical(100, given="statementId")
    declared.call("lambda", "add_permission", FunctionName=declared.inputs["function"], StatementId=statement)
    return Created(statement, {"statementId": statement})


def invoke_config(declared: ResourceRequest) -> Created:
    """What happens to asynchronous invocations that fail."""
    declared.call("lambda", "put_function_event_invoke_config")
    return Created(declared.inputs["functionName"], {})


def state_machine(declared: ResourceRequest) -> Created:
    """A Step Functions state machine."""
    name = declared.physical(80)
    given: Json = {}
    if logging := declared.inputs.get("loggingConfiguration"):
        given["loggingConfiguration"] = declared.shaped("stepfunctions", "LoggingConfiguration", logging)
        if destination := logging.get("logDestination"):
            group = {"cloudWatchLogsLogGroup": {"logGroupArn": destination}}
            given["loggingConfiguration"]["destinations"] = [group]
    tags = [{"key": key, "value": value} for key, value in declared.tags.items()]
    if declared.before:
        arn = declared.before.id
        declared.call("stepfunctions", "update_state_machine", stateMachineArn=arn, **given)
    else:
        made = declared.call("stepfunctions", "create_state_machine", name=name, tags=tags, **given)
        arn = made["stateMachineArn"]
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
