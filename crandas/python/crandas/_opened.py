"""Opened columns as pandas wants them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from crandas._crandas import OpenedColumn


def frame(columns: list[OpenedColumn]) -> pd.DataFrame:
    """A frame with the default index.

    Whole numbers become `int64` (`Int64` where some may be missing; Python integers where the type takes more
    than 64 bits), true/false `bool` (`boolean`), dates
    `datetime64[s]`, text `str`, means `float64`.
    """
    import pandas as pd

    return pd.DataFrame({column[0]: _series(column) for column in columns})


def scalars(columns: list[OpenedColumn]) -> dict[str, Any]:
    """The single value of each column; `nan` (`NaT` for dates) where there was nothing to aggregate."""
    return {column[0]: _scalar(column) for column in columns}


def _kind(ctype: str) -> str:
    return re.split(r"[\[?]", ctype, maxsplit=1)[0]


def _series(column: OpenedColumn) -> pd.Series[Any]:
    import pandas as pd

    _, ctype, values, valid = column
    nullable = ctype.endswith("?")
    missing = np.zeros(len(values), dtype=np.bool_) if valid is None else ~np.asarray(valid, dtype=np.bool_)
    match _kind(ctype):
        case "int":
            if isinstance(values, list):
                return _wide(values, missing)
            whole = np.asarray(values, dtype=np.int64)
            return pd.Series(pd.arrays.IntegerArray(whole, missing) if nullable else whole)
        case "bool":
            flags = np.asarray(values, dtype=np.bool_)
            return pd.Series(pd.arrays.BooleanArray(flags, missing) if nullable else flags)
        case "date":
            days = np.asarray(values).astype("datetime64[D]").astype("datetime64[s]")
            days[missing] = np.datetime64("NaT")
            return pd.Series(days)
        case "mean":
            return pd.Series(np.where(missing, np.nan, np.asarray(values, dtype=np.float64)))
        case _:
            texts = [None if gone else text for text, gone in zip(values, missing, strict=True)]
            return pd.Series(texts, dtype="str")


def _wide(values: list[Any], missing: Any) -> pd.Series[Any]:
    """Numbers of a type that 64 bits do not hold, as Python has them."""
    import pandas as pd

    found = [pd.NA if gone else value for value, gone in zip(values, missing, strict=True)]
    return pd.Series(found, dtype=object)


def _scalar(column: OpenedColumn) -> Any:
    import pandas as pd

    _, ctype, values, valid = column
    kind = _kind(ctype)
    if valid is not None and not bool(valid[0]):
        return pd.NaT if kind == "date" else float("nan")
    value = values[0]
    match kind:
        case "int":
            return int(value)
        case "bool":
            return bool(value)
        case "date":
            return pd.Timestamp(np.datetime64(int(value), "D"))
        case "mean":
            return float(value)
        case _:
            return str(value)
