"""From understood columns to TARGETS: every value read, every rule of a row and of a line checked, every fault kept."""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial

import pandas as pd

from connectors.tracker_cycles import of_whole_flight, read_budget_types, read_cycles
from connectors.tracker_dates import read_days, read_instants
from connectors.tracker_faults import Faults
from connectors.tracker_money import other_currency, read_money
from connectors.tracker_groups import grouped, is_parent, read_gaps, read_rollover
from connectors.tracker_values import EMPTY, read_currencies, read_curves, read_ids, read_percents, read_platforms, read_zones

INHERITED = ("budget", "currency", "start_date", "end_date", "curve", "cost_basis", "fee_pct", "target_to_date", "updated_at", "cycle",
             "budget_type", "rollover_cap_pct", "pause_from", "pause_to")  # fmt: skip
_PLAIN = ("campaign_name", "client", "market", "product", "owner")
_PERCENT = 100_000_000  # 100 % in millionths of a percent


def inherited(cells: pd.DataFrame) -> pd.DataFrame:
    """Rows of one `flight_id` are one line: what a row leaves empty is what the line's first row with a value says."""
    line = cells["flight_id"]
    several = line.ne("") & line.duplicated(keep=False)
    if not several.any():
        return cells
    cells = cells.copy()
    for name in INHERITED:
        filled = cells.loc[several, name].replace("", None).groupby(line[several]).transform("first")
        cells.loc[several, name] = cells.loc[several, name].mask(cells.loc[several, name].eq(""), filled).fillna("")
    return cells


def read_plan(cells: pd.DataFrame, faults: Faults, as_of: datetime, target_max_days: float, dates: str | None = None) -> pd.DataFrame:
    """TARGETS columns for every row; a row with a fault has nulls where its value cannot be used. dates: the order of days and months."""
    days, instants = partial(read_days, order=dates), partial(read_instants, order=dates)
    cells = inherited(grouped(cells, faults))
    plan = pd.DataFrame({"row": cells.index}, index=cells.index)
    for name, read in (("campaign_id", read_ids), ("account_id", read_ids), ("platform", read_platforms), ("currency", read_currencies),
                       ("timezone", read_zones), ("start_date", days), ("end_date", days), ("updated_at", instants)):  # fmt: skip
        plan[name], reasons = read(cells[name])
        faults.note(name, reasons)
    plan["cycle_day"], reasons = read_cycles(cells["cycle"])
    faults.note("cycle", reasons)
    plan["daily"], reasons = read_budget_types(cells["budget_type"])
    faults.note("budget_type", reasons)
    for name in _PLAIN:
        plan[name] = cells[name].where(cells[name].ne(""))
    plan["curve"], plan["curve_pct"], reasons = read_curves(cells["curve"])
    faults.note("curve", reasons)
    plan["parent_flight_id"] = cells["parent_flight_id"].where(cells["parent_flight_id"].ne(""))
    plan["is_parent"] = is_parent(cells)
    _money(plan, cells, faults)
    _presence(cells, faults)
    _dates(plan, cells, faults)
    _target_to_date(plan, cells, faults, as_of, target_max_days)
    read_gaps(plan, cells, faults, days)
    read_rollover(plan, cells, faults)
    plan["flight_id"] = cells["flight_id"].where(cells["flight_id"].ne(""), _derived(plan))
    return plan


def _presence(cells: pd.DataFrame, faults: Faults) -> None:
    for name in ("platform", "budget", "currency", "start_date", "end_date"):
        faults.where(cells[name].eq(""), name, EMPTY)
    nameless = cells["campaign_id"].eq("") & cells["campaign_name"].eq("") & ~is_parent(cells)
    faults.where(nameless, "campaign_name", "and campaign_id are both empty: fill in one of them")


def _money(plan: pd.DataFrame, cells: pd.DataFrame, faults: Faults) -> None:
    """budget_micros after the fee, and what was written beside it."""
    written, reasons = read_money(cells["budget"])
    faults.note("budget", reasons)
    written = of_whole_flight(written, plan)
    faults.where(written.le(0).fillna(value=False), "budget", "is not above zero: write what may be spent over the whole flight")
    faults.note("budget", other_currency(cells["budget"].where(written.notna(), ""), plan["currency"]))
    target, reasons = read_money(cells["target_to_date"])
    faults.note("target_to_date", reasons)
    faults.where(target.lt(0).fillna(value=False), "target_to_date", "is negative: write what is planned up to updated_at")
    faults.where(target.gt(written).fillna(value=False), "target_to_date", "is more than the budget: mend one of them")
    basis = cells["cost_basis"].str.casefold()
    faults.where(~basis.isin(["", "net", "gross"]), "cost_basis", "is neither net nor gross: write one of them")
    gross = basis.eq("gross")
    fee, reasons = read_percents(cells["fee_pct"].where(gross, ""))
    faults.note("fee_pct", reasons)
    faults.where(gross & cells["fee_pct"].eq(""), "fee_pct", "is empty for a gross budget: write the fee in percent, 0 if there is none")
    plan["gross_micros"] = written.where(gross)
    plan["fee_pct"] = fee.where(gross).astype("float64") / 1_000_000
    plan["budget_micros"] = written.mask(gross, _net(written[gross], fee[gross]))
    plan["target_to_date_micros"] = target.mask(gross, _net(target[gross], fee[gross]))


def _net(gross: pd.Series, fee: pd.Series) -> pd.Series:
    """Gross * (100 - fee) / 100 in whole micros, rounded half to even once."""
    values = [None if pd.isna(amount) or pd.isna(share) else int((Decimal(int(amount)) * (_PERCENT - int(share)) / _PERCENT)
              .to_integral_value(ROUND_HALF_EVEN)) for amount, share in zip(gross, fee, strict=True)]  # fmt: skip
    return pd.Series(pd.array(values, dtype="Int64"), index=gross.index)


def _dates(plan: pd.DataFrame, cells: pd.DataFrame, faults: Faults) -> None:
    backwards = plan["end_date"] < plan["start_date"]
    for row in plan.index[backwards]:
        faults.of_row(row, "end_date", f"end_date {cells.loc[row, 'end_date']} lies before start_date {cells.loc[row, 'start_date']}: mend one of them")


def _target_to_date(plan: pd.DataFrame, cells: pd.DataFrame, faults: Faults, as_of: datetime, max_days: float) -> None:
    """A given target counts as of the end of `updated_at`'s day; one that is older than the policy allows paces nothing."""
    given = plan["target_to_date_micros"].notna()
    faults.where(plan["cycle_day"].notna() & cells["target_to_date"].ne(""), "cycle", "cannot stand beside target_to_date, which is of one flight: empty one of them")
    faults.where(plan["curve"].eq("custom") & cells["target_to_date"].eq(""), "target_to_date", "is empty for curve custom: fill it in")
    counts_at = plan["updated_at"].dt.normalize() + timedelta(days=1)
    old = given & counts_at.lt(pd.Timestamp(as_of) - timedelta(days=max_days))
    faults.where(old, "target_to_date", f"is older than {max_days:g} days (by updated_at): bring both up to date, or empty it")


def _derived(plan: pd.DataFrame) -> pd.Series:
    """platform:campaign id or name:start, for a row that names no line."""
    campaign = plan["campaign_id"].fillna(plan["campaign_name"])
    return plan["platform"] + ":" + campaign + ":" + plan["start_date"].dt.strftime("%Y-%m-%d")
