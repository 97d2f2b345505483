"""Many windows of simulated agencies: what must hold from one to the next."""

import dataclasses
import itertools
import math
import os
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from flows.world import World, micros_since_1970
from notifiers.telling import needs_card
from pacing_brain import graph, nodes
from pacing_brain.brain import PacingBrain
from tests.flows.life import WINDOW, live
from tests.worlds import inputs_of, sample_world

DEEP = os.environ.get("PACING_TEST_DEEP") == "1"
DAYS = 30 if DEEP else 4
WINDOWS_A_DAY = 6
BORN = pd.Timestamp("2026-10-14T00:00Z" if DEEP else "2026-10-31T12:00Z")  # lives through the end of October
DAY_OF_TEST = pd.Timestamp("2026-11-03T00:00Z")
HOUR = pd.Timedelta(hours=1)
GOOGLE, DV360 = ("google", "4401872210"), ("dv360", "5518203")  # accounts with several healthy campaigns: London, New York


@pytest.fixture(scope="module")
def healthy_world():
    """The agency without anything wrong on purpose."""
    return World.generate(cases=False)


@pytest.fixture(scope="module")
def days():
    """The agency with every case, lived through."""
    return list(live(sample_world(), BORN, DAYS * WINDOWS_A_DAY))


def flights_of(*cases):
    labels = sample_world().labels
    return labels.loc[labels["case"].isin(cases), "flight_id"].tolist()


def of_account(world, account):
    """Flights of the plan of an account."""
    targets = world.targets
    return targets.loc[targets["Account ID"].eq(account[1]), "Flight ID"].tolist()


def judged(window, flights):
    """Those of the flights that are on at the window."""
    rows = window.flights.loc[window.flights.index.intersection(flights)]
    return rows[~rows["phase"].isin(["before", "closed"])]


def feed_stops(world, account, at):
    """The world in which an account's feed loads no more after an instant."""
    silent = world.accounts["silent_from"].mask(world.accounts["account_id"].eq(account[1]), micros_since_1970(at))
    return dataclasses.replace(world, accounts=world.accounts.assign(silent_from=silent))


def campaigns_stop(world, account, day, count=None):
    """The world in which campaigns of an account have no row from a day on; (world, ids of the campaigns)."""
    numbers = world.accounts.loc[world.accounts["account_id"].eq(account[1]), "number"]
    of_it = world.campaigns.index[world.campaigns["account"].isin(numbers)][:count]
    gone = world.campaigns["gone_day"].mask(world.campaigns.index.isin(of_it), (day - world.calendar.first).days)
    return dataclasses.replace(world, campaigns=world.campaigns.assign(gone_day=gone)), set(world.campaigns.loc[of_it, "campaign_id"])


@pytest.mark.parametrize(("account", "limit_hours"), [(GOOGLE, 24), (DV360, 36)])
def test_a_feed_that_stops_escalates_its_campaigns_within_a_window_of_its_limit(healthy_world, account, limit_hours):
    """Red at 24 h for a 4 h feed, at cycle + 12 h for a daily one: one incident of the account, and no window earlier."""
    world = feed_stops(healthy_world, account, DAY_OF_TEST)
    last_load = world.at(DAY_OF_TEST + 2 * HOUR).loads.set_index(["platform", "account_id"]).loc[account, "loaded_at"]
    flights, windows = of_account(world, account), 0
    for window in live(world, (last_load + limit_hours * HOUR).floor("4h") - WINDOW, 4):
        age = (window.at - last_load) / HOUR
        lanes = set(judged(window, flights)["lane"])
        fingerprint = f"account:{account[0]}/{account[1]}:stale"
        if age < limit_hours:
            assert "escalate" not in lanes, (window.at, age)
            assert not window.still_open
        else:
            windows += 1
            assert lanes == {"escalate"}, (window.at, age)
            assert list(window.still_open) == [fingerprint]
            assert set(window.still_open[fingerprint].finding.flights) == set(judged(window, flights).index)
            assert [change.kind for change in window.changes] == ["opened" if windows == 1 else "renewed"]
    assert windows >= 2


