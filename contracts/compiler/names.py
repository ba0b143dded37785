"""What the datasets and columns of a contract are called: names of ODCS are any text, those of tables are not.

The rule: accents go, letters become small, and whatever else is no letter, digit or underscore becomes one underscore;
where a digit would come first, or nothing would be left, the name begins with `t_` (a table) or `c_` (a column).
"""

import re
import unicodedata

MAX_DATASET, MAX_COLUMN = 50, 128
"""Characters: queues, rules and alarms have a dataset's name in theirs; Glue takes columns of up to 255."""


def dataset_name(name: str) -> str:
    """The name of the dataset and of its table, from the name of an object of the schema."""
    plain = _plain(name).strip("_")
    return plain if plain[:1].isalpha() else f"t_{plain}".rstrip("_")


def column_name(name: str) -> str:
    """The name of the column of the table, from the name of a property."""
    plain = _plain(name)
    return f"c_{plain}".rstrip("_") if not plain.strip("_") or plain[0].isdigit() else plain


def _plain(name: str) -> str:
    letters = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    # The ends are taken off what was replaced, not underscores that somebody wrote.
    return re.sub(r"[^a-z0-9_]+", " ", letters.lower()).strip().replace(" ", "_")
