"""Causes that lie in how the campaign delivers or how it was planned. Each rule gives one whole sentence with its figures, or nothing."""

import math

from pacing_brain.cases import ONE_DAY, Case, days_text, level_change
from pacing_brain.unexplained import astray_sentence, level_sentence
from pacing_brain.zones import day_text

STOPPED_STATES = ("paused", "removed", "archived", "disabled", "ended", "deleted", "inactive")
AT_CAP_PCT = 3  # spend within this of the daily budget sits at it
TENFOLD = (8.0, 12.5)  # actual / planned of a budget that lost or gained a digit
FEE_TOLERANCE = 0.015
UNIT_FACTOR = 5.0  # no pace changes by as much within a day
RATES = {"EUR for USD": 1.08, "GBP for USD": 1.27, "USD for GBP": 0.79, "CAD for USD": 0.73, "USD for CAD": 1.37, "AUD for USD": 0.66, "USD for AUD": 1.52}
RATE_NEAR = 0.09  # in ln: the last 24 h tell a factor no better


def cost_fault(case: Case) -> str | None:
    if not case["cost_fault"]:
        return None
    shown, on = (case["closed_day_impressions"], f" on {day_text(case['closed_day'])}") if case["spend_days"] else (case["impressions"], "")
    return f"{shown:,} impressions were served{on} and no cost is reported: the cost is missing or wrong in the feed."


def paused(case: Case) -> str | None:
    if not case["zero_delivery"] or case["platform_status"] not in STOPPED_STATES:
        return None
    return f"{case.platform} reports the campaign as {case['platform_status']}."


def ended_on_platform(case: Case) -> str | None:
    end, closed = case["platform_end"], case["closed_day"]
    if end is None or closed is None or end >= min(closed, case["end_date"]) or not (case["zero_delivery"] or case["direction"] == "under"):
        return None
    return f"In {case.platform} the campaign ended on {day_text(end)}; the plan runs to {day_text(case['end_date'])}."


def starts_later_on_platform(case: Case) -> str | None:
    start = case["platform_start"]
    if start is None or start <= case["start_date"] or not (case["zero_delivery"] or case["direction"] == "under") or _delivered_before(case):
        return None
    return f"In {case.platform} the campaign starts on {day_text(start)}; the plan starts on {day_text(case['start_date'])}."


def _delivered_before(case: Case) -> bool:
    return case["first_spend_day"] is not None and case["first_spend_day"] < case["platform_start"]


def account_stopped(case: Case) -> str | None:
    if case["zero_kind"] != "account":
        return None
    live = case.account.get("live_flights")
    if case.account.get("quiet"):
        return (f"The account, not this campaign: nothing came in the last 4 h of loads for nearly all campaigns of {case.platform} account {case['account_id']}, "
                "in hours that delivered the day before. The account has been stopped, or its rows are not updated any more while the loads go on.")
    since = f" since {day_text(case['last_spend_day'])}" if case["last_spend_day"] is not None else ""
    return f"None of the {live} live campaigns of {case.platform} account {case['account_id']} delivers: this one has spent nothing{since}."


def never_delivered(case: Case) -> str | None:
    if case["zero_kind"] != "never":
        return None
    shown = " and shown no ad" if case["impressions"] == 0 else ""
    return f"The campaign has spent nothing{shown} since the flight began on {day_text(case['start_date'])}; {case.platform} does not say why."


def stopped(case: Case) -> str | None:
    if case["zero_kind"] != "stopped":
        return None
    last = case["last_spend_day"]
    spent = case.spend.get(last)
    amount = f", when it spent {case.money(spent)}" if spent else ""
    silent = days_text(last + ONE_DAY, case["closed_day"])
    return f"Spend stopped: the last day with any was {day_text(last)}{amount}, and there is none for {silent}."


def fell_silent(case: Case) -> str | None:
    if case["zero_kind"] != "silent":
        return None
    return f"Spend fell silent: nothing came in the last 8 h of loads, in hours that delivered the day before; a usual day takes {case.money(case['usual_micros'])}."


def level_jumped(case: Case) -> str | None:
    """The last 24 hours against its own days, where they are what raised it; a factor that looks like a unit or an exchange rate is said."""
    level = case["level_pct"]
    if not case["level_off"] or level is None:
        return None
    said = f"Its spend has jumped {'up' if level > 0 else 'down'}: {level_sentence(case.row)}"
    factor = 1.0 + level / 100.0
    if not 1 / UNIT_FACTOR < factor < UNIT_FACTOR:
        return f"{said} x{factor:.3g} is no change of pace: it looks like another currency or unit in the feed."
    rate = min(RATES, key=lambda name: abs(math.log(factor / RATES[name])))
    return f"{said} x{factor:.2f} would also be an amount in another currency ({rate})." if abs(math.log(factor / RATES[rate])) < RATE_NEAR else said


def gross_against_net(case: Case) -> str | None:
    """Spend follows the budget before the fee: actual / target is 1 / (1 - fee)."""
    fee, ratio = case["fee_pct"], _ratio(case)
    if fee is None or ratio is None or not 0 < fee < 100 or case["direction"] != "over":
        return None
    expected = 100.0 / (100.0 - fee)
    if abs(ratio / expected - 1.0) > FEE_TOLERANCE:
        return None
    return f"Spend is {ratio * 100:.0f} % of plan, just as it is when the {fee:g} % fee has not been taken off the budget."


