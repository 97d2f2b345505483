"""Bad input in whole runs: a clear message that names the place, the rest unharmed, nothing dropped in silence, no halt on bad data.

| line of the issue | test |
|---|---|
| missing or malformed setting | test_a_plan_must_be_named_when_a_warehouse_is; tests/unit/flows |
| unreachable Snowflake | test_a_snowflake_that_does_not_answer |
| refusing Snowflake, missing privilege | test_a_snowflake_that_refuses; tests/unit/connectors/test_snowflake_errors.py, tests/integration/connectors |
| unreachable or refusing Postgres | test_a_postgres_that_does_not_answer_or_refuses |
| unreachable or refusing Slack | test_slack.py |
| unreachable Prefect | test_prefect_fails.py |
| missing table or column | test_what_is_missing_in_the_warehouse_is_named |
| empty warehouse | test_an_empty_warehouse_halts_nothing, test_an_emptied_table_halts_nothing |
| half of the campaigns missing | test_half_of_the_campaigns_missing, test_an_account_without_spend_is_one_problem |
| one platform's tables missing | test_sources.py |
| duplicate rows, NaN spend, negative day, mixed currencies | test_spend_that_cannot_be_used_* |
| end before start, budgets, dates, platform, zone, overlaps, ids, hostile names | test_a_row_of_the_plan_*, test_rows_* |
| UTF-16, semicolons, XLSX with formulas | test_a_tracker_as_people_save_it |
| tracker of 0 rows, unreadable | test_without_a_plan_nothing_is_decided, test_a_plan_that_cannot_be_read_now |
| unknown policy key | test_an_unknown_policy_key_is_named |
"""

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from flows.run_pacing import Request, run_window
from pacing_brain.errors import DatabaseRefused, DatabaseUnavailable, PolicyError, SettingError, SpendRefused, SpendShapeError, TrackerUnreadable
from tests.flows.desk import AT, HOSTILE, UNDISTURBED, Desk, Ran, campaign_id, csv_text, loaded, new_database, planned, spent

LATER = AT + timedelta(hours=4)
DAY = "2026-11-03"


@pytest.fixture
def desk(fresh_database, warehouse, tmp_path) -> Desk:
    return Desk(fresh_database, warehouse, tmp_path)


@pytest.fixture
def usual(desk) -> Desk:
    """The desk as it is when nothing is wrong."""
    desk.plan(planned())
    desk.load(spent(), loaded())
    return desk


def one_line(error: BaseException) -> str:
    assert "\n" not in str(error)
    return str(error)


# --- what the run talks to


def test_a_snowflake_that_does_not_answer(usual):
    """Actuals are unavailable, never zero: the run seals as partial, one incident of the source says why, nothing is halted, and the next is whole."""
    before = usual.run()
    down = usual.run(LATER, SNOWFLAKE_PORT=_closed_port())
    assert down.summary["partial"]
    assert "did not answer" in down.summary["partial"][0]
    assert set(down.lanes.values()) == {("escalate", "escalate")}
    assert not down.decisions["zero_delivery"].any()
    assert [name for name in down.incidents if name.startswith("source:")] == ["source:campaign_spend:stale"]
    assert down.incidents.keys() >= before.incidents.keys()  # what was open stays open: it could not be judged
    assert not down.asks
    again = usual.run(LATER)  # of a partial window, once Snowflake is back
    assert not again.summary["partial"]
    again.unharmed()
    assert "source:campaign_spend:stale" not in again.incidents


def _closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def test_a_snowflake_that_refuses(usual):
    """A login that is refused ends the run in one line with the setting and no secret; it is on the ledger, and the next start goes on."""
    key = usual.folder / "key.p8"
    with pytest.raises(SpendRefused, match="SNOWFLAKE_PRIVATE_KEY_FILE") as caught:
        usual.run(SNOWFLAKE_PRIVATE_KEY_FILE=key, SNOWFLAKE_PASSWORD=None)
    assert "embedded" not in one_line(caught.value)
    assert [entry.kind for entry in usual.entries()].count("run_failed") == 1
    usual.run().unharmed()


