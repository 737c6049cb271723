"""What a provider asks of whoever computes with a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crandas.errors import RuleError


class Rules:
    """What a provider asks of whoever computes with a table. Set at upload, kept by the servers.

    Counts, sums and means count as opened values, and so do the numbers of rows that a filter, a merge or a
    groupby reveals. Copies of a row count once, whatever was done with them.

    Args:
        min_rows: so many different rows of this table must be behind every opened value, 2 or more. Behind a
            sum or a mean are the rows that add to it. Single rows are then never opened, nor a minimum or
            maximum, which is the value of a single row; groups with fewer rows vanish.
        join_only: columns that may be joined on, grouped by and carried along, but neither opened nor
            computed with.
        round_counts: counts are told as multiples of this number only, 2 to 1000, rounded down, and sums as
            coarsely; means are not given: divide sum by count. Asks for at least so many rows as well, and
            makes `min_rows` a multiple.
        open_rows: False alone means `min_rows=2`: single rows are never opened.

    Raises:
        RuleError: rules that contradict each other.
    """

    def __init__(
        self,
        min_rows: int | None = None,
        join_only: Sequence[str] | str = (),
        open_rows: bool | None = None,
        round_counts: int | None = None,
    ) -> None:
        if open_rows is False and min_rows is None:
            min_rows = 2
        if min_rows is not None and (isinstance(min_rows, bool) or min_rows < 2):
            raise RuleError(
                f"min_rows={min_rows!r} asks for nothing", remedy="Ask for 2 rows or more, or leave it out."
            )
        if round_counts is not None:
            if type(round_counts) is not int or not 2 <= round_counts <= 1000:
                raise RuleError(
                    f"counts cannot be rounded to round_counts={round_counts!r}", remedy="Give 2 to 1000."
                )
            # As the servers do: whether there are enough rows tells no more than the rounded count.
            min_rows = -(-max(min_rows or 0, round_counts) // round_counts) * round_counts
        if open_rows and min_rows is not None:
            raise RuleError(
                f"open_rows=True contradicts min_rows={min_rows}",
                remedy="An opened row is a value with one row behind it. Leave one of them out.",
            )
        self._min_rows = min_rows
        self._join_only = (join_only,) if isinstance(join_only, str) else tuple(join_only)
        self._round_counts = round_counts
        self._sources: tuple[str, ...] = ()

    @classmethod
    def told(cls, rules: Mapping[str, Any] | None) -> Rules | None:
        """The rules of a table as the servers describe them; None where nothing is asked."""
        if not rules:
            return None
        guards = rules.get("guards", [])
        made = cls(
            max((guard["min_rows"] for guard in guards), default=None),
            rules.get("join_only", ()),
            round_counts=rules.get("round_counts"),
        )
        made._sources = tuple(dict.fromkeys(guard["source"] for guard in guards if "source" in guard))
        return made

    @property
    def min_rows(self) -> int | None:
        """So many different rows are behind every opened value; of several uploads, the most asked."""
        return self._min_rows

    @property
    def join_only(self) -> tuple[str, ...]:
        """Columns that are neither opened nor computed with."""
        return self._join_only

    @property
    def round_counts(self) -> int | None:
        """Counts are told as multiples of this number only; None where they are exact."""
        return self._round_counts

    @property
    def open_rows(self) -> bool:
        """Whether single rows may be opened."""
        return self._min_rows is None

    @property
    def sources(self) -> tuple[str, ...]:
        """Handles of the uploads whose rows are counted, each by itself."""
        return self._sources

    @property
    def wire(self) -> dict[str, Any]:
        """As the upload command carries them."""
        inner: dict[str, Any] = {}
        if self._min_rows is not None:
            inner["min_rows"] = self._min_rows
        if self._join_only:
            inner["join_only"] = list(self._join_only)
        if self._round_counts is not None:
            inner["round_counts"] = self._round_counts
        return inner

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rules) and self.wire == other.wire

    def __hash__(self) -> int:
        return hash((self._min_rows, self._join_only, self._round_counts))

    def __repr__(self) -> str:
        parts = [] if self._min_rows is None else [f"min_rows={self._min_rows}"]
        if self._join_only:
            parts.append(f"join_only={list(self._join_only)!r}")
        if self._round_counts is not None:
            parts.append(f"round_counts={self._round_counts}")
        return f"Rules({', '.join(parts)})"

    def __str__(self) -> str:
        parts = []
        if self._min_rows is not None:
            parts.append(f"at least {self._min_rows} rows behind every opened value")
        if self._join_only:
            parts.append(f"{', '.join(map(repr, self._join_only))} only for joining")
        if self._round_counts is not None:
            parts.append(f"counts as multiples of {self._round_counts}")
        return "; ".join(parts)