def tenfold(case: Case) -> str | None:
    """A digit too many or too few in the plan."""
    ratio = _ratio(case)
    if ratio is None or ratio <= 0 or case["zero_delivery"]:
        return None
    low, high = TENFOLD
    times = "10 times" if low <= ratio <= high else "a tenth of" if low <= 1.0 / ratio <= high else None
    if times is None:
        return None
    spent = round(case["actual_micros"] / case.elapsed_days) if case.elapsed_days else None
    return (f"Spend is about {times} plan ({case.money(spent)} a day against {case.money(case.planned_a_day)} planned), "
            f"as it is when the budget in row {case['row']} has a digit too {'few' if ratio > 1 else 'many'}.")


def late_start(case: Case) -> str | None:
    first, missed, off = case["first_spend_day"], case.planned_before_first, case.off_micros
    if first is None or missed is None or off is None or case["direction"] != "under" or first <= case["start_date"] or missed * 2 < -off:
        return None
    late = (first - case["start_date"]).days
    return (f"The first spend came on {day_text(first)}, {late} {'day' if late == 1 else 'days'} after the start; "
            f"{case.money(missed)} was planned for that time.")


def daily_budget_changed(case: Case) -> str | None:
    before, after, day = case["daily_budget_before_micros"], case["daily_budget_micros"], case["daily_budget_changed_day"]
    if before is None or after is None or day is None or before == after or (after > before) != (case["direction"] == "over"):
        return None
    if case["direction"] not in ("over", "under") or day < case["start_date"]:
        return None
    step = level_change(case.closed)
    moved = "" if step is None or abs((step[0] - day).days) > 1 else f", and spend from about {case.money(step[1])} to about {case.money(step[2])} a day"
    return f"The daily budget in {case.platform} went from {case.money(before)} to {case.money(after)} on {day_text(day)}{moved}."


def hit_its_cap(case: Case) -> str | None:
    """The last closed days, two at least, all sit at a daily budget that is below plan."""
    cap = case["daily_budget_micros"]
    if cap is None or case["direction"] != "under" or (case["n_campaigns"] or 1) > 1:
        return None
    plan, recent, at_cap = case.planned_a_day, [micros for _, micros in case.closed[-7:]], 0
    if plan is None or cap >= plan:
        return None
    while at_cap < len(recent) and abs(recent[-1 - at_cap] - cap) * 100 <= AT_CAP_PCT * cap:
        at_cap += 1
    if at_cap < 2:
        return None
    return f"Spend has sat at its daily budget of {case.money(cap)} in {case.platform} for {at_cap} closed days; the plan takes {case.money(plan)} a day."


def daily_budget_above_plan(case: Case) -> str | None:
    cap = case["daily_budget_micros"]
    if cap is None or case["direction"] != "over" or (case["n_campaigns"] or 1) > 1:
        return None
    plan, recent = case.planned_a_day, [micros for _, micros in case.closed[-7:]]
    if plan is None or not recent or cap * 10 < plan * 11:
        return None
    spent = round(sum(recent) / len(recent))
    if spent * 10 < plan * 11:
        return None
    return f"The daily budget in {case.platform} is {case.money(cap)}; the plan takes {case.money(plan)} a day, and {case.money(spent)} was spent."


def level_changed(case: Case) -> str | None:
    step = level_change(case.closed)
    if step is None or case["direction"] not in ("over", "under") or (step[2] > step[1]) != (case["direction"] == "over"):
        return None
    day, before, after = step
    word = "rose" if after > before else "fell"
    return f"Daily spend {word} from about {case.money(before)} to about {case.money(after)} on {day_text(day)} and has stayed there."


def steadily_off(case: Case) -> str | None:
    """No step: most closed days lie on the same side of plan."""
    plan, over = case.planned_a_day, case["direction"] == "over"
    if plan is None or case["curve"] != "even" or case["direction"] not in ("over", "under") or len(case.closed) < 3:
        return None
    sided = [micros for _, micros in case.closed if (micros > plan if over else micros < plan)]
    if len(sided) * 5 < len(case.closed) * 4:
        return None
    mean = round(sum(micros for _, micros in case.closed) / len(case.closed))
    return (f"Spend has been {'above' if over else 'below'} plan on {len(sided)} of {len(case.closed)} closed days, "
            f"{case.money(mean)} a day against {case.money(plan)} planned; no single day explains it.")


def will_not_land(case: Case) -> str | None:
    """Nothing in its days explains it, yet where it ends is likelier outside the warning band than within."""
    return astray_sentence(case.row) if (case["p_astray"] or 0.0) >= 0.5 and case["phase"] == "live" else None


def flight_ended(case: Case) -> str | None:
    off = case.off_micros
    if case["phase"] != "ended" or off is None or off == 0:
        return None
    side = "more" if off > 0 else "less"
    return f"The flight ended on {day_text(case['end_date'])} with {case.money(abs(off))} {side} spent than planned."


def _ratio(case: Case) -> float | None:
    pacing = case["pacing_pct"]
    return None if pacing is None else pacing / 100.0


