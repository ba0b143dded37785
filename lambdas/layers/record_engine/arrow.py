"""Arrow's arrays as the engine has them: of types that are known only when a contract or a footer was read."""

from typing import Any

import pyarrow as pa
import pyarrow.compute

Array = Any
"""A `pyarrow.Array`. Its stubs have overloads for each type, none for one that is found out later."""

compute: Any = pyarrow.compute
"""Arrow's functions on arrays, for the same reason without the stubs' overloads."""


def nulls(rows: int, kind: pa.DataType) -> Array:
    """So many nulls of a type."""
    make: Any = pa.nulls
    return make(rows, kind)
