"""Where a dataset's files lie in the raw bucket: the prefixes that `servers[].location` of a contract names."""

import re
from collections.abc import Iterator, Sequence

from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject, Server
from pipeline_core.content import hint_of

from contracts.compiler.dialect import SETTINGS

S3 = re.compile(r"s3[an]?://[^/]*/?(.*)", re.DOTALL)
PATTERN = re.compile(r"[*?{\[]")
MODEL = "{model}"
"""What datacontract-cli has for the name of the table, where one location is that of several."""

OF_JSON = ("new_line", "newline", "array")

MAX_KEY_BYTES = 1024 - 100
"""A key has at most 1,024 bytes, and files have names."""


def places(contract: OpenDataContractStandard, table: SchemaObject, dataset: str) -> list[str]:
    """The prefixes of a dataset's files, each with a slash at its end; without a location of S3, its own folder."""
    found: list[str] = []
    for location in [server.location for server in _of_s3(contract) if server.location]:
        match = S3.fullmatch(location)
        path = match[1] if match else ""
        is_of_table = MODEL in path
        segments = path.replace(MODEL, table.name or "").split("/")
        # A location may go on as the pattern of names, or be a file.
        upto = next((at for at, segment in enumerate(segments) if PATTERN.search(segment)), len(segments))
        segments = segments[:upto]
        if segments and hint_of(segments[-1]):
            segments.pop()
        prefix = "/".join(segment for segment in segments if segment)
        if len(contract.schema_ or []) > 1 and not is_of_table:
            prefix = f"{prefix}/{dataset}".lstrip("/")
        found.append(f"{prefix or dataset}/")
    return list(dict.fromkeys(found)) or [f"{dataset}/"]


def server_settings(contract: OpenDataContractStandard) -> dict[str, str]:
    """What servers of S3 say of how files are written: the delimiter and the encoding, where they say one."""
    found: dict[str, str] = {}
    for server in _of_s3(contract):
        # `new_line` and `array` are of JSON, where contents decide.
        said = {"delimiter": server.delimiter, "encoding": getattr(server, "encoding", None)}
        found |= {name: value for name, value in said.items() if value and value not in OF_JSON}
    return found


def server_problems(contract: OpenDataContractStandard) -> Iterator[str]:
    """Say what of that is none of the pipeline's settings, or is said twice."""
    for name, value in server_settings(contract).items():
        given = {getattr(server, name, None) for server in _of_s3(contract)} - {None, "", *OF_JSON}
        if len(given) > 1:
            yield f"servers: {name}: {' and '.join(sorted(map(repr, given)))}; files are written in one way"
        elif not SETTINGS[name].allows(value):
            yield f"servers: {name}: {value!r}; {SETTINGS[name].allowed}"


def place_problems(prefixes: Sequence[str]) -> Iterator[str]:
    """Say which places no file is ever read from."""
    for prefix in prefixes:
        hidden = [name for name in prefix.split("/") if name[:1] in ("_", ".")]
        if hidden:
            yield f"servers: location: files in {prefix!r} are not read, since {hidden[0]!r} begins with _ or ."
        if len(prefix.encode()) > MAX_KEY_BYTES:
            yield f"servers: location: {prefix[:100]!r}... has {len(prefix.encode())} bytes; at most {MAX_KEY_BYTES}"


def _of_s3(contract: OpenDataContractStandard) -> list[Server]:
    return [server for server in contract.servers or [] if (server.type or "").lower() == "s3"]