@pytest.mark.parametrize(("account", "lag_hours"), [(GOOGLE, 2), (DV360, 6)])
def test_a_campaign_that_stops_is_zero_delivery_at_the_first_load_that_shows_it(healthy_world, account, lag_hours):
    """Its rows simply absent: said at the first window whose load covers the whole day without any, not before."""
    gone = DAY_OF_TEST.tz_localize(None)
    world, stopped = campaigns_stop(healthy_world, account, gone, count=1)
    zone = ZoneInfo(world.accounts.set_index("account_id").loc[account[1], "timezone"])
    shown_by = (gone + pd.Timedelta(days=1)).tz_localize(zone) + lag_hours * HOUR  # a load must be this late to cover the day
    (flight,) = world.targets.loc[world.targets["Campaign ID"].isin(stopped), "Flight ID"]
    said = {}
    for window in live(world, shown_by.tz_convert("UTC").floor("4h"), 4):
        row, loaded = window.flights.loc[flight], window.accounts.loc[account, "loaded_at"]
        said[window.at] = row["zero_delivery"]
        assert row["zero_delivery"] == (loaded >= shown_by), (window.at, loaded, shown_by)
        if row["zero_delivery"]:
            assert (row["zero_kind"], row["lane"], row["action"], row["problem"]) == ("stopped", "critical", "recommend_halt", "zero")
            assert f"campaign:{flight}:zero" in window.still_open
    assert set(said.values()) == {True, False}


def test_an_account_that_stops_is_one_incident_without_halts(healthy_world):
    """All live campaigns of an account go silent at once: the account is reported, urgently, and no campaign is to be paused."""
    world, stopped = campaigns_stop(healthy_world, GOOGLE, DAY_OF_TEST.tz_localize(None))
    flights, fingerprint, told = of_account(world, GOOGLE), f"account:{GOOGLE[0]}/{GOOGLE[1]}:zero", []
    for window in live(world, DAY_OF_TEST + pd.Timedelta(days=1), 4):
        assert not window.outcome.decisions["action"].eq("recommend_halt").any(), window.at
        told += [(change.kind, change.incident.fingerprint) for change in window.changes if change.kind != "renewed"]
    assert len(stopped) > 2
    assert told == [("opened", fingerprint)]
    assert window.still_open[fingerprint].finding.urgent
    assert set(window.still_open[fingerprint].finding.flights) == set(judged(window, flights).index)


def test_a_daily_feed_is_never_red_while_it_loads_every_morning(days):
    """Loading at 08:00 +-1 h of its zone, the freshness gate is green in every window."""
    daily = sample_world().accounts.query("platform == 'dv360'")["account_id"].tolist()
    for window in days:
        rows = window.outcome.decisions[window.outcome.decisions["account_id"].isin(daily)]
        assert len(rows) > 4
        assert not rows["red_gates"].str.contains("freshness").any(), window.at


def test_a_daily_feed_is_red_twelve_hours_after_a_missed_load(healthy_world):
    """It loaded yesterday morning and not today: red once the load is 24 + 12 h old, within one window."""
    world = feed_stops(healthy_world, DV360, DAY_OF_TEST)
    last_load = world.at(DAY_OF_TEST + 30 * HOUR).loads.set_index(["platform", "account_id"]).loc[DV360, "loaded_at"]
    missed = last_load + 24 * HOUR
    red_at = [window.at for window in live(world, (missed + 8 * HOUR).floor("4h"), 3)
              if window.flights.loc[of_account(world, DV360), "red_gates"].eq("freshness").all()]
    assert red_at
    assert missed + 12 * HOUR <= red_at[0] < missed + 12 * HOUR + WINDOW


