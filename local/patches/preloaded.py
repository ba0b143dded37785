"""What the process does that functions are forked from, once their libraries are imported (see `function_starts`)."""

import gc
from typing import Final

import boto3

from local import service_descriptions

SERVICES: Final = ("athena", "dynamodb", "events", "glue", "lambda", "s3", "sns", "sqs", "ssm", "stepfunctions")
"""Services that functions ask."""

service_descriptions.share()
_session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="us-east-1")
for _service in SERVICES:
    _session.client(_service)
_session.resource("dynamodb")
# A collection in a fork would write to every page that it shares with this process.
gc.freeze()
