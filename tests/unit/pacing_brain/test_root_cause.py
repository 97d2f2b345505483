"""Why a flight is not healthy."""

import pandas as pd
import pytest

from pacing_brain import frames, root_cause
from pacing_brain.model import SourceState
from tests.unit.pacing_brain import cohort
from tests.unit.pacing_brain.cohort import UNIT

ZERO = {"actual_micros": 0, "spend_days": 0, "first_spend_day": None, "last_spend_day": None, "closed_day_micros": 0}
STOPPED = {"actual_micros": 800 * UNIT, "closed_day_micros": 0, "last_spend_day": "2026-06-08"}
OVER, UNDER = {"actual_micros": 1_500 * UNIT}, {"actual_micros": 500 * UNIT}
ACCOUNT = {"platform": "google", "account_id": "A1", "timezone": cohort.ZONE, "timezone_from": "feed", "currency": "EUR",
           "loaded_at": "2026-06-10T04:00:00Z", "load_basis": "loads", "cycle_hours": 4.0, "grain": "hourly", "available": True,
           "live_flights": 5, "silent_flights": 5}


def spend_days(amounts, first="2026-06-01"):
    days = pd.date_range(first, periods=len(amounts))
    rows = {"platform": "google", "account_id": "A1", "campaign_id": "1", "currency": "EUR", "day": days,
            "spend_micros": [round(amount * UNIT) for amount in amounts], "n_rows": 1, "loaded_at": pd.Timestamp(cohort.AS_OF)}
    return frames.SPEND.check(pd.DataFrame(rows, index=range(len(days)))).assign(flight_id="F1", bucket="matched")


def accounts(**columns):
    row = ACCOUNT | columns
    return frames.ACCOUNTS.check(pd.DataFrame([row]).assign(loaded_at=pd.to_datetime(row["loaded_at"], utc=True)))


def explain(days=(), run=None, account=None, after=None, **columns):
    table = cohort.flights(**columns)
    judged = cohort.judged(table, cohort.values(table))
    judged = judged.assign(**(after or {}))
    found = root_cause.explain(judged, spend_days(list(days)), account if account is not None else accounts(), run or cohort.run())
    return found["root_cause_code"].iloc[0], found["root_cause"].iloc[0]


def test_healthy_flights_have_no_cause():
    """Both columns are null in lane healthy, and only there."""
    table = cohort.flights(lane=["healthy", "warning"], **OVER)
    judged = cohort.judged(table, cohort.values(table))
    found = root_cause.explain(judged, spend_days([]), accounts(), cohort.run())
    assert found["root_cause"].isna().tolist() == [True, False]


def test_an_unknown_cause_is_said_honestly():
    """Where no rule has anything to say, that is what is said."""
    assert explain(**OVER) == ("unknown", "No cause can be seen in the data that is at hand.")


@pytest.mark.parametrize(("columns", "code", "said"), [
    ({"red_gates": "freshness"}, "feed_stale",
     "The feed of Google Ads account A1 was last loaded on Wed 10 Jun 04:00 UTC, 28 h before this run; it usually loads every 4 h."),
    ({"feed_currencies": "EUR,USD"}, "mixed_currencies",
     "The feed reports this campaign in several currencies (EUR, USD), so its days do not add up to an amount."),
    ({"feed_currencies": "USD"}, "currency_differs", "The plan is in EUR and the feed reports USD, so the two cannot be compared."),
    ({"duplicate_days": 2}, "duplicate_rows", "The warehouse has more than one row for 2 days of this campaign, so its spend may be counted twice."),
    ({"bad_days": 1}, "not_a_number", "The warehouse has spend that is not a number on one day of this campaign."),
    ({"red_gates": "completeness", "lost_days": 1}, "history_shrank", "One day that an earlier run saw is gone from the warehouse."),
    ({"red_gates": "completeness", "shrunk_pct": 4.24}, "history_shrank", "Spend of closed days is 4.2 % smaller than an earlier run saw it."),
    ({"red_gates": "tie_out"}, "rows_do_not_add_up", "The rows do not add up to the warehouse's own total over the same days."),
    ({"overlaps": "F7,F8"}, "overlapping_lines", "Lines of the plan overlap on this campaign: F1 shares days with F7, F8."),
    ({"red_gates": "timezone", "timezone": "Asia/Tokyo"}, "zone_differs",
     "The plan counts its days in Asia/Tokyo, the account in Europe/Berlin: their days are not the same."),
    ({"match_kind": "none", "known_on_platform": False, "campaign_id": None}, "missing_id",
     "Row 2 of the plan has no campaign id, and no campaign in Google Ads has its name."),
    ({"match_kind": "none", "known_on_platform": False}, "not_found",
     "Google Ads has never reported the campaign id 1: the id in row 2 of the plan is wrong, or the campaign has not been set up."),
    ({"n_campaigns": 3, "n_matched": 2}, "partly_found", "Of the 3 campaigns of this line, 2 were found in Google Ads."),
    ({"lane": "escalate", "platform_name": "Acme_DE_Shoes", "name_similarity": 0.62}, "renamed",
     "The campaign is called Acme_DE_Shoes in Google Ads and Acme DE Shoes Summer in the plan (62% alike)."),
    ({"lane": "escalate", "metadata_detail": {"market": "differs", "product": "match", "end_date": "differs"}}, "details_differ",
     "Plan and Google Ads do not agree on market, end date."),
])
def test_faults_of_data_and_identity(columns, code, said):
    """Each fault of data or identity is one sentence with its figures."""
    assert explain(**columns) == (code, said)