def test_a_postgres_that_does_not_answer_or_refuses(usual, postgres):
    """Nothing can be recorded, so nothing is begun: one line that names the setting, without the password."""
    with pytest.raises(DatabaseUnavailable, match="PACING_DATABASE_URL") as caught:
        run_window(usual.settings(PACING_DATABASE_URL=f"postgresql://me:sesame@127.0.0.1:{_closed_port()}/pacing"), Request(as_of=AT))
    assert "sesame" not in one_line(caught.value)
    with pytest.raises(DatabaseRefused) as caught:
        run_window(usual.settings(PACING_DATABASE_URL=postgres.url("nobody", "nowhere")), Request(as_of=AT))
    one_line(caught.value)


def test_a_plan_must_be_named_when_a_warehouse_is(desk):
    """A warehouse of one's own is never held against the sample plan."""
    with pytest.raises(SettingError, match="PACING_TRACKER is missing"):
        run_window(desk.settings(PACING_TRACKER=None), Request(as_of=AT))


def test_an_unknown_policy_key_is_named(usual, tmp_path):
    """A policy with a key that does not exist is refused by file and key before anything is begun."""
    path = tmp_path / "policy.toml"
    path.write_text("[freshness]\nred_after_hour = 12\n", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"policy\.toml: unknown key freshness\.red_after_hour"):
        usual.run(PACING_POLICY=path)
    with pytest.raises(PolicyError, match=r"policy\.toml: unknown key freshness\.red_after_hour"):
        usual.run(request=Request(as_of=AT, policy=path))
    assert not usual.entries()


# --- the warehouse


def test_what_is_missing_in_the_warehouse_is_named(desk):
    """A missing table, then a missing column end the run in one line each; the same window is completed once both are there."""
    desk.plan(planned())
    with pytest.raises(SpendShapeError, match="CAMPAIGN_SPEND does not exist") as caught:
        desk.run()
    one_line(caught.value)
    desk.load(spent(), loaded())
    desk.sql("ALTER TABLE CAMPAIGN_SPEND RENAME COLUMN CURRENCY TO MONEY")
    with pytest.raises(SpendShapeError, match="CAMPAIGN_SPEND has no column CURRENCY"):
        desk.run()
    desk.sql("ALTER TABLE CAMPAIGN_SPEND RENAME COLUMN MONEY TO CURRENCY")
    ran = desk.run()
    ran.unharmed()
    assert len({entry.run_id for entry in desk.entries() if entry.run_id}) == 1


def test_an_empty_warehouse_halts_nothing(desk):
    """Neither rows nor loads: every campaign is escalated as not known, none as not delivering."""
    desk.plan(planned())
    desk.load(spent().head(0))
    ran = desk.run()
    assert set(ran.lanes.values()) == {("escalate", "escalate")}
    assert not ran.decisions["zero_delivery"].any()
    assert {name.rpartition(":")[2] for name in ran.incidents} == {"stale"}
    assert all(incident.finding.headline.startswith("No load of account") for incident in ran.incidents.values())


def test_an_emptied_table_halts_nothing(usual):
    """Yesterday's rows are gone while the loads are fresh: history was lost, which is a fault of the data and no zero."""
    usual.run()
    for at in (LATER, LATER + timedelta(hours=4)):  # and it stays one until the rows are back
        usual.load(spent().head(0), loaded(at - timedelta(hours=1)))
        ran = usual.run(at)
        assert set(ran.lanes.values()) == {("escalate", "escalate")}
        assert not ran.asks
        assert [name for name in ran.incidents if name.endswith(":duplicate")] == ["account:google/118:duplicate", "account:meta/4402:duplicate"]
    usual.load(spent(at), loaded(at - timedelta(hours=1)))
    at += timedelta(hours=4)
    back = usual.run(at)
    back.unharmed()
    assert not [name for name in back.incidents if name.endswith(":duplicate")]


def test_half_of_the_campaigns_missing(usual):
    """Campaigns whose rows were there and are gone are escalated as lost history, not halted as silent; the others are judged as ever."""
    usual.run()
    now = spent(LATER)
    gone = [campaign_id(flight) for flight in ("G1", "G2", "M1")]
    usual.load(now[~now["campaign_id"].isin(gone)], loaded(LATER - timedelta(hours=1)))
    ran = usual.run(LATER)
    ran.unharmed("G1", "G2", "M1")
    for flight in ("G1", "G2", "M1"):
        assert ran.lanes[flight] == ("escalate", "escalate")
        assert "16 closed days that had a row have none any more" in ran.decisions.loc[flight, "gates"]["completeness"]["evidence"]


