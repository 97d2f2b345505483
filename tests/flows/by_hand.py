"""Seventeen campaigns whose decisions can be worked out by hand, and runs over them on a real record, without a warehouse."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from audit.runs import Opening
from flows import gathering, libraries, recording
from flows.wiring import code_version
from pacing_brain import frames
from pacing_brain.model import Inputs, RunContext

AT = datetime(2026, 11, 5, 8, tzinfo=UTC)
FIRST, LAST = date(2026, 10, 20), date(2026, 11, 18)
DAILY = 100_000_000  # micros; at AT 16 days and 5 hours are over at the watermark, 05:00 in London

# flight: (percent of plan, market and product as planned?); each is 100 a day on an even plan of 3,000 pounds, matched by its id.
# Trust of the second kind: 0.5 * 2/4 + 0.3 + 0.2 = 0.75, over 0.70 and under 0.80.
CAMPAIGNS = {
    "A100": (100, True), "A112": (112, True), "A114": (114, True), "A115": (115, True), "A116": (116, True), "A120": (120, True), "A124": (124, True),
    "A150": (150, True), "B086": (86, True), "B084": (84, True), "B080": (80, True), "B070": (70, True),
    "C100": (100, False), "C112": (112, False), "C130": (130, False), "C080": (80, False), "C060": (60, False)}


def plan():
    rows = [{"row": number, "flight_id": flight, "campaign_id": f"7{number}", "campaign_name": f"Campaign {flight}", "platform": "google",
             "account_id": "118", "client": "Acme", "market": "UK", "product": "Boots", "currency": "GBP", "budget_micros": 30 * DAILY,
             "start_date": pd.Timestamp(FIRST), "end_date": pd.Timestamp(LAST), "curve": "even"} for number, flight in enumerate(CAMPAIGNS, 2)]
    return frames.TARGETS.check(pd.DataFrame(rows))


def spent(at, revised):
    days = [FIRST + timedelta(days=number) for number in range((at.date() - FIRST).days + 1)]
    rows = [{"platform": "google", "account_id": "118", "campaign_id": f"7{number}", "campaign_name": f"Campaign {flight}",
             "market": "UK" if alike else "France", "product": "Boots" if alike else "Socks", "start_date": pd.Timestamp(FIRST),
             "end_date": pd.Timestamp(LAST), "currency": "GBP", "timezone": "Europe/London", "day": pd.Timestamp(day),
             "spend_micros": revised.get((flight, day), round(DAILY * pct / 100 * (5 / 24 if day == at.date() else 1))), "n_rows": 1, "impressions": 1000,
             "loaded_at": pd.Timestamp(at) - pd.Timedelta(hours=1)} for number, (flight, (pct, alike)) in enumerate(CAMPAIGNS.items(), 2) for day in days]
    return frames.SPEND.check(pd.DataFrame(rows))


def by_hand(house, at=AT, revised=None):
    """What a run sees of the campaigns above, on its first memory or on that of the run before. revised: (flight, day) -> micros."""
    spend = spent(at, revised or {})
    memory = house.frames.standing("memory")
    run = RunContext(run_id="", as_of=at, window=at)
    loads = pd.DataFrame([{"platform": "google", "account_id": "118", "loaded_at": pd.Timestamp(at) - pd.Timedelta(hours=1), "from_rows": False}])
    totals = pd.DataFrame([{"currency": "GBP", "n_rows": len(spend), "spend_micros": int(spend["spend_micros"].sum())}])
    return Inputs(run=run, policy=house.policy, targets=plan(), spend=spend, loads=frames.LOADS.check(loads), campaigns=frames.CAMPAIGNS.empty(),
                  totals=frames.TOTALS.check(totals), memory=frames.MEMORY.empty() if memory is None else frames.MEMORY.check(memory),
                  patterns=frames.PATTERNS.empty())


def sealed(house, inputs):
    """A run on the record, from its inputs to its seal, as a live one leaves it."""
    house.policies.adopt(inputs.policy)
    opening = Opening(inputs.run.window, inputs.run.as_of, True, inputs.policy.digest, code_version(), "campaign_spend", "plan.csv", libraries.versions())
    with house.runs.open(opening) as run:
        inputs = replace(inputs, run=inputs.run.model_copy(update={
            "run_id": run.run_id, "code_version": code_version(), "days_from": inputs.run.as_of - timedelta(days=30), "days_to": inputs.run.as_of}))
        gathering.keep(house, run, inputs)
        outcome = house.brain.decide(inputs)
        recording.record(house, run, inputs, outcome, recording.summary_of(inputs, outcome, run))
