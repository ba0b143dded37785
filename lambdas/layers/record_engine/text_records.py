"""What the records of text files have in common: why one cannot be read as text, and how it is kept."""

ENCODING, NUL, TOO_LONG, MALFORMED = "encoding", "nul_character", "too_long", "malformed_row"


def text_of(raw: bytes) -> str | None:
    """The text of a record; None if it is not UTF-8."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def text_reason(raw: bytes) -> str | None:
    """Why a record that is not too long cannot be read as text."""
    if text_of(raw) is None:
        return ENCODING
    return NUL if b"\0" in raw else None


def kept(raw: bytes) -> str:
    """A record as it is kept: its text, or, where it is not UTF-8, its bytes as ISO-8859-1, which loses none."""
    text = text_of(raw)
    return raw.decode("latin-1") if text is None else text


def kept_beginning(raw: bytes) -> str:
    """The beginning of a record that is too long, without the part of a character at its end."""
    text = text_of(raw)
    for cut in (1, 2, 3):
        text = text_of(raw[:-cut]) if text is None else text
    return raw.decode("latin-1") if text is None else text
