"""Causes that lie in the data or in who is who. Each rule gives one whole sentence with its figures, or nothing."""

import math
from collections.abc import Callable

import pandas as pd

from pacing_brain.frames import NO_CURRENCY
from pacing_brain.cases import Case
from pacing_brain.gates import common_level
from pacing_brain.identity_evidence import lost_sentence
from pacing_brain.model import MatchKind
from pacing_brain.plan_edits import edit_sentence
from pacing_brain.zones import moment_text

Rule = Callable[[Case], str | None]
TENFOLD = 0.02  # how near a factor is to a power of ten to be one


def actuals_unavailable(case: Case) -> str | None:
    for state in case.run.sources:
        if not state.available and state.platform in (None, case["platform"]):
            return f"No spend could be read for {case.platform}: {(state.why or 'the source did not answer').rstrip('.')}."
    return f"No spend could be read for {case.platform}: the source did not answer." if case.account.get("available") is False else None


def feed_stale(case: Case) -> str | None:
    if "freshness" not in case.red:
        return None
    loaded = case.account.get("loaded_at")
    if loaded is None:
        return f"The feed of {case.platform} account {case['account_id']} has never been loaded."
    hours = (pd.Timestamp(case.run.as_of) - loaded).total_seconds() / 3600
    return (f"The feed of {case.platform} account {case['account_id']} was last loaded on {moment_text(loaded)}, {hours:.0f} h before this run; "
            f"it usually loads every {case.account['cycle_hours']:g} h.")


def load_in_the_future(case: Case) -> str | None:
    loaded = case.account.get("loaded_at")
    if "clock" not in case.red or loaded is None:
        return None
    return f"The feed says it was loaded on {moment_text(loaded)}, which is after this run: a clock is wrong."


def mixed_currencies(case: Case) -> str | None:
    if "," not in (case["feed_currencies"] or ""):
        return None
    return f"The feed reports this campaign in several currencies ({case['feed_currencies'].replace(',', ', ')}), so its days do not add up to an amount."


def currency_differs(case: Case) -> str | None:
    feed = case["feed_currencies"] or ""
    unnamed = feed == NO_CURRENCY and "currency" not in case.red  # a source that names no currency at all
    if not feed or feed == case["currency"] or unnamed:
        return None
    return f"The plan is in {case['currency']} and the feed reports {feed}, so the two cannot be compared."


def duplicate_rows(case: Case) -> str | None:
    days = case["duplicate_days"] or 0
    return f"The warehouse has more than one row for {_days(days)} of this campaign, so its spend may be counted twice." if days else None


def not_a_number(case: Case) -> str | None:
    days = case["bad_days"] or 0
    return f"The warehouse has spend that is not a number on {_days(days)} of this campaign." if days else None


def history_shrank(case: Case) -> str | None:
    if "completeness" not in case.red:
        return None
    if lost := case["lost_days"] or 0:
        return f"{_days(lost).capitalize()} that an earlier run saw {'is' if lost == 1 else 'are'} gone from the warehouse."
    shrunk = case["shrunk_pct"] or 0.0
    return f"Spend of closed days is {shrunk:.1f} % smaller than an earlier run saw it." if shrunk > 0 else None


def account_jumped(case: Case) -> str | None:
    """One factor over a whole account."""
    pct = case.account.get("common_level_pct")
    if pct is None or "completeness" not in case.red:
        return None
    return f"The feed, not the campaigns: {common_level(pct)}. A currency, a unit or a fee in the feed has changed."


def rows_do_not_add_up(case: Case) -> str | None:
    return "The rows do not add up to the warehouse's own total over the same days." if "tie_out" in case.red else None


def tracker_stale(case: Case) -> str | None:
    read = case.run.tracker_read_at
    if "tracker" not in case.red or read is None:
        return None
    days = (case.run.as_of - read).days
    return f"The plan was last readable on {moment_text(read)}, {days} days before this run." if days else None


def zone_differs(case: Case) -> str | None:
    if "timezone" not in case.red:
        return None
    return f"The plan counts its days in {case['timezone']}, the account in {case['account_timezone']}: their days are not the same."