def test_an_account_without_spend_is_one_problem(desk):
    """All live campaigns of an account silent at once is one urgent incident of the account, and no halt; the other account goes on."""
    desk.plan(planned())
    rows = spent()
    desk.load(rows.assign(spend_micros=rows["spend_micros"].where(rows["platform"].eq("meta") | rows["day"].lt(pd.Timestamp(DAY)), 0),
                          impressions=rows["impressions"].where(rows["platform"].eq("meta"), 0)), loaded())
    ran = desk.run()
    ran.unharmed("G1", "G2", "G3")
    assert {ran.lanes[flight] for flight in ("G1", "G2", "G3")} == {("critical", "slack_alert")}
    assert [name for name in ran.incidents if "118" in name] == ["account:google/118:zero"]
    assert ran.incidents["account:google/118:zero"].finding.urgent


# --- rows of spend


@pytest.fixture(scope="module")
def spoiled_spend(postgres, template_database, warehouse, short_tmp) -> Iterator[Ran]:
    """One window over a warehouse in which one day of each of four campaigns is spoiled in its own way."""
    with new_database(postgres, template_database) as urls:
        desk = Desk(urls, warehouse, short_tmp)
        desk.plan(planned())
        desk.load(spent(), loaded())
        of = {flight: f"WHERE CAMPAIGN_ID = '{campaign_id(flight)}' AND DAY = '{DAY}'" for flight in UNDISTURBED}
        desk.sql("CREATE OR REPLACE TABLE CAMPAIGN_SPEND AS SELECT * EXCLUDE (SPEND), CAST(SPEND AS FLOAT) AS SPEND FROM CAMPAIGN_SPEND",
                 f"INSERT INTO CAMPAIGN_SPEND SELECT * FROM CAMPAIGN_SPEND {of['G2']}",
                 f"UPDATE CAMPAIGN_SPEND SET SPEND = 'NaN'::FLOAT {of['M1']}",
                 f"UPDATE CAMPAIGN_SPEND SET SPEND = -40 {of['G1']}",
                 f"UPDATE CAMPAIGN_SPEND SET CURRENCY = 'USD' {of['M2']}")
        yield desk.run()


def test_spend_that_cannot_be_used_harms_nobody_else(spoiled_spend):
    """Three of four spoiled campaigns are escalated, the credit is judged, the others are as ever, and every micro is in one bucket."""
    spoiled_spend.unharmed("G2", "M1", "M2")
    assert {spoiled_spend.lanes[flight] for flight in ("G2", "M1", "M2")} == {("escalate", "escalate")}
    spoiled_spend.adds_up()
    assert set(spoiled_spend.asks) == {"G3"}


@pytest.mark.parametrize(("flight", "gate", "words"), [
    ("G2", "completeness", "more than one row"), ("M1", "completeness", "not a number"), ("M2", "currency", "EUR, USD")])
def test_spend_that_cannot_be_used_is_named(spoiled_spend, flight, gate, words):
    """A doubled row, a NaN and a second currency each turn the gate that is about them red, with the evidence in words."""
    row = spoiled_spend.decisions.loc[flight]
    assert row["red_gates"] == gate
    assert words in row["gates"][gate]["evidence"]
    assert f"campaign:{flight}:{'currency' if gate == 'currency' else 'duplicate'}" in spoiled_spend.incidents


def test_spend_that_cannot_be_used_is_kept_in_the_quarantine(spoiled_spend):
    """The doubled row with its amount and the NaN are quarantined with place and next step."""
    told = {row["about"]: row for row in spoiled_spend.quarantined()}
    doubled, nan = (told[f"{platform}/{campaign_id(flight)}"] for platform, flight in (("google/118", "G2"), ("meta/4402", "M1")))
    assert (doubled["place"], doubled["value"]) == ("google account 118", "200000000 micros GBP")
    assert "Remove the duplicates" in doubled["reason"]
    assert (nan["value"], "not a number" in nan["reason"]) == (None, True)
    assert spoiled_spend.summary["spend_micros"]["GBP"]["quarantined"] == 200_000_000
    assert spoiled_spend.summary["spend_micros"]["USD"]["total"] == 100_000_000


def test_a_credit_is_counted_and_said(spoiled_spend):
    """A negative day stays in the campaign's sum and in the totals, and its decision says so."""
    row = spoiled_spend.decisions.loc["G1"]
    assert row["credit_micros"] == -40_000_000
    assert row["actual_micros"] == sum(spent()[spent()["campaign_id"].eq(campaign_id("G1"))]["spend_micros"]) - 140_000_000
    (body,) = (body for body in spoiled_spend.said("campaign_decided") if body["flight_id"] == "G1")
    assert "A credit of £40 is contained in what was spent." in body["reasons"]


