"""Remedies in whole sentences, by what is wrong. Figures come with the flight; nothing here decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from pacing_brain.causes_of_delivery import STOPPED_STATES
from pacing_brain.cases import Case
from pacing_brain.zones import day_text, moment_text

PAUSE_NOW, IS_PAUSED, KEEP_RUNNING = "Pause now: the plan", "It is paused. The plan", "Keep it running at "  # how remedies begin
RESUMABLE = ("paused", "disabled", "inactive")
DAY_US = 86_400_000_000  # microseconds in 24 hours
FIXES: dict[str, Callable[[Case], str]] = {
    "actuals_unavailable": lambda _: "Nothing to do on the campaign: it is judged again as soon as the source answers.",
    "feed_stale": lambda case: f"Mend or restart the load of {case.platform} account {case['account_id']}; it is judged again at the next run after it.",
    "load_in_the_future": lambda _: "Set the clock of the loader; times in the load table are UTC.",
    "mixed_currencies": lambda case: f"Find out which currency {case.platform} account {case['account_id']} is billed in, and load the other rows anew.",
    "currency_differs": lambda case: f"Correct the currency in row {case['row']} of the plan, or the account it points to.",
    "duplicate_rows": lambda _: "Remove the second rows from the warehouse: one row for each campaign and day.",
    "not_a_number": lambda _: "Load the days whose spend is not a number again.",
    "history_shrank": lambda _: "Load the missing days again, or confirm that the platform has taken them back.",
    "rows_do_not_add_up": lambda _: "Compare the spend query with the table's total: a filter or a join loses or doubles rows.",
    "tracker_stale": lambda case: f"Make {case.run.tracker} readable again; it is paced by the plan as it was last read.",
    "overlapping_lines": lambda case: f"Give rows {case['rows']} of the plan and those of {case['overlaps'].replace(',', ', ')} days of their own, or one flight_id.",
    "zone_differs": lambda case: f"Write {case['account_timezone']} into the time zone of row {case['row']}, or leave it empty.",
    "missing_id": lambda case: f"Put the id of the {case.platform} campaign into column campaign_id, row {case['row']}.",
    "not_found": lambda case: f"Compare campaign_id in row {case['row']} with {case.platform}, digit by digit; spreadsheets round long ids and drop leading zeros.",
    "partly_found": lambda case: f"Compare the campaign ids of rows {case['rows']} with {case.platform}.",
    "renamed": lambda case: f"Confirm that it is the same campaign, or write its name in {case.platform} into row {case['row']}.",
    "details_differ": lambda case: f"Correct row {case['row']} of the plan where {case.platform} is right.",
    "cost_fault": lambda case: f"Compare the cost in {case.platform} with the warehouse for these days; spend is not judged until they agree.",
    "budget_tenfold": lambda case: f"Check the budget in row {case['row']} of the plan first.",
    "gross_against_net": lambda case: f"Check whether the budget in row {case['row']} is gross or net, and set the one in {case.platform} after the fee.",
    "paused_on_platform": lambda case: f"If it should run, switch it on in {case.platform}; if it is meant to be off, say until when.",
    "ended_on_platform": lambda case: f"Move the end date in {case.platform} to {day_text(case['end_date'])}, or shorten the plan.",
    "starts_later_on_platform": lambda case: f"Move the start date in {case.platform}, or the one in row {case['row']} of the plan.",
    "account_stopped": lambda case: f"Look at the account first, not at the campaign: payment, credit line and spending limit of {case.platform} account {case['account_id']}.",
}
CHECKLIST = (
    "Status: are campaign, ad set and ad all on? Are start date and hour right, in the account's time zone?",
    "Creative: is any ad still in review or rejected? Is the landing page reachable?",
    "Payment: card, credit line, account spending limit.",
    "Audience: is it too narrow, or excluded by another list?",
    "Bid: is the cost or bid cap below the going price?",
    "Budget: is it set on the campaign or the ad set, and above the minimum?",
)


@dataclass(frozen=True)
class Outlook:
    """What is left of a flight at its watermark."""

    left_micros: int  # budget - actual; negative once overspent
    left_us: int  # microseconds to the end
    planned_a_day: int  # budget over the flight's days
    catch_up: pd.Timestamp | None  # when the plan reaches what is spent already

    @classmethod
    def of(cls, case: Case) -> "Outlook":
        end, at = case["day_end"], case["watermark"]
        days = (case["end_date"] - case["start_date"]).days + 1
        left_us = max((end - at) // pd.Timedelta(microseconds=1), 0) if at is not None else 0
        return cls(case["budget_micros"] - (case["actual_micros"] or 0), int(left_us), case["budget_micros"] // days, case["catch_up"])

    @property
    def needed_a_day(self) -> int | None:
        """The daily spend that lands on the budget; null when there is nothing left to spend or no time."""
        return self.left_micros * DAY_US // self.left_us if self.left_us and self.left_micros > 0 else None

    def resumed_a_day(self, case: Case) -> int | None:
        """The daily spend that lands on the budget after a pause until the plan has caught up."""
        if self.catch_up is None:
            return None
        after = (case["day_end"] - self.catch_up) // pd.Timedelta(microseconds=1)
        return self.left_micros * DAY_US // after if after > 0 and self.left_micros > 0 else None


def over(case: Case, outlook: Outlook) -> list[str]:
    """Pause until the plan catches up, or a daily budget that lands on it, or a plan that says what was agreed. What is paused already stays so until then."""
    budget, needed = case.money(case["budget_micros"]), outlook.needed_a_day
    agreed = f"If more was agreed, correct row {case['row']} of the plan."
    if case["platform_status"] in STOPPED_STATES:
        return [*(_resumed(case, outlook, IS_PAUSED) if case["platform_status"] in RESUMABLE else []), agreed]
    if needed is None:
        spent = f"The budget of {budget} is spent" if outlook.left_micros <= 0 else "The flight has no days left"
        return [f"{spent}: pause it, or write into row {case['row']} of the plan what has been agreed since."]
    instead = f" instead of {case.money(case['daily_budget_micros'])}" if case["daily_budget_micros"] else ""
    peak = f" (Google may still spend up to {case.money(2 * needed)} on one day.)" if case["platform"] == "google" else ""
    return [*_resumed(case, outlook, PAUSE_NOW), f"{KEEP_RUNNING}{case.money(needed)} a day{instead}: it lands on {budget}.{peak}", agreed]


def _resumed(case: Case, outlook: Outlook, lead: str) -> list[str]:
    """When the plan has caught up, and what may be spent a day from there; nothing where it never does."""
    resumed = outlook.resumed_a_day(case)
    if resumed is None or outlook.catch_up is None:
        return []
    return [f"{lead} catches up about {moment_text(outlook.catch_up, case['account_timezone'])}; resume then, at {case.money(resumed)} a day."]


def once_paused(steps: Sequence[str]) -> list[str]:
    """The same advice about a campaign that has been paused since: when to resume it, and what else there is to do."""
    return [step.replace(PAUSE_NOW, IS_PAUSED, 1) for step in steps if not step.startswith(KEEP_RUNNING)]


def under(case: Case, outlook: Outlook) -> list[str]:
    """What is needed a day; a budget is raised only where all of it is spent, otherwise what holds delivery back is looked for."""
    needed = outlook.needed_a_day
    if needed is None:
        return [f"The flight has no days left: agree what happens to the {case.money(outlook.left_micros)} that was not spent."]
    steps = [_needs(case, outlook, needed)]
    cap = case["daily_budget_micros"]
    if cap is not None and cap < needed and _is_spent(case, cap):
        return [*steps, f"Raise the daily budget in {case.platform} from {case.money(cap)} to {case.money(needed)}: all of it is spent now."]
    return [*steps, "Do not raise the budget, as what is there is not spent. Look at bid or cost caps, ads in review or rejected, and schedule.",
            "Widen the targeting: audience, places, placements, keywords, frequency cap."]


def _is_spent(case: Case, cap: int) -> bool:
    """Whether the present daily budget is spent: only then would a higher one be."""
    now = case["rate_daily_micros"] if case["rate_daily_micros"] is not None else case["closed_day_micros"]
    return case["root_cause_code"] == "hit_its_cap" or (case["root_cause_code"] == "daily_budget_changed" and (now or 0) * 10 >= cap * 9)


def zero(case: Case, outlook: Outlook) -> list[str]:
    """What each further day costs, then the checklist in the order in which causes are met and cheap to look at."""
    needed = outlook.needed_a_day
    return [*([_needs(case, outlook, needed)] if needed is not None else []), *CHECKLIST]


def _needs(case: Case, outlook: Outlook, needed: int) -> str:
    more = (needed - outlook.planned_a_day) * 100 // outlook.planned_a_day if outlook.planned_a_day else 0
    share = f" ({more} % more than the {case.money(outlook.planned_a_day)} planned)" if more > 0 else ""
    return f"To land on {case.money(case['budget_micros'])} it needs {case.money(needed)} a day from now on{share}."


def match_questions(case: Case) -> list[str]:
    """One question per campaign that could be meant, and what would end the doubt for good."""
    open_ = [one for one in case["candidates"] or [] if one.get("verdict") != "not proposed"]
    asked = [f"Is {one['campaign_name']} (id {one['campaign_id'] or 'unknown'}, {case.money(one.get('spend_micros'))} spent) the campaign of row {case['row']}?"
             for one in open_]
    return [*asked, f"Better still: put its id into column campaign_id, row {case['row']}."]