def test_an_always_on_campaign_with_monthly_flights_is_trusted(days):
    """Same id and name, an open end on the platform: at least 0.9 in every window, the month's change included."""
    flights = flights_of("always_on", "always_on_before")
    phases = set()
    for window in days:
        rows = window.flights.loc[window.flights.index.intersection(flights)]
        assert rows["score"].ge(0.9).all(), (window.at, rows["score"])
        assert rows["match_kind"].eq("id").all()
        assert rows["lane"].eq("healthy").all(), (window.at, rows[["lane", "reasons"]])
        phases |= set(rows["phase"])
    assert {"before", "early", "live", "ended", "closed"} <= phases


def test_look_alikes_are_never_matched(days):
    """UK against US, Q1 against Q2: spelling alone proves nothing, in any window."""
    flights = flights_of("look_alike_market", "look_alike_quarter")
    assert len(flights) == 2
    for window in days:
        rows = window.flights.loc[flights]
        assert rows["campaign_key"].isna().all(), window.at
        assert rows["match_kind"].isin(["none", "ambiguous"]).all()
        assert not rows["candidates"].map(lambda found: any(one["verdict"] == "proposed" for one in found or [])).any()


def test_verdicts_of_a_daily_feed_are_restated_between_its_loads(days):
    """Nothing of its own changed and no score moved a step: the verdict stands and cites its entry; most windows of a day are so."""
    flights = flights_of("healthy_daily_feed")
    restated = 0
    for before, window in itertools.pairwise(days):
        old, new = before.flights.loc[flights], window.flights.loc[flights]
        same = old["watermark"].eq(new["watermark"]) & old["score_steps"].eq(new["score_steps"]) & old["lane"].eq(new["lane"])
        same &= old["inputs_digest"].eq(new["inputs_digest"])
        assert (new["restated"].astype(bool) == same).all(), window.at
        assert new["restates_seq"].notna().eq(new["restated"].astype(bool)).all()
        restated += int(new["restated"].sum())
    assert restated >= 0.6 * len(flights) * len(days)


def test_nobody_is_called_for_what_is_healthy(days):
    """Ordinary noise, lag, a late feed, a renamed campaign: no card in any window. (A short flight may be a line to watch in its first days.)"""
    quiet = set(flights_of("healthy", "healthy_daily_feed", "late_daily_feed", "line_over_three", "renamed", "always_on", "always_on_before",
                           "gross_with_fee", "curve_ahead", "curve_front"))
    opened = [(window.at, change.incident.fingerprint) for window in days for change in window.changes
              if needs_card(change.incident.finding) and quiet & set(change.incident.finding.flights)]
    assert not opened


def test_incidents_do_not_flap(days):
    """A problem opens once, and again only when it was over for a day."""
    resolved = {}
    for window in days:
        for change in window.changes:
            if change.kind == "resolved":
                resolved[change.incident.fingerprint] = window.at
            if change.kind == "opened" and change.incident.fingerprint in resolved:
                assert window.at - resolved[change.incident.fingerprint] >= pd.Timedelta(days=1), (window.at, change.incident.fingerprint)


def test_one_poisoned_campaign_in_ten_thousand_leaves_the_others_decided():
    """The cohort is split down to the one on which a node raises; that costs two graph calls for each halving, and nobody else notices."""
    count = 10_000 if DEEP else 3_000
    inputs = inputs_of(World.scale(campaigns=count))
    poisoned = "F" + str(count // 3)
    calls = []

    def raising(state):
        calls.append(len(state["flights"]))
        if state["flights"]["flight_id"].eq(poisoned).any():
            raise ZeroDivisionError("a poisoned row")
        return nodes.judge_variance(state)

    decided = PacingBrain(graph.build({**graph.NODES, "variance": raising})).decide(inputs)
    assert [letter["flight_id"] for letter in decided.dead_letters] == [poisoned]
    others = decided.decisions[decided.decisions["flight_id"].ne(poisoned)]
    assert len(others) == count - 1
    assert others["error"].isna().all()
    assert others["lane"].value_counts()["healthy"] > 0.9 * count
    assert len(calls) <= 1 + 2 * math.ceil(math.log2(count))
    assert np.sum(calls) <= 3.1 * count