# --- rows of the plan

REFUSED = {  # what is spoiled in a row -> its changes, the column at fault, words of the reason
    "end before start": ({"start_date": "2026-11-18", "end_date": "2026-10-20"}, "end_date", "lies before start_date"),
    "budget of zero": ({"budget": "0"}, "budget", "is not above zero"),
    "negative budget": ({"budget": "-3000"}, "budget", "is not above zero"),
    "misplaced separators": ({"budget": "1,2.34,5"}, "budget", "separators in places where no number has them"),
    "budget in another currency": ({"budget": "€ 3,000"}, "budget", "the currency is GBP"),
    "no amount": ({"budget": "tbc"}, "budget", "is not an amount"),
    "ambiguous date": ({"start_date": "03/04/2026"}, "start_date", "can mean 2026-04-03 or 2026-03-04"),
    "unknown platform": ({"platform": "gogle plus"}, "platform", "no platform that is known"),
    "unknown zone": ({"timezone": "Mars/Olympus"}, "timezone", "no IANA time zone"),
    "unknown currency": ({"currency": "POUND"}, "currency", "no ISO 4217 currency"),
    "id in powers of ten": ({"campaign_id": "1.2E+17"}, "campaign_id", "rounded by a spreadsheet"),
    "rounded id": ({"campaign_id": "12345678901234500"}, "campaign_id", "rounded by a spreadsheet"),
    "pause windows": ({"pause_from": "2026-11-10"}, "pause_from", "stands alone"),
}
READ_AS = {"£3,000.00": "G1", "3,000.00": "G2", "GBP 3000": "G3"}  # amounts as people write them


def extra(flight: str, **changes: str) -> dict[str, str]:
    return planned()[0] | {"flight_id": flight, "campaign_id": f"9{len(flight)}{sum(map(ord, flight))}", "campaign_name": f"Extra {flight}"} | changes


@pytest.fixture(scope="module")
def spoiled_plan(postgres, template_database, warehouse, short_tmp) -> Iterator[Ran]:
    """One window over a plan with every fault that a row can have, and hostile names on both sides."""
    with new_database(postgres, template_database) as urls:
        desk = Desk(urls, warehouse, short_tmp)
        rows = [row | {"budget": next((text for text, flight in READ_AS.items() if flight == row["flight_id"]), row["budget"])} for row in planned()]
        rows += [extra(name, **changes) for name, (changes, _, _) in REFUSED.items()]
        rows += [extra("twice", campaign_id="707"), extra("again", campaign_id="707", start_date="2026-11-04", end_date="2026-11-30"),
                 extra("zeros", campaign_id="12", campaign_name="Desk zeros"), extra("hostile", campaign_id="666", campaign_name=HOSTILE)]
        spend = spent()
        like = spend[spend["campaign_id"].eq(campaign_id("G1"))]
        desk.plan(rows)
        desk.load(pd.concat([spend, like.assign(campaign_id="0012", campaign_name="Desk zeros"), like.assign(campaign_id="707", campaign_name="Twice"),
                             like.assign(campaign_id="666", campaign_name=HOSTILE[::-1])]), loaded())
        yield desk.run()


@pytest.mark.parametrize("fault", REFUSED)
def test_a_row_of_the_plan_that_cannot_be_used_is_quarantined(spoiled_plan, fault):
    """It is told with file, row, column, value and reason, and nothing is decided on it."""
    changes, column, words = REFUSED[fault]
    (told,) = (row for row in spoiled_plan.quarantined() if row["about"] == fault)
    assert (told["place"], told["row"]) == ("plan.csv", 2 + 6 + list(REFUSED).index(fault))
    assert told["column"] == column
    assert told["value"] == changes[column]
    assert words in told["reason"]
    assert fault not in spoiled_plan.lanes


