"""1.4, 10: the records of CSV."""

from pipeline_core.contract import Contract

from tests.robustness.oracle.csv_record import csv_record
from tests.robustness.oracle.headers import cr_problems, header_problems, name_of, text_reason_of, texts_of
from tests.robustness.oracle.records import Record
from tests.robustness.oracle.values import path_texts


def csv_file(key: str, text: bytes, contract: Contract, most: int) -> tuple[set[str], list[Record]]:
    dialect, delimiter = contract.dialect, contract.delimiter.encode()
    line, at = 1, 0

    def next_line() -> None:
        nonlocal line, at
        end = text.find(b"\n", at)
        at, line = (len(text) if end < 0 else end + 1), line + 1

    for _ in range(dialect.skip_lines):
        next_line()

    def is_comment() -> bool:
        return bool(dialect.comment) and text.startswith(dialect.comment.encode(), at)

    while is_comment():
        next_line()
    if dialect.header:
        first, line, at = csv_record(text, at, line, delimiter, most, dialect)
        names = [name_of(value.decode("utf-8", "replace")) for value in first.values or [] if first.raw]
    else:
        names = [column.name for column in contract.columns if column.name not in path_texts(key, contract)]
    header = first.raw[:most] if dialect.header else None
    problems = header_problems(names, contract, header)
    problems = (cr_problems(header, contract) if problems and header else set()) or problems
    records = []
    while at < len(text):
        if is_comment():
            next_line()
            continue
        begun = line
        found, line, at = csv_record(text, at, line, delimiter, most, dialect)
        if not found.raw:
            continue
        raw, reason = text_reason_of(found.raw, most)
        record = Record(begun, raw)
        records.append(record)
        if problems:
            record.reasons = problems | ({reason} if reason else set())
        elif reason:
            record.reasons = {reason}
        elif found.values is None or len(found.values) != len(names):
            record.reasons = {"malformed_row"}
        else:
            record.texts = texts_of(names, (value.decode() for value in found.values), contract)
    return problems, records
