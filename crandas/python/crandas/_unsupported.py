"""Helpful answers for what pandas has and crandas has not."""

from __future__ import annotations

import difflib
from typing import Any

from crandas.errors import UnsupportedError

_PEEKING = "rows cannot be looked at one by one; open() reveals a whole table"
_INSTEAD = {
    "head": _PEEKING,
    "tail": _PEEKING,
    "iloc": _PEEKING,
    "iat": _PEEKING,
    "at": _PEEKING,
    "loc": "there is no index; filter with df[condition], choose columns with df[['a', 'b']]",
    "index": "there is no index; filter with df[condition], order with sort_values()",
    "values": "open() reveals a whole table as a pandas frame",
    "to_numpy": "open().to_numpy() reveals and converts",
    "to_csv": "open().to_csv(...) reveals and writes",
    "to_dict": "open().to_dict() reveals and converts",
    "iterrows": _PEEKING,
    "itertuples": _PEEKING,
    "items": _PEEKING,
    "apply": "build an expression from columns: df['a'] * 2 + df['b']",
    "map": "build an expression from columns: df['a'] * 2 + df['b']",
    "query": "write the condition in Python: df[df['a'] > 3]",
    "eval": "write the expression in Python: df['a'] + df['b']",
    "join": "use merge(other, on=...)",
    "to_frame": "use as_table(name)",
    "unique": "df.groupby('a').size() gives the distinct values and how often each occurs",
    "nunique": "len(df.groupby('a').size()) opens how many distinct values there are",
    "value_counts": "use df.groupby('a').size()",
    "drop_duplicates": "use df.groupby([...]).size()",
    "dropna": "filter with df[df['a'].notna()]",
    "astype": "give the type at upload, as ctype",
    "std": "open the mean, and the mean of the squares: (df['a'] * df['a']).mean()",
    "var": "open the mean, and the mean of the squares: (df['a'] * df['a']).mean()",
    "median": "the mean is there: mean()",
    "describe": "use agg(['count', 'mean', 'min', 'max'])",
    "set_index": "there is no index; merge and sort by columns",
    "reset_index": "there is no index to reset",
    "copy": "tables do not change; an assignment df['c'] = ... only changes what df means",
    "info": "print(df) shows columns, types and the number of rows",
    "plot": "open() first, then plot what is revealed",
}


def unsupported(what: str, instead: str = "") -> UnsupportedError:
    """An error that says what is missing and what to do instead."""
    return UnsupportedError(
        f"{what}: not there in crandas", remedy=f"Instead: {instead}." if instead else None
    )


def missing_attribute(what: str, cls: type, name: str, also: list[str] | None = None) -> AttributeError:
    """What to raise for an attribute that is not there; names the nearest thing that is."""
    if name.startswith("_"):
        return AttributeError(f"{cls.__name__!r} has no attribute {name!r}")
    if name in _INSTEAD:
        return AttributeError(f"{what} has no {name}: {_INSTEAD[name]}")
    known = [known for known in dir(cls) if not known.startswith("_")] + (also or [])
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"; did you mean {close[0]}?" if close else f"; there is {', '.join(known)}"
    return AttributeError(f"{what} has no {name}{hint}")


def refuse_arguments(method: str, given: dict[str, Any]) -> None:
    """Refuses arguments that pandas knows and crandas does not."""
    if given:
        names = ", ".join(f"{name}=" for name in given)
        raise unsupported(f"{method} with {names}")
