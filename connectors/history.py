"""A recorded history: what plan, warehouse and loads showed at each of many instants (CONTRACT, A recorded history).

At a window only rows count that were there by then; of each key the latest. A window costs what changed since the one before: the rows of a
table are sorted by instant once, and a pointer per key moves forward.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from connectors.spend_read import totals_frame
from connectors.tracker import TrackerRead, plan_of
from connectors.tracker_sheet import Sheet, cell_text
from pacing_brain import zones
from pacing_brain.errors import HistoryUnreadable
from pacing_brain.frames import CAMPAIGNS, LOADS, SPEND, TARGETS
from pacing_brain.model import Quarantined
from pacing_brain.policy import Policy

Positions = npt.NDArray[np.int64]
GROUPED = ["account_id", "campaign_id", "campaign_name", "currency", "day"]  # as the spend query groups a warehouse's rows
NEEDED = {"windows": ("as_of",), "tracker": ("valid_from", "campaign_id", "campaign_name"),
          "spend": ("seen_at", "account_id", "campaign_id", "campaign_name", "day", "spend_micros"), "loads": ("account_id", "seen_at", "loaded_at")}
ANSWERS = ("at", "flight_id", "answer", "until", "who")
TEXTS = ("platform", "account_id", "campaign_id", "campaign_name", "market", "product", "currency", "timezone", "status")


@dataclass(frozen=True)
class Known:
    """What was known at an instant: frames as `pacing_brain.frames` declares them."""

    targets: pd.DataFrame
    quarantined: tuple[Quarantined, ...]
    spend: pd.DataFrame
    loads: pd.DataFrame
    campaigns: pd.DataFrame
    totals: pd.DataFrame


class _Latest:
    """A table of which the latest row of each key holds. `upto` moves forward only."""

    def __init__(self, table: pd.DataFrame, instants: str, key: list[str]) -> None:
        self.table = table.sort_values(instants, kind="stable", ignore_index=True)
        self._at = self.table[instants].to_numpy(dtype="datetime64[us]")
        codes = self.table.groupby(key, dropna=False, sort=False).ngroup().to_numpy()
        self._codes: Positions = codes
        self._current: Positions = np.full(int(codes.max()) + 1 if len(codes) else 0, -1)
        self._read = 0

    def upto(self, instant: np.datetime64) -> Positions:
        """Positions in `table` of the rows that hold at an instant, in order of their keys' first appearance."""
        last = int(np.searchsorted(self._at, instant, side="right"))
        if last < self._read:
            raise ValueError("a history is read forwards")
        self._current[self._codes[self._read:last]] = np.arange(self._read, last)  # of several rows of a key the last one wins
        self._read = last
        return self._current[self._current >= 0]


class History:
    """A folder of parquet files, read forwards.

    Raises:
        HistoryUnreadable: the folder lacks a file or a column, or holds no window; the message names it.
    """

    def __init__(self, folder: Path) -> None:
        tables = {name: _table(folder, name) for name in NEEDED}
        self.windows: list[datetime] = [at.to_pydatetime() for at in sorted(set(_utc(tables["windows"]["as_of"])))]
        if not self.windows:
            raise HistoryUnreadable(f"{folder / 'windows.parquet'} has no rows: there is no window to decide.")
        self.name = folder.name
        self._loads = _Latest(_load_rows(tables["loads"]), "seen_at", ["account_id"])
        self._loaded = LOADS.check(self._loads.table)
        self._spend = _Latest(_spend_rows(tables["spend"]), "seen_at", ["account_id", "_who", "day", "copy"])
        self._grouped = SPEND.check(self._spend.table)
        self._groups = self._grouped.groupby(GROUPED, dropna=False, sort=False).ngroup().to_numpy()
        self._days = self._grouped["day"].to_numpy()
        self._copies = self._spend.table["copy"].to_numpy() > 0
        self._gone = self._spend.table["spend_micros"].isna().to_numpy()
        self._plan = _Latest(_plan_rows(tables["tracker"]), "valid_from", ["flight_id", "_who"])
        self._dated = self._plan.table.get("target_to_date", pd.Series("", self._plan.table.index)).to_numpy() != ""
        self._read: tuple[bytes, TrackerRead] | None = None
        self.answers = _answers(folder)

    def plan(self, as_of: datetime, policy: Policy) -> TrackerRead:
        """The tracker's rows as a sheet; read again only when a row of it is new, or when a row's age counts (`target_to_date`)."""
        rows = self._plan.upto(zones.instant(as_of))
        if self._read is None or self._dated[rows].any() or self._read[0] != rows.tobytes():
            held = self._plan.table.take(rows)
            cells = held.drop(columns=["valid_from", "_who"]).set_axis(range(2, len(held) + 2))
            nothing = TrackerRead(TARGETS.empty(), (), self.name, as_of)
            self._read = rows.tobytes(), plan_of(Sheet(f"{self.name}/tracker.parquet", cells), as_of=as_of, policy=policy) if len(held) else nothing
        return self._read[1]

    def at(self, as_of: datetime, plan: TrackerRead, first: pd.Timestamp) -> Known:
        """What was known at `as_of`, with the plan of that instant; spend from the day `first` on. Windows are asked for in their order."""
        instant = zones.instant(as_of)
        spend = self._spend_at(instant, first)
        loads = self._loaded.take(self._loads.upto(instant)).reset_index(drop=True)
        return Known(plan.targets, plan.quarantined, spend, loads, CAMPAIGNS.empty(), totals_frame(spend))

    def _spend_at(self, instant: np.datetime64, first_day: pd.Timestamp) -> pd.DataFrame:
        rows = self._spend.upto(instant)
        rows = rows[~self._gone[rows] & (self._days[rows] >= first_day.to_datetime64())]
        if not self._copies[rows].any():
            return self._grouped.take(rows).reset_index(drop=True)
        first, group = np.unique(self._groups[rows], return_index=True, return_inverse=True)[1:]
        sums = np.zeros((2, len(first)), dtype=np.int64)
        for total, column in zip(sums, ("n_rows", "spend_micros"), strict=True):
            np.add.at(total, group, self._grouped[column].to_numpy("int64", na_value=0)[rows])
        order = np.argsort(first)
        held = self._grouped.take(rows[first[order]]).reset_index(drop=True)
        return held.assign(n_rows=sums[0][order], spend_micros=pd.array(sums[1][order], dtype="Int64"))


