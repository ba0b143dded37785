"""Stands in for the Pulumi CLI: writes down how it is called, and answers what the test has written for that command.

Called as a program, with FAKE_PULUMI as its folder. The Automation API in front of it is the real one.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> int:
    folder = Path(os.environ["FAKE_PULUMI"])
    answers: dict[str, Any] = json.loads((folder / "answers.json").read_text())
    arguments = [argument for argument in sys.argv[1:] if argument != "--non-interactive"]
    with (folder / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(arguments) + "\n")
    words = [argument for argument in arguments if not argument.startswith("-")]
    command = " ".join(words[:2]) if words[0] == "stack" else words[0]
    if command == "stack output" and "--show-secrets" in arguments:
        command = "stack output --show-secrets"
    # What the engine does is answered as its preview, unless a test tells them apart.
    preview = f"{command} --preview-only"
    if "--preview-only" in arguments and preview in answers:
        command = preview
    answer = answers.get(command, {})
    if "--save-plan" in arguments:
        Path(arguments[arguments.index("--save-plan") + 1]).write_text("the plan")
    if "--plan" in arguments and Path(arguments[arguments.index("--plan") + 1]).read_text() != "the plan":
        return 9
    if "--event-log" in arguments:
        tell(arguments[arguments.index("--event-log") + 1], answer.get("events", []))
    print(answer.get("stdout", ""))
    print(answer.get("stderr", ""), file=sys.stderr)
    return int(answer.get("code", 0))


def tell(where: str, events: list[dict[str, Any]]) -> None:
    """Send events as the engine does: into a file, or since 3.205 to a gRPC server."""
    lines = [json.dumps(event) for event in [*events, {"cancelEvent": {}}]]
    if not where.startswith("tcp://"):
        Path(where).write_text("".join(line + "\n" for line in lines))
        return
    import grpc  # type: ignore[import-untyped]  # has no types
    from pulumi.runtime.proto import events_pb2, events_pb2_grpc

    with grpc.insecure_channel(where.removeprefix("tcp://")) as channel:
        stub = events_pb2_grpc.EventsStub(channel)
        stub.StreamEvents(iter([events_pb2.EventRequest(event=line) for line in lines]))


if __name__ == "__main__":
    sys.exit(main())
