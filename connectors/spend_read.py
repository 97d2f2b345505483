"""What every spend source gives, and how raw rows become it: the same columns, the same gaps, the same totals."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd

from connectors.queries import identifier, query
from pacing_brain.errors import SpendShapeError
from pacing_brain.frames import CAMPAIGNS, LOADS, NO_CURRENCY, SPEND, TOTALS
from pacing_brain.model import Quarantined, SourceState

UNKNOWN = "unknown"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # of a row without a load time
KEYS = {"platform": UNKNOWN, "account_id": UNKNOWN, "currency": NO_CURRENCY}

# Types that arrive from a warehouse as text, and the SQL type of the null that stands for an absent column.
OPTIONAL = {"MARKET": "VARCHAR", "PRODUCT": "VARCHAR", "START_DATE": "DATE", "END_DATE": "DATE", "TIMEZONE": "VARCHAR",
            "IMPRESSIONS": "NUMBER(38,0)", "CLICKS": "NUMBER(38,0)", "CONVERSIONS": "FLOAT", "STATUS": "VARCHAR",
            "DAILY_BUDGET_MICROS": "NUMBER(38,0)"}  # fmt: skip


@dataclass(frozen=True)
class SpendRead:
    """Frames as `pacing_brain.frames` declares them. `sources`: one state for the source, one more for each platform that is missing."""

    spend: pd.DataFrame
    loads: pd.DataFrame
    campaigns: pd.DataFrame
    totals: pd.DataFrame
    quarantined: tuple[Quarantined, ...] = ()
    sources: tuple[SourceState, ...] = field(default_factory=tuple)


def micros(column: str, kind: str, where: str, per_unit: int = 1_000_000) -> str:
    """The SQL of one row's whole micros. NaN, infinity and amounts beyond 999,999,999,999 in a FLOAT are null, never zero.

    A NUMBER takes no CASE: it cannot be NaN, and the embedded warehouse computes a CASE over it in floating point.
    """
    if kind.startswith(("NUMBER", "DECIMAL")):
        return query("micros_of_number", COLUMN=identifier(column), MICROS_PER_UNIT=str(per_unit))
    if kind.startswith(("FLOAT", "REAL", "DOUBLE")):
        return query("micros_of_float", COLUMN=identifier(column), MICROS_PER_UNIT=str(per_unit))
    raise SpendShapeError(f"{where}: column {column} is {kind}, not a number. Cast it to NUMBER(38,6) in a view.")


def require(have: dict[str, str], wanted: tuple[str, ...], where: str) -> None:
    """Raises SpendShapeError naming the table and its missing columns."""
    if missing := [name for name in wanted if name not in have]:
        raise SpendShapeError(f"{where} has no column {', '.join(missing)}. Add it, or read a view that has it (docs: spend columns).")


def spend_frame(raw: pd.DataFrame, place: str) -> tuple[pd.DataFrame, tuple[Quarantined, ...]]:
    """Raw rows as SPEND, and a note for each row without platform, account, currency or load time. Such a row keeps its money."""
    raw = raw.assign(status=raw["status"].astype("str").str.lower(), platform=_platform(raw["platform"]),
                     loaded_at=_instants(raw["loaded_at"]))  # fmt: skip
    notes = tuple(_note(place, name, raw[raw[name].isna()]) for name in (*KEYS, "loaded_at") if raw[name].isna().any())
    for name in ("campaign_id", "campaign_name"):
        raw[name] = raw[name].astype("str").replace("", None)
    filled = raw.fillna({**KEYS, "loaded_at": pd.Timestamp(NEVER)})
    return SPEND.check(filled.assign(currency=filled["currency"].str.upper())), notes


def totals_frame(raw: pd.DataFrame) -> pd.DataFrame:
    """Totals per currency; a currency whose every amount is unreadable totals 0 over its rows."""
    codes, written = pd.factorize(raw["currency"].astype("str"), use_na_sentinel=False)
    same, currencies = pd.factorize(written.to_series().fillna(NO_CURRENCY).str.upper(), sort=True)
    sums = {name: np.zeros(len(currencies), dtype=np.int64) for name in ("n_rows", "spend_micros")}
    for name, total in sums.items():
        np.add.at(total, same[codes], raw[name].to_numpy("int64", na_value=0))
    return TOTALS.check(pd.DataFrame({"currency": currencies} | sums))


def loads_frame(loads: pd.DataFrame | None, rows: pd.DataFrame) -> pd.DataFrame:
    """Loads as a table of loads gives them; an account that it lacks takes the newest load of its rows (`from_rows`)."""
    of_rows = _loads(rows).assign(from_rows=True)
    if loads is None:
        return LOADS.check(of_rows)
    given = _loads(loads).assign(from_rows=False)
    absent = of_rows[~of_rows["account_id"].isin(given["account_id"])]
    return LOADS.check(pd.concat([given, absent], ignore_index=True) if len(absent) else given)


def _loads(raw: pd.DataFrame) -> pd.DataFrame:
    raw = raw.assign(loaded_at=_instants(raw["loaded_at"]), platform=_platform(raw["platform"]))
    return raw.dropna(subset=["account_id", "loaded_at"]).sort_values(["account_id", "platform"], ignore_index=True)


def campaigns_frame(raw: pd.DataFrame) -> pd.DataFrame:
    known = raw.dropna(subset=["account_id", "campaign_id"])
    return CAMPAIGNS.check(known.assign(status=known["status"].astype("str").str.lower(), platform=_platform(known["platform"])))


def as_day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _platform(values: pd.Series) -> pd.Series:
    return values.astype("str").str.strip().str.lower()


def _instants(values: pd.Series) -> pd.Series:
    """LOADED_AT may come from a text or DATE column; a naive one is UTC."""
    return pd.to_datetime(values, utc=True, format="mixed", errors="coerce").astype("datetime64[us, UTC]")


def _note(place: str, column: str, rows: pd.DataFrame) -> Quarantined:
    reason = f"{len(rows)} spend rows have no {column}; their money is kept apart. Mend the feed that writes them."
    first = rows.iloc[0]
    return Quarantined(source="spend", place=place, column=column, value=None, reason=reason,
                       subject=f"{first['platform']}/{first['account_id']}/{first['campaign_id']}")  # fmt: skip
