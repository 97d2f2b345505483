"""The agency of the sample world: invented clients, their accounts, and every case on purpose with what it must come to.

Beside each case stands the reading of DESIGN.md's decision table that its label follows. Days are relative to the date of `as_of`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from flows.world import NEVER, World, calendar_around, campaign_frame, micros_since_1970
from flows.world.book import START, Account, Book, Expected

BEFORE, AFTER = 68, 40  # days of the calendar: a whole month before last month's end, a month to live through ahead

ACCOUNTS = {
    "GUK": Account("google", "4401872210", "Halden Outdoor", "GBP", "Europe/London", "UK"),
    "GDE": Account("google", "4401872311", "Halden Outdoor", "EUR", "Europe/Berlin", "DE"),
    "MUK": Account("meta", "318204417700125", "Halden Outdoor", "GBP", "Europe/London", "UK"),
    "GUS": Account("google", "7205519043", "Brightwater Bank", "USD", "America/New_York", "US"),
    "MUS": Account("meta", "318204417700233", "Brightwater Bank", "USD", "America/New_York", "US"),
    "DUS": Account("dv360", "5518203", "Brightwater Bank", "USD", "America/New_York", "US"),
    "GMD": Account("google", "6127730984", "Mirelle Beauty", "EUR", "Europe/Berlin", "DE"),
    "MMF": Account("meta", "318204417700341", "Mirelle Beauty", "EUR", "Europe/Paris", "FR"),
    "DMU": Account("dv360", "5518377", "Mirelle Beauty", "GBP", "Europe/London", "UK"),
    "GKW": Account("google", "9003316728", "Kestrel Mobile", "USD", "America/Los_Angeles", "US"),
    "MJP": Account("meta", "318204417700459", "Lantern Games", "JPY", "Asia/Tokyo", "JP"),
    "GES": Account("google", "2277401359", "Kestrel Mobile", "EUR", "Europe/Madrid", "ES"),
    "GIE": Account("google", "2277401462", "Kestrel Mobile", "EUR", "Europe/Dublin", "IE"),
}
STALE, SILENT = "GES", "GIE"
STALE_HOURS = 26
PER_STANDING_ACCOUNT = 8  # campaigns; further healthy ones open further accounts
TACTICS = ("Search", "Video", "Display", "Retargeting", "Shopping", "Reach", "Prospecting", "Brand")
PRODUCTS = {"Halden Outdoor": ("Boots", "Tents", "Jackets"), "Brightwater Bank": ("Cards", "Mortgages", "Savings"),
            "Mirelle Beauty": ("Serum", "Fragrance", "Lipstick"), "Kestrel Mobile": ("Plans", "Handsets", "Fibre"),
            "Lantern Games": ("Gacha", "Puzzle", "Arena")}  # fmt: skip

HEALTHY = Expected("healthy", "healthy", "log_only", "id")
WARNING = Expected("warning", "warning", "slack_alert", "id")
OVER = Expected("critical", "critical", "recommend_halt", "id", "over")
UNDER = Expected("critical", "critical", "slack_alert", "id", "under")
ZERO = Expected("critical", "critical", "recommend_halt", "id", "zero")
ESCALATED = Expected(None, "escalate", "escalate", "id")  # the severity behind an escalation is not asserted


def agency(seed: int, campaigns: int, as_of: pd.Timestamp, *, cases: bool, accounts_of: tuple[int, int]) -> World:
    """The world of `World.generate`."""
    standing = ACCOUNTS if cases else {code: account for code, account in ACCOUNTS.items() if code not in (STALE, SILENT)}
    zones = tuple(sorted({account.timezone for account in ACCOUNTS.values()}))
    calendar = calendar_around(as_of, zones, before=BEFORE, after=AFTER)
    book = Book(seed, as_of, calendar, dict(standing))
    if cases:
        _off_plan(book)
        _not_delivering(book)
        _shapes_of_plans(book)
        _who_is_who(book)
        _bad_data(book)
    _healthy(book, campaigns, accounts_of)
    return World(seed, as_of, calendar, _account_frame(book), campaign_frame(book.campaigns), book.target_frame(), book.label_frame())


def _off_plan(book: Book) -> None:
    # |variance| in [10, 25): warning, slack_alert.
    book.add("warning_over", "MUK", "Halden_UK_Social_Jackets", WARNING.about("over").word_is("budget"), budget=21_000, factor=1.17)
    book.add("warning_over", "DMU", "Mirelle_UK_Video_Serum", WARNING.about("over").word_is("budget"), budget=26_600, factor=1.16)
    book.add("warning_under", "GUS", "Brightwater_US_Search_Savings", WARNING.about("under").word_is("below"), budget=42_000, factor=0.83)
    book.add("warning_under", "MJP", "Lantern_JP_Reach_Arena", WARNING.about("under").word_is("below"), budget=7_000_000, factor=0.82)
    # >= 25 % over on a sure match: a halt is recommended.
    book.add("critical_over", "GUK", "Halden_UK_Search_Boots", OVER.word_is("budget"), budget=35_000, factor=1.38, daily_budget=1.4)
    book.add("critical_over_raised", "GMD", "Mirelle_DE_Search_Serum", OVER.word_is("budget"), budget=17_500, factor=1.0, step=(-12, 2.2),
             daily_budget=2.3, old_daily_budget=1.05)  # fmt: skip
    # >= 25 % under: urgent alert; pausing a campaign that already spends too little is not recommended.
    book.add("critical_under", "MUS", "Brightwater_US_Social_Cards", UNDER.word_is("below"), budget=28_000, factor=0.6)
    book.add("critical_under_capped", "GDE", "Halden_DE_Search_Tents", UNDER.word_is("budget"), budget=24_500, capped=True, daily_budget=0.68)
    book.add("late_start", "GUS", "Brightwater_US_Display_Mortgages", UNDER.word_is("start"), budget=31_500, first=-13)
    # Before 24 h and one closed day no band is judged; before the start there is nothing to judge.
    book.add("early", "GUK", "Halden_UK_Reach_Boots", HEALTHY, budget=14_000, start=0, end=13, factor=1.3)
    book.add("future", "MUK", "Halden_UK_Social_Tents", HEALTHY.matched(None), budget=9_800, start=7, end=20)


def _not_delivering(book: Book) -> None:
    # Rows without spend since the first day: the platform knows it, so it is zero delivery and `[actions].zero` applies.
    book.add("never_delivered", "GUS", "Brightwater_US_Video_Cards", ZERO.word_is("nothing"), budget=17_500, zero=START)
    # Delivered, then nothing in the last closed account-day; a day without a row that the load covers is a zero that is known.
    book.add("stopped_with_zero_rows", "GUK", "Halden_UK_Display_Tents", ZERO.word_is("stopped"), budget=14_000, zero=-3)
    book.add("stopped_without_rows", "MUK", "Halden_UK_Video_Boots", ZERO.word_is("stopped"), budget=16_800, gone=-3)
    # Zero delivery too, but the platform says why; there is nothing left to pause, so people are told instead of asked.
    book.add("paused_on_platform", "MUK", "Halden_UK_Retargeting_Boots", ZERO.does("slack_alert").word_is("paused"), budget=10_500, zero=-2,
             paused=-2)  # fmt: skip
    # All live campaigns of an account (2 or more): one account incident, urgent, no halts.
    for product in PRODUCTS["Kestrel Mobile"]:
        book.add("account_stopped", SILENT, f"Kestrel_IE_Search_{product}", ZERO.does("slack_alert").word_is("account"), budget=12_600, gone=-3)
    # An id that no row and no campaign list knows: critical, urgent alert with both possibilities, nothing to pause.
    book.add("plan_line_not_found", "GKW", "Kestrel_US_Search_Roaming", ZERO.does("slack_alert").matched("none").word_is("id"), budget=11_200,
             on_platform=False)  # fmt: skip


def _shapes_of_plans(book: Book) -> None:
    month = book.as_of.tz_localize(None).to_period("M")
    months = [(month - 1, "always_on_before"), (month, "always_on")]
    flights = [(case, (p.start_time - book.today).days, (p.end_time.normalize() - book.today).days) for p, case in months]
    # Consecutive flights of one campaign are normal; the old one is closed 72 h after its end, and healthy.
    book.always_on("GKW", "Kestrel_US_Search_Brand", HEALTHY, daily=180, flights=flights)
    # Rows with one flight_id are one line: their spend is summed against one budget.
    book.line_over("line_over_three", "GUK", [f"Halden_UK_{kind}_Jackets" for kind in ("Search", "Shopping", "Video")], HEALTHY.matched("id"),
                   budget=63_000, shares=(0.5, 0.3, 0.2))  # fmt: skip
    # A gross budget is compared after its fee: on plan at 85 %; one that spends the gross amount is 17.6 % over.
    book.add("gross_with_fee", "GDE", "Halden_DE_Shopping_Boots", HEALTHY, budget=35_000, fee=15, factor=0.85)
    book.add("gross_spent_in_full", "GKW", "Kestrel_US_Display_Fibre", WARNING.about("over").word_is("fee"), budget=28_000, fee=15)
    book.add("curve_ahead", "DUS", "Brightwater_US_Reach_Cards", HEALTHY, budget=52_500, curve="ahead")
    book.add("curve_front", "DUS", "Brightwater_US_Video_Mortgages", HEALTHY, budget=36_000, end=11, curve="front:60")
    # A daily feed that loaded yesterday at its hour is in time, whatever the clock says.
    book.add("late_daily_feed", "DUS", "Brightwater_US_Display_Savings", HEALTHY, budget=45_500)
    book.add("late_daily_feed", "DMU", "Mirelle_UK_Display_Fragrance", HEALTHY, budget=22_400)


def _who_is_who(book: Book) -> None:
    # The same id is the same campaign, whatever it is called now.
    book.add("renamed", "GUK", "Halden_UK_Search_Tents", HEALTHY, budget=19_600, now_called="HLD | Paid search | Tents | always", since=-16)
    # The same normalised name, unique in its account, is judged; over by 25 % it is an urgent alert with a confirm button, never a halt.
    book.add("missing_id", "GDE", "Halden_DE_Video_Jackets", HEALTHY.matched("name"), budget=15_400, planned_id="",
             now_called="halden de video jackets")  # fmt: skip
    book.add("missing_id_over", "GMD", "Mirelle_DE_Shopping_Lipstick", OVER.does("slack_alert").matched("name"), budget=13_300, planned_id="",
             factor=1.45)  # fmt: skip
    # A name that is only similar is a proposal: escalated with confirm and deny.
    book.add("similar_name", "GUK", "Halden_UK_Shopping_Winterboots_Classics", ESCALATED.matched(None).about("identity").word_is("looks"),
             budget=12_600, planned_id="", now_called="Halden_UK_Shopping_Winterboot_Classics")  # fmt: skip
    # UK and US, Q3 and Q4 are different campaigns however alike they are spelt: planned, not found.
    unmatched = ESCALATED.matched("none").about("identity").word_is("id")
    book.add("look_alike_market", "GUS", "Brightwater_US_Prospecting_Cards", unmatched, budget=18_200, planned_id="", on_platform=False)
    book.add("look_alike_other", "GUS", "Brightwater_UK_Prospecting_Cards", HEALTHY, budget=21_700, market="UK")
    book.add("look_alike_quarter", "GKW", "Kestrel_US_Plans_Push_Q4", unmatched, budget=16_100, planned_id="", on_platform=False)
    book.add("look_alike_other", "GKW", "Kestrel_US_Plans_Push_Q3", HEALTHY, budget=18_900)
    # Two campaigns with the very name: a tie, both are shown.
    book.add("ambiguous_name", "MMF", "Mirelle_FR_Social_Fragrance", ESCALATED.matched("ambiguous").about("identity").word_is("several"),
             budget=14_700, planned_id="", twins=2)  # fmt: skip
    # Money outside every plan is an incident of its account; the flight that ended is closed and healthy.
    book.unplanned("spend_without_plan_line", "GDE", "Halden_DE_Test_Influencers", daily=95)
    book.add("spend_after_last_day", "MMF", "Mirelle_FR_Video_Serum", HEALTHY, budget=15_500, start=-35, end=-5, last=NEVER)
    book.unplanned("spend_after_last_day", "MMF")


def _bad_data(book: Book) -> None:
    # A red gate escalates whatever the variance: a 4 h feed is red at 24 h.
    for product in PRODUCTS["Kestrel Mobile"][:2]:
        book.add("stale_account", STALE, f"Kestrel_ES_Search_{product}", ESCALATED.about("stale").word_is("loaded"), budget=13_300)
    book.add("currency_mismatch", "GMD", "Mirelle_DE_Display_Serum", ESCALATED.about("currency").word_is("EUR"), budget=16_800, currency="USD")
    book.add("duplicate_rows", "MUS", "Brightwater_US_Retargeting_Mortgages", ESCALATED.about("duplicate").word_is("row"), budget=19_600, duplicate=-2)
    # 03/04/2026 is March or April: the row is quarantined and nothing is decided on it.
    book.add("broken_tracker_row", "MUK", "Halden_UK_Social_Spring", Expected(None, None, None, None, "tracker"), budget=8_400,
             on_platform=False, start_text="03/04/2026", end_text="30/04/2026")  # fmt: skip


def _healthy(book: Book, campaigns: int, accounts_of: tuple[int, int]) -> None:
    """Ordinary campaigns, near their plan, in the standing accounts in turn and then in further ones."""
    draw = np.random.default_rng([book.seed, 1])
    rooms = _rooms(book, draw, accounts_of)
    while len(book.campaigns) < campaigns:
        code, index = next(rooms)
        account = book.accounts[code]
        products = PRODUCTS[account.client]
        name = f"{account.client.split()[0]}_{account.market}_{TACTICS[index % 8]}_{products[index // 8 % 3]}_{index:02d}"
        start, length = -24 + int(draw.integers(0, 8)), 30 + int(draw.integers(0, 6))
        budget = int(draw.integers(180, 900)) * length * (120 if account.currency == "JPY" else 1)
        case = "healthy" if account.platform != "dv360" else "healthy_daily_feed"
        book.add(case, code, name, HEALTHY, budget=budget, start=start, end=start + length - 1, factor=1 + int(draw.integers(-15, 16)) / 1000)


def _rooms(book: Book, draw: np.random.Generator, accounts_of: tuple[int, int]) -> Iterator[tuple[str, int]]:
    """(account, number in it) for one healthy campaign after the other."""
    standing = [code for code in book.accounts if code not in (STALE, SILENT)]
    for index in range(PER_STANDING_ACCOUNT):
        yield from ((code, index) for code in standing if book.size(code) < PER_STANDING_ACCOUNT)
    while True:
        model = book.accounts[standing[int(draw.integers(0, len(standing)))]]
        code = f"N{len(book.accounts):04d}"
        book.accounts[code] = model.sibling(f"{8_000_000_000 + len(book.accounts) * 7919}")
        yield from ((code, index) for index in range(int(draw.integers(accounts_of[0], accounts_of[1] + 1))))


def _account_frame(book: Book) -> pd.DataFrame:
    zones = book.calendar.zones
    as_of = micros_since_1970(book.as_of)
    rows: list[dict[str, Any]] = [
        {"number": number, "platform": account.platform, "account_id": account.account_id, "client": account.client, "currency": account.currency,
         "timezone": account.timezone, "zone": zones.index(account.timezone),
         "silent_from": as_of - STALE_HOURS * 3_600_000_000 if code == STALE else np.iinfo(np.int64).max // 2}
        for number, (code, account) in enumerate(book.accounts.items())
    ]  # fmt: skip
    return pd.DataFrame(rows)