def _answers(folder: Path) -> pd.DataFrame:
    """What people answered, in order; without the file nobody answered anything."""
    path = folder / "answers.parquet"
    if not path.exists():
        return pd.DataFrame({name: pd.Series(dtype="object") for name in ANSWERS})
    rows = _parquet(path, ANSWERS)
    return rows.assign(at=_utc(rows["at"]), until=_utc(rows["until"])).dropna(subset=["at"]).sort_values("at", kind="stable", ignore_index=True)


def _table(folder: Path, name: str) -> pd.DataFrame:
    return _parquet(folder / f"{name}.parquet", NEEDED[name])


def _parquet(path: Path, needed: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError:
        raise HistoryUnreadable(f"{path} does not exist. A recorded history holds {', '.join(f'{one}.parquet' for one in NEEDED)}.") from None
    except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
        raise HistoryUnreadable(f"{path} cannot be read as parquet: {str(error).splitlines()[0]}") from error
    if missing := [column for column in needed if column not in table.columns]:
        raise HistoryUnreadable(f"{path} has no column {', '.join(missing)}.")
    return table


def _utc(instants: pd.Series) -> pd.Series:
    return pd.to_datetime(instants, utc=True).astype("datetime64[us, UTC]")


def _who(rows: pd.DataFrame) -> pd.Series:
    """The campaign that a row is about: its id, else its name."""
    given = rows["campaign_id"].astype("str").replace("", None)
    return given.fillna("name:" + rows["campaign_name"].astype("str"))


def _spend_rows(rows: pd.DataFrame) -> pd.DataFrame:
    texts = {name: rows[name].astype("str").replace("", None) for name in TEXTS if name in rows}
    days = {name: pd.to_datetime(rows[name]).astype("datetime64[us]") for name in ("day", "start_date", "end_date") if name in rows}
    seen = _utc(rows["seen_at"])
    loaded = _utc(rows["loaded_at"]) if "loaded_at" in rows else seen
    copy = rows["copy"].fillna(0).astype("int64") if "copy" in rows else 0
    return rows.assign(**texts, **days, seen_at=seen, loaded_at=loaded, copy=copy, n_rows=1, _who=_who(rows))


def _load_rows(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(seen_at=_utc(rows["seen_at"]), loaded_at=_utc(rows["loaded_at"]), platform=rows.get("platform", None), from_rows=False)


def _plan_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Every column as the text a sheet would show."""
    shown: dict[str, Any] = {str(name): [cell_text(cell) if cell is not None and cell == cell else "" for cell in rows[name]]  # noqa: PLR0124  NaN
                             for name in rows.columns if name != "valid_from"}
    sheet = pd.DataFrame(shown, index=rows.index, dtype="str")
    flight = sheet.get("flight_id", "")
    return sheet.assign(flight_id=flight, valid_from=_utc(rows["valid_from"]), _who=_who(rows))
