"""The results of a query as Athena keeps and tells them: a CSV file in S3, and types by their names."""

from __future__ import annotations

import json
import re
from typing import Any

from ministack.services import s3

from local.athena.answers import Answer
from local.glue.mirror import Location
from local.iam import roles
from local.iam.decisions import caller

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

_TYPES = "_trino_types"
_FIXED = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19, "double": 17, "real": 17}
_LONGEST_TEXT = 2_147_483_647


def keep(execution: Json, answer: Answer) -> None:
    """Have GetQueryResults answer this."""
    execution["_results"] = {"columns": answer.columns, "rows": answer.rows}
    execution["_column_types"] = [plain(kind) for kind in answer.types]
    execution[_TYPES] = answer.types


def write(execution: Json) -> None:
    """Write the result's CSV as Athena does, with the caller's permission.

    Raises:
        AccessDeniedError: if the caller may not write there, or there is no such bucket.
    """
    place = Location.parse(execution["ResultConfiguration"]["OutputLocation"])
    roles.authorize(caller(), "s3:PutObject", f"arn:aws:s3:::{place.bucket}/{place.key}")
    found = execution["_results"] or {"columns": [], "rows": []}
    lines = [",".join(map(_quoted, row)) for row in [found["columns"], *found["rows"]]]
    body = ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass") if found["columns"] else b""
    metadata = json.dumps(execution["_column_types"]).encode()
    for key, content in ((place.key, body), (f"{place.key}.metadata", metadata)):
        answer = s3._put_object(place.bucket, key, content, {"content-length": str(len(content))})
        if isinstance(answer, tuple) and answer[0] >= 300:
            raise roles.AccessDeniedError(f"the results could not be written to s3://{place.bucket}/{key}: {answer[0]}")


def _quoted(value: str | None) -> str:
    return "" if value is None else '"' + value.replace('"', '""') + '"'


def with_precision(answer: Response, execution: Json | None) -> Response:
    """What GetQueryResults answers, with the precision and scale that the types say."""
    types = (execution or {}).get(_TYPES)
    if answer[0] >= 300 or not types:
        return answer
    document = json.loads(answer[2])
    for column, kind in zip(document["ResultSet"]["ResultSetMetadata"]["ColumnInfo"], types, strict=True):
        column["Precision"], column["Scale"] = precision_and_scale(kind)
    return answer[0], answer[1], json.dumps(document).encode()


def plain(kind: str) -> str:
    """Athena's name for a type of Trino, as a result's metadata has it: without arguments."""
    kind = kind.lower() if kind.startswith("INTERVAL") else kind
    bare = re.sub(r"\([^()]*\)", "", kind) if kind.startswith("time") else kind.split("(")[0]
    return "float" if bare == "real" else bare


def precision_and_scale(kind: str) -> tuple[int, int]:
    """What a result's metadata says of a type's precision and scale."""
    if found := re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", kind):
        return int(found[1]), int(found[2])
    if kind in _FIXED:
        return _FIXED[kind], 0
    if kind.startswith("varchar"):
        found = re.fullmatch(r"varchar\((\d+)\)", kind)
        return int(found[1]) if found else _LONGEST_TEXT, 0
    return (3, 0) if kind.startswith("time") else (0, 0)
