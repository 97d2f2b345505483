"""What is wrong with rows of the tracker, collected column by column and told once per row."""

from collections.abc import Mapping

import pandas as pd

from connectors.tracker_sheet import CellFault, SharedCell
from pacing_brain.model import TOTALS, Quarantined

SHARED = "one merged cell over rows {} to {}: give these rows one flight_id if they share the amount, or write each row's own"


class Faults:
    """`cells`: the known columns by meaning, indexed by row number. `headers`: meaning -> header as written."""

    def __init__(self, cells: pd.DataFrame, headers: Mapping[str, str]) -> None:
        self._cells = cells
        self._headers = headers
        self._found: dict[int, list[tuple[str | None, str | None, str]]] = {}
        self._settled: set[int] = set()

    def note(self, meaning: str, reasons: pd.Series) -> None:
        """`reasons`: beside each row why its value cannot be used, null where it can."""
        for row, reason in reasons.dropna().items():
            value = self._cells.loc[row, meaning]
            self._add(row, self._headers.get(meaning, meaning), value, f"{meaning} {value[:60]!r} {reason}" if value else f"{meaning} {reason}")

    def where(self, mask: pd.Series, meaning: str, reason: str) -> None:
        if mask.any():
            self.note(meaning, pd.Series(reason, index=mask.index[mask], dtype=object))

    def of_cells(self, faults: tuple[CellFault, ...]) -> None:
        """Faults of reading; one in a column that means nothing to us harms nobody."""
        used = set(self._headers.values())
        for fault in faults:
            if fault.column is None or fault.column in used:
                self._add(fault.row, fault.column, fault.value, fault.reason)

    def of_totals(self, rows: pd.Index) -> None:
        """Rows of totals: nothing else is said of them."""
        for row in rows:
            self._add(row, None, None, TOTALS)
            self._settled.add(int(row))

    def of_shared(self, shared: tuple[SharedCell, ...]) -> None:
        """One amount in a cell over several rows, unless a flight_id of their own says that they are one line."""
        for cell in shared:
            rows = self._cells.index.intersection(cell.rows)
            own = self._cells.loc[rows]
            lines = own["flight_id"].mask(own["budget_group"].ne(""), own["budget_group"]).unique()
            if cell.column in self._headers.values() and not (len(lines) == 1 and lines[0]):
                for row in rows:
                    self._add(row, cell.column, None, SHARED.format(cell.rows[0], cell.rows[-1]))

    def of_row(self, row: int, meaning: str, reason: str) -> None:
        self._add(row, self._headers.get(meaning), self._cells.loc[row, meaning], reason)

    @property
    def rows(self) -> pd.Index:
        return pd.Index(sorted(self._found))

    def told(self, place: str, subjects: pd.Series) -> tuple[Quarantined, ...]:
        """One per row, in order: the first fault with its column and value, the others appended to its reason."""
        return tuple(self._one(place, row, subjects.get(row)) for row in sorted(self._found))

    def _one(self, place: str, row: int, subject: str | None) -> Quarantined:
        (column, value, reason), *others = self._found[row]
        more = "".join(f". Also: {other}" for _, _, other in others)
        return Quarantined(source="tracker", place=place, row=row, column=column, value=value[:200] if value else None,
                           reason=f"{reason}{more}.", subject=subject or None)  # fmt: skip

    def _add(self, row: int, column: str | None, value: str | None, reason: str) -> None:
        if int(row) in self._settled:
            return
        self._found.setdefault(int(row), []).append((column, value, reason.rstrip(".")))
