from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from connectors.history import History
from flows.backtest import backtest, replayed
from pacing_brain.errors import HistoryUnreadable
from pacing_brain.policy import Policy
from tests.histories import START, plan_row, spend_row, steady_spend, windows, write

PROMISED = ["flight_id", "as_of", "severity", "lane", "action", "variance_pct", "unexplained_pct", "confidence", "reasons", "root_cause",
            "forecast_micros", "forecast_lo_micros", "forecast_hi_micros"]


def _decided(folder: Path) -> pd.DataFrame:
    return pd.concat(list(replayed(History(folder), Policy())), ignore_index=True)


def test_every_window_of_a_flights_life_has_one_row_with_the_promised_columns(tmp_path: Path) -> None:
    """One row per flight and window from its start to its end."""
    at = windows(2)
    folder = write(tmp_path / "h", at=at, plan=[plan_row()], spend=steady_spend(2))
    assert backtest(folder, out=tmp_path / "d.parquet", policy=None, learn=True) == 0
    decided = pd.read_parquet(tmp_path / "d.parquet")
    assert set(PROMISED) <= set(decided.columns)
    assert decided["as_of"].tolist() == [pd.Timestamp(one) for one in at]
    assert set(decided["severity"]) == {"healthy"}


def test_a_window_knows_only_what_was_seen_by_then(tmp_path: Path) -> None:
    """Rows that are seen later change nothing before: neither spend nor plan."""
    at = windows(2)
    later = at[8]
    edited = plan_row(valid_from=later, budget=140.0)
    burst = spend_row(later, (later - timedelta(days=1)).date(), 900.0)
    before = _decided(write(tmp_path / "a", at=at, plan=[plan_row()], spend=steady_spend(2)))
    after = _decided(write(tmp_path / "b", at=at, plan=[plan_row(), edited], spend=[*steady_spend(2), burst]))
    early = before["as_of"].lt(pd.Timestamp(later))
    pd.testing.assert_frame_equal(before[early], after[early])
    assert after.loc[~early, "target_micros"].lt(before.loc[~early, "target_micros"]).all()
    assert after.loc[~early, "actual_micros"].iloc[0] > before.loc[~early, "actual_micros"].iloc[0]


def test_a_second_row_for_a_day_is_a_duplicate_and_a_row_that_is_gone_is_gone(tmp_path: Path) -> None:
    """copy > 0 turns the completeness red; a later null takes a row away again."""
    at, day = windows(2), START.date()
    extra = [spend_row(at[8], day, 100.0, copy=1), spend_row(at[10], day, None, copy=1)]
    decided = _decided(write(tmp_path / "h", at=at, plan=[plan_row()], spend=[*steady_spend(2), *extra]))
    red = decided["red_gates"].str.contains("completeness").tolist()
    assert red == [place in (8, 9) for place in range(len(at))]


def test_the_first_instant_of_a_flight_is_of_its_life(tmp_path: Path) -> None:
    """A window at midnight of its first day has a row, as the one at midnight of its end has."""
    decided = _decided(write(tmp_path / "h", at=[START, *windows(1)], plan=[plan_row()], spend=steady_spend(1)))
    assert decided["as_of"].iloc[0] == pd.Timestamp(START)
    assert decided["severity"].iloc[0] == "healthy"


def test_an_answer_of_the_history_holds_from_then_until_its_time(tmp_path: Path) -> None:
    """What somebody called expected asks nobody until then, with the same severity; without learning it changes nothing."""
    at = windows(3)
    said = [{"at": at[10] + timedelta(minutes=5), "flight_id": "F1", "answer": "expected", "until": at[13], "who": "Ana"}]
    folder = write(tmp_path / "h", at=at, plan=[plan_row()], spend=steady_spend(3, daily=150.0), answers=said)
    plain = pd.concat(list(replayed(History(folder), Policy(), learn=False)), ignore_index=True)
    told = _decided(folder)
    held = told["action"].ne(plain["action"])
    assert told.loc[held, "as_of"].tolist() == [pd.Timestamp(one) for one in at[11:13]]
    assert set(told.loc[held, "action"]) == {"log_only"}
    assert (told["severity"] == plain["severity"]).all()


def test_a_history_that_lacks_a_file_is_refused_by_its_name(tmp_path: Path) -> None:
    """One line that names the file."""
    folder = write(tmp_path / "h", at=windows(1), plan=[plan_row()], spend=steady_spend(1))
    (folder / "loads.parquet").unlink()
    with pytest.raises(HistoryUnreadable, match=r"loads\.parquet does not exist"):
        History(folder)


def _of_account(account: str, spend: list[dict[str, object]]) -> list[dict[str, object]]:
    return [row | {"account_id": account, "campaign_id": f"C-{account}"} for row in spend]


def test_a_flight_alone_gets_the_rows_that_it_gets_among_others(tmp_path: Path) -> None:
    """Whoever else is in the history, and before the first load of its account as well as after."""
    at = [START, *windows(3)]
    plans = {account: plan_row(flight_id=f"F-{account}", account_id=account, campaign_id=f"C-{account}") for account in ("A1", "A2")}
    spend = {account: _of_account(account, steady_spend(3, before=before)) for account, before in (("A1", 14), ("A2", 3))}
    loads = {account: [{"account_id": account, "seen_at": one, "loaded_at": one - timedelta(minutes=15)} for one in at[first:]]
             for account, first in (("A1", 0), ("A2", 1))}
    alone = _decided(write(tmp_path / "one", at=at, plan=[plans["A2"]], spend=spend["A2"], loads=loads["A2"]))
    among = _decided(write(tmp_path / "two", at=at, plan=list(plans.values()), spend=spend["A1"] + spend["A2"], loads=loads["A1"] + loads["A2"]))
    pd.testing.assert_frame_equal(alone, among[among["flight_id"].eq("F-A2")].reset_index(drop=True))
    assert set(alone["lane"]) == {"healthy"}


def test_a_flight_waits_a_day_for_the_first_load_of_its_account(tmp_path: Path) -> None:
    """An account that was never loaded is nothing to report on the flight's first day, and nobody knows its spend from the second on."""
    at = [START, *windows(2)]
    decided = _decided(write(tmp_path / "h", at=at, plan=[plan_row()], spend=[spend_row(at[-1] + timedelta(days=9), START.date(), 1.0)],
                             loads=[{"account_id": "A1", "seen_at": at[-1] + timedelta(days=9), "loaded_at": at[-1]}]))
    first = decided["as_of"].lt(pd.Timestamp(START + timedelta(days=1)))
    assert set(decided.loc[first, "lane"]) == {"healthy"}
    assert set(decided.loc[~first, "lane"]) == {"escalate"}
    assert decided.loc[~first, "reasons"].str.contains("No load of account A1 was ever seen").all()
    assert decided.loc[~first, "actual_micros"].isna().all()