def overlapping_lines(case: Case) -> str | None:
    if not case["overlaps"]:
        return None
    return f"Lines of the plan overlap on this campaign: {case['flight_id']} shares days with {case['overlaps'].replace(',', ', ')}."


def match_lost(case: Case) -> str | None:
    return lost_sentence(case.row) if case["lost_name"] is not None else None


def plan_edited(case: Case) -> str | None:
    """An edit of budget or dates that the spend does not follow, with what it looks like."""
    if case["budget_was_micros"] is None or not ("tracker" in case.red or case["severity"] == "warning"):
        return None
    factor = case["budget_micros"] / case["budget_was_micros"]
    if factor == 1 and case["end_was"] is not None:
        return edit_sentence(case.row) + (" The same day of another year: a tracker typo." if _another_year(case) else " Is it a tracker typo?")
    power = round(math.log10(factor))
    looks = "a zero too many" if power > 0 else "a zero too few"
    said = f" It looks like {looks}: a tracker typo." if power and abs(factor / 10**power - 1) < TENFOLD else ""
    digits = sorted(str(case["budget_micros"]).rstrip("0")) == sorted(str(case["budget_was_micros"]).rstrip("0"))
    return edit_sentence(case.row) + (said or (" The same digits in another order: a tracker typo." if digits else " Is it a tracker typo?"))


def _another_year(case: Case) -> bool:
    pairs = [(case[f"{name}_was"], case[f"{name}_date"]) for name in ("start", "end")]
    return any(was.year != now.year and (was.month, was.day) == (now.month, now.day) for was, now in pairs)


def look_alike(case: Case) -> str | None:
    if case["match_kind"] != MatchKind.AMBIGUOUS.value:
        return None
    found = [one for one in case["candidates"] or [] if one.get("verdict") != "not proposed"]
    names = [f"{one['campaign_name']} ({one['similarity']:.0%} alike)" for one in found]
    if not names:
        return "It is not certain which campaign of the platform this line of the plan means."
    if len(names) == 1:
        return f"{names[0]} in {case.platform} looks like this line of the plan, but nothing proves that it is the same."
    return f"Several campaigns in {case.platform} could be this line of the plan: {', '.join(names[:-1])} and {names[-1]}."


def missing_id(case: Case) -> str | None:
    if case["match_kind"] != MatchKind.NONE.value or case["campaign_id"] is not None or (case["n_campaigns"] or 1) > 1:
        return None
    return f"Row {case['row']} of the plan has no campaign id, and no campaign in {case.platform} has its name."


def partly_found(case: Case) -> str | None:
    wanted, found = case["n_campaigns"] or 1, case["n_matched"] or 0
    return f"Of the {wanted} campaigns of this line, {found} {'was' if found == 1 else 'were'} found in {case.platform}." if wanted > max(found, 1) else None


def not_found(case: Case) -> str | None:
    if case["match_kind"] != MatchKind.NONE.value or case["campaign_id"] is None:
        return None
    return (f"{case.platform} has never reported the campaign id {case['campaign_id']}: the id in row {case['row']} of the plan is wrong, "
            "or the campaign has not been set up.")


def renamed(case: Case) -> str | None:
    name, planned, alike = case["platform_name"], case["campaign_name"], case["name_similarity"]
    if not _doubted(case) or name is None or planned is None or alike is None or alike >= 0.999:
        return None
    return f"The campaign is called {name} in {case.platform} and {planned} in the plan ({alike:.0%} alike)."


def details_differ(case: Case) -> str | None:
    if not _doubted(case):
        return None
    fields = [str(name).replace("_", " ") for name, verdict in (case["metadata_detail"] or {}).items() if verdict in ("differs", "empty")]
    return f"Plan and {case.platform} do not agree on {', '.join(fields)}." if fields else None


def _doubted(case: Case) -> bool:
    """Escalated for its low score alone."""
    return case["lane"] == "escalate" and not case.red and not case["cost_fault"]


def _days(count: int) -> str:
    return "one day" if count == 1 else f"{count} days"