def test_look_alikes_are_named_with_their_likeness():
    """One look-alike and several are different questions; those ruled out are not named."""
    def candidates(*pairs):
        return [{"campaign_name": name, "campaign_id": "9", "similarity": alike, "verdict": verdict} for name, alike, verdict in pairs]

    one = candidates(("A", 0.87, "proposed"), ("C", 0.9, "not proposed"))
    assert explain(match_kind="ambiguous", candidates=one) == (
        "look_alike", "A (87% alike) in Google Ads looks like this line of the plan, but nothing proves that it is the same.")
    two = candidates(("A", 0.92, "tie"), ("B", 0.9, "tie"))
    assert explain(match_kind="ambiguous", candidates=two)[1] == "Several campaigns in Google Ads could be this line of the plan: A (92% alike) and B (90% alike)."


def test_actuals_that_are_unavailable_come_first():
    """Snowflake down is said before anything else, for the platform that it concerns."""
    down = cohort.run(sources=(SourceState(source="campaign_spend", platform="google", available=False, why="login timed out."),))
    assert explain(run=down, actual_micros=None, red_gates="freshness") == ("actuals_unavailable", "No spend could be read for Google Ads: login timed out.")
    other = cohort.run(sources=(SourceState(source="campaign_spend", platform="meta", available=False),))
    assert explain(run=other, red_gates="freshness")[0] == "feed_stale"


@pytest.mark.parametrize(("columns", "after", "code", "said"), [
    (ZERO | {"impressions": 1200}, {}, "cost_fault", "1,200 impressions were served and no cost is reported: the cost is missing or wrong in the feed."),
    (ZERO | {"platform_status": "paused"}, {}, "paused_on_platform", "Google Ads reports the campaign as paused."),
    (ZERO | {"impressions": 0}, {}, "never_delivered",
     "The campaign has spent nothing and shown no ad since the flight began on Mon 1 Jun; Google Ads does not say why."),
    (ZERO, {}, "never_delivered", "The campaign has spent nothing since the flight began on Mon 1 Jun; Google Ads does not say why."),
    (STOPPED | {"platform_end": "2026-06-08"}, {}, "ended_on_platform", "In Google Ads the campaign ended on Mon 8 Jun; the plan runs to Tue 30 Jun."),
    (ZERO | {"platform_start": "2026-06-15"}, {}, "starts_later_on_platform",
     "In Google Ads the campaign starts on Mon 15 Jun; the plan starts on Mon 1 Jun."),
    (STOPPED, {"zero_kind": "account"}, "account_stopped",
     "None of the 5 live campaigns of Google Ads account A1 delivers: this one has spent nothing since Mon 8 Jun."),
])
def test_causes_of_silence(columns, after, code, said):
    """Each cause of zero delivery is one sentence with its dates."""
    assert explain(after=after, **columns) == (code, said)


def test_the_day_on_which_spend_stopped_is_named():
    """Stopped on a day: which, how much it spent, and since when there is none."""
    assert explain(days=[100] * 8, **STOPPED) == (
        "stopped", "Spend stopped: the last day with any was Mon 8 Jun, when it spent €100, and there is none for Tue 9 Jun to Wed 10 Jun.")


