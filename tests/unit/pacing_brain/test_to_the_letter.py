"""Campaigns that keep to their plan, whatever its curve, are left alone; and what was once raised on them, each by itself."""

import pandas as pd
import pytest

from pacing_brain import forecast, plan_edits
from pacing_brain.brain import PacingBrain
from pacing_brain.model import Outcome
from tests.bench.wide import to_the_letter
from tests.unit.pacing_brain import cohort
from tests.unit.pacing_brain.builders import UNIT, campaigns, inputs, loads, memory, spend, targets


def test_flights_that_keep_to_their_curves_raise_nothing() -> None:
    """Every curve and group over flights of three days, new and with a line before them, each four-hourly window of their life: not one warning."""
    made = to_the_letter.world(4, seed=1, platforms=to_the_letter.ACCOUNTS[1:2])
    raised, opened = to_the_letter.live(made, 4, PacingBrain.silent())
    assert raised.empty, raised[["as_of", "kind", "why"]].head().to_string()
    assert not opened


def _at(as_of: str, known: pd.DataFrame, **plan: object) -> Outcome:
    """One run on a campaign whose flight begins with June, loaded 20 minutes before."""
    at = pd.Timestamp(as_of)
    load = (at - pd.Timedelta(minutes=20)).isoformat()
    rows = spend(day=["2026-05-30"], spend_micros=[100 * UNIT], loaded_at=load)
    return PacingBrain().decide(inputs(targets(**plan), rows, loads=loads(loaded_at=load), campaigns=campaigns(), memory=known, as_of=at.to_pydatetime()))


def test_a_plan_that_is_edited_before_it_begins_contradicts_no_spend() -> None:
    """3,000 become 4,000 in the evening before the first day: there is no spend yet that could follow the earlier plan."""
    first = _at("2026-05-31T20:00Z", memory()[:0], budget_micros=3_000 * UNIT)
    decided = _at("2026-06-01T00:00Z", first.memory.assign(decided_seq=0), budget_micros=4_000 * UNIT).decisions.iloc[0]
    assert decided["budget_was_micros"] == 3_000 * UNIT
    assert (decided["phase"], decided["lane"]) == ("early", "healthy")


def test_an_edited_asap_plan_is_a_question_about_the_plan() -> None:
    """An asap flight is neither over nor under, so an edit that its spend does not follow is told as the tracker's."""
    known = memory(budget_micros=1_100 * UNIT)
    decided = PacingBrain().decide(inputs(targets(curve="asap"), memory=known))
    (finding,) = decided.findings
    assert (finding.problem.value, finding.severity.value) == ("tracker", "warning")
    assert "was changed from €1,100 to €3,000" in decided.decisions["reasons"].iloc[0][0]


def test_what_a_month_hands_on_is_no_edit_of_the_plan() -> None:
    """The rest of May becomes smaller while May still spends: June's budget moves, and nobody has edited it. An edit beside it is one."""
    table = cohort.flights(budget_micros=3_200 * UNIT, rolled_micros=200 * UNIT)
    known = memory(budget_micros=3_000 * UNIT)
    seen = [plan_edits.seen(flights, known, cohort.run())["budget_was_micros"].iloc[0] for flights in (table, table.assign(budget_micros=4_200 * UNIT))]
    assert pd.isna(seen[0])
    assert seen[1] == 3_200 * UNIT  # as it would be without the edit


def _lands(units: list[float], start: str, **columns: object) -> float:
    """Where a flight of thirty days ends by its forecast, as a share of its budget, with these days up to 10 June; those before its start are no flight's."""
    days = pd.date_range(end="2026-06-10", periods=len(units), unit="us")
    inside = days >= pd.Timestamp(start)
    rows = pd.DataFrame({"campaign_key": pd.Series("google/A1/1", index=range(len(days)), dtype="str"), "day": days, "bucket": "matched",
                         "flight_id": pd.Series("F1", index=range(len(days)), dtype="str").where(inside, None),
                         "spend_micros": pd.array([round(one * UNIT) for one in units], dtype="Int64")})
    end = (pd.Timestamp(start) + pd.Timedelta(days=29)).strftime("%Y-%m-%d")
    table = cohort.flights(actual_micros=int(rows.loc[inside, "spend_micros"].sum()), start_date=start, end_date=end, **columns)
    judged = cohort.judged(table, values := cohort.values(table))
    row = forecast.outlook(judged.assign(allowed_micros=0, lent_micros=None), rows, values, 4.0).iloc[0]
    return float(row["forecast_micros"] / row["budget_micros"])


@pytest.mark.parametrize(("curve", "day"), [("front", 160.0), ("back", 40.0)])
def test_a_campaign_that_follows_its_bend_lands(curve: str, day: float) -> None:
    """80 % of 3,000 in one half of June, ten days followed to the letter: it ends on its budget. With a third less it does not."""
    assert _lands([day] * 10, "2026-06-01", curve=curve, curve_pct=80.0) == pytest.approx(1.0, abs=0.01)
    assert _lands([day * 0.6] * 10, "2026-06-01", curve=curve, curve_pct=80.0) < 0.8


def test_days_before_a_flight_do_not_say_where_it_lands() -> None:
    """A week at half of the plan, then a flight that is on its plan from its first day on: after two days it is expected to land. One that goes on as before is not."""
    assert _lands([50.0] * 8 + [100.0] * 2, "2026-06-09") == pytest.approx(1.0, abs=0.02)
    assert _lands([50.0] * 10, "2026-06-09") < 0.7
