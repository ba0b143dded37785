"""What functions trace."""

import os
import subprocess
import sys
from pathlib import Path

import lambdas

CODE = """
import importlib, sys
from aws_xray_sdk.core import patcher
for name in sys.argv[1:]:
    importlib.import_module(f"lambdas.{name}.handler")
print(sorted(patcher._PATCHED_MODULES), "requests" in sys.modules)
"""


def patched(*functions: str) -> str:
    environment = {
        **os.environ,
        "LAMBDA_TASK_ROOT": "/var/task",
        "POWERTOOLS_TRACE_DISABLED": "false",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-c", CODE, *functions]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def test_traces_are_of_calls_of_aws_only_since_one_of_a_request_has_its_url() -> None:
    functions = [path.parent.name for path in Path(lambdas.__path__[0]).glob("*/handler.py")]
    assert "slack" in functions
    assert patched(*functions).startswith("['botocore'] ")


def test_a_function_that_asks_nobody_but_aws_imports_nothing_for_the_tracer() -> None:
    assert patched("ingestion") == "['botocore'] False"