def test_rows_that_cannot_be_used_harm_nobody_else(spoiled_plan):
    """The other lines are judged as ever, amounts with separators and signs included, and one incident of the tracker lists the bad rows."""
    spoiled_plan.unharmed()
    assert {spoiled_plan.decisions.loc[flight, "budget_micros"] for flight in READ_AS.values()} == {3_000_000_000}
    (tracker,) = (incident for name, incident in spoiled_plan.incidents.items() if name.startswith("tracker:"))
    assert [row["row"] for row in tracker.finding.facts["rows"]] == [2 + 6 + number for number in range(len(REFUSED))]
    assert spoiled_plan.summary["quarantined"] == len(REFUSED)
    assert set(spoiled_plan.asks) == {"G3"}
    spoiled_plan.adds_up()


def test_rows_that_plan_the_same_days_are_not_judged(spoiled_plan):
    """Overlapping flights of one campaign name each other; their money is ambiguous, and neither is said not to deliver."""
    for flight, other in (("twice", "again"), ("again", "twice")):
        row = spoiled_plan.decisions.loc[flight]
        assert (row["lane"], row["red_gates"], bool(row["zero_delivery"])) == ("escalate", "tracker", False)
        assert other in row["gates"]["tracker"]["evidence"]
        assert not any("delivering" in reason for reason in row["reasons"])
    assert spoiled_plan.summary["spend_micros"]["GBP"]["ambiguous"] > 0


def test_rows_whose_id_lost_its_zeros_are_proposed_not_matched(spoiled_plan):
    """`12` is not `0012`: a person is asked, with both ids before him, and nothing is halted."""
    row = spoiled_plan.decisions.loc["zeros"]
    assert (row["lane"], row["match_kind"]) == ("escalate", "ambiguous")
    assert "0012" in row["gates"]["identity"]["evidence"]


def test_rows_with_hostile_names_are_kept_as_they_are(spoiled_plan):
    """Five hundred characters of emoji, right-to-left text, quotes and mentions are matched by id and stand on the ledger unchanged."""
    assert len(HOSTILE) == 500
    assert spoiled_plan.decisions.loc["hostile", "campaign_name"] == HOSTILE.strip()
    (body,) = (body for body in spoiled_plan.said("campaign_decided") if body["flight_id"] == "hostile")
    assert body["campaign_name"] == HOSTILE.strip()


# --- the tracker as a file


def _utf16(path: Path) -> Path:
    path.write_text(csv_text(planned(), delimiter=";"), encoding="utf-16")
    return path


def _xlsx(path: Path) -> Path:
    """Budgets are formulas with the values that Excel kept beside them, as a saved file has them."""
    import zipfile

    plain = path.with_name("plain.xlsx")
    book = openpyxl.Workbook()
    book.active.append(list(planned()[0]))
    for row in planned():
        book.active.append([3000 if name == "budget" else value for name, value in row.items()])
    book.save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"<v>3000</v>", b"<f>1500*2</f><v>3000</v>") if name.endswith("sheet1.xml") else data)
    return path


@pytest.mark.parametrize(("name", "write"), [("plan.csv", _utf16), ("plan.xlsx", _xlsx)])
def test_a_tracker_as_people_save_it(usual, name, write):
    """UTF-16 with semicolons, and a workbook whose budgets are formulas: the plan is read, and every campaign is judged as ever."""
    ran = usual.run(PACING_TRACKER=str(write(usual.folder / name)))
    ran.unharmed()
    assert ran.summary["quarantined"] == 0


def test_without_a_plan_nothing_is_decided(usual):
    """A tracker of no rows on a first run ends it in one line that names the file; nothing is sealed."""
    usual.plan([])
    usual.tracker.write_text(csv_text(planned()).splitlines()[0], encoding="utf-8")
    with pytest.raises(TrackerUnreadable, match=r"plan\.csv") as caught:
        usual.run()
    one_line(caught.value)
    assert not [entry for entry in usual.entries() if entry.kind in ("run_sealed", "campaign_decided")]


def test_a_plan_that_cannot_be_read_now(usual):
    """Later the plan of the last run is used, and that is said: quarantined, in the tracker's incident, with every campaign judged."""
    usual.run()
    usual.tracker.write_text(csv_text(planned()).splitlines()[0], encoding="utf-8")
    usual.load(spent(LATER), loaded(LATER - timedelta(hours=1)))
    ran = usual.run(LATER)
    ran.unharmed()
    (told,) = ran.quarantined()
    assert told["place"] == "plan.csv"
    assert "The plan of the last run is used" in told["reason"]
    (tracker,) = (incident for name, incident in ran.incidents.items() if name.startswith("tracker:"))
    assert "plan of the last run is used" in tracker.finding.headline
