"""1.4, 10.2: one record of CSV."""

from dataclasses import dataclass

from pipeline_core.dialect import Dialect


@dataclass
class CsvRecord:
    """A record as its bytes, without its line end, and as its values; None if it is malformed."""

    raw: bytes
    values: list[bytes] | None


def csv_record(
    text: bytes, begin: int, line: int, delimiter: bytes, most: int, dialect: Dialect
) -> tuple[CsvRecord, int, int]:
    """1.4, 10.2: the record that begins there, with the line and the place that come after it; read byte by byte."""
    quote, escape = dialect.quote.encode(), dialect.escape.encode()
    values, value = [], bytearray()
    state, malformed, lines, at = "start", False, 0, begin
    while at < len(text):
        here = text[at : at + 1]
        ends_line = here == b"\n" or (here == b"\r" and text[at + 1 : at + 2] in (b"\n", b""))
        escaped = here == escape and (state == "quoted" or not quote)
        lines += here == b"\n"
        if escaped:
            behind = text[at + 1 :]
            if not behind or (not quote and behind == b"\r"):
                # At the end of the file it takes the line end that is not there.
                state = "quoted"
                break
            known = [quote, escape] if quote else [delimiter, escape, b"\r\n", b"\n", b"\r"]
            letters = {} if quote else {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
            taken = next((each for each in known if behind.startswith(each)), None)
            if taken is not None:
                value += taken
            else:
                taken = behind[:1]
                value += letters.get(taken, escape + taken)
            lines += taken.count(b"\n")
            at += 1 + len(taken)
            state = state if quote else "unquoted"
        elif state == "quoted":
            if here != quote:
                value += here
            elif text[at + 1 : at + 2] == quote and not escape:
                value += here
                at += 1
            else:
                state = "closed"
            at += 1
        elif ends_line:
            at += 1
            if here == b"\r" and at < len(text):
                at += 1
                lines += 1
            raw = text[begin:at].removesuffix(b"\n").removesuffix(b"\r")
            if len(raw) > most:
                break
            values.append(bytes(value))
            return CsvRecord(raw, None if malformed else values), line + lines, at
        elif text.startswith(delimiter, at):
            values.append(bytes(value))
            value.clear()
            state = "start"
            at += len(delimiter)
        elif quote and state == "start" and here == quote:
            state = "quoted"
            at += 1
        elif state == "closed" and here in (b" ", b"\t"):
            at += 1
        else:
            malformed |= state == "closed"
            state = "unquoted"
            value += here
            at += 1
    raw = text[begin:]
    if state != "quoted" and at == len(text) and len(raw) <= most and not raw.endswith(b"\n"):
        values.append(bytes(value))
        return CsvRecord(raw, None if malformed else values), line + lines, at
    end = text.find(b"\n", begin)
    end = len(text) if end < 0 else end
    return CsvRecord(text[begin:end].removesuffix(b"\r"), None), line + 1, end + 1