def test_a_daily_budget_that_changed_is_the_cause():
    """The daily budget went from x to y on a day, and spend with it."""
    changed = {"daily_budget_micros": 350 * UNIT, "daily_budget_before_micros": 200 * UNIT, "daily_budget_changed_day": "2026-06-08"}
    days = [100, 102, 98, 101, 99, 100, 100, 300, 305, 295]
    assert explain(days=days, **changed, actual_micros=1_600 * UNIT) == (
        "daily_budget_changed", "The daily budget in Google Ads went from €200 to €350 on Mon 8 Jun, and spend from about €100 to about €300 a day.")
    assert explain(**changed, actual_micros=500 * UNIT)[0] == "unknown"  # a raise does not explain too little


def test_a_change_of_level_is_named_with_its_day():
    """Spend changed on a day from about a to about b a day, and stayed."""
    days = [100, 102, 98, 101, 99, 100, 100, 300, 305, 295]
    assert explain(days=days, actual_micros=1_600 * UNIT) == (
        "level_changed", "Daily spend rose from about €100 to about €300 on Mon 8 Jun and has stayed there.")
    assert explain(days=days, actual_micros=700 * UNIT)[0] == "unknown"  # a rise does not explain too little


def test_ordinary_rhythm_is_no_change_of_level():
    """Weekdays up and weekends down are no step."""
    assert explain(days=[170, 165, 172, 168, 166, 90, 85, 171, 169, 167], actual_micros=1_523 * UNIT)[0] != "level_changed"


def test_spend_that_sits_at_its_daily_budget_has_hit_its_cap():
    """Two closed days or more at a daily budget below plan; 3 % is at it, more is not."""
    columns = {"daily_budget_micros": 70 * UNIT, "actual_micros": 700 * UNIT}
    assert explain(days=[70] * 10, **columns) == (
        "hit_its_cap", "Spend has sat at its daily budget of €70 in Google Ads for 7 closed days; the plan takes €100 a day.")
    assert explain(days=[70] * 8 + [66, 67], **columns)[0] == "steadily_off_plan"


def test_a_late_start_is_the_cause_where_it_explains_the_gap():
    """The first spend came after the start and what was planned until then is at least half of what is missing."""
    columns = {"first_spend_day": "2026-06-04", "actual_micros": 700 * UNIT}
    assert explain(days=[0, 0, 0, *[100] * 7], **columns) == (
        "late_start", "The first spend came on Thu 4 Jun, 3 days after the start; €300 was planned for that time.")
    assert explain(**columns | {"actual_micros": 300 * UNIT})[0] == "unknown"


def test_a_budget_paced_before_its_fee_is_recognised():
    """actual / target is 1 / (1 - fee): spend follows the gross budget. Another ratio is another cause."""
    assert explain(fee_pct=15.0, actual_micros=1_176 * UNIT) == (
        "gross_against_net", "Spend is 118 % of plan, just as it is when the 15 % fee has not been taken off the budget.")
    assert explain(fee_pct=15.0, actual_micros=1_250 * UNIT)[0] == "unknown"


@pytest.mark.parametrize(("units", "said"), [
    (10_000, "Spend is about 10 times plan (€1,000 a day against €100 planned), as it is when the budget in row 2 has a digit too few."),
    (100, "Spend is about a tenth of plan (€10 a day against €100 planned), as it is when the budget in row 2 has a digit too many.")])
def test_a_digit_too_many_or_too_few_is_recognised(units, said):
    """Spend near 10 times or a tenth of plan looks like a typo of the plan."""
    assert explain(actual_micros=units * UNIT) == ("budget_tenfold", said)


def test_a_daily_budget_above_plan_is_named():
    """Over plan, with a daily budget that allows it."""
    assert explain(days=[150] * 10, daily_budget_micros=150 * UNIT, **OVER)[1] == (
        "The daily budget in Google Ads is €150; the plan takes €100 a day, and €150 was spent.")


def test_a_steady_difference_is_called_steady():
    """No step and most closed days on one side: said so, with both daily figures."""
    assert explain(days=[50] * 10, **UNDER) == (
        "steadily_off_plan", "Spend has been below plan on 10 of 10 closed days, €50 a day against €100 planned; no single day explains it.")


def test_data_come_before_delivery():
    """The declared order decides: a duplicate is named before the silence it may cause."""
    assert explain(**ZERO | {"duplicate_days": 1})[0] == "duplicate_rows"
    assert next(code for code, _ in root_cause.ORDER) == "actuals_unavailable"
    assert len({code for code, _ in root_cause.ORDER}) == len(root_cause.ORDER)
