"""Generated frames, and what it means that an opened table equals a pandas one."""

from __future__ import annotations

import datetime
import math
import random
from typing import Any

import pandas as pd

WORDS = ["", "a", "b", "ab", "é", "zürich", "Z", "0"]
TYPES = {
    "a": "int[min=-20,max=20]",
    "n": "int8?",
    "k": "int[min=0,max=3]",
    "kn": "int[min=0,max=3]?",
    "flag": "bool",
    "text": "varchar[6]",
    "tn": "varchar[6]?",
    "day": "date",
    "dn": "date?",
}


def generated(rows: int, seed: int) -> pd.DataFrame:
    """Ties, missing values, bounds that are reached, texts that sort in surprising ways."""
    random_ = random.Random(seed)
    start = datetime.date(1999, 12, 30)

    def column(make: Any, missing: float = 0.0) -> list[Any]:
        return [None if random_.random() < missing else make() for _ in range(rows)]

    def day() -> datetime.date:
        return start + datetime.timedelta(days=random_.randint(0, 4))

    def narrow() -> int:
        return random_.choice([-128, 127, random_.randint(-3, 3)])

    return pd.DataFrame(
        {
            "a": pd.Series(column(lambda: random_.choice([-20, 20, random_.randint(-5, 5)])), dtype="int64"),
            "n": pd.Series(
                column(lambda: random_.choice([-128, 127, random_.randint(-3, 3)]), 0.3), dtype="float64"
            ),
            "k": pd.Series(column(lambda: random_.randint(0, 3)), dtype="int64"),
            "kn": pd.Series(column(lambda: random_.randint(0, 3), 0.3), dtype="float64"),
            "flag": pd.Series(column(lambda: random_.random() < 0.5), dtype="bool"),
            "text": pd.Series(column(lambda: random_.choice(WORDS)), dtype="str"),
            "tn": pd.Series(column(lambda: random_.choice(WORDS), 0.3), dtype="str"),
            "day": pd.Series(pd.to_datetime(pd.Series(column(day), dtype=object))),
            "dn": pd.Series(pd.to_datetime(pd.Series(column(day, 0.3), dtype=object))),
        }
    )


def value(cell: Any) -> Any:
    """A cell as a plain value: None for missing, whole numbers as int, dates as date."""
    if cell is None or cell is pd.NaT or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, str):
        return str(cell)
    if isinstance(cell, pd.Timestamp):
        return cell.date()
    if type(cell).__name__ in ("bool", "bool_"):
        return bool(cell)
    return int(cell) if float(cell).is_integer() else float(cell)


def rows(frame: pd.DataFrame) -> list[list[Any]]:
    return [[value(cell) for cell in row] for row in frame.astype(object).to_numpy().tolist()]


def same(opened: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Equal names, rows, order and values; means up to the last bits."""
    assert list(opened.columns) == list(expected.columns)
    found, wanted = rows(opened), rows(expected)
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        for x, y in zip(one, other, strict=True):
            close = isinstance(x, float) and isinstance(y, float) and math.isclose(x, y, rel_tol=1e-12)
            assert close or x == y, (found, wanted)
